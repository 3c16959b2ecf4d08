"""PDF: lines in reading order, without running headers and footers, as headings, paragraphs, lists and table rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

from wardround.policies.errors import InputError

from ..cleaning import clean
from ..document import About, BlockKind, Document
from .pdf_blocks import blocks
from .pdf_lines import Line, lines
from .pdf_running import without_running
from .pdf_words import PageText
from .source import NO_TEXT, Source

MAX_PAGES = 20_000
"""Longer files are not documents."""
_SCANNED = f"{NO_TEXT}; a scanned PDF needs OCR first"
_MAX_DEPTH = 6
_ONE_AT_A_TIME = threading.Lock()
"""PDFium keeps global state; two threads in it at once crash the process."""
_NO_TITLES = ("microsoft word", "untitled", "powerpoint", "slide 1", "layout 1")


class Mark(NamedTuple):
    """One bookmark of the outline."""

    title: str
    level: int
    """From 1."""
    page: int
    """From 1."""


class _Content(NamedTuple):
    pages: list[list[Line]]
    outline: tuple[Mark, ...]
    title: str
    language: str


def read(source: Source) -> Iterator[Document]:
    """The file as one document."""
    content = _content(source)
    found = tuple(blocks(list(without_running(content.pages)), content.outline))
    if not found:
        raise InputError(_SCANNED)
    first = next((b.text for b in found if b.kind is BlockKind.HEADING), source.stem)
    empty = sum(1 for page in content.pages if not page)
    total = len(content.pages)
    notes = (f"{empty} of {total} pages contain no text; scanned pages need OCR first",) if empty else ()
    yield Document(source.name, About(content.title or first, language=content.language or None), found, notes)


def _content(source: Source) -> _Content:
    """Everything that is taken from the file. Raises `InputError` where it cannot be opened."""
    pdfium: Any = import_module("pypdfium2")
    raw: Any = import_module("pypdfium2.raw")
    with _ONE_AT_A_TIME:
        try:
            document: Any = pdfium.PdfDocument(source.data())
        except pdfium.PdfiumError as error:
            if error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
                raise InputError("encrypted PDF; save it without a password") from error
            raise InputError("corrupt PDF, or cut short; copy or download it again") from error
        try:
            if len(document) > MAX_PAGES:
                raise InputError(f"has {len(document):,} pages, more than the {MAX_PAGES:,} allowed; split it")
            pages = [_page(document, number) for number in range(len(document))]
            return _Content(pages, _outline(document), _title(document), _language(document, raw))
        except pdfium.PdfiumError as error:
            raise InputError("corrupt PDF: one of its pages cannot be read; copy or download it again") from error
        finally:
            document.close()


def _page(document: Any, index: int) -> list[Line]:
    page: Any = document[index]
    try:
        text: Any = page.get_textpage()
        try:
            rotation = int(page.get_rotation())
            width, height = (float(each) for each in page.get_size())
            unturned = (height, width) if rotation in {90, 270} else (width, height)
            seen = PageText(text, rotation=rotation, width=unturned[0], height=unturned[1])
            words = list(seen.words())
            return lines(words, page=index + 1, width=width, height=height, is_bold=seen.is_bold)
        finally:
            text.close()
    finally:
        page.close()


def _outline(document: Any) -> tuple[Mark, ...]:
    found: list[Mark] = []
    for bookmark in document.get_toc(max_depth=_MAX_DEPTH):
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        title = clean(bookmark.get_title())
        if title and index is not None:
            found.append(Mark(title, min(bookmark.level + 1, _MAX_DEPTH), index + 1))
    return tuple(found)


def _title(document: Any) -> str:
    """The title that the file names, unless a program put its own words there."""
    title = clean(document.get_metadata_value("Title"))
    is_named = any(title.lower().startswith(bad) for bad in _NO_TITLES) or title.lower().endswith((".doc", ".docx"))
    return "" if is_named else title


def _language(document: Any, raw: Any) -> str:
    import ctypes

    size = raw.FPDFCatalog_GetLanguage(document, None, 0) if hasattr(raw, "FPDFCatalog_GetLanguage") else 0
    if not 2 < size <= 128:
        return ""
    buffer: Any = ctypes.create_string_buffer(size)
    raw.FPDFCatalog_GetLanguage(document, buffer, size)
    return clean(bytes(buffer.raw[: size - 2]).decode("utf-16-le", errors="replace"))
