"""The rows of a table as blocks: header told, cells that span rows or columns repeated where a row needs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..cleaning import clean, join_cells
from ..document import Block, BlockKind

_MAX_SPAN = 100
"""A wider span than this is a mistake or an attack."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as written."""

    text: str
    columns: int = 1
    """Columns it covers; its text is written once."""
    rows: int = 1
    """Rows it covers; its text is repeated in each, so that every row can be read alone."""


def grid(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """Texts of the rows, with those of cells that reach down from above in their place."""
    reaching: dict[int, tuple[str, int, int]] = {}
    filled: list[list[str]] = []
    for row in rows:
        texts: list[str] = []
        column = 0
        for cell in row:
            column = _take_down(reaching, column, texts)
            columns = max(1, min(cell.columns, _MAX_SPAN))
            texts.append(cell.text)
            if cell.rows > 1:
                reaching[column] = (cell.text, min(cell.rows, len(rows)) - 1, columns)
            column += columns
        _take_down(reaching, column, texts)
        filled.append(texts)
    return filled


def _take_down(reaching: dict[int, tuple[str, int, int]], column: int, texts: list[str]) -> int:
    """Add what reaches down into this row at `column`; the next free column."""
    while column in reaching:
        text, left, columns = reaching.pop(column)
        texts.append(text)
        if left > 1:
            reaching[column] = (text, left - 1, columns)
        column += columns
    return column


def row_blocks(rows: Sequence[Sequence[str]], *, headers: int, page: int | None = None) -> Iterator[Block]:
    """A block for each row that is not empty; the first `headers` rows are the header of the others."""
    heading = _merged(rows[:headers])
    body = rows[headers:]
    if not any(join_cells(list(row)) for row in body):
        heading, body = "", rows
    for row in body:
        text = join_cells(list(row))
        if text:
            yield Block(BlockKind.TABLE_ROW, text, page=page, header=heading or None)


def _merged(rows: Sequence[Sequence[str]]) -> str:
    """Several header rows as one, column by column where they have as many columns, else one after the other."""
    if len({len(row) for row in rows}) > 1:
        return " | ".join(filter(None, (join_cells(list(row)) for row in rows)))
    columns = ([clean(cell) for cell in column] for column in zip(*rows, strict=True))
    return join_cells([" ".join(dict.fromkeys(filter(None, column))) for column in columns])
