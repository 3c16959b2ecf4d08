"""An answer as its reader sees it: sentences, items, rows and headings, and what hangs on what. No text is changed."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .lines import Kind, Line, below, leads, lines_of
from .sentences import cuts


@dataclass(frozen=True, slots=True)
class Unit:
    """What is kept or left out as one: a sentence, a table row, a heading, a fenced block."""

    start: int
    """First character; of the first one in a line, behind its bullet."""
    end: int
    """One past its last character, without white space behind it."""
    line: int
    """Which line it stands in."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A text taken apart. Every character that is not white space lies in a unit or in the bullet before one."""

    text: str
    """The text."""
    lines: tuple[Line, ...]
    """Its lines that are not blank."""
    units: tuple[Unit, ...]
    """Its units in order."""
    led: tuple[tuple[int, ...], ...]
    """For each unit those that it introduces: a heading, a lead-in. Without any of them it says nothing."""
    nested: tuple[tuple[int, ...], ...]
    """For the last unit of an item, those below the item, which go where the whole item goes."""

    def touched(self, start: int, end: int) -> range:
        """The units that a span touches, trimmed of white space; empty where it lies outside the text."""
        end = min(end, len(self.text))
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        if start >= len(self.text):
            return range(0)
        froms = [self.reach(i) for i in range(len(self.units))]
        return range(max(0, bisect_right(froms, start) - 1), bisect_right(froms, max(start, end - 1)))

    def reach(self, i: int) -> int:
        """Where a unit begins with its bullet."""
        return self.lines[self.units[i].line].start if self.is_first(i) else self.units[i].start

    def is_first(self, i: int) -> bool:
        """Whether a unit is the first of its line."""
        return i == 0 or self.units[i - 1].line != self.units[i].line

    def beside(self, i: int) -> range:
        """All units of the line of a unit."""
        line = self.units[i].line
        numbers = [u.line for u in self.units]
        return range(bisect_left(numbers, line), bisect_right(numbers, line))

    def key(self, i: int) -> str:
        """The words of a unit, to tell whether another says the same."""
        unit = self.units[i]
        return words_of(self.text[unit.start : unit.end])

    def whole_until(self, end: int) -> int:
        """End of the last unit that nothing after `end` can change, 0 where there is none.

        The text may go on behind `end`: what stands there tells where the unit before it ends.
        """
        whole = 0
        for i, unit in enumerate(self.units):
            closed = self.lines[unit.line].whole or i + 1 < len(self.units) and not self.is_first(i + 1)
            if unit.end > end or not closed:
                break
            whole = unit.end
        return whole

    def open_from(self, gone: Iterable[int]) -> int:
        """Where the text must wait: at the first unit whose fate hangs on what is still to come."""
        left_out = frozenset(gone)
        last = len(self.units) - 1
        for i, led in enumerate(self.led):
            waits = self._introduces(i) and (not led or led[-1] == last) and left_out.issuperset(led)
            if waits and (led or i == last):
                return self.units[i - 1].end if i else 0
        return len(self.text)

    def introductions(self) -> tuple[Unit, ...]:
        """Headings, lead-ins and heads of tables."""
        return tuple(unit for i, unit in enumerate(self.units) if self._introduces(i))

    def _introduces(self, i: int) -> bool:
        unit = self.units[i]
        line = self.lines[unit.line]
        fresh_table = line.kind is Kind.ROW and (unit.line == 0 or self.lines[unit.line - 1].kind is not Kind.ROW)
        return fresh_table or leads(self.lines, unit.line) or _ends_in_colon(self.text, unit)


def lay_out(text: str) -> Layout:
    """Take a text apart."""
    lines = tuple(lines_of(text))
    units = tuple(_units(text, lines))
    places: dict[int, list[int]] = {}
    for i, unit in enumerate(units):
        places.setdefault(unit.line, []).append(i)
    hung = [_hung(lines, places, i, unit) for i, unit in enumerate(units)]
    led = tuple(h if leads(lines, u.line) or _ends_in_colon(text, u) else () for h, u in zip(hung, units, strict=True))
    nested = tuple(h if lines[u.line].kind is Kind.ITEM else () for h, u in zip(hung, units, strict=True))
    return Layout(text, lines, units, led, nested)


def words_of(text: str) -> str:
    """The words and figures of a text, folded, with one space between."""
    return " ".join(_TOKEN.findall(text.casefold()))


def _hung(lines: Sequence[Line], places: dict[int, list[int]], i: int, unit: Unit) -> tuple[int, ...]:
    if places[unit.line][-1] != i:
        return ()
    return tuple(u for n in below(lines, unit.line) for u in places[n])


def _ends_in_colon(text: str, unit: Unit) -> bool:
    return text[unit.start : unit.end].rstrip(" *_").endswith((":", "："))


def _units(text: str, lines: Sequence[Line]) -> Iterator[Unit]:
    for n, line in enumerate(lines):
        ends = cuts(text, line.begin, line.end) if line.kind in {Kind.TEXT, Kind.ITEM} else ()
        begin = line.begin
        for end in (*ends, line.end):
            written = text[begin:end]
            if written.strip():
                begin += len(written) - len(written.lstrip())
                yield Unit(begin, end, n)
            begin = end


_TOKEN = re.compile(r"[^\W_]+")
