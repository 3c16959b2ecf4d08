"""The citations and findings of an answer as its client gets them: numbered, placed, silent on what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from wardround.agents.citing import markers, passage
from wardround.agents.layout import words_of
from wardround.agents.release import channel_of
from wardround.agents.state import Edit, Outcome, RoundState, findings_of
from wardround.agents.wording import moved
from wardround.policies.finding import Finding, Span
from wardround.policies.load import Policy

NOT_QUOTED = "This is about a sentence that was left out of the answer."
"""Stands for a message that repeats words of such a sentence."""
_RUN = 4
"""Words in a row that make a message repeat a sentence."""


def citations(state: RoundState, policy: Policy, outcome: Outcome | None) -> list[dict[str, Any]]:
    """Claims of the current draft that evidence bears out, each with its passages; those that were left out are not.

    `span` counts in the draft's text; `released_span`, where the text that went out differs, in that.
    """
    if policy.document.agents.citations == "none":
        return []
    draft = state.get("draft")
    revision = draft.revision if draft else 0
    supported = [s for c in state.get("checks", ()) if c.revision == revision for s in c.supported]
    edits = _edits(state, outcome)
    placed = [(s, place) for s in supported if (place := _placed(s.span, edits)) is not None]
    numbers = markers(s for s, _ in placed)
    return [
        {
            "span": s.span.model_dump(mode="json"),
            **({"released_span": place.model_dump(mode="json")} if edits.get(place.channel) else {}),
            "citations": [c.model_dump(mode="json") | {"marker": numbers[passage(c)]} for c in s.citations],
            "confidence": s.confidence,
        }
        for s, place in placed
    ]


def findings(state: RoundState, outcome: Outcome | None) -> list[dict[str, Any]]:
    """The findings of a round; a message that repeats a sentence which was left out is replaced."""
    gone = _left_out(state, outcome)
    return [_silent(f, gone) if gone else f.as_json() for f in findings_of(state)]


def _edits(state: RoundState, outcome: Outcome | None) -> dict[str, Sequence[Edit]]:
    """Changes by channel."""
    draft = state.get("draft")
    if draft is None or outcome is None or not outcome.edits:
        return {}
    return {channel_of(c.index): edits for c, edits in zip(draft.choices, outcome.edits, strict=True)}


def _placed(span: Span, edits: dict[str, Sequence[Edit]]) -> Span | None:
    place = moved(edits.get(span.channel, ()), span.start, span.end)
    return None if place is None else Span(channel=span.channel, start=place[0], end=place[1])


def _left_out(state: RoundState, outcome: Outcome | None) -> tuple[str, ...]:
    draft = state.get("draft")
    by_channel = _edits(state, outcome)
    texts = {channel_of(c.index): c.text for c in draft.choices} if draft else {}
    return tuple(
        words_of(texts[channel][e.start : e.end]) for channel, es in by_channel.items() for e in es if e.kind == "drop"
    )


def _silent(finding: Finding, gone: Sequence[str]) -> dict[str, Any]:
    told = finding.as_json()
    of_draft = finding.span is not None and finding.span.channel.startswith("draft")
    runs = {run for sentence in gone for run in (*_runs(sentence), *(_amounts(sentence) if of_draft else ()))}
    if _repeats(finding.message, gone, runs):
        told["message"] = NOT_QUOTED
    explanation: dict[str, Any] = told["explanation"] or {}
    for name, text in explanation.items():
        if isinstance(text, str) and _repeats(text, gone, runs):
            explanation[name] = ""
    return told


def _repeats(text: str, gone: Sequence[str], runs: Iterable[str]) -> bool:
    """Whether a text holds a run of words of a sentence, an amount, the whole of a short one, or quotes any of it."""
    words = f" {words_of(text)} "
    if any(f" {run} " in words for run in runs):
        return True
    quoted = [q for m in _QUOTED.finditer(text) if (q := words_of(m[1]))]
    return any(f" {q} " in f" {sentence} " for q in quoted for sentence in gone)


def _runs(sentence: str) -> list[str]:
    words = sentence.split()
    return [" ".join(words[i : i + _RUN]) for i in range(max(1, len(words) - _RUN + 1))] if words else []


def _amounts(sentence: str) -> list[str]:
    """A figure with the word behind it: `500 mg`."""
    words = sentence.split()
    return [f"{a} {b}" for a, b in zip(words, words[1:], strict=False) if a.isdecimal()]


_QUOTED = re.compile(r"[\"“„«‘「『']([^\"”“»’」』']{3,})[\"”“»’」』']")
