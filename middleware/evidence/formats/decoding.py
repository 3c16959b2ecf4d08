"""Bytes to text: by byte order mark, UTF-8, else by guess, and the guess is told."""

from __future__ import annotations

import codecs
from typing import NamedTuple

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 before UTF-16: the little-endian marks begin alike."""
_FALLBACK = "cp1252"
_SAMPLE_BYTES = 200_000
"""Enough to guess an encoding by; the guess is slow on long texts."""


class Decoded(NamedTuple):
    """Text, and how it was come by."""

    text: str
    notes: tuple[str, ...]
    """One line where the encoding was guessed."""


def decode(data: bytes, *, declared: str | None = None) -> Decoded:
    """The text of `data`. `declared` is what a document says of its own encoding, believed where it decodes."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Decoded(data.decode(name, errors="replace"), ())
    for known in filter(None, ("utf-8", declared)):
        text = _decoded(data, known)
        if text is not None:
            return Decoded(text, ())
    name = _guessed(data)
    note = f"not valid UTF-8: read as {name}, a guess; save it as UTF-8 to be sure"
    return Decoded(data.decode(name, errors="replace"), (note,))


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _guessed(data: bytes) -> str:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return _FALLBACK
    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is None or _decoded(data, best.encoding) is None:
        return _FALLBACK
    return best.encoding
