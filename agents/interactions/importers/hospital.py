"""A hospital's own tables: pairs (`drug_a,drug_b,severity`) or names of its formulary (`name,ingredients`)."""

from __future__ import annotations

from pathlib import Path

from ..folding import fold
from ..ingredients import Vocabulary
from ..shelves import LEVELS, PairLevel
from .haul import Haul, Pair, Progress, csv_rows, resolved

_DATE_SHAPES = (4, 7, 10)
_SHAPES = (("drug_a", "drug_b", "severity"), ("name", "ingredients"))


def read(path: Path, vocabulary: Vocabulary, progress: Progress) -> Haul:
    """Pairs or names from a CSV, by its header. A drug may be any name, a combination or a class.

    Raises `InputError` where the header has neither set of columns.
    """
    haul = Haul()
    for place, row in csv_rows(path, _SHAPES, progress):
        if "name" in row and "drug_a" not in row:
            _name(haul, place, row, vocabulary)
        else:
            _pair(haul, place, row, vocabulary)
    return haul


def _name(haul: Haul, place: str, row: dict[str, str], vocabulary: Vocabulary) -> None:
    name = row.get("name", "")
    parts = [vocabulary.resolve(part) for part in row.get("ingredients", "").replace("+", "|").split("|")]
    if not name or not all(parts):
        haul.skip(place, "an ingredient is unknown" if name else "the name is empty", name)
        return
    found = tuple(dict.fromkeys(i for part in parts for i in part))
    known = vocabulary.resolve(name)
    if known and known != found:
        haul.skip(place, "the name already means something else", name)
        return
    haul.names[name] = ("|".join(found), "brand" if len(found) == 1 else "combination")


def _pair(haul: Haul, place: str, row: dict[str, str], vocabulary: Vocabulary) -> None:
    severity = row.get("severity", "").lower()
    if severity not in LEVELS:
        haul.skip(place, f"severity must be one of {', '.join(sorted(LEVELS))}", severity)
        return
    date = row.get("date", "")
    if date and (len(date) not in _DATE_SHAPES or not date.replace("-", "").isdigit()):
        haul.skip(place, "date must be YYYY, YYYY-MM or YYYY-MM-DD", date)
        return
    sides = [_side(row.get(column, ""), vocabulary) for column in ("drug_a", "drug_b")]
    for column, side in zip(("drug_a", "drug_b"), sides, strict=True):
        if not side:
            haul.skip(place, "the drug is unknown", row.get(column, ""))
            return
    level: PairLevel = severity  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - checked above
    pair = Pair(
        level, row.get("mechanism", ""), row.get("effect", ""), row.get("management", row.get("manage", "")),
        row.get("source", ""), date,
    )  # fmt: skip
    for a in sides[0]:
        for b in sides[1]:
            if a != b or len(sides[0]) == len(sides[1]) == 1:
                haul.add(a, b, pair, place)


def _side(name: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    found = vocabulary.names.get(fold(name))
    return found.ingredients if found is not None else resolved(vocabulary, name)
