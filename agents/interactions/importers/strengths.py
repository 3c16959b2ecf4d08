"""The recipe of `doses/strengths.csv`: strengths on the market, one row per ingredient or combination.

`python -m wardround.agents.interactions.importers.strengths RXNORM BDPM` writes it anew, from clinical drugs of RxNorm
(`{"name": ...}` a line) and products of the French medicine register (`{"name", "substances", "doses"}` a line), both
gzipped JSON lines. Strengths that neither names are kept by hand in `doses/strengths-labels.csv`.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from wardround.policies.errors import InputError

from ..agent import tables
from ..ingredients import Vocabulary
from ..tables import DATA

FILE = "doses/strengths.csv"
RXNORM, RXNORM_DATE = "RxNorm current prescribable content", "2025-10"
BDPM, BDPM_DATE = "ANSM base de données publique des médicaments", "2019-11"
_Key = tuple[tuple[str, ...], str]
"""Ingredients in order of name, and the unit."""
_QUANTITY = re.compile(r"(?P<n>[\d.]+) (?P<u>ML|HR|ACTUAT) (?P<rest>.+)")
_PART = re.compile(r"(?P<name>.+?) (?P<n>[\d.]+) (?P<u>MG|UNT)(?P<per>/ML|/HR|/ACTUAT|/MG)?(?P<form>(?: .*)?)")
_BY_MOUTH = re.compile(r"\bOral (?:Solution|Suspension)\b")
_SPOON_ML = 5.0
"""Liquids by mouth are given by the 5 mL spoon."""
_DAY_H = 24.0
_MANY = re.compile(r"\b(?:Pen Injector|Cartridge)\b")
"""Holds more than one dose."""
_FRENCH = re.compile(r"(?P<n>\d[\d ]*(?:,\d+)?) ?(?P<u>mg|microgrammes|µg|g)\b(?! ?(?:/|pour|par))")
_MG = {"mg": 1.0, "g": 1e3, "microgrammes": 1e-3, "µg": 1e-3}
_SOLID = re.compile(r"\b(?:comprimé|gélule|capsule|sachet|suppositoire|poudre pour solution injectable)", re.IGNORECASE)


def rxnorm(name: str, vocabulary: Vocabulary) -> tuple[_Key, tuple[float, ...]] | None:
    """Ingredients and amounts in one tablet, dose, spoon, puff or syringe of a clinical drug; None where there is no
    such thing, as of a cream, or where a part is unknown."""
    whole = re.sub(r"\s*\[[^\]]*\]$", "", name)
    quantity = _QUANTITY.fullmatch(whole)
    parts = [_PART.fullmatch(p) for p in (quantity["rest"] if quantity else whole).split(" / ")]
    found: dict[str, float] = {}
    units: set[str] = set()
    form = parts[-1]["form"] if parts[-1] else ""
    for part in parts:
        amount = None if part is None else _amount(part, quantity, form)
        ingredients = () if part is None else vocabulary.resolve(part["name"])
        if part is None or amount is None or len(ingredients) != 1 or ingredients[0] in found:
            return None
        found[ingredients[0]] = amount
        units.add("units" if part["u"] == "UNT" else "mg")
    return _keyed(found, units)


def french(name: str, substances: Iterable[str], vocabulary: Vocabulary) -> tuple[_Key, float] | None:
    """Ingredient and amount of a French product with one drug in a solid form, as its name states it."""
    ingredients = {i for s in substances for i in vocabulary.resolve(s)}
    amounts = list(_FRENCH.finditer(name))
    if len(ingredients) != 1 or len(amounts) != 1 or not _SOLID.search(name):
        return None
    amount = float(amounts[0]["n"].replace(" ", "").replace(",", ".")) * _MG[amounts[0]["u"]]
    return ((next(iter(ingredients)),), "mg"), amount


def _amount(part: re.Match[str], quantity: re.Match[str] | None, form: str) -> float | None:
    number, per = float(part["n"]), part["per"]
    held = float(quantity["n"]) if quantity is not None and quantity["u"] == "ML" else None
    match per:
        case None | "/ACTUAT":
            return number
        case "/HR":
            return number * _DAY_H
        case "/ML" if held is not None and not _MANY.search(form):
            return number * held
        case "/ML" if _BY_MOUTH.search(form):
            return number * _SPOON_ML
        case _:
            return None


def _keyed(found: dict[str, float], units: set[str]) -> tuple[_Key, tuple[float, ...]] | None:
    if len(units) != 1 or not all(found.values()):
        return None
    names = tuple(sorted(found))
    return (names, units.pop()), tuple(found[n] for n in names)


def read_lines(path: Path) -> Iterator[dict[str, object]]:
    """Gzipped JSON lines. Raises `InputError`."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no gzipped JSON lines: name the files as the module's docstring says") from error


def rows(
    clinical: Iterable[str], products: Iterable[tuple[str, list[str]]], vocabulary: Vocabulary
) -> Iterator[tuple[str, str, str, str, str]]:
    """Rows of the table, in order of ingredient."""
    found: dict[_Key, set[tuple[float, ...]]] = defaultdict(set)
    theirs: dict[_Key, set[tuple[float, ...]]] = defaultdict(set)
    for name in clinical:
        if (read := rxnorm(name, vocabulary)) is not None:
            found[read[0]].add(_rounded(read[1]))
    for name, substances in products:
        if (seen := french(name, substances, vocabulary)) is not None:
            theirs[seen[0]].add(_rounded((seen[1],)))
    for key in sorted(found.keys() | theirs.keys()):
        for group, source, date in (
            (found[key], RXNORM, RXNORM_DATE), (theirs[key] - found[key], BDPM, BDPM_DATE),
        ):  # fmt: skip
            if group:
                yield "|".join(key[0]), key[1], "|".join(map(_written, sorted(group))), source, date


def texts(value: object) -> list[str]:
    """The texts of a JSON value: of a list, or itself."""
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _rounded(amounts: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(f"{a:.4g}") for a in amounts)


def _written(amounts: tuple[float, ...]) -> str:
    return "/".join(f"{a:.10g}" for a in amounts)


def main(clinical: Path, products: Path) -> None:
    """Write the table."""
    made = rows(
        (str(line["name"]) for line in read_lines(clinical)),
        ((str(line["name"]), texts(line["substances"])) for line in read_lines(products)),
        tables().vocabulary,
    )
    with (DATA / FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("ingredient", "unit", "strengths", "source", "date"))
        writer.writerows(made)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
