"""The tables about one drug in one person: conditions, allergies, pregnancy, kidneys, age and maximum doses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

from .folding import fold
from .ingredients import Vocabulary
from .pairs import Level
from .tables import DATA, Row, TableError, read_csv, read_yaml, rows


class ConditionRow(Row):
    """A class of drugs that a condition rules out."""

    id: str
    drugs: tuple[str, ...]
    condition: str
    severity: Level
    effect: str
    manage: str
    source: str
    min_age: float | None = None
    needs: Literal["uncontrolled", "decompensated"] | None = None
    """The condition counts only in this state."""
    topical_counts: bool = False
    """Eye drops and creams count too."""


class ReactionRow(Row):
    """Drugs that a patient with the allergy must or should not take."""

    drugs: tuple[str, ...]
    severity: Level


class AllergyRow(Row):
    """An allergen and its relatives."""

    id: str
    allergen: str
    names: tuple[str, ...]
    ingredients: tuple[str, ...]
    reacts: tuple[ReactionRow, ...]
    source: str


class PopulationRow(Row):
    """A class of drugs that pregnancy, kidney function or age rules out or limits."""

    id: str
    drugs: tuple[str, ...]
    severity: Level
    tolerated: Level | None = None
    effect: str
    manage: str
    source: str
    egfr_below: float | None = None
    max_daily_mg: float | None = None
    max_single_mg: float | None = None
    max_per_kg_daily: float | None = None
    min_dose_mg: float | None = None
    below_years: float | None = None
    from_years: float | None = None
    indication: str | None = None
    not_if: tuple[str, ...] = ()
    """Words in the request or draft that make it a recognised exception."""


class DoseRow(Row):
    """Labelled maximum for adults, per kilogram for children."""

    ingredient: str
    route: Literal["oral", "injection", "transdermal"]
    max_single_mg: float | None = None
    max_daily_mg: float | None = None
    max_single_mg_kg: float | None = None
    max_daily_mg_kg: float | None = None
    min_daily_mg: float | None = None
    interval: Literal["weekly"] | None = None
    unit: Literal["mg", "units"] = "mg"
    """What the amounts count."""
    source: str


class _HasDrugs(Protocol):
    @property
    def drugs(self) -> tuple[str, ...]: ...

    @property
    def id(self) -> str: ...


D = TypeVar("D", bound=_HasDrugs)


class ByDrug(Generic[D]):
    """Rows by ingredient."""

    def __init__(self, items: Iterable[D], expand: Callable[[Iterable[str], str], frozenset[str]], file: str) -> None:
        self._rows: dict[str, list[D]] = defaultdict(list)
        self.count = 0
        for row in items:
            self.count += 1
            for ingredient in expand(row.drugs, f"{file}: {row.id}"):
                self._rows[ingredient].append(row)

    def of(self, ingredient: str) -> tuple[D, ...]:
        """Rows about an ingredient, in the order of the table."""
        return tuple(self._rows.get(ingredient, ()))


@dataclass(frozen=True)
class Allergy:
    """One allergen, compiled: severity by ingredient."""

    row: AllergyRow
    ingredients: frozenset[str]
    severity: dict[str, Level]


class Limits:
    """All tables about one drug in one person. Raises `TableError` while it loads."""

    def __init__(self, vocabulary: Vocabulary, folder: Path = DATA) -> None:
        path = folder / "conditions.yaml"
        document = read_yaml(path)
        self.condition_names: dict[str, str] = {
            fold(word): name for name, words in document["conditions"].items() for word in (*words, name)
        }
        known = set(document["conditions"])
        condition_rows = tuple(rows(path, ConditionRow, document["rules"]))
        for row in condition_rows:
            if row.condition not in known:
                raise TableError(f"{path.name}: {row.id}: unknown condition {row.condition!r}")
        self.conditions = ByDrug(condition_rows, vocabulary.expand, path.name)
        path = folder / "populations.yaml"
        document = read_yaml(path)
        self.pregnancy = ByDrug(rows(path, PopulationRow, document["pregnancy"]), vocabulary.expand, path.name)
        self.renal = ByDrug(rows(path, PopulationRow, document["renal"]), vocabulary.expand, path.name)
        self.age = ByDrug(rows(path, PopulationRow, document["age"]), vocabulary.expand, path.name)
        path = folder / "allergies.yaml"
        self.allergies = tuple(_allergy(r, vocabulary, path.name) for r in rows(path, AllergyRow, read_yaml(path)))
        self.doses: dict[tuple[str, str], DoseRow] = {
            (r.ingredient, r.route): r for r in read_csv(folder / "doses.csv", DoseRow)
        }


def _allergy(row: AllergyRow, vocabulary: Vocabulary, file: str) -> Allergy:
    severity: dict[str, Level] = {}
    for reaction in row.reacts:
        for ingredient in vocabulary.expand(reaction.drugs, f"{file}: {row.id}"):
            severity.setdefault(ingredient, reaction.severity)
    return Allergy(row, vocabulary.expand(row.ingredients, f"{file}: {row.id}"), severity)
