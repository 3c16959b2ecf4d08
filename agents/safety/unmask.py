"""Readable views of an obfuscated text: hidden characters, look-alikes, leetspeak, spaced letters, encodings.

Promises linear time and a bounded number of views. Does not promise to undo every cipher, nor two of them nested
deeper than `MAX_DEPTH`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from .detector import Reading, fold

MAX_DEPTH = 2
"""How many encodings inside each other are undone."""
MAX_PAYLOADS = 50
"""How many encoded runs of one text are decoded; an attack hidden behind more is still found by its first ones."""
MAX_PAYLOAD_CHARS = 20_000
"""How much of one encoded run is decoded."""
MAX_CIPHER_CHARS = 200_000
"""How much of a text is tried backwards and under rot13."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to read a text."""

    how: str
    """`plain`, or the mask that was taken off."""
    folded: str
    """The readable text, folded."""
    start: int
    """First character of the original that it stands for."""
    end: int
    """One past the last."""
    aligned: bool
    """Whether an offset in `folded` is, plus `start`, an offset in the original."""


_LOOKALIKE = str.maketrans(
    "аеорсухіјѕԁһӏԛԝзкмнтвгпαβεικνοπρτυχωγηѵℓıⅼ",
    "aeopcyxijsdhlqwzkmhtbrnabeiknopptuxwynvlil",
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEETED = re.compile(r"(?<![\w])(?=[a-z0-9@$!|]{0,14}[013457@$!|][a-z])[a-z0-9@$!|]{4,20}(?![\w])")
_MIXED = re.compile(r"[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*]{1,3}){7,400}[^\W\d_](?![^\W_])")
_B64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:]?){12,4000}(?![0-9A-Za-z])")
_BINARY = re.compile(r"(?<![01])[01]{8}(?: ?[01]{8}){5,4000}(?![01])")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){6,4000}")
_ESCAPED = re.compile(r"(?:\\u[0-9A-Fa-f]{4}|&#\d{2,5};){6,4000}")
_ROT = tuple(
    codecs.encode(w, "rot13") for w in ("ignore", "disregard", "instructions", "prompt", "reveal", "restrictions")
)
_BACK = tuple(w[::-1] for w in ("ignore", "disregard", "instructions", "prompt", "reveal", "restrictions"))


def views(where: Reading, depth: int = 0) -> Iterator[View]:
    """The text as it stands first, then every mask taken off that seems to be worn."""
    whole = len(where.text)
    yield View("plain", where.folded, 0, whole, True)
    clean, stripped = _visible(where.folded)
    if stripped:
        yield View("hidden characters", clean, 0, whole, False)
        yield from (View("hidden characters", text, 0, whole, False) for text in _tags(where.text))
    if not clean.isascii() and _MIXED.search(clean):
        yield View("look-alike letters", clean.translate(_LOOKALIKE), 0, whole, not stripped)
    if len(_LEETED.findall(clean, 0, MAX_CIPHER_CHARS)) >= 2:
        yield View("leetspeak", clean.translate(_LEET), 0, whole, not stripped)
    yield from _spaced(where)
    yield from _ciphers(clean, whole)
    yield from _payloads(where, depth)


def _visible(folded: str) -> tuple[str, bool]:
    """The text without format characters and the marks that pile up on letters, and whether any were there."""
    if folded.isascii():
        return folded, False
    kept = [c for c in folded if unicodedata.category(c) != "Cf" and not "\u0300" <= c <= "\u036f"]
    return "".join(kept), len(kept) != len(folded)


def _tags(text: str) -> Iterator[str]:
    """Letters written in the invisible tag block (U+E0020 to U+E007E)."""
    hidden = "".join(chr(ord(c) - 0xE0000) for c in text if "\U000e0020" <= c <= "\U000e007e")
    if len(hidden) >= 8:
        yield hidden.lower()


def _spaced(where: Reading) -> Iterator[View]:
    for m in _SPACED.finditer(where.folded):
        run = m.group()
        separator = run[1:2]
        words = re.split(rf"\s{{2,}}|(?<=\w){re.escape(separator)}{{2,3}}", run)
        text = " ".join(re.sub(r"[ .\-_*]", "", w) for w in words)
        yield View("spaced letters", text, m.start(), m.end(), False)


def _ciphers(clean: str, whole: int) -> Iterator[View]:
    sample = clean[:MAX_CIPHER_CHARS]
    if sum(w in sample for w in _ROT) >= 1:
        yield View("rot13", codecs.encode(sample, "rot13"), 0, whole, False)
    if sum(w in sample for w in _BACK) >= 1:
        yield View("reversed", sample[::-1], 0, whole, False)


def _payloads(where: Reading, depth: int) -> Iterator[View]:
    """Encoded runs, decoded; each may hold another."""
    if depth >= MAX_DEPTH:
        return
    left = MAX_PAYLOADS
    for pattern, how, decode in _DECODERS:
        for m in pattern.finditer(where.text):
            if left <= 0:
                return
            plain = decode(m.group()[:MAX_PAYLOAD_CHARS])
            if plain is None or not _readable(plain):
                continue
            left -= 1
            for view in views(Reading(where.channel, plain, fold(plain)), depth + 1):
                yield View(how, view.folded, m.start(), m.end(), False)


def _readable(text: str) -> bool:
    if _B64.fullmatch(text):
        return True
    letters = sum(c.isalpha() or c in " .,:;!?'\n" for c in text)
    return len(text) >= 8 and letters >= 0.85 * len(text) and any(c.isspace() for c in text)


def _base64(run: str) -> str | None:
    if run.isalpha() and (run.islower() or run.istitle()):
        return None
    body = run.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None


def _hex(run: str) -> str | None:
    digits = re.sub(r"0x|\\x|[ ,:]", "", run)
    try:
        return bytes.fromhex(digits).decode("utf-8")
    except ValueError:
        return None


def _binary(run: str) -> str | None:
    bits = run.replace(" ", "")
    try:
        return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).decode("utf-8")
    except ValueError:
        return None


def _escaped(run: str) -> str | None:
    parts = re.findall(r"\\u([0-9A-Fa-f]{4})|&#(\d{2,5});", run)
    return "".join(chr(int(h, 16)) if h else chr(int(d)) for h, d in parts)


_DECODERS = (
    (_B64, "base64", _base64),
    (_HEX, "hexadecimal", _hex),
    (_BINARY, "binary", _binary),
    (_PERCENT, "percent encoding", unquote),
    (_ESCAPED, "escapes", _escaped),
)
