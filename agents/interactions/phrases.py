"""Many phrases sought in one pass: a typed cover over the Aho-Corasick automaton. Word boundaries are the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar, cast

import ahocorasick

V = TypeVar("V")


class Phrases(Generic[V]):
    """Phrases with a value each. Built once; thread-safe to read."""

    def __init__(self, items: Iterable[tuple[str, V]]) -> None:
        machine = cast(Any, ahocorasick).Automaton()
        for phrase, value in items:
            machine.add_word(phrase, value)
        machine.make_automaton()
        self._machine: Any = machine

    def iter(self, text: str) -> Iterator[tuple[int, V]]:
        """(offset of a phrase's last character, its value), every occurrence, overlaps included."""
        return cast("Iterator[tuple[int, V]]", self._machine.iter(text))
