"""The draft as claims: sentences, list items and table rows with their spans, each with its class and its citations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from .quantities import find_quantities
from .vocabulary import strip_accents, table


class ClaimKind(StrEnum):
    """What a sentence is, which says what evidence it needs."""

    FACT = "fact"
    """A medical statement true or false of the world."""
    INSTRUCTION = "instruction"
    """What the reader should do."""
    PATIENT = "patient"
    """A statement about this patient."""
    QUOTATION = "quotation"
    """Words of somebody else, marked as such."""
    TALK = "talk"
    """Courtesy, questions, advice to see someone: needs no evidence."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, list item or table row of a draft."""

    start: int
    """First character in the draft."""
    end: int
    """One past its last character, citation marks included."""
    text: str
    """Exactly `draft[start:end]`."""
    kind: ClaimKind
    citations: tuple[str, ...]
    """Labels in brackets, as written, in order."""


def find_claims(draft: str, language: str = "en") -> tuple[Claim, ...]:
    """Every sentence, list item and table row of a draft, in order."""
    return tuple(_claim(draft, start, end, language) for start, end in sentence_spans(draft))


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence, list item and table row. Abbreviations and decimal points end nothing."""
    for line in _LINE.finditer(text):
        start, end = _trim(text, line.start() + _bullet(line[0]), line.end())
        if end <= start or _RULE.fullmatch(text[start:end]):
            continue
        if text[start:end].count("|") >= 2:
            yield start, end
            continue
        for cut in _cuts(text, start, end):
            first, last = _trim(text, start, cut)
            if last > first:
                yield first, last
            start = cut


def cited_labels(text: str) -> tuple[str, ...]:
    """Labels of bracketed citations: `[e1]`, `[e1, e2]`, `【1】`."""
    return tuple(
        label.strip().lstrip("^")
        for match in CITATION.finditer(text)
        for label in re.split(r"[,;，、]", match[1])
        if label.strip()
    )


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Ends of the sentences of one line; a citation mark behind the full stop belongs to the sentence before."""
    for match in _END.finditer(text, start, end):
        cut = match.end()
        if match[0][0] == "." and (_abbreviated(text, start, match.start()) or _goes_on(text, cut, end)):
            continue
        while trailing := _TRAILING.match(text, cut, end):
            cut = trailing.end()
        yield cut
    yield end


def _abbreviated(text: str, start: int, stop: int) -> bool:
    word = _LAST_WORD.search(text, start, stop)
    if word is None:
        return False
    bare = word[0].lower()
    return (
        bare in _abbreviations()
        or (len(bare) == 1 and bare.isalpha())
        or bare.isdigit()
        and len(bare) <= 2
        and word.start() == start
    )


def _goes_on(text: str, cut: int, end: int) -> bool:
    """Whether the next word is lower case: then the full stop belonged to a shortened word."""
    rest = text[cut:end].lstrip(" \t*_\"'”’)")
    return bool(rest) and rest[0].islower() and rest[0].isascii()


def _claim(draft: str, start: int, end: int, language: str) -> Claim:
    text = draft[start:end]
    return Claim(start, end, text, classify(text, language), cited_labels(text))


def classify(text: str, language: str = "en") -> ClaimKind:
    """The class of one sentence."""
    bare = strip_accents(CITATION.sub("", text).strip().lower().replace("’", "'"))
    words = _WORDS.findall(bare)
    if not words or bare.endswith(("?", "？")) or bare.endswith(":") and len(words) < 8:
        return ClaimKind.TALK
    cues = _cues()
    if any(c in bare for c in cues["talk"]) and not find_quantities(text, language):
        return ClaimKind.TALK
    if _QUOTED.match(text.strip()):
        return ClaimKind.QUOTATION
    if words[0] in cues["instruction"] or any(c in bare for c in cues["must"]):
        return ClaimKind.INSTRUCTION
    if cues["patient"].intersection(words):
        return ClaimKind.PATIENT
    return ClaimKind.FACT


def _bullet(line: str) -> int:
    match = _BULLET.match(line)
    return match.end() if match else 0


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(table("claims.yaml")["abbreviations"])


@cache
def _cues() -> dict[str, frozenset[str]]:
    return {k: frozenset(strip_accents(w.lower()) for w in v) for k, v in table("claims.yaml")["cues"].items()}


CITATION = re.compile(
    r"[\[【]\^?((?:[A-Za-z]{0,12}[-_:.]?\d{1,4}[A-Za-z]?)(?:\s*[,;，、]\s*\^?[A-Za-z]{0,12}[-_:.]?\d{1,4}[A-Za-z]?)*)[\]】]"
)
_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(r"\s*(?:[-*•·–]\s+|\d{1,2}[.)]\s+|#{1,6}\s+|>\s*)+")
_RULE = re.compile(r"[\s|:=*_-]+")
_END = re.compile(r"(?:[.!?…]+[\"'”’)*_]*(?=\s|[\[【]|$)|[。！？।｡]+[”’」』）\"]*)")
_TRAILING = re.compile(r"\s*[\[【][^\]】\n]{1,40}[\]】][.]?")
_LAST_WORD = re.compile(r"[^\s(\[]+$")
_WORDS = re.compile(r"(?:[^\W\d_]|[\u0900-\u0963])+(?:'[^\W\d_]+)?")
_QUOTED = re.compile(r"^[\"“«„].+[\"”»“][.!]?\s*(?:\[.*\])?$")
