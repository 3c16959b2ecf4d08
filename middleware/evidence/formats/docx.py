"""Word documents (.docx): headings, paragraphs, lists and tables in order. Deleted and hidden text is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, Block, BlockKind, Document
from . import archive
from .headings import MAX_HEADING_CHARACTERS, has_header
from .source import NO_TEXT, Source
from .superscript import raised
from .tables import Cell, grid, row_blocks

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CONTAINERS = frozenset(f"{_W}{n}" for n in ("body", "sdt", "sdtContent", "customXml", "ins", "smartTag", "hyperlink"))
"""Elements that only wrap others: content controls, insertions, links."""
_TITLES = {"title": 1, "subtitle": 2}


@dataclass(frozen=True, slots=True)
class _Style:
    """What a paragraph style says of its paragraphs."""

    level: int = 0
    is_list: bool = False


def read(source: Source) -> Iterator[Document]:
    """The file as one document."""
    document: Any = _opened(source)
    styles = _styles(document)
    found = tuple(_blocks(document.element.body, styles))
    if not found:
        raise InputError(NO_TEXT)
    properties = document.core_properties
    first = next((b.text for b in found if b.kind is BlockKind.HEADING), source.stem)
    title = clean(properties.title or "") or first
    edition = clean(properties.version or "") or None
    about = About(title, edition=edition, language=clean(properties.language or "") or None)
    yield Document(source.name, about, found)


def _opened(source: Source) -> Any:
    from docx import Document as opened
    from docx.opc.exceptions import OpcError

    with archive.opened(source) as packed:
        if "word/document.xml" not in packed.namelist():
            raise InputError("not a Word document: word/document.xml is missing")
    with source.opened() as stream:
        try:
            return opened(stream)
        except (OpcError, KeyError, ValueError, SyntaxError) as error:
            raise InputError("damaged: its parts cannot be read; open it in Word and save it again") from error


def _styles(document: Any) -> Mapping[str, _Style]:
    """Meaning of each paragraph style, by id; a style inherits what it does not say itself."""
    elements = {e.get(f"{_W}styleId"): e for e in document.styles.element.iter(f"{_W}style")}
    return {key: _style(key, elements) for key in elements if key is not None}


def _style(key: str, elements: Mapping[str, Any]) -> _Style:
    level, is_list = 0, False
    seen: set[str] = set()
    while key in elements and key not in seen:
        seen.add(key)
        element = elements[key]
        name = str(_value(element, "name") or "").lower()
        level = level or _named_level(name) or _outline_level(element)
        is_list = is_list or name.startswith("list ") or next(element.iter(f"{_W}numPr"), None) is not None
        key = _value(element, "basedOn") or ""
    return _Style(level, is_list and not level)


def _named_level(name: str) -> int:
    last = name.removeprefix("heading ")
    if last != name and last.isdigit():
        return max(1, min(int(last), 6))
    return _TITLES.get(name, 0)


def _outline_level(element: Any) -> int:
    """Outline level of a style or paragraph; Word's 9 is body text."""
    found = next(element.iter(f"{_W}outlineLvl"), None)
    value = found.get(f"{_W}val") if found is not None else None
    return min(int(value) + 1, 6) if value is not None and value.isdigit() and int(value) < 9 else 0


def _value(element: Any, name: str) -> str | None:
    child = element.find(f"{_W}{name}")
    return None if child is None else child.get(f"{_W}val")


def _blocks(body: Any, styles: Mapping[str, _Style]) -> Iterator[Block]:
    for element in _unwrapped(body):
        if element.tag == f"{_W}p":
            yield from _paragraph(element, styles)
        elif element.tag == f"{_W}tbl":
            yield from _table(element, styles)


def _unwrapped(parent: Any) -> Iterator[Any]:
    """Children in order, those of wrappers in the wrapper's place."""
    waiting = list(reversed(list(parent)))
    while waiting:
        element = waiting.pop()
        if element.tag in _CONTAINERS:
            waiting.extend(reversed(list(element)))
        else:
            yield element


