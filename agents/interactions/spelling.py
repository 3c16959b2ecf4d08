"""Misspelt drug names: the nearest known name by sound and spelling, and silence where two are equally near."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from rapidfuzz.distance import OSA

from .ingredients import Name

SHORTEST = 6
"""Shorter words are too like other words."""
_SURE = 8
"""From this length on a word needs no dose or verb of taking beside it."""
_SOUNDS = (
    (re.compile(r"ph"), "f"), (re.compile(r"th"), "t"), (re.compile(r"ck|qu|q|c(?![eiy])"), "k"),
    (re.compile(r"c"), "s"), (re.compile(r"x"), "ks"), (re.compile(r"z"), "s"), (re.compile(r"ae|oe"), "e"),
    (re.compile(r"y"), "i"),
    (re.compile(r"(?<=.)h"), ""), (re.compile(r"(.)\1+"), r"\1"), (re.compile(r"e$"), ""),
)  # fmt: skip


class Speller:
    """Known names of one word, found again from a slip. Built once; thread-safe to read."""

    def __init__(self, names: Mapping[str, Name], ordinary: Iterable[str], lookalikes: Iterable[str]) -> None:
        self._never = frozenset(lookalikes)
        self._names = names
        self._near: dict[str, list[str]] = defaultdict(list)
        words = set(ordinary)
        for key, name in names.items():
            if len(key) >= SHORTEST and key.isascii() and key.isalpha() and name.class_id is None and key not in words:
                sound = _sound(key)
                for variant in {sound, *_shorter(sound)}:
                    self._near[variant].append(key)

    def find(self, word: str) -> tuple[Name, bool] | None:
        """The name that a folded word was meant to be, and whether the word alone is enough to say so.

        None for a known or an ordinary word, for one that is near nothing, and for one equally near two drugs.
        """
        if len(word) < SHORTEST or word in self._names or word in self._never:
            return None
        sound = _sound(word)
        found: dict[str, tuple[int, int]] = {}
        for variant in (sound, *_shorter(sound)):
            for key in self._near.get(variant, ()):
                if key not in found and _begins_alike(word, key):
                    distance = OSA.distance(word, key)
                    if distance <= _allowed(key):
                        found[key] = (OSA.distance(sound, _sound(key)), distance)
        if not found:
            return None
        best = min(found.values())
        nearest = [self._names[key] for key, score in found.items() if score == best]
        if len({n.ingredients for n in nearest}) > 1:
            return None
        return nearest[0], len(word) >= _SURE and nearest[0].kind != "brand"


def _allowed(key: str) -> int:
    return 1 if len(key) < _SURE else 2 if len(key) < 12 else 3


def _begins_alike(word: str, key: str) -> bool:
    """The first letter sounds the same, or the first two were swapped."""
    return word[0] == key[0] or _sound(word)[0] == _sound(key)[0] or word[:2] == key[1::-1]


def _sound(word: str) -> str:
    for pattern, plain in _SOUNDS:
        word = pattern.sub(plain, word)
    return word


def _shorter(word: str) -> Iterator[str]:
    """The word without one of its letters, each in turn."""
    for position in range(len(word)):
        yield word[:position] + word[position + 1 :]
