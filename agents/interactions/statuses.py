"""What a request says of each drug that it names: taken, asked about, stopped, allergic, denied, another person's."""

from __future__ import annotations

import re

from .cues import Cue, Hit
from .elapsed import days_since
from .mentions import Mention
from .stance import FLIP, Reading, Sentence, Status

_PRONOUN = re.compile(r"\b(?:it|that|this|some|one|them|those|these)\b")


def request_status(reading: Reading) -> tuple[Status, ...]:
    """What a request says of each mention, by the nearest cue before it in its sentence."""
    table = {id(m): s for sentence in reading.sentences for m, s in _statuses(sentence)}
    last: Mention | None = None
    for sentence in reading.sentences:
        if last is not None and not sentence.mentions and sentence.kinds & Cue.ASK and _PRONOUN.search(sentence.folded):
            if table.get(id(last)) in {Status.OTHER, Status.TAKEN, None}:
                table[id(last)] = Status.ASKED
        last = sentence.mentions[-1] if sentence.mentions else last
    return tuple(table.get(id(m), Status.TAKEN) for m in reading.mentions)


_STRONG = frozenset(
    "my|i'm on|im on|i am on|i take|currently|current|already|been on|stable on|taking|takes|maintained on|put me on|"
    "daily|tomo|estoy tomando|je prends|ich nehme|nehme|prendo|mi|mon|ma|on".split("|")
)


def _statuses(sentence: Sentence) -> list[tuple[Mention, Status]]:
    out: list[tuple[Mention, Status]] = []
    asks = "?" in sentence.folded or "\uff1f" in sentence.folded
    question = asks or bool(sentence.kinds & Cue.ASK)
    state = Status.ASKED if asks and not sentence.kinds & Cue.TAKING else Status.TAKEN
    events: list[tuple[int, Hit | Mention]] = [(h.start, h) for c in sentence.clauses for h in c.cues]
    events.extend((m.start, m) for m in sentence.mentions)
    events.sort(key=lambda e: e[0])
    negated = past = -1
    for at, event in events:
        if isinstance(event, Mention):
            out.append((event, _after(sentence, event, state)))
            continue
        if event.kind & Cue.NEGATE:
            negated = event.end + FLIP
        if event.kind & Cue.TAKING and not event.kind & Cue.HISTORY and at <= past:
            continue
        if event.kind & Cue.HISTORY:
            past = event.end + 4
        if event.text in _BEGUN and _long_ago(sentence):
            state = Status.TAKEN
            continue
        state = _next_state(state, event, negated=at <= negated, question=question)
    return out


_BEGUN = frozenset({"started", "has started"})
_ESTABLISHED_DAYS = 30
"""What was begun longer ago counts as established."""


def _long_ago(sentence: Sentence) -> bool:
    days = days_since(sentence.folded, 0, len(sentence.folded))
    return days is not None and days > _ESTABLISHED_DAYS


def _next_state(state: Status, hit: Hit, *, negated: bool, question: bool) -> Status:
    if hit.kind & Cue.ALLERGIC:
        return Status.NEGATED if negated else Status.ALLERGIC
    if hit.kind & Cue.HISTORY or hit.text in {"stop", "stopping", "switched from", "switch from"}:
        return Status.STOPPED
    if hit.kind & Cue.OTHER and not hit.kind & Cue.TAKING:
        return Status.OTHER
    if hit.kind & Cue.ASK:
        return Status.NEGATED if negated and not question else Status.ASKED
    if hit.kind & Cue.TAKING:
        if negated:
            return Status.NEGATED
        if state is Status.OTHER and hit.text not in {"my", "i take", "i'm on", "im on", "i am on"}:
            return state
        if state is Status.ASKED and hit.text not in _STRONG:
            return state
        return Status.TAKEN
    if hit.kind & Cue.CLAUSE and state in {Status.ALLERGIC, Status.NEGATED, Status.STOPPED, Status.OTHER}:
        return Status.TAKEN if hit.text not in {"and", "y", "et", "und"} else state
    return state


_AFTER_ALLERGY = re.compile(
    r"^[\s-]*(?:s\s+)?(?:allerg|anaphylax|hives|rash|"
    r"(?:gave|gives|give|causes?|caused|made|makes) (?:(?:me|her|him|them) )?(?:(?:to )?(?:break|broke) out|swell|"
    r"wheez|(?:(?:a |an |bad |severe |itchy |skin )*"
    r"(?:hives|rash|anaphyla|swelling|swollen|wheez|throat|face|lips|reaction))))"
)
_AFTER_STOP = re.compile(
    r"^[\s,(]*(?:\d+\s*m?c?g\s*)?(?:was |were |has been |is |got )?(?:stopped|discontinued|d/c|ended|"
    r"finished|completed|held)\b"
)


def _after(sentence: Sentence, mention: Mention, state: Status) -> Status:
    rest = sentence.folded[mention.end - sentence.start :]
    if _AFTER_ALLERGY.match(rest):
        return Status.ALLERGIC
    if _AFTER_STOP.match(rest):
        return Status.STOPPED
    return state
