"""A document cut into passages that can be found and cited alone: never across a heading, by whole sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .cleaning import clean
from .document import Block, BlockKind, Document
from .packing import Piece, packed, pieces

MAX_HEADING_CHARACTERS = 300
"""A longer heading is text that was marked as one; it is cut like text."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, small enough to be checked against one claim."""

    ordinal: int
    """Its place in the document, from 1."""
    headings: tuple[str, ...]
    """Headings above it, outermost first."""
    page: int | None
    """Page on which it begins, from 1; None where the format has no pages."""
    text: str
    """Its words; a line for each block, or for what of a block is in it."""
    locator: str
    """Where a person finds it, such as `Dosage > Renal impairment, p. 12`."""


def cut(document: Document) -> tuple[Passage, ...]:
    """The passages of a document, in order. No word of a block is lost; the same document gives the same passages."""
    found: list[Passage] = []
    for headings, page, blocks in _sections(document):
        for piece in _texts(headings, page, blocks):
            ordinal = len(found) + 1
            path = (*headings, *piece.captions)
            found.append(Passage(ordinal, path, piece.page, piece.text, locator(path, piece.page, ordinal)))
    return tuple(found)


def locator(headings: tuple[str, ...], page: int | None, ordinal: int) -> str:
    """`Dosage > Renal impairment, p. 12`; by its number where there is neither heading nor page."""
    parts = [*([" > ".join(headings)] if headings else []), *([f"p. {page}"] if page is not None else [])]
    return ", ".join(parts) or f"passage {ordinal}"


def _texts(headings: tuple[str, ...], page: int | None, blocks: list[Block]) -> Iterator[Piece]:
    if blocks:
        yield from packed(pieces(blocks))
    else:  # a heading with nothing under it may say all there is to say
        yield Piece(headings[-1], page)


def _sections(document: Document) -> Iterator[tuple[tuple[str, ...], int | None, list[Block]]]:
    """Headings above, page of the last of them, and blocks without headings; empty where a heading stands alone."""
    path: list[tuple[int, str]] = []
    page: int | None = None
    waiting: list[Block] = []
    is_alone = False
    for block in document.blocks:
        text = clean(block.text)
        if not text:
            continue
        if block.kind is not BlockKind.HEADING or len(text) > MAX_HEADING_CHARACTERS:
            waiting.append(block)
            continue
        level = max(block.level, 1)
        if waiting or is_alone and path and path[-1][0] >= level:
            yield _headings(path), page, waiting
        path = [(above, title) for above, title in path if above < level]
        path.append((level, text))
        page, waiting, is_alone = block.page, [], True
    if waiting or is_alone:
        yield _headings(path), page, waiting


def _headings(path: list[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in path)
