"""What a reader makes of a file: documents of blocks, or a refusal of one line. Not how a file is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    """The title of a section."""
    PARAGRAPH = "paragraph"
    """Running text."""
    LIST_ITEM = "list_item"
    """One item of a list, without its bullet or number."""
    TABLE_ROW = "table_row"
    """One row of a table, cells joined by ` | `."""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document, in reading order."""

    kind: BlockKind
    text: str
    """Its words; never markup."""
    level: int = 0
    """Depth of a heading, 1 to 6; 0 for everything else."""
    page: int | None = None
    """Page on which it begins, from 1; None where the format has no pages."""
    header: str | None = None
    """For a table row: the header row, cells joined by ` | `; None where there is none."""


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself. Nothing here is checked; an operator may know better."""

    title: str
    publisher: str | None = None
    """Who answers for it: an agency, a society, a manufacturer."""
    edition: str | None = None
    """Version or edition, as written."""
    effective: date | None = None
    """First day on which it holds."""
    expires: date | None = None
    """Last day on which it holds."""
    jurisdiction: str | None = None
    """Where it holds, as written, such as `US`."""
    audience: str | None = None
    """For whom it is written, as written."""
    language: str | None = None
    """BCP 47 language of the text."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document, read."""

    key: str
    """Stable identity within its source: the file's name, or the id of a record."""
    about: About
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
    """What the operator should know of the reading, one line each: a guessed encoding, pages without text."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file or record that could not be read."""

    where: str
    """Path, with the line or index of a record where there is one."""
    why: str
    """What is wrong and how to mend it, one line."""
