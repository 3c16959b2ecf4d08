"""A claim and its evidence as the tokens that the verifier's network reads. What it says of them: `verifier`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .statement import stem
from .vocabulary import strip_accents

CLAIM_TOKENS = 72
"""Tokens of a claim that are read; the rest is cut off."""
MAX_TOKENS = 160
"""Tokens of claim and evidence together, with the three that frame them."""
MAX_CHARACTERS = 8_000
"""Characters of one side that are looked at: many times what is read, and a bound on what is kept."""
MARKS = 3
"""Marks of a token: its word stands on the other side; its number does; its number does not."""
_FIRST, _SECOND = 101, 102
_WORD = re.compile(r"\d[\d.,]*\d|[^\W_]+")


class Paired(NamedTuple):
    """One input of the network."""

    ids: tuple[int, ...]
    types: tuple[int, ...]
    """0 for the claim, 1 for the evidence."""
    marks: tuple[tuple[float, float, float], ...]


class _Side(NamedTuple):
    """One text, cut."""

    ids: tuple[int, ...]
    words: tuple[int, ...]
    """Number of the word each token belongs to, -1 for none."""
    keys: tuple[str, ...]
    """What each word is compared by."""


class Pairer:
    """Cuts and marks; keeps the cuts of recent texts."""

    def __init__(self, tokenizer: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._side = lru_cache(maxsize=4_096)(self._cut)

    def pair(self, claim: str, evidence: str) -> Paired:
        """The input for one claim and its evidence; evidence that does not fit is cut off at its end."""
        one, other = self._side(claim), self._side(evidence)
        ones = min(len(one.ids), CLAIM_TOKENS)
        others = min(len(other.ids), MAX_TOKENS - 3 - ones)
        none = (0.0, 0.0, 0.0)
        marks = (none, *_marks(one, other, ones), none, *_marks(other, one, others), none)
        ids = (_FIRST, *one.ids[:ones], _SECOND, *other.ids[:others], _SECOND)
        return Paired(ids, (0,) * (ones + 2) + (1,) * (others + 1), marks)

    def tokens(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._side(text).ids)

    def _cut(self, text: str) -> _Side:
        plain = text[:MAX_CHARACTERS].encode("utf-8", "replace").decode()
        encoding: Any = self._tokenizer.encode(plain, add_special_tokens=False)
        words = list(_WORD.finditer(plain))
        starts = [w.start() for w in words]
        owners = (bisect_right(starts, start) - 1 for start, _ in encoding.offsets)
        at = tuple(
            o if o >= 0 and start < words[o].end() else -1
            for o, (start, _) in zip(owners, encoding.offsets, strict=True)
        )
        return _Side(tuple(encoding.ids), at, tuple(_key(w[0]) for w in words))


def _marks(side: _Side, other: _Side, count: int) -> Sequence[tuple[float, float, float]]:
    there = frozenset(other.keys)
    told: list[tuple[float, float, float]] = []
    for owner in side.words[:count]:
        key = side.keys[owner] if owner >= 0 else ""
        shared, number = key in there, key[:1].isdigit()
        told.append((float(bool(key) and shared), float(number and shared), float(number and not shared)))
    return told


def _key(word: str) -> str:
    lowered = strip_accents(word.lower())
    if lowered in _FIGURES:
        return _FIGURES[lowered]
    return lowered.replace(",", "") if lowered[0].isdigit() else stem(lowered)


_FIGURES = {
    w: str(n)
    for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
} | {"once": "1", "twice": "2", "thrice": "3"}  # fmt: skip