def _paragraph(element: Any, styles: Mapping[str, _Style]) -> Iterator[Block]:
    text = clean(_text(element))
    if not text:
        return
    properties = element.find(f"{_W}pPr")
    style = _Style()
    level, is_list = 0, False
    if properties is not None:
        style = styles.get(_value(properties, "pStyle") or "", style)
        level = _outline_level(properties)
        is_list = properties.find(f"{_W}numPr") is not None
    level = level or style.level
    if level and len(text) <= 2 * MAX_HEADING_CHARACTERS:
        yield Block(BlockKind.HEADING, text, level)
    else:
        yield Block(BlockKind.LIST_ITEM if is_list or style.is_list else BlockKind.PARAGRAPH, text)


def _text(paragraph: Any) -> str:
    """Text of the runs, of links and insertions too; not of deletions or hidden runs."""
    return "".join(_run(e) for e in _unwrapped(paragraph) if e.tag == f"{_W}r")


def _run(run: Any) -> str:
    properties = run.find(f"{_W}rPr")
    if properties is not None and _is_on(properties.find(f"{_W}vanish")):
        return ""
    parts: list[str] = []
    for child in run:
        if child.tag == f"{_W}t":
            parts.append(child.text or "")
        elif child.tag in {f"{_W}tab", f"{_W}br", f"{_W}cr"}:
            parts.append(" ")
        elif child.tag == f"{_W}noBreakHyphen":
            parts.append("-")
    text = "".join(parts)
    is_raised = properties is not None and _value(properties, "vertAlign") == "superscript"
    return raised(text) if is_raised else text


def _is_on(switch: Any) -> bool:
    return switch is not None and str(switch.get(f"{_W}val", "true")) not in {"0", "false", "off"}


def _table(table: Any, styles: Mapping[str, _Style]) -> Iterator[Block]:
    rows = [e for e in _unwrapped(table) if e.tag == f"{_W}tr"]
    cells = [[e for e in _unwrapped(row) if e.tag == f"{_W}tc"] for row in rows]
    if all(len(row) < 2 for row in cells):  # a box around text
        for row in cells:
            for cell in row:
                yield from _blocks(cell, styles)
        return
    texts = grid(list(_spanned(cells)))
    headers = 0
    while headers < len(rows) and rows[headers].find(f"{_W}trPr/{_W}tblHeader") is not None:
        headers += 1
    yield from row_blocks(texts, headers=headers or int(_is_headed(table, cells, texts)))


def _is_headed(table: Any, cells: list[list[Any]], texts: list[list[str]]) -> bool:
    """Whether the first row is a header that was not marked as one."""
    if len(texts) < 2 or not all(text.strip() for text in texts[0][1:]):
        return False
    return has_header(texts) or all(map(_is_bold, cells[0])) and not all(map(_is_bold, cells[1]))


def _is_bold(cell: Any) -> bool:
    runs = [run for run in cell.iter(f"{_W}r") if clean(_run(run))]
    return all(_is_on(run.find(f"{_W}rPr/{_W}b")) for run in runs)


def _spanned(rows: Iterable[list[Any]]) -> Iterator[list[Cell]]:
    """Cells with the text of the one above where Word merged them downwards."""
    above: dict[int, str] = {}
    for row in rows:
        found: list[Cell] = []
        column = 0
        for cell in row:
            properties = cell.find(f"{_W}tcPr")
            width = int(_value(properties, "gridSpan") or 1) if properties is not None else 1
            merge = properties.find(f"{_W}vMerge") if properties is not None else None
            goes_on = merge is not None and merge.get(f"{_W}val") != "restart"
            text = above.get(column, "") if goes_on else _cell_text(cell)
            above[column] = text
            found.append(Cell(text, width))
            column += width
        yield found


def _cell_text(cell: Any) -> str:
    return " ".join(_text(paragraph) for paragraph in cell.iter(f"{_W}p"))
