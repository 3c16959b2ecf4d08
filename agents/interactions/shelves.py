"""Imported tables: one folder a source, beside the built-in ones, with a name, a rank and a date."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from wardround.policies.finding import Certainty

from .folding import fold
from .ingredients import IngredientRow, Name, NameRow, Vocabulary
from .tables import Reader, Refused, Row, TableError

BUILT_IN = "wardround"
"""Name of the built-in source."""
RANK = 50
"""Its rank: a source above speaks before it, one below fills what it leaves open."""
CARD = "source.yaml"
"""The file that makes a folder a shelf."""

PairLevel = Literal["none", "minor", "moderate", "major", "contraindicated"]
LEVELS: frozenset[str] = frozenset({"none", "minor", "moderate", "major", "contraindicated"})
COLUMNS = ("drug_a", "drug_b", "severity", "mechanism", "effect", "manage", "source", "date")
"""Columns of a shelf's `pairs.csv`; drugs by canonical ingredient."""


class Card(Row):
    """What a shelf says of itself."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    """Name by which a policy chooses it."""
    title: str
    """What it is, for citations."""
    kind: Literal["rxnorm", "openfda", "ddinter", "hospital"]
    """Which importer made it."""
    rank: Annotated[int, Field(ge=0, le=100)]
    """Place in the order of speaking."""
    certainty: Annotated[Certainty, Field(strict=False)] = Certainty.PROBABLE
    """How sure its rows are taken to be."""
    date: str
    """Edition of the source, or the day of the import."""
    digest: str
    """SHA-256 of the imported file, hexadecimal."""
    pairs: int = 0
    """Rows in `pairs.csv`."""
    names: int = 0
    """Rows in `vocabulary/names.csv`."""
    skipped: int = 0
    """Rows left out at the import; `skipped.csv` says why."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """One imported pair."""

    line: int
    severity: PairLevel
    mechanism: str
    effect: str
    manage: str
    source: str
    date: str


@dataclass(frozen=True)
class ImportedPairs:
    """The pairs of one shelf."""

    name: str
    title: str
    rank: int
    date: str
    certainty: Certainty
    rows: Mapping[tuple[str, str], PairRow] = field(repr=False)

    def of(self, a: str, b: str) -> PairRow | None:
        """The row of two ingredients in either order."""
        return self.rows.get((a, b) if a < b else (b, a))


def cards(folder: Path | None) -> tuple[tuple[Path, Card], ...]:
    """Every shelf under the folder of imported tables, by name. Raises `TableError` for a damaged card."""
    if folder is None or not folder.is_dir():
        return ()
    return tuple((path.parent, _card(path)) for path in sorted(folder.glob(f"*/{CARD}")))


def _card(path: Path) -> Card:
    reader = Reader(path.parent)
    try:
        return Card.model_validate(reader.document(CARD))
    except ValueError as error:
        where = path.parent.name
        raise TableError(f"imported source {where!r} has a damaged {CARD}: import it again or remove it") from error


def with_names(vocabulary: Vocabulary, folder: Path, card: Card) -> tuple[Vocabulary, tuple[Refused, ...]]:
    """The vocabulary with a shelf's ingredients and names; a name that is already known keeps its meaning."""
    reader = Reader(folder)
    names, rxcui = dict(vocabulary.names), dict(vocabulary.rxcui)
    ingredients = set(vocabulary.ingredients)
    for _, row in reader.csv("ingredients.csv", IngredientRow):
        names.setdefault(fold(row.ingredient), Name(row.ingredient, (row.ingredient,), "ingredient"))
        if row.ingredient not in ingredients and row.rxcui:
            rxcui[row.ingredient] = row.rxcui
        ingredients.add(row.ingredient)
    for place, named in reader.csv("names.csv", NameRow):
        parts = tuple(named.ingredients.split("|"))
        unknown = next((p for p in parts if p not in ingredients), None)
        if unknown is not None:
            reader.refuse(place, f"ingredients: unknown ingredient {unknown!r}")
        else:
            names.setdefault(fold(named.name), Name(named.name, parts, named.kind))
    refused = tuple(Refused(f"{card.name}/{r.place}", r.reason) for r in reader.refused)
    return replace(vocabulary, names=names, ingredients=frozenset(ingredients), rxcui=rxcui), refused


def load_pairs(folder: Path, card: Card, vocabulary: Vocabulary) -> tuple[ImportedPairs, tuple[Refused, ...]]:
    """The pairs of a shelf, and the rows that cannot be used."""
    refused: list[Refused] = []
    rows: dict[tuple[str, str], PairRow] = {}
    path = folder / "pairs.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader, None)
            for cells in reader:
                place = f"{card.name}/pairs.csv:{reader.line_num}"
                reason = _wrong(cells, vocabulary)
                if reason is not None:
                    refused.append(Refused(place, reason))
                    continue
                a, b, severity, *rest = cells
                rows.setdefault((min(a, b), max(a, b)), PairRow(reader.line_num, _LEVEL[severity], *rest))
    found = ImportedPairs(card.name, card.title, card.rank, card.date, card.certainty, rows)
    return found, tuple(refused)


_LEVEL: dict[str, PairLevel] = {
    "none": "none", "minor": "minor", "moderate": "moderate", "major": "major", "contraindicated": "contraindicated",
}  # fmt: skip


def _wrong(cells: list[str], vocabulary: Vocabulary) -> str | None:
    if len(cells) != len(COLUMNS):
        return f"{len(COLUMNS)} columns expected, {len(cells)} found"
    if cells[2] not in LEVELS:
        return f"severity: {cells[2]!r} is none of {', '.join(sorted(LEVELS))}"
    unknown = next((d for d in cells[:2] if d not in vocabulary.ingredients), None)
    return None if unknown is None else f"unknown ingredient {unknown!r}"
