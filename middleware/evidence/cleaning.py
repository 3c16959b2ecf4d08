"""Characters nobody sees, and whitespace: removed from every text that becomes evidence."""

from __future__ import annotations

import unicodedata
from functools import cache

INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories that are removed: controls, formatting (zero-width, direction, tags), lone surrogates."""
_NONCHARACTERS = frozenset("\ufffe\uffff")


def clean(text: str) -> str:
    """The text on one line, single spaces, without characters nobody sees."""
    spaced = " ".join(text.split())
    if spaced.isascii() and spaced.isprintable():
        return spaced
    return " ".join("".join(map(_seen, spaced)).split())


def join_cells(cells: list[str]) -> str:
    """One table row as text: cells joined by ` | `; empty where all cells are."""
    cleaned = [clean(cell) for cell in cells]
    return " | ".join(cleaned).strip() if any(cleaned) else ""


@cache
def _seen(character: str) -> str:
    if character.isspace():
        return " "
    hidden = character in _NONCHARACTERS or unicodedata.category(character) in INVISIBLE
    return "" if hidden else character
