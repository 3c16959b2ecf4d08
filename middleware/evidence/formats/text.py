"""Plain text: paragraphs between blank lines, underlined, numbered or capital headings, bullets, aligned tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Block, BlockKind, Document
from .decoding import decode
from .headings import bullet_end, has_header, is_capitals, is_title, numbered_level
from .source import NO_TEXT, Source
from .tables import row_blocks

_UNDERLINE = re.compile(r"(=|-|~)\1{2,}")
_LEVEL = {"=": 1, "-": 2, "~": 3}
_CELLS = re.compile(r"\t+|\s{3,}|\s*\|\s*")
_RULE = re.compile(r"[\s|+=:_-]+")


def read(source: Source) -> Iterator[Document]:
    """The text as one document, titled by its first heading of the first level, else by its name."""
    decoded = decode(source.data())
    found = tuple(blocks(decoded.text))
    if not found:
        raise InputError(NO_TEXT)
    first = found[0]
    title = first.text if first.kind is BlockKind.HEADING and first.level == 1 else source.stem
    yield Document(source.name, About(title), found, decoded.notes)


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a plain text."""
    for chunk in re.split(r"\n[^\S\n]*\n", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")):
        lines = [line for line in chunk.split("\n") if clean(line)]
        yield from _chunk(lines)


def _chunk(lines: list[str]) -> Iterator[Block]:
    """What stands between two blank lines."""
    rows = _rows(lines)
    if rows:
        yield from row_blocks(rows, headers=int(has_header(rows)))
        return
    if len(lines) == 1 and (level := _lone_heading(clean(lines[0]))):
        yield Block(BlockKind.HEADING, clean(lines[0]), level)
        return
    waiting: list[str] = []
    is_item = False
    for number, line in enumerate(lines):
        shown = clean(line)
        below = clean(lines[number + 1]) if number + 1 < len(lines) else ""
        bare = shown[bullet_end(shown) :]
        if _UNDERLINE.fullmatch(shown):
            continue
        level = _heading(shown, below, is_first=number == 0)
        if level or bullet_end(shown):
            yield from _flushed(waiting, is_item)
            waiting, is_item = ([], False) if level else ([bare], True)
        else:
            waiting.append(shown)
        if level:
            yield Block(BlockKind.HEADING, shown, level)
    yield from _flushed(waiting, is_item)


def _flushed(lines: list[str], is_item: bool) -> Iterator[Block]:
    text = clean(" ".join(lines))
    if text:
        yield Block(BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH, text)


def _heading(line: str, below: str, *, is_first: bool) -> int:
    """Level of a heading that stands above other lines; 0 where it is none."""
    underline = _UNDERLINE.fullmatch(below)
    if underline is not None and is_title(line):
        return _LEVEL[underline[1]]
    if is_first and below and is_capitals(line) and not is_capitals(below):
        return numbered_level(line) or 1
    return 0


def _lone_heading(line: str) -> int:
    return numbered_level(line) or (1 if is_capitals(line) else 0)


def _rows(lines: list[str]) -> list[list[str]]:
    """The lines as rows of a table: at least two, each of as many cells; empty where they are none."""
    rows = [[c for c in _CELLS.split(line.strip().strip("|").strip())] for line in lines if not _RULE.fullmatch(line)]
    columns = {len(row) for row in rows}
    if len(rows) < 2 or len(columns) != 1 or columns == {1} or any(bullet_end(row[0] + " x") for row in rows):
        return []
    return rows
