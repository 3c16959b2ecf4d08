"""Which format a source has: by its first bytes, then by its suffix or declared media type."""

from __future__ import annotations

import re
import zipfile
from enum import StrEnum
from importlib import import_module
from typing import Any, cast

import orjson

from wardround.policies.errors import InputError

from .formats.source import Source


class Format(StrEnum):
    """The formats that are read."""

    PDF = "PDF"
    DOCX = "Word document"
    HTML = "HTML"
    MARKDOWN = "Markdown"
    TEXT = "plain text"
    JSONL = "JSON lines"
    FHIR = "FHIR"
    OPENFDA = "openFDA labels"


SUFFIXES = {
    ".pdf": Format.PDF,
    ".docx": Format.DOCX,
    ".html": Format.HTML, ".htm": Format.HTML, ".xhtml": Format.HTML,
    ".md": Format.MARKDOWN, ".markdown": Format.MARKDOWN,
    ".txt": Format.TEXT, ".text": Format.TEXT,
    ".jsonl": Format.JSONL, ".ndjson": Format.JSONL,
    ".json": Format.OPENFDA,
    ".zip": Format.OPENFDA,
}  # fmt: skip
"""Known suffixes; JSON and ZIP are told apart by what they hold."""
_MEDIA_TYPES = {
    "application/pdf": Format.PDF,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": Format.DOCX,
    "text/html": Format.HTML,
    "application/xhtml+xml": Format.HTML,
    "text/markdown": Format.MARKDOWN,
    "text/plain": Format.TEXT,
}
_HEAD_BYTES = 4096
_LINE_BYTES = 32 * 2**20
_PROBED_LINES = 20
_XML = re.compile(rb"<\?xml[^>]*\?>\s*")
_COMMENT = re.compile(rb"(?s)<!--.*?-->\s*")
_HTML = re.compile(rb"(?i)<(?:!doctype\s+html|html|head|body)\b")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FHIR_KEY = "resourceType"
_LABEL_KEYS = frozenset({"results", "set_id", "openfda", "spl_product_data_elements"})
_RECORD_KEYS = frozenset({"text", "sections"})


def recognise(source: Source) -> Format:
    """The format. Raises `InputError` naming the known ones where it is none of them, or `OSError`."""
    with source.opened() as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise InputError("is empty")
    declared = _MEDIA_TYPES.get(source.media_type or "") or SUFFIXES.get(source.suffix)
    found = _by_content(source, head, declared)
    if found is not None:
        return found
    if declared is Format.PDF:
        raise InputError("corrupt PDF: it does not begin with %PDF; copy or download it again")
    if declared is Format.DOCX or source.suffix == ".zip":
        raise InputError("damaged or cut short: not a ZIP file, as .docx and .zip are; copy or download it again")
    if declared is None:
        raise InputError(_unknown(source))
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        raise InputError(f"binary data, not {declared}")
    if source.suffix == ".json":
        raise InputError("JSON of no known kind: expected openFDA labels, FHIR, or one record a line with id and text")
    return declared


def _unknown(source: Source) -> str:
    named = f"media type {source.media_type!r}" if source.media_type else f"suffix {source.suffix!r}"
    what = f"unknown {named}" if source.media_type or source.suffix else "no suffix to tell its format by"
    known = ", ".join(sorted(_MEDIA_TYPES)) if source.media_type else " ".join(SUFFIXES)
    return f"{what}; known are {known}"


def _by_content(source: Source, head: bytes, declared: Format | None) -> Format | None:
    """What the bytes say; None where they say nothing certain."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"%PDF-" in head[:1024]:
        return Format.PDF
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(source)
    if head.startswith(_OLE):
        raise InputError("an old .doc, or a .docx with a password; save it as .docx without a password")
    if _is_html(start):
        return Format.HTML
    if start.startswith((b"{", b"[")):
        return _in_json(source, declared)
    return None


def _is_html(start: bytes) -> bool:
    """Whether an element of HTML comes first, behind an XML declaration and comments."""
    declared = _XML.match(start)
    position = declared.end() if declared else 0
    while comment := _COMMENT.match(start, position):
        position = comment.end()
    return _HTML.match(start, position) is not None


def _in_zip(source: Source) -> Format | None:
    try:
        with source.opened() as stream, zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise InputError("damaged or cut short: not a whole ZIP file; copy or download it again") from error
    if "word/document.xml" in names:
        return Format.DOCX
    if any(name.lower().endswith(".json") for name in names):
        return Format.OPENFDA
    raise InputError("a ZIP file without a Word document or openFDA JSON in it; unpack it and name the files")


def _in_json(source: Source, declared: Format | None) -> Format | None:
    """By the keys of the first line that is an object, else of the whole; None where neither is known."""
    keys = _keys_of_lines(source) or _keys_of_whole(source)
    if _FHIR_KEY in keys:
        return Format.FHIR
    if keys & _LABEL_KEYS:
        return Format.OPENFDA
    if declared is Format.JSONL or keys >= {"id"} and keys & _RECORD_KEYS:
        return Format.JSONL
    return None


def _keys_of_lines(source: Source) -> frozenset[str]:
    with source.opened() as stream:
        for _ in range(_PROBED_LINES):
            line = stream.readline(_LINE_BYTES)
            try:
                found: Any = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
            except orjson.JSONDecodeError:
                continue
            if isinstance(found, dict):
                return frozenset(cast("dict[str, Any]", found))
    return frozenset()


def _keys_of_whole(source: Source) -> frozenset[str]:
    """Keys of the outermost object, up to the first that tells."""
    ijson: Any = import_module("ijson")
    keys: set[str] = set()
    with source.opened() as stream:
        if stream.read(3) != b"\xef\xbb\xbf":
            stream.seek(0)
        try:
            for prefix, event, value in ijson.parse(stream):
                if not prefix and event == "map_key":
                    keys.add(value)
                    if value == _FHIR_KEY or value in _LABEL_KEYS:
                        break
        except (ijson.JSONError, UnicodeDecodeError):
            return frozenset(keys)  # what came before the mistake may do; the reader tells of the mistake
    return frozenset(keys)
