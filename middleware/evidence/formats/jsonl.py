"""One record a line: JSON objects with an id and a text or sections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Block, BlockKind, Document, Refused
from . import text
from .dates import day
from .source import NO_TEXT, Source


class Section(BaseModel):
    """A titled part of a record."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    heading: str | None = None
    text: str = ""


class Record(BaseModel):
    """One line. Further keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    id: str = Field(min_length=1)
    text: str | None = None
    """Plain text; blank lines part paragraphs."""
    sections: tuple[Section, ...] = ()
    """Instead of a text, or after it."""
    title: str | None = None
    publisher: str | None = None
    edition: str | None = None
    effective: str | None = None
    expires: str | None = None
    jurisdiction: str | None = None
    audience: str | None = None
    language: str | None = None

    @field_validator("title", "publisher", "edition", "jurisdiction", "audience", "language")
    @classmethod
    def _cleaned(cls, value: str | None) -> str | None:
        return clean(value) or None if value is not None else None


def read(source: Source) -> Iterator[Document | Refused]:
    """A document a line; a bad line is refused and the next is read."""
    with source.opened() as lines:
        for number, line in enumerate(lines, 1):
            stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
            if stripped:
                yield _document(stripped, f"{source.where}:{number}")


def _document(line: bytes, where: str) -> Document | Refused:
    try:
        raw: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Refused(where, f"not valid JSON: {error.msg}")
    if not isinstance(raw, dict):
        return Refused(where, "expected a JSON object with id and text")
    try:
        record = Record.model_validate(raw)
        about = _about(record)
    except ValidationError as error:
        return Refused(where, mistake(error))
    except InputError as error:
        return Refused(where, str(error))
    blocks = tuple(_blocks(record))
    if not any(block.kind is not BlockKind.HEADING for block in blocks):
        return Refused(where, NO_TEXT)
    return Document(record.id, about, blocks)


def mistake(error: ValidationError) -> str:
    """The first mistake as one line: field, then what is wrong. Never quotes the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    reason = " ".join(first["msg"].split())
    return f"{'.'.join(map(str, first['loc'])) or 'record'}: {reason[:1].lower()}{reason[1:]}"


def _about(record: Record) -> About:
    return About(
        record.title or record.id,
        record.publisher,
        record.edition,
        day(record.effective, field="effective") if record.effective else None,
        day(record.expires, field="expires", is_last=True) if record.expires else None,
        record.jurisdiction,
        record.audience,
        record.language,
    )


def _blocks(record: Record) -> Iterator[Block]:
    yield from text.blocks(record.text or "")
    for section in record.sections:
        if heading := clean(section.heading or ""):
            yield Block(BlockKind.HEADING, heading, 1)
        for block in text.blocks(section.text):
            is_heading = block.kind is BlockKind.HEADING
            yield Block(block.kind, block.text, min(block.level + 1, 6), header=block.header) if is_heading else block
