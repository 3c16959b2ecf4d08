"""Marketed strengths: whether an amount is of a size in which a drug is taken. Maxima live in `limits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

from .tables import Reader, Sourced, TableError

_ROUNDING = 0.01
"""Tables and texts round strengths; this share apart they are the same."""
_TABLETS = (0.5, 1, 2, 3, 4)
"""Tablets, puffs or spoons of one strength that make a dose."""
_TABLETS_A_DAY = (*_TABLETS, 5, 6, 7, 8)
"""The same of what is told as the total of a day."""

Amounts = tuple[float, ...]
"""What one tablet holds of each ingredient, in order of ingredient, mg or units."""


class StrengthRow(Sourced):
    """Strengths of an ingredient, or of a combination (`a|b`) in which each strength is written `1/2`."""

    ingredient: str
    unit: Literal["mg", "units"]
    strengths: str


class Strengths:
    """Strengths by ingredients and unit. Built once; thread-safe to read."""

    def __init__(self, reader: Reader) -> None:
        found: dict[tuple[tuple[str, ...], str], tuple[Amounts, ...]] = {}
        rows = reader.csv("doses/strengths*.csv", StrengthRow)
        for names, unit, amounts in reader.kept(rows, lambda row, _: _read(row)):
            found[names, unit] = tuple(sorted({*found.get((names, unit), ()), *amounts}))
        self._found: Mapping[tuple[tuple[str, ...], str], tuple[Amounts, ...]] = found

    def of(self, ingredients: Sequence[str], *, units: bool = False) -> tuple[Amounts, ...]:
        """Strengths of a drug, or of a combination with its ingredients in order of name; empty where unknown."""
        return self._found.get((tuple(ingredients), "units" if units else "mg"), ())


def is_a_dose(amount: float, strengths: Sequence[float], *, of_a_day: bool = False) -> bool:
    """A marketed strength, a half of one, or some tablets of it."""
    counts = _TABLETS_A_DAY if of_a_day else _TABLETS
    return any(same(amount, strength * count) for strength in strengths for count in counts)


def same(a: float, b: float) -> bool:
    """Equal but for rounding."""
    return abs(a - b) <= _ROUNDING * b


def _read(row: StrengthRow) -> tuple[tuple[str, ...], str, tuple[Amounts, ...]]:
    names = tuple(row.ingredient.split("|"))
    try:
        amounts = tuple(tuple(map(float, s.split("/"))) for s in row.strengths.split("|"))
    except ValueError:
        raise TableError(f"strengths: {row.strengths!r} holds something that is no number") from None
    if any(len(a) != len(names) for a in amounts) or list(names) != sorted(names):
        raise TableError("strengths: one number for each ingredient, in order of name, is expected")
    return names, row.unit, amounts


@cache
def strengths() -> Strengths:
    """The built-in strengths, read on first use."""
    return Strengths(Reader())
