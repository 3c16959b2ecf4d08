"""The lines of an answer in Markdown: what each is, and which hang on which. Sentences live in `layout`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a line of an answer is."""

    TEXT = "text"
    ITEM = "item"
    """One that begins with a bullet or a number."""
    ROW = "row"
    """A row of a table, its head included."""
    RULER = "ruler"
    """The line between head and body of a table."""
    HEADING = "heading"
    BREAK = "break"
    """A line of dashes between two parts."""
    CODE = "code"
    """A fenced block, taken as one line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank."""

    start: int
    """Its first character."""
    end: int
    """One past its last that is not white space."""
    kind: Kind
    indent: int
    """Characters before its bullet or its text."""
    begin: int
    """Where its text begins, behind a bullet or number."""
    number: tuple[int, int] | None
    """Where the number of a numbered item stands."""
    level: int
    """Of a heading: 1 the highest, 7 a line in bold."""
    after_blank: bool
    """Whether a blank line stands before it."""
    whole: bool
    """Whether it has come to its end: a line break behind it, and the fence of a fenced block."""


def lines_of(text: str) -> Iterator[Line]:
    """The lines of a text that are not blank, in order."""
    blank, before = False, Kind.TEXT
    for start, end, whole in _raw(text):
        if not text[start:end].strip():
            blank, before = True, Kind.TEXT
            continue
        line = _line(text[start:end].rstrip(), start, before, blank=blank, whole=whole)
        yield line
        blank, before = False, line.kind


def leads(lines: Sequence[Line], n: int) -> bool:
    """Whether a line stands there only for what comes below it: a heading, a break, the head of a table."""
    return lines[n].kind in {Kind.HEADING, Kind.BREAK, Kind.RULER} or _is_table_head(lines, n)


def below(lines: Sequence[Line], n: int) -> Iterator[int]:
    """The lines that hang on a line: a section, the rows of a table, a list, or the one line that a lead-in opens."""
    line = lines[n]
    match line.kind:
        case Kind.HEADING:
            yield from _while(lines, n, lambda m: m.kind is not Kind.HEADING or m.level > line.level)
        case Kind.BREAK:
            yield from _while(lines, n, lambda m: m.kind is not Kind.BREAK)
        case Kind.TEXT | Kind.ITEM:
            yield from _block(lines, n)
        case Kind.ROW | Kind.RULER if leads(lines, n):
            yield from _while(lines, n, lambda m: m.kind in {Kind.ROW, Kind.RULER} and not m.after_blank)
        case _:
            return


def _raw(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whole) of every line; a fenced block is one."""
    at, size = 0, len(text)
    while at < size:
        end = _end_of_line(text, at)
        fence = _FENCE.match(text, at, end)
        whole = end < size
        if fence:
            whole = False
            while end < size and not whole:
                start, end = end + 1, _end_of_line(text, end + 1)
                whole = text[start:end].strip().startswith(fence[1]) and end < size
        yield at, end, whole
        at = end + 1


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _line(written: str, start: int, before: Kind, *, blank: bool, whole: bool) -> Line:
    begin = indent = len(written) - len(written.lstrip())
    kind, level, number = Kind.TEXT, 0, None
    if _FENCE.match(written):
        kind = Kind.CODE
    elif before is Kind.ROW and _RULER.fullmatch(written):
        kind = Kind.RULER
    elif _BREAK.fullmatch(written):
        kind = Kind.BREAK
    elif written.count("|") >= _PIPES:
        kind = Kind.ROW
    elif heading := _HEADING.match(written):
        kind, level, begin = Kind.HEADING, len(heading[1]), heading.end()
    elif _BOLD.fullmatch(written):
        kind, level = Kind.HEADING, 7
    elif (bullet := _BULLET.match(written)) and bullet.end() < len(written):
        kind, indent, begin = Kind.ITEM, len(bullet[1]), bullet.end()
        number = (start + bullet.start(2), start + bullet.end(2)) if bullet[2] else None
    return Line(start, start + len(written), kind, indent, start + begin, number, level, blank, whole)


def _is_table_head(lines: Sequence[Line], n: int) -> bool:
    return lines[n].kind is Kind.ROW and n + 1 < len(lines) and lines[n + 1].kind is Kind.RULER


def _while(lines: Sequence[Line], n: int, goes_on: Callable[[Line], bool]) -> Iterator[int]:
    for m in range(n + 1, len(lines)):
        if not goes_on(lines[m]):
            return
        yield m


def _block(lines: Sequence[Line], n: int) -> Iterator[int]:
    """The list, table, line or fenced block right below a line of text or an item."""
    if n + 1 >= len(lines):
        return
    lead, head = lines[n], lines[n + 1]
    deeper = lead.kind is not Kind.ITEM or head.indent > lead.indent
    if head.kind is Kind.ITEM and deeper:
        yield n + 1
        yield from _while(lines, n + 1, lambda m: _belongs(m, head.indent))
    elif head.kind is Kind.ROW:
        yield from _while(lines, n, lambda m: m.kind in {Kind.ROW, Kind.RULER})
    elif head.kind in {Kind.TEXT, Kind.CODE} and deeper:
        yield n + 1


def _belongs(line: Line, depth: int) -> bool:
    """Whether a line goes on with a list whose items stand at `depth`."""
    if line.kind in {Kind.HEADING, Kind.BREAK}:
        return False
    return line.indent >= depth if line.kind is Kind.ITEM else line.indent > depth or not line.after_blank


_PIPES = 2
"""Bars that make a line a row of a table."""
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_RULER = re.compile(r"[\s|:+-]*-[\s|:+-]*")
_BREAK = re.compile(r"\s*(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,}|={3,})")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+")
_BOLD = re.compile(r"\s*(\*\*|__)(?!\s)(?:(?!\1).)*[^\s.!?。！？]\1:?")
_BULLET = re.compile(r"([\s>]*)(?:[-*+•·–](?=\s)|(\d{1,3})(?:[.)](?=\s)|[、．])|(?<=>)(?=\s))\s*")
