"""Markdown (CommonMark with tables), with or without YAML front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, cast

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Block, BlockKind, Document
from . import html
from .dates import day
from .decoding import decode
from .source import NO_TEXT, Source
from .tables import row_blocks

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(r"\A\s*---[^\S\n]*\n(.{0,65536}?)\n(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)
_WORDS = ("title", "publisher", "edition", "jurisdiction", "audience", "language")
"""Keys of the front matter that are texts; `effective` and `expires` are dates."""


def read(source: Source) -> Iterator[Document]:
    """The text as one document."""
    decoded = decode(source.data())
    text = decoded.text.replace("\r\n", "\n")
    front = _FRONT.match(text)
    given = _front_matter(front[1] if front else "")
    found = tuple(blocks(text[front.end() :] if front else text))
    if not found:
        raise InputError(NO_TEXT)
    first = next((b.text for b in found if b.kind is BlockKind.HEADING and b.level == 1), source.stem)
    yield Document(source.name, about(given, title=first), found, decoded.notes)


def about(given: Mapping[str, object], *, title: str) -> About:
    """What front matter says. Raises `InputError` on a date that is none."""
    words = {key: _word(given[key], key) for key in _WORDS if given.get(key) is not None}
    return About(
        words.get("title") or title,
        words.get("publisher"),
        words.get("edition"),
        _date(given.get("effective"), "effective"),
        _date(given.get("expires"), "expires"),
        words.get("jurisdiction"),
        words.get("audience"),
        words.get("language"),
    )


def _word(value: object, field: str) -> str | None:
    """One text. Lists are refused unread: a few aliases of YAML make one of millions."""
    if not isinstance(value, str | int | float | date):
        raise InputError(f"front matter: {field}: expected one text")
    return clean(str(value)) or None


def _date(value: object, field: str) -> date | None:
    if value is None:
        return None
    return day(_word(value, field) or "", field=f"front matter: {field}", is_last=field == "expires")


def _front_matter(text: str) -> Mapping[str, object]:
    import yaml

    try:
        found: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 2})" if mark is not None else ""
        raise InputError(f"front matter is not valid YAML{place}") from error
    if found is not None and not isinstance(found, dict):
        raise InputError("front matter: expected keys and values such as `title: ...`")
    return cast("Mapping[str, object]", found or {})


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a Markdown text."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    items, level = 0, 0
    rows: list[list[str]] = []
    headers = 0
    for token in tokens:
        match token.type:
            case "list_item_open":
                items += 1
            case "list_item_close":
                items -= 1
            case "heading_open":
                level = int(token.tag[1:])
            case "heading_close":
                level = 0
            case "tr_open":
                rows.append([])
            case "thead_close":
                headers = len(rows)
            case "inline" if rows:
                rows[-1].append(_inline(token))
            case "table_close":
                yield from row_blocks(rows, headers=headers)
                rows, headers = [], 0
            case _:
                yield from _block(token, level=level, is_item=items > 0)


def _block(token: Token, *, level: int, is_item: bool) -> Iterator[Block]:
    if token.type == "html_block":
        yield from html.blocks(token.content)
        return
    text = clean(_inline(token) if token.type == "inline" else token.content)
    if not text:
        return
    if level:
        yield Block(BlockKind.HEADING, text, level)
    else:
        yield Block(BlockKind.LIST_ITEM if is_item else BlockKind.PARAGRAPH, text)


def _inline(token: Token) -> str:
    """The seen text of a line; raw HTML in it is read as HTML, so that what it hides stays hidden."""
    children = token.children or []
    if any(child.type == "html_inline" for child in children):
        from html import escape

        markup = "".join(c.content if c.type == "html_inline" else escape(_shown(c)) for c in children)
        return " ".join(block.text for block in html.blocks(f"<div>{markup}</div>"))
    return "".join(map(_shown, children))


def _shown(token: Token) -> str:
    return " " if token.type in {"softbreak", "hardbreak"} else token.content
