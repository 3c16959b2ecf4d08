"""The plain form of a text that names are matched on: one character for one, so that offsets stay valid."""

from __future__ import annotations

import unicodedata

_PLAIN = {
    "\u2018": "'", "\u2019": "'", "\u201b": "'", "\u02bc": "'", "\u00b4": "'", "`": "'",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u00b5": "u", "\u03bc": "u", "\u00df": "s",
}  # fmt: skip


def fold(text: str) -> str:
    """Lower case without accents, quotes and dashes made plain; exactly as long as `text`."""
    return text.lower() if text.isascii() else text.translate(_TABLE)


class _FoldTable(dict[int, int]):
    """Code point to folded code point, filled as characters are met; bounded by the size of Unicode."""

    def __missing__(self, code: int) -> int:
        folded = _fold_char(chr(code))
        self[code] = folded
        return folded


def _fold_char(char: str) -> int:
    plain = _PLAIN.get(char)
    if plain is not None:
        return ord(plain)
    lower = char.lower()
    stem = unicodedata.normalize("NFD", lower)[0] if "LATIN" in unicodedata.name(char, "") else lower
    return ord(stem) if len(stem) == 1 else ord(char)


_TABLE = _FoldTable()
