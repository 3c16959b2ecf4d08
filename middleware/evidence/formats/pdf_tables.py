"""Rows of tables among the lines of a PDF: lines of several cells whose columns stand below each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..document import Block
from .headings import has_header
from .pdf_lines import Line, Run
from .tables import row_blocks

_NEAR_POINTS = 8.0
"""How far the edges of cells in one column may lie apart."""
_TIGHT = 1.35
"""Times the font's height between the lines of one cell, at most."""


@dataclass(frozen=True, slots=True)
class Table:
    """Lines that are rows of one table."""

    lines: tuple[Line, ...]


def grouped(lines: Sequence[Line]) -> Iterator[Line | Table]:
    """The lines, those of tables together."""
    start = 0
    while start < len(lines):
        end = _end(lines, start)
        if end > start:
            yield Table(tuple(lines[start:end]))
            start = end
        else:
            yield lines[start]
            start += 1


def table_blocks(table: Table) -> Iterator[Block]:
    """A block for each row, with the header where one can be told."""
    rows = _rows(table.lines)
    texts = [cells for cells, _ in rows]
    is_bold = table.lines[0].is_bold and not all(line.is_bold for line in table.lines)
    is_headed = len(texts) > 1 and (is_bold or has_header(texts))
    header = texts[0] if is_headed else None
    for cells, page in rows[int(is_headed) :]:
        if header is None:
            yield from row_blocks([cells], headers=0, page=page)
        elif cells != header:  # said again at the head of a page
            yield from row_blocks([header, cells], headers=1, page=page)


def _end(lines: Sequence[Line], start: int) -> int:
    """One past the last line of the table that begins at `start`; `start` where none does."""
    if len(lines[start].runs) < 2:
        return start
    end, rows = start + 1, 1
    while end < len(lines):
        line, widest = lines[end], max(lines[start:end][-6:], key=lambda each: len(each.runs))
        if len(line.runs) >= 2 and _is_aligned(line, widest):
            rows += 1
        elif not _continues(line, lines[end - 1], widest):
            break
        end += 1
    return end if rows >= 2 else start


def _is_aligned(line: Line, above: Line) -> bool:
    """Whether at least two cells stand below cells of the line above."""
    return sum(any(_is_below(run, other) for other in above.runs) for run in line.runs) >= 2


def _is_below(run: Run, other: Run) -> bool:
    edges = (
        run.left - other.left,
        run.right - other.right,
        (run.left + run.right - other.left - other.right) / 2,
    )
    return any(abs(edge) <= _NEAR_POINTS for edge in edges)


def _continues(line: Line, above: Line, widest: Line) -> bool:
    """Whether the line only goes on with cells of the row above."""
    if len(widest.runs) < 2 or line.page != above.page or above.top - line.top > _TIGHT * line.size:
        return False
    if not all(any(abs(run.left - other.left) <= _NEAR_POINTS for other in widest.runs) for run in line.runs):
        return False
    if line.left >= widest.runs[1].left - _NEAR_POINTS:
        return True
    return line.right <= widest.runs[1].left and line.text[:1].islower()


def _rows(lines: Sequence[Line]) -> list[tuple[list[str], int]]:
    """Cells of each row and its page; empty cells kept, so that columns stay columns."""
    widest = max(lines, key=lambda line: len(line.runs))
    rows: list[tuple[list[str], int]] = []
    for number, line in enumerate(lines):
        cells = _cells(line, widest)
        if rows and _continues(line, lines[number - 1], widest) and not _is_row(line, widest):
            above = rows[-1][0]
            rows[-1] = ([f"{one} {other}".strip() for one, other in zip(above, cells, strict=True)], rows[-1][1])
        else:
            rows.append((cells, line.page))
    return rows


def _is_row(line: Line, widest: Line) -> bool:
    """Whether the line has a cell in the first column and another beside it."""
    return len(line.runs) >= 2 and line.left < widest.runs[1].left - _NEAR_POINTS


def _cells(line: Line, widest: Line) -> list[str]:
    cells = [""] * len(widest.runs)
    for run in line.runs:
        nearest = min(range(len(cells)), key=lambda n: _distance(run, widest.runs[n]))
        cells[nearest] = f"{cells[nearest]} {run.text}".strip()
    return cells


def _distance(run: Run, other: Run) -> float:
    centre = abs(run.left + run.right - other.left - other.right) / 2
    return min(abs(run.left - other.left), abs(run.right - other.right), centre)
