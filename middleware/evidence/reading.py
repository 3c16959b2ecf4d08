"""A file read as documents: its format told, its reader run, and every failure turned into one line."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast

from wardround.policies.errors import InputError

from .cleaning import clean
from .document import About, Document, Refused
from .formats.source import Reader, Source
from .recognising import Format, recognise

MAX_BYTES = 100 * 2**20
"""Largest file that is opened, and most that a packed one may unpack to, unless the caller says otherwise."""
_READERS = {
    Format.PDF: "pdf",
    Format.DOCX: "docx",
    Format.HTML: "html",
    Format.MARKDOWN: "markdown",
    Format.TEXT: "text",
    Format.JSONL: "jsonl",
    Format.FHIR: "fhir",
    Format.OPENFDA: "openfda",
}
"""Module of each format; imported when the first such file comes."""
_ATTACHABLE = frozenset({Format.PDF, Format.DOCX, Format.HTML, Format.MARKDOWN, Format.TEXT})
"""What may be inside a FHIR resource: nothing that holds documents in turn."""
_MAX_REASON = 300
_MAX_KEY = 500
_MAX_ABOUT = 500
"""Characters of a title, publisher and so on that are kept: they stand in every citation."""


def read(path: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[Document | Refused]:
    """The documents of a file, and what of it could not be read. Never raises for what the file holds."""
    where = str(path)
    try:
        _check(path, max_bytes)
        yield from _unrepeated(_read(Source(where, path.name, path, max_bytes)), where)
    except InputError as error:
        yield _refused(where, str(error))
    except OSError as error:
        yield _refused(where, f"cannot be read: {error.strerror or type(error).__name__}")
    except Exception as error:  # noqa: BLE001 - parsers of foreign files raise anything; the neighbours go on
        yield _refused(where, f"damaged or not what it seems: its reader failed with {type(error).__name__}")


def _check(path: Path, max_bytes: int) -> None:
    """Raise `InputError` for what must not be opened."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise InputError("is a directory; name the files in it")
    if not stat.S_ISREG(found.st_mode):
        raise InputError("is not a regular file")
    if found.st_size > max_bytes:
        raise InputError(
            f"has {found.st_size:,} bytes, more than the {max_bytes:,} allowed; split it or raise --max-mb"
        )


def _read(source: Source) -> Iterator[Document | Refused]:
    chosen = recognise(source)
    module = import_module(f".formats.{_READERS[chosen]}", __package__)
    if chosen is Format.FHIR:
        return cast("Iterator[Document | Refused]", partial(module.read, attached=_attached)(source))
    return cast("Reader", module.read)(source)


def _attached(source: Source) -> Iterator[Document | Refused]:
    """What is attached to a record: documents that hold no others."""
    chosen = recognise(source)
    if chosen not in _ATTACHABLE:
        raise InputError(f"{chosen} inside FHIR is not read; import it as a file of its own")
    try:
        yield from cast("Reader", import_module(f".formats.{_READERS[chosen]}", __package__).read)(source)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - one damaged attachment; the next is read
        yield _refused(source.where, f"damaged or not what it seems: its reader failed with {type(error).__name__}")


def _unrepeated(found: Iterator[Document | Refused], where: str) -> Iterator[Document | Refused]:
    """The same, but a key is used once: a second document under it would replace the first unseen."""
    keys: set[str] = set()
    for each in found:
        if isinstance(each, Refused):
            yield _refused(each.where, each.why)
            continue
        document = _named(each)
        if not 0 < len(document.key) <= _MAX_KEY:
            yield _refused(where, f"an id of {len(document.key):,} visible characters; it needs 1 to {_MAX_KEY}")
        elif document.key in keys:
            yield _refused(where, f"id {document.key!r} is used twice; the first document with it was kept")
        else:
            keys.add(document.key)
            yield document


def _named(document: Document) -> Document:
    """The document with a key and words about it that can be stored and shown: clean, and not without end."""
    told, key = document.about, clean(document.key)
    about = About(
        _word(told.title) or key,
        _word(told.publisher),
        _word(told.edition),
        told.effective,
        told.expires,
        _word(told.jurisdiction),
        _word(told.audience),
        _word(told.language),
    )
    return replace(document, key=key, about=about)


def _word(text: str | None) -> str | None:
    return clean(text or "")[:_MAX_ABOUT].rstrip() or None


def _refused(where: str, why: str) -> Refused:
    return Refused(clean(where), clean(why)[:_MAX_REASON])
