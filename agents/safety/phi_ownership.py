"""Whose identifier it is: known to the conversation, taken from a passage about the same person, or somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from wardround.policies.request import Audience, Case, Task

from .detector import Reading, fold, reading
from .phi_dates import day_keys
from .phi_lexicon import lexicon
from .phi_patterns import Hit

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*|\d+")
_NOT_ALNUM = re.compile(r"[\W_]+")


class Owner(Enum):
    """Whose identifier a draft repeats."""

    CONVERSATION = "conversation"
    """Somebody in the conversation wrote it before."""
    SAME_PERSON = "same person"
    """It stands in a passage or tool result about the one person that the request is about."""
    OTHER = "other"
    """Nobody in the conversation wrote it."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text prepared for look-ups."""

    words: frozenset[str]
    digits: str
    squeezed: str
    days: frozenset[tuple[int, int]]

    def holds(self, where: Reading, hit: Hit) -> bool:
        """Whether the text names the same identifier, whatever its punctuation, order or date format."""
        value = where.folded[hit.start : hit.end]
        if hit.subject in {"date", "date of birth"}:
            return bool(day_keys(value) & self.days) or _squeeze(value) in self.squeezed
        if hit.subject == "name":
            return all(w in self.words for w in _WORD.findall(value) if len(w) > 1 and w not in lexicon().particles)
        digits = "".join(c for c in value if c.isdigit())
        if hit.subject in {"phone", "ssn", "account"}:
            return len(digits) >= 4 and digits[-10:] in self.digits
        return _squeeze(value) in self.squeezed


def prepared(texts: Sequence[str]) -> Text:
    """The texts as one, ready for look-ups."""
    folded = fold("\n".join(texts))
    return Text(
        frozenset(w.removesuffix("'s") for w in _WORD.findall(folded)),
        "".join(c for c in folded if c.isdigit()),
        _squeeze(folded),
        day_keys(folded),
    )


def conversation(case: Case) -> Text:
    """What people and application wrote: everything but tool results and passages."""
    return prepared([m.text for m in case.request.messages if m.role != "tool"])


def same_person(case: Case, known: Text, hits_of: Sequence[tuple[Reading, Sequence[Hit]]]) -> list[Text]:
    """Passages and tool results about the person that the request is about, and about nobody else.

    A passage qualifies where it repeats an identifier of the conversation, or where a professional asks for a summary
    or letter; and only where it holds the record of one person.
    """
    professional = case.audience in {Audience.CLINICIAN, Audience.PHARMACIST}
    asked = professional and case.task in {Task.RECORD_SUMMARY, Task.LETTER}
    accepted: list[str] = []
    for where, hits in hits_of:
        strong = [
            h for h in hits if h.subject in {"name", "mrn", "date of birth", "ssn", "insurance id"} and not h.role
        ]
        shared = any(known.holds(where, h) for h in strong)
        if strong and (shared or asked) and _one_person(where, strong):
            accepted.append(where.text)
    return [prepared(accepted)] if accepted else []


def _one_person(where: Reading, hits: Sequence[Hit]) -> bool:
    """At most one record number and one date of birth; names beside them are the patient's or relatives'."""
    for subject in ("mrn", "date of birth", "ssn", "insurance id"):
        values = {_squeeze(where.folded[h.start : h.end]) for h in hits if h.subject == subject}
        if len(values) > 1:
            return False
    full = {frozenset(_WORD.findall(where.folded[h.start : h.end])) for h in hits if h.subject == "name"}
    numbered = any(h.subject in {"mrn", "date of birth"} for h in hits)
    return numbered or len({f for f in full if len(f) > 1}) <= 1


def _squeeze(text: str) -> str:
    return _NOT_ALNUM.sub("", text)


def readings(pairs: Sequence[tuple[str, str]]) -> tuple[Reading, ...]:
    """Channel and text pairs as readings."""
    return tuple(reading(channel, text) for channel, text in pairs if text)
