"""The grammar of attacks: marks classes of words in a text and finds the patterns they form. Words are in the data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

_WORD = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*")
_STOP = re.compile(r"[.!?]\s|\n\s*\n|[。！？।]")


class Pattern(BaseModel):
    """Classes in order; see the head of `data/injection.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    subject: str
    slots: tuple[str, ...]
    gap: int
    weight: float
    guarded: bool = False
    """Does not hold where the rules are those of a discharge sheet, a nurse or the user's own words."""
    script: bool = False
    """Only for words of a script without Latin letters, where the verb stands last."""
    untrusted: bool = False
    """Only in evidence and tool results."""
    trusted: bool = False
    """Only in what people wrote: a passage may well speak of somebody's password."""
    pressure: bool = False
    """Pressure to agree, no attack on the rules."""
    across: bool = False
    """May cross the end of a sentence."""


class Grammar(BaseModel):
    """`data/injection.yaml`, one to one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: dict[str, tuple[str, ...]]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern found."""

    pattern: Pattern
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Index:
    phrases: dict[str, tuple[tuple[str, str], ...]]
    """First word → (whole phrase, class)."""
    prefixes: dict[str, tuple[str, ...]]
    """Beginning of a word → classes."""
    lengths: tuple[int, ...]
    other_script: tuple[tuple[str, str], ...]
    """Phrases found by their characters, since their script does not part words as Latin does."""


Marks = dict[str, list[tuple[int, int]]]


@cache
def grammar() -> Grammar:
    """The grammar; a pattern that names an unknown class is refused."""
    raw = (files("wardround.agents.safety") / "data" / "injection.yaml").read_text(encoding="utf-8")
    read = Grammar.model_validate(yaml.safe_load(raw))
    unknown = {slot for p in read.patterns for slot in p.slots} - set(read.classes)
    if unknown:
        raise ValueError(f"data/injection.yaml: patterns name unknown classes {sorted(unknown)}")
    return read


@cache
def _index() -> _Index:
    phrases: dict[str, list[tuple[str, str]]] = defaultdict(list)
    prefixes: dict[str, list[str]] = defaultdict(list)
    other: list[tuple[str, str]] = []
    for name, words in grammar().classes.items():
        for word in map(str.lower, words):
            if any(ord(c) >= 0x0900 for c in word):
                other.append((word, name))
            elif word.endswith("*"):
                prefixes[word[:-1]].append(name)
            elif first := _WORD.search(word):
                phrases[first.group()].append((word, name))
    return _Index(
        {k: tuple(v) for k, v in phrases.items()},
        {k: tuple(v) for k, v in prefixes.items()},
        tuple(sorted({len(p) for p in prefixes})),
        tuple(other),
    )


def marked(folded: str) -> Marks:
    """Where words of each class stand, in order."""
    index = _index()
    marks: Marks = defaultdict(list)
    for m in _WORD.finditer(folded):
        word, start = m.group(), m.start()
        for phrase, name in index.phrases.get(word, ()):
            end = start + len(phrase)
            if len(phrase) == len(word) or (folded.startswith(phrase, start) and not folded[end : end + 1].isalnum()):
                marks[name].append((start, end))
        for length in index.lengths:
            for name in index.prefixes.get(word[:length], ()) if length <= len(word) else ():
                marks[name].append((start, m.end()))
    if not folded.isascii():
        _mark_other(folded, marks)
    return marks


def _mark_other(folded: str, marks: Marks) -> None:
    if not any(ord(c) >= 0x0900 for c in set(folded)):
        return
    touched: set[str] = set()
    for phrase, name in _index().other_script:
        start = folded.find(phrase)
        while start >= 0:
            marks[name].append((start, start + len(phrase)))
            touched.add(name)
            start = folded.find(phrase, start + len(phrase))
    for name in touched:
        marks[name].sort()


def matches(folded: str, *, untrusted: bool) -> list[Match]:
    """Every pattern that holds, once each, where it holds first."""
    marks = marked(folded)
    found: list[Match] = []
    for pattern in grammar().patterns:
        if (pattern.untrusted if not untrusted else pattern.trusted) or any(
            slot not in marks for slot in pattern.slots
        ):
            continue
        for start, end in _sequences(folded, pattern, marks):
            if not (pattern.guarded and _clinical(folded, marks, start, end)):
                found.append(Match(pattern, start, end))
                break
    return found


def _sequences(folded: str, pattern: Pattern, marks: Marks) -> Iterator[tuple[int, int]]:
    """Spans in which the classes follow each other within the gap."""
    for start, end in marks[pattern.slots[0]]:
        if pattern.script and ord(folded[start]) < 0x0900:
            continue
        reach = end
        for slot in pattern.slots[1:]:
            following = _next(marks[slot], reach, pattern.gap)
            if following is None or (not pattern.across and _STOP.search(folded, reach, following[0])):
                break
            reach = following[1]
        else:
            yield start, reach


def _next(places: Sequence[tuple[int, int]], after: int, gap: int) -> tuple[int, int] | None:
    """The first place at or behind `after`, within the gap; places are in order."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if places[middle][0] < after:
            low = middle + 1
        else:
            high = middle
    if low < len(places) and places[low][0] - after <= gap:
        return places[low]
    return None


GUARD_BEFORE = 90
GUARD_AFTER = 30
"""How far from a match, in characters, a word of care or its source explains it."""


def _clinical(folded: str, marks: Marks, start: int, end: int) -> bool:
    """Whether the rules meant are those of somebody's care: named right behind, or quoted from a sheet or a person."""
    behind = _next(marks.get("care", ()), end, GUARD_AFTER)
    if behind and not _STOP.search(folded, end, behind[0]) and " and " not in folded[end : behind[0]]:
        return True
    if any(start <= s < end for s, _ in marks.get("care", ())):
        return True
    near = _next(marks.get("source", ()), end, 15)
    if near and not any(c in ".,;:!?\n" for c in folded[end : near[0]]):
        return True
    before = [s for s, e in marks.get("source", ()) if start - GUARD_BEFORE <= s and e <= end]
    rules_of_ai = any(
        start <= s < end + GUARD_AFTER for s, _ in (*marks.get("ai_rules", ()), *marks.get("persona", ()))
    )
    return bool(before) and not rules_of_ai
