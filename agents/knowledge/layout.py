"""The draft as lines and sentences: list items, headings, table rows, citation marks. Claims are in `claims`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from .vocabulary import table

CITATION = re.compile(
    r"[\[【]\^?((?:[A-Za-z]{0,12}[-_:.]?\d{1,4}[A-Za-z]?)(?:\s*[,;，、]\s*\^?[A-Za-z]{0,12}[-_:.]?\d{1,4}[A-Za-z]?)*)[\]】]"
)
"""A bracketed citation mark; its first group holds the labels."""


class LineKind(StrEnum):
    """What a line of a draft is."""

    TEXT = "text"
    ITEM = "item"
    HEADING = "heading"
    ROW = "row"
    RULE = "rule"
    """A line of dashes and bars: the row before it holds the headers of a table."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not empty."""

    start: int
    """First character behind bullet and white space."""
    end: int
    """One past the last character that is no white space."""
    kind: LineKind
    indent: int
    """White space before the bullet."""


def lines(text: str) -> Iterator[Line]:
    """Every line that is not empty, in order."""
    for match in _LINE.finditer(text):
        bullet = _BULLET.match(match[0])
        start, end = trimmed(text, match.start() + (bullet.end() if bullet else 0), match.end())
        if end > start:
            indent = len(match[0]) - len(match[0].lstrip())
            yield Line(start, end, _kind(text[start:end], bullet[0] if bullet else ""), indent)


def sentences(text: str, line: Line) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence of a line; a table row is one."""
    if line.kind is LineKind.RULE:
        return
    if line.kind is LineKind.ROW:
        yield line.start, line.end
        return
    start = line.start
    for cut in _cuts(text, line.start, line.end):
        first, last = trimmed(text, start, cut)
        if last > first:
            yield first, last
        start = cut


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence, list item and table row. Abbreviations and decimal points end nothing."""
    for line in lines(text):
        yield from sentences(text, line)


def cited_labels(text: str) -> tuple[str, ...]:
    """Labels of bracketed citations: `[e1]`, `[e1, e2]`, `【1】`."""
    return tuple(
        label.strip().lstrip("^")
        for match in CITATION.finditer(text)
        for label in re.split(r"[,;，、]", match[1])
        if label.strip()
    )


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _kind(text: str, bullet: str) -> LineKind:
    if _RULE.fullmatch(text):
        return LineKind.RULE
    if text.count("|") >= 2:
        return LineKind.ROW
    if "#" in bullet or _BOLD_LINE.fullmatch(text):
        return LineKind.HEADING
    return LineKind.ITEM if bullet.strip(" \t>") else LineKind.TEXT


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
    word = _LAST_WORD.search(text, max(start, stop - _LONGEST_WORD), stop)
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
    return _LOWER.match(text, cut, end) is not None


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(table("claims.yaml")["abbreviations"])


_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(r"\s*(?:[-*•·–]\s+|\d{1,2}[.)]\s+|#{1,6}\s+|>\s*)+")
_RULE = re.compile(r"[\s|:=*_-]+")
_BOLD_LINE = re.compile(r"(?:\*\*|__)[^*_\n.!?]+(?:\*\*|__):?")
_END = re.compile(r"(?:[.!?…]+[\"'”’)*_]*(?=\s|[\[【]|$)|[。！？।｡]+[”’」』）\"]*)")
_TRAILING = re.compile(r"\s*[\[【][^\]】\n]{1,40}[\]】][.]?")
_LONGEST_WORD = 64
"""Characters before a full stop that are looked at: a whole line would be, for each of its sentences."""
_LOWER = re.compile(r"[ \t*_\"'”’)]*[a-z]")
_LAST_WORD = re.compile(r"[^\s(\[]+$")
