"""Lines of a PDF as blocks: headings, paragraphs joined over line and page ends, list items, rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..cleaning import clean
from ..document import Block, BlockKind
from .headings import bullet_end
from .pdf_headings import Bookmark, Headings
from .pdf_hyphens import Hyphens
from .pdf_lines import Line
from .pdf_tables import Table, grouped, table_blocks

_LEADERS = re.compile(r"(?:\.\s?){4,}\s*(?:\d+|[ivxlc]+)$", re.IGNORECASE)
"""Dots that lead to a page number: a line of the table of contents."""
_ENDS = re.compile(r"[.!?:;。！？।][\"'”’)\]]*(?:\s*\[?\d{1,3}(?:[,–-]\d{1,3})*\]?)?$")
_SHORT = 0.12
"""Part of the column's width that the last line of a paragraph leaves free."""
_INDENT = 0.8
"""Font heights by which the first line of a paragraph may be indented."""


def blocks(lines: Sequence[Line], outline: Sequence[Bookmark]) -> Iterator[Block]:
    """The blocks of a whole document. Lines of its table of contents are dropped."""
    kept = [line for line in lines if clean(line.text) and not _LEADERS.search(line.text)]
    headings = Headings(kept, outline)
    yield from _Blocks(kept, headings).all()


class _Blocks:
    """Collects lines until something else begins."""

    def __init__(self, lines: Sequence[Line], headings: Headings) -> None:
        self._lines = lines
        self._headings = headings
        self._hyphens = Hyphens(line.text for line in lines)
        self._waiting: list[Line] = []
        self._is_item = False

    def all(self) -> Iterator[Block]:
        index, skipped = 0, 0
        for part in grouped(self._lines):
            if isinstance(part, Table):
                yield from self._ended()
                yield from table_blocks(part)
                index += len(part.lines)
                continue
            if skipped:
                skipped -= 1
            else:
                count, level = self._headings.at(index)
                if count:
                    yield from self._ended()
                    yield self._heading(index, count, level)
                    skipped = count - 1
                else:
                    yield from self._line(index)
            index += 1
        yield from self._ended()

    def _heading(self, index: int, count: int, level: int) -> Block:
        lines = self._lines[index : index + count]
        return Block(BlockKind.HEADING, self._joined(lines), level, lines[0].page)

    def _line(self, index: int) -> Iterator[Block]:
        line = self._lines[index]
        is_bullet = bullet_end(line.text) > 0 and not self._is_continued_number(line)
        if is_bullet or not self._goes_on(index):
            yield from self._ended()
            self._is_item = is_bullet
        self._waiting.append(line)

    def _ended(self) -> Iterator[Block]:
        if not self._waiting:
            return
        text = self._joined(self._waiting)
        page = self._waiting[0].page
        kind = BlockKind.LIST_ITEM if self._is_item else BlockKind.PARAGRAPH
        self._waiting, self._is_item = [], False
        bare = text[bullet_end(text) :] if kind is BlockKind.LIST_ITEM else text
        if bare:
            yield Block(kind, bare, page=page)

    def _joined(self, lines: Sequence[Line]) -> str:
        return clean(self._hyphens.join([clean(line.text) for line in lines]))

    def _is_continued_number(self, line: Line) -> bool:
        """Whether what looks like a list's number is the end of a sentence: `at a dose of` and `10. Then ...`."""
        if not self._waiting or not line.text[:1].isdigit():
            return False
        last = self._waiting[-1]
        is_full = last.right > last.column[1] - _SHORT * (last.column[1] - last.column[0])
        return not self._is_item and is_full and not _ENDS.search(last.text)

    def _goes_on(self, index: int) -> bool:
        """Whether the line belongs to what is waiting."""
        if not self._waiting:
            return False
        last, line = self._waiting[-1], self._lines[index]
        if last is not self._lines[index - 1] or abs(last.size - line.size) > 0.12 * max(last.size, line.size):
            return False
        width = last.column[1] - last.column[0]
        is_full = last.right > last.column[1] - _SHORT * width
        has_ended = _ENDS.search(last.text) is not None
        if last.page != line.page or last.top < line.top:  # over the end of a page or column
            return not has_ended and (line.text[:1].islower() or is_full)
        if self._headings.stands_apart(index):
            return False
        if self._is_item and line.left <= self._waiting[0].left + 1:
            return is_full and not has_ended
        is_indented = line.left > last.left + _INDENT * line.size and len(self._waiting) > 1
        return not (has_ended and (not is_full or is_indented))
