"""openFDA drug labels: a download (plain or zipped), an answer of the API or a single label; one document each."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, BinaryIO, cast

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Block, BlockKind, Document, Refused
from . import archive, html
from .dates import day_or_none
from .label_sections import SECTIONS, LabelSection
from .source import NO_TEXT, Source

_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.?\s+(?=\S)")
_BULLETS = re.compile(r"\s[•●▪]\s*|^[•●▪]\s*")
_CHILDREN: dict[str, tuple[LabelSection, ...]] = {
    s.field: tuple(c for c in SECTIONS if c.parent == s.field) for s in SECTIONS
}
_MAX_LEVEL = 6


def read(source: Source) -> Iterator[Document | Refused]:
    """A document a label, in streaming: memory holds one label at a time."""
    ijson: Any = import_module("ijson")
    number, is_damaged = -1, False
    for where, prefix, stream in _streams(source):
        try:
            for number, label in enumerate(ijson.items(stream, prefix, use_float=True)):
                yield _label(label, where if not prefix else f"{where}: results[{number}]")
        except (ijson.JSONError, UnicodeDecodeError, *archive.DAMAGE) as error:
            reason, is_damaged = " ".join(str(error).split())[:80], True
            yield Refused(where, f"damaged behind label {number + 1}: {reason}; download it again")
    if number < 0 and not is_damaged:
        raise InputError("holds no drug label")


def _streams(source: Source) -> Iterator[tuple[str, str, BinaryIO]]:
    """Each JSON text with its name in messages, and the path to its labels."""
    if is_zip(source):
        with archive.opened(source) as packed:
            for name in sorted(n for n in packed.namelist() if n.lower().endswith(".json")):
                with packed.open(name) as probe:
                    prefix = _prefix(cast("BinaryIO", probe))
                with packed.open(name) as stream:
                    yield f"{source.where}: {clean(name)}", prefix, cast("BinaryIO", stream)
        return
    with _text(source) as probe:
        prefix = _prefix(probe)
    with _text(source) as stream:
        yield source.where, prefix, stream


def is_zip(source: Source) -> bool:
    """Whether the bytes begin as a ZIP does."""
    with source.opened() as stream:
        return stream.read(4) == b"PK\x03\x04"


@contextmanager
def _text(source: Source) -> Generator[BinaryIO, None, None]:
    with source.opened() as stream:
        if stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
        yield stream


def _prefix(stream: BinaryIO) -> str:
    """Where the labels lie: under `results`, or the whole is one."""
    ijson: Any = import_module("ijson")
    try:
        for prefix, event, value in ijson.parse(stream):
            if not prefix and event == "map_key" and value in {"results", "meta"}:
                return "results.item"
            if not prefix and event == "map_key" and value in {"set_id", "openfda", "effective_time"}:
                return ""
    except ijson.JSONError:
        return "results.item"  # the reading proper tells where it breaks off
    return ""


def _label(raw: object, where: str) -> Document | Refused:
    if not isinstance(raw, dict):
        return Refused(where, "expected a label, a JSON object")
    label = cast("Mapping[str, object]", raw)
    key = _first(label.get("set_id")) or _first(_names(label).get("spl_set_id")) or _first(label.get("id"))
    if not key:
        return Refused(where, "a label without set_id; no stable identity can be given to it")
    blocks = tuple(_blocks(label))
    if not blocks:
        return Refused(where, f"label {clean(key)} {NO_TEXT}")
    names = _names(label)
    about = About(
        _title(names) or clean(key),
        _first(names.get("manufacturer_name")) or None,
        _first(label.get("version")) or None,
        day_or_none(_first(label.get("effective_time"))),
        jurisdiction="US",
        language="en",
    )
    return Document(clean(key), about, blocks)


def _names(label: Mapping[str, object]) -> Mapping[str, object]:
    found = label.get("openfda")
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else {}


def _first(value: object) -> str:
    """The text of a value, or of the first of several."""
    if isinstance(value, list):
        value = cast("list[object]", value)[0] if value else ""
    return clean(str(value)) if isinstance(value, str | int | float) else ""


def _title(names: Mapping[str, object]) -> str:
    brand, generic = _first(names.get("brand_name")), _first(names.get("generic_name"))
    if brand and generic and brand.casefold() != generic.casefold():
        return f"{brand} ({generic})"
    return brand or generic


def _blocks(label: Mapping[str, object]) -> Iterator[Block]:
    texts = {s.field: _section_text(label.get(s.field)) for s in SECTIONS}
    for section in SECTIONS:
        is_inside = section.parent is not None and bool(texts[section.parent])
        if not is_inside:
            yield from _section(section, texts, label, level=1)


def _section_text(value: object) -> str:
    """All texts of a field, each once: some labels repeat a section word by word."""
    values = cast("list[object]", value) if isinstance(value, list) else [value]
    return " ".join(dict.fromkeys(clean(v) for v in values if isinstance(v, str)))


def _section(
    section: LabelSection, texts: Mapping[str, str], label: Mapping[str, object], *, level: int
) -> Iterator[Block]:
    """The section with its parts under headings of their own; a part's words are not said twice."""
    text = texts[section.field]
    children = [c for c in _CHILDREN[section.field] if texts[c.field]]
    if not text and not children:
        return
    yield Block(BlockKind.HEADING, section.title, min(level, _MAX_LEVEL))
    placed = sorted((text.find(texts[c.field]), c) for c in children)
    inside = [(start, child) for start, child in placed if start >= 0]
    bare, number = _without_number(text, section.title)
    position = len(text) - len(bare)
    is_parted = False
    for start, child in inside:
        if start >= position:
            yield from _paragraphs(text[position:start], number)
            yield from _section(child, texts, label, level=level + 1)
            position, is_parted = start + len(texts[child.field]), True
    if is_parted and clean(text[position:]):
        yield Block(BlockKind.HEADING, section.title, min(level, _MAX_LEVEL))
    yield from _paragraphs(text[position:], number)
    yield from _tables(label.get(f"{section.field}_table"))
    for child in (c for start, c in placed if start < 0):
        yield from _section(child, texts, label, level=level + 1)


def _without_number(text: str, title: str) -> tuple[str, str]:
    """The text without the number and title it begins with, and that number."""
    match = _NUMBER.match(text)
    number = match[1] if match else ""
    rest = text[match.end() :] if match else text
    for written in (title, title.upper()):
        if rest.casefold().startswith(written.casefold()) and not rest[len(written) : len(written) + 1].isalnum():
            return rest[len(written) :].lstrip(" :."), number
    return rest, number


def _paragraphs(text: str, number: str) -> Iterator[Block]:
    """The flat text of a section, parted at the numbers of its subsections and at bullets."""
    inner = rf"(?:(?<=[.;:)\]])\s+|^\s*){re.escape(number)}\.\d{{1,2}}\s+(?=[A-Z])" if number else None
    for part in re.split(inner, text) if inner else [text]:
        lead, *items = _BULLETS.split(part)
        if clean(lead):
            yield Block(BlockKind.PARAGRAPH, clean(lead))
        for item in items:
            if clean(item):
                yield Block(BlockKind.LIST_ITEM, clean(item))


def _tables(value: object) -> Iterator[Block]:
    """Tables that openFDA gives as HTML beside the flat text, so that a row can be found as a row."""
    for markup in cast("list[object]", value) if isinstance(value, list) else []:
        if isinstance(markup, str):
            yield from (b for b in html.blocks(markup) if b.kind is BlockKind.TABLE_ROW)
