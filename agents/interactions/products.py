"""Names of products as lists write them: salts, forms and strengths left aside, combinations taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .folding import Squeezed, fold, script_fold
from .tables import Reader, Sourced

_SEPARATOR = re.compile(
    r"\s*(?:[/+&,;|]|\b(?:and|with|plus|y|con|et|avec|und|mit|e|com|ed)\b|、|和|加|\u0914\u0930)\s*"
)
_HYPHEN = re.compile(r"\s*-\s*")
_AMOUNT = re.compile(r"\d[\d.,]*\s*(?:[a-z%]+|毫克|微克|克|毫升)?")
_WORD = re.compile(r"[^\s()\[\],;]+")
_CLOSE = re.compile(r"[^\w\u0900-\u097f]+")


class AffixRow(Sourced):
    """Words around a name."""

    kind: Literal["salt", "form", "unit", "compound"]
    language: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Affixes:
    """Words that stand around a drug's name without changing the drug."""

    around: frozenset[str]
    """Salts, forms and units."""
    attached: tuple[str, ...]
    """Chinese ones, which are written together with the name; longest first."""
    compounds: frozenset[str]
    """Heads of German compounds."""


def load_affixes(reader: Reader) -> Affixes:
    """Read `vocabulary/affixes.yaml`; bad rows are left with the reader."""
    rows = [row for _, row in reader.yaml("vocabulary/affixes.yaml", AffixRow)]
    around = {matched(w) for row in rows if row.kind != "compound" for w in row.words}
    attached = {w for row in rows if row.language == "zh" for w in map(matched, row.words)}
    return Affixes(
        frozenset(around),
        tuple(sorted(attached, key=len, reverse=True)),
        frozenset(matched(w) for row in rows if row.kind == "compound" for w in row.words),
    )


def matched(name: str) -> str:
    """The form of a name on which texts and tables are compared."""
    return " ".join(Squeezed(script_fold(fold(name))).text.split())


def close(name: str) -> str:
    """`matched` without spaces, dots and apostrophes, in which `St. John's-wort` and `st johns wort` are one."""
    return _CLOSE.sub("", matched(name))


class Products:
    """Finds the ingredients of a product's name. `known` maps a name in `close` form to its ingredients."""

    def __init__(self, known: Mapping[str, tuple[str, ...]], affixes: Affixes) -> None:
        self._known = known
        self._affixes = affixes

    def ingredients(self, name: str) -> tuple[str, ...]:
        """Ingredients in the order of the name, each once; empty where a part is unknown."""
        found = self._single(name)
        if found is None:
            found = self._joined([p for part in _SEPARATOR.split(fold(name)) for p in self._pieces(part)])
        return found if found is not None else self._row(_AMOUNT.sub(" ", matched(name)).split())

    def _pieces(self, part: str) -> list[str]:
        return [part] if self._single(part) is not None else _HYPHEN.split(part)

    def _joined(self, parts: list[str]) -> tuple[str, ...] | None:
        each = [self._single(p) for p in parts if p.strip()]
        if len(each) < 2 or not any(each) or None in each:
            return None
        return tuple(dict.fromkeys(i for part in each for i in part or ()))

    def _row(self, words: list[str]) -> tuple[str, ...]:
        """Two names with nothing between them."""
        for cut in range(1, len(words)):
            found = self._joined([" ".join(words[:cut]), " ".join(words[cut:])])
            if found:
                return found
        return ()

    def _single(self, name: str) -> tuple[str, ...] | None:
        """None where the name is unknown, empty where it is nothing but a dose."""
        whole = close(name)
        if whole in self._known:
            return self._known[whole]
        words: list[str] = _WORD.findall(_AMOUNT.sub(" ", matched(name)))
        while words and words[-1] in self._affixes.around:
            words.pop()
            if close(" ".join(words)) in self._known:
                return self._known[close(" ".join(words))]
        while words and words[0] in self._affixes.around:
            words.pop(0)
        if not words:
            return ()
        return self._known.get(close(" ".join(words))) or self._bare(close(" ".join(words)))

    def _bare(self, name: str) -> tuple[str, ...] | None:
        """A Chinese name without the salt before and the form behind it."""
        for affix in self._affixes.attached if not name.isascii() else ():
            for rest in (name.removesuffix(affix), name.removeprefix(affix)):
                if rest and rest != name:
                    found = self._known.get(rest) or self._bare(rest)
                    if found:
                        return found
        return None


def known_names(names: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Names in `close` form; where two fall together, the first keeps the form."""
    out: dict[str, tuple[str, ...]] = {}
    for name, ingredients in names:
        out.setdefault(close(name), ingredients)
    return out
