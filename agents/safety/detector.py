"""What a detector of the safety agent is, and how it reads a case: channels, folded text, findings with spans."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wardround.policies.finding import Citation, Finding, FindingKind, Severity, Span
from wardround.policies.request import Case

AGENT = "safety"
"""Name of the agent in findings, receipts and the policy's `agents:` section."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One text of a case, with the folded form that rules match on."""

    channel: str
    """Name of the channel in spans: `request`, `messages[i]`, `draft`, `draft[i]`, `evidence[ID]`, `tool_call[ID]`."""
    text: str
    """The text as it came."""
    folded: str
    """Lower case, compatibility forms and typographic quotes, dashes and spaces made plain. Exactly as long as
    `text`, so an offset in one is the same offset in the other."""


class Detector(Protocol):
    """One question asked of a case. Pure: the same case gives the same findings. One file each, one line in `agent`.

    A detector may raise: the agent turns that into `agent_failure` and the others still report.
    """

    @property
    def name(self) -> str:
        """Switch in the policy's `agents: safety:` section; the guardrails name is `wardround/NAME`."""
        ...

    @property
    def kind(self) -> FindingKind:
        """The kind of its findings."""
        ...

    def screen(self, case: Case) -> Sequence[Finding]:
        """Look at the request, earlier turns, tool results and evidence, before a model is called."""
        ...

    def check(self, case: Case) -> Sequence[Finding]:
        """Look at the draft and the tool calls in the light of the request; repeats nothing that `screen` reports.

        With `case.complete` False more text may follow: report nothing that only more text could settle.
        """
        ...


def reading(channel: str, text: str) -> Reading:
    """The text of a channel with its folded form."""
    return Reading(channel, text, fold(text))


def fold(text: str) -> str:
    """Lower-case, plain form of a text, one character for one: offsets stay valid. Accents are kept."""
    return text.lower() if text.isascii() else text.translate(_TABLE)


def user_readings(case: Case) -> tuple[Reading, ...]:
    """Every user message, oldest first; the last one is channel `request`."""
    return tuple(reading(c, t) for c, t in case.user_texts() if t)


def request_reading(case: Case) -> Reading:
    """The last user message, possibly empty."""
    return reading("request", case.request.text)


def untrusted_readings(case: Case) -> tuple[Reading, ...]:
    """Evidence and tool results: text that nobody in the conversation vouches for."""
    return tuple(reading(c, t) for c, t in (*case.evidence_texts(), *case.tool_results()) if t)


def draft_readings(case: Case) -> tuple[Reading, ...]:
    """The draft and the arguments of its tool calls."""
    calls = tuple(reading(f"tool_call[{c.id}]", c.arguments) for c in case.tool_calls if c.arguments)
    draft = (reading(case.draft_channel, case.draft),) if case.draft else ()
    return draft + calls


def finding(
    kind: FindingKind,
    severity: Severity,
    message: str,
    *,
    subjects: Iterable[str] = (),
    confidence: float = 0.9,
    span: Span | None = None,
    code: str | None = None,
    citations: tuple[Citation, ...] = (),
) -> Finding:
    """A finding of the safety agent. The message must not quote the text it is about."""
    return Finding(
        agent=AGENT,
        kind=kind,
        subjects=tuple(subjects),
        severity=severity,
        confidence=confidence,
        message=message,
        span=span,
        citations=citations,
        code=code,
    )


def span_of(where: Reading, start: int, end: int) -> Span:
    """The span of characters `start` to `end` of a reading."""
    return Span(channel=where.channel, start=start, end=end)


class _FoldTable(dict[int, int]):
    """Code point to folded code point, filled as characters are met; bounded by the size of Unicode."""

    def __missing__(self, code: int) -> int:
        folded = _fold_char(chr(code))
        self[code] = folded
        return folded


_PLAIN = {
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u02bc": "'", "\u00b4": "'", "`": "`",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
}  # fmt: skip


def _fold_char(char: str) -> int:
    """The folded code point of one character; one that folds to several keeps its own lower case or itself."""
    plain = _PLAIN.get(char)
    if plain is not None:
        return ord(plain)
    for candidate in (unicodedata.normalize("NFKC", char).casefold(), char.casefold(), char.lower()):
        if len(candidate) == 1:
            return ord(candidate)
    return ord(char)


_TABLE = _FoldTable()
