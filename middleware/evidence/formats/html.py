"""HTML: headings, paragraphs, lists and tables that a reader of the page would see. Nothing is run or fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Block, BlockKind, Document
from .decoding import decode
from .headings import has_header
from .source import NO_TEXT, Source
from .superscript import raised
from .tables import Cell, grid, row_blocks

_DROPPED = frozenset(
    "script style nav footer noscript template svg math head button select option textarea iframe object"
    " audio video canvas dialog datalist map".split()
)
"""Elements whose text is no part of the document."""
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure form h1 h2 h3"
    " h4 h5 h6 header hr html legend li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
"""Elements that begin a line of their own."""
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ITEMS = frozenset({"li", "dd", "dt"})
_HIDDEN_STYLE = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|font-size:0(?![.\d])|opacity:0(?:\.0+)?(?![.\d])|(?:left|top|text-indent):-\d{3,}",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]+?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_PUBLISHER = frozenset({"dcterms.publisher", "dc.publisher", "citation_publisher", "og:site_name"})
_SUPERSCRIPT_CHARACTERS = 4


def read(source: Source) -> Iterator[Document]:
    """The page as one document."""
    data = source.data()
    declared = _CHARSET.search(data[:4096])
    decoded = decode(data, declared=declared[1].decode("ascii") if declared else None)
    root = _parsed(decoded.text)
    found = tuple(_blocks(root)) if root is not None else ()
    if root is None or not found:
        raise InputError(NO_TEXT)
    first = next((b.text for b in found if b.kind is BlockKind.HEADING), "")
    title = clean(root.findtext(".//title") or "") or first or source.stem
    language = clean(root.get("lang") or "") or None
    yield Document(source.name, About(title, _publisher(root), language=language), found, decoded.notes)


def blocks(markup: str) -> Iterator[Block]:
    """The blocks of a piece of HTML, such as one table."""
    root = _parsed(markup)
    if root is not None:
        yield from _blocks(root)


def _parsed(markup: str) -> Any:
    """The root element, None where there is no element at all."""
    html: Any = import_module("lxml.html")
    etree: Any = import_module("lxml.etree")
    text = _XML_DECLARATION.sub("", markup).replace("\0", "")
    parser = html.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    try:
        return html.document_fromstring(text, parser=parser) if text.strip() else None
    except etree.ParserError:  # nothing but comments or white space
        return None


def _publisher(root: Any) -> str | None:
    for meta in root.iter("meta"):
        if str(meta.get("name") or meta.get("property") or "").lower() in _PUBLISHER:
            return clean(meta.get("content") or "") or None
    return None


def _blocks(root: Any) -> Iterator[Block]:
    """Walks without recursion: a page may be nested deeper than Python allows."""
    etree: Any = import_module("lxml.etree")
    line = _Line()
    walk: Any = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            if is_hidden(element):
                walk.skip_subtree()
            elif tag == "table" and _is_data(element):
                yield from line.ended()
                yield from _table(element)
                walk.skip_subtree()
            else:
                yield from line.began(element)
        else:
            yield from line.left(element)
    yield from line.ended()


class _Line:
    """The text between two borders of blocks, and what kind of block it is."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._open: list[str] = []

    def began(self, element: Any) -> Iterator[Block]:
        tag = element.tag
        if tag in _BLOCKS or (tag == "br" and self._parts and self._parts[-1] == "\n"):
            yield from self.ended()
        if tag in _HEADINGS or tag in _ITEMS:
            self._open.append(tag)
        text = "\n" if tag == "br" else _own(element)
        if text:
            self._parts.append(text)

    def left(self, element: Any) -> Iterator[Block]:
        tag = element.tag
        if tag in _BLOCKS and not is_hidden(element):
            yield from self.ended()
            if (tag in _HEADINGS or tag in _ITEMS) and self._open:
                self._open.pop()
        tail = element.tail or ""
        if tail and not (tag == "br" and not tail.strip()):
            self._parts.append(tail)

    def ended(self) -> Iterator[Block]:
        text = clean("".join(self._parts))
        self._parts.clear()
        if not text:
            return
        tag = self._open[-1] if self._open else ""
        if tag in _HEADINGS:
            yield Block(BlockKind.HEADING, text, _HEADINGS[tag])
        else:
            yield Block(BlockKind.LIST_ITEM if tag in _ITEMS else BlockKind.PARAGRAPH, text)


def is_hidden(element: Any) -> bool:
    """Whether a reader of the page does not see the element, going by its name, attributes and own style."""
    if not isinstance(element.tag, str) or element.tag in _DROPPED or element.get("hidden") is not None:
        return True
    if str(element.get("aria-hidden", "")).lower() == "true":
        return True
    style = element.get("style")
    return style is not None and _HIDDEN_STYLE.search(re.sub(r"\s+", "", style)) is not None


def _own(element: Any) -> str:
    """Text before the first child. Raised figures stay raised: `10<sup>9</sup>` is not 109."""
    text = element.text or ""
    if element.tag == "sup" and len(text) <= _SUPERSCRIPT_CHARACTERS:
        return raised(text)
    return f" {text}" if element.tag == "img" else text


def _is_data(table: Any) -> bool:
    """Whether a table holds data; one that only lays out the page is read like any other block."""
    if table.get("role") == "presentation" or next(table.iterdescendants("table"), None) is not None:
        return False
    return any(sum(1 for cell in row if cell.tag in {"td", "th"}) > 1 for row in table.iter("tr"))


def _table(table: Any) -> Iterator[Block]:
    rows = [row for row in table.iter("tr") if not is_hidden(row) and not is_hidden(row.getparent())]
    for caption in table.iter("caption"):
        if text := clean(_visible(caption)):
            yield Block(BlockKind.PARAGRAPH, text)
    cells = [[_cell(c) for c in row if c.tag in {"td", "th"} and not is_hidden(c)] for row in rows]
    texts = grid(cells)
    headers = 0
    while headers < len(rows) and _is_header(rows[headers]):
        headers += 1
    yield from row_blocks(texts, headers=headers or int(has_header(texts)))


def _is_header(row: Any) -> bool:
    cells = [cell for cell in row if cell.tag in {"td", "th"}]
    return row.getparent().tag == "thead" or bool(cells) and all(cell.tag == "th" for cell in cells)


def _cell(element: Any) -> Cell:
    return Cell(_visible(element), _span(element.get("colspan")), _span(element.get("rowspan")))


def _span(value: str | None) -> int:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 4 else 1


def _visible(element: Any) -> str:
    """The seen text below an element, on one line."""
    etree: Any = import_module("lxml.etree")
    parts: list[str] = []
    walk: Any = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walk:
        if event == "start" and is_hidden(inner):
            walk.skip_subtree()
        elif event == "start":
            parts.append(" " if inner.tag in _BLOCKS or inner.tag == "br" else "")
            parts.append(_own(inner))
        elif inner is not element:
            parts.append(" " if inner.tag in _BLOCKS else "")
            parts.append(inner.tail or "")
    return "".join(parts)
