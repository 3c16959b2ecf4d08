"""The tables about one drug in one person: conditions, allergies, pregnancy, kidneys, age and maximum doses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from .folding import fold
from .ingredients import Vocabulary
from .pairs import Level
from .tables import Reader, Row, Sourced, TableError

Route = Literal["oral", "injection", "transdermal"]
"""How a drug gets into the body, as far as maxima differ by it."""


class ConditionRow(Sourced):
    """A class of drugs that a condition rules out."""

    id: str
    drugs: tuple[str, ...]
    condition: str
    severity: Level
    effect: str
    manage: str
    min_age: float | None = None
    needs: Literal["uncontrolled", "decompensated"] | None = None
    """The condition counts only in this state."""
    topical_counts: bool = False
    """Eye drops and creams count too."""
    max_daily_mg: float | None = None
    """Daily dose above which `over` is the severity."""
    over: Level | None = None


class ReactionRow(Row):
    """Drugs that a patient with the allergy must or should not take."""

    drugs: tuple[str, ...]
    severity: Level


class AllergyRow(Sourced):
    """An allergen and its relatives."""

    id: str
    allergen: str
    names: tuple[str, ...]
    ingredients: tuple[str, ...]
    reacts: tuple[ReactionRow, ...]


class PopulationRow(Sourced):
    """A class of drugs that pregnancy, kidney function or age rules out or limits."""

    id: str
    drugs: tuple[str, ...]
    severity: Level
    tolerated: Level | None = None
    effect: str
    manage: str
    egfr_below: float | None = None
    from_weeks: float | None = None
    """From this week of pregnancy on, where the week is known."""
    max_daily_mg: float | None = None
    max_single_mg: float | None = None
    max_per_kg_daily: float | None = None
    min_dose_mg: float | None = None
    below_years: float | None = None
    from_years: float | None = None
    indication: str | None = None
    not_if: tuple[str, ...] = ()
    """Words in the request or draft that make it a recognised exception."""


class MonitoringRow(Sourced):
    """What must be measured before or during a drug."""

    id: str
    drugs: tuple[str, ...]
    what: str
    words: tuple[str, ...]
    """By these a text shows that it thinks of it."""
    severity: Literal["minor", "moderate"]


class WashoutRow(Sourced):
    """How long a stopped drug goes on acting."""

    id: str
    drugs: tuple[str, ...]
    partners: Annotated[tuple[str, ...], Field(alias="with")]
    days: float


class DoseRow(Sourced):
    """Labelled maximum for adults, per kilogram for children."""

    ingredient: str
    route: Route
    max_single_mg: float | None = None
    max_daily_mg: float | None = None
    max_single_mg_kg: float | None = None
    max_daily_mg_kg: float | None = None
    min_daily_mg: float | None = None
    interval: Literal["weekly"] | None = None
    unit: Literal["mg", "units"] = "mg"
    """What the amounts count."""


D = TypeVar("D", bound=Sourced)


class ByDrug(Generic[D]):
    """Rows by ingredient."""

    def __init__(self, items: Iterable[tuple[D, frozenset[str]]]) -> None:
        self._rows: dict[str, list[D]] = defaultdict(list)
        self.count = 0
        for row, ingredients in items:
            self.count += 1
            for ingredient in ingredients:
                self._rows[ingredient].append(row)

    def of(self, ingredient: str) -> tuple[D, ...]:
        """Rows about an ingredient, in the order of the table."""
        return tuple(self._rows.get(ingredient, ()))


@dataclass(frozen=True)
class Washout:
    """One washout, compiled."""

    row: WashoutRow
    partners: frozenset[str]


@dataclass(frozen=True)
class Allergy:
    """One allergen, compiled: severity by ingredient."""

    row: AllergyRow
    ingredients: frozenset[str]
    severity: dict[str, Level]


class Limits:
    """All tables about one drug in one person. Bad rows are left with the reader."""

    def __init__(self, vocabulary: Vocabulary, reader: Reader) -> None:
        names: Mapping[str, list[str]] = reader.document("patient/condition_names.yaml")
        self.condition_names: dict[str, str] = {
            fold(word): name for name, words in names.items() for word in (*words, name)
        }

        def condition(row: ConditionRow, place: str) -> tuple[ConditionRow, frozenset[str]]:
            if row.condition not in names:
                raise TableError(f"unknown condition {row.condition!r}: add it to condition_names.yaml")
            return row, vocabulary.expand(row.drugs)

        def about(kind: str) -> ByDrug[PopulationRow]:
            rows = reader.yaml(f"patient/{kind}.yaml", PopulationRow)
            return ByDrug(reader.kept(rows, lambda row, _: (row, vocabulary.expand(row.drugs))))

        self.conditions = ByDrug(reader.kept(reader.yaml("patient/conditions.yaml", ConditionRow), condition))
        self.pregnancy, self.renal, self.age = about("pregnancy"), about("renal"), about("age")
        allergies = reader.yaml("patient/allergies.yaml", AllergyRow)
        self.allergies = tuple(reader.kept(allergies, lambda row, _: _allergy(row, vocabulary)))
        monitoring = reader.yaml("patient/monitoring.yaml", MonitoringRow)
        self.monitoring = ByDrug(reader.kept(monitoring, lambda row, _: (row, vocabulary.expand(row.drugs))))
        self.washouts = _washouts(vocabulary, reader)
        self.doses = _doses(vocabulary, reader)


def _washouts(vocabulary: Vocabulary, reader: Reader) -> dict[str, list[Washout]]:
    """Washouts by the drug that was stopped."""
    out: dict[str, list[Washout]] = defaultdict(list)
    rows = reader.yaml("patient/washout.yaml", WashoutRow)
    for drugs, washout in reader.kept(rows, lambda row, _: _washout(row, vocabulary)):
        for drug in drugs:
            out[drug].append(washout)
    return out


def _doses(vocabulary: Vocabulary, reader: Reader) -> dict[tuple[str, str], DoseRow]:
    """Maxima by ingredient and route."""

    def known(row: DoseRow, place: str) -> DoseRow:
        vocabulary.expand([row.ingredient])
        return row

    return {(r.ingredient, r.route): r for r in reader.kept(reader.csv("doses/maxima*.csv", DoseRow), known)}


def _washout(row: WashoutRow, vocabulary: Vocabulary) -> tuple[frozenset[str], Washout]:
    return vocabulary.expand(row.drugs), Washout(row, vocabulary.expand(row.partners))


def _allergy(row: AllergyRow, vocabulary: Vocabulary) -> Allergy:
    severity: dict[str, Level] = {}
    for reaction in row.reacts:
        for ingredient in vocabulary.expand(reaction.drugs):
            severity.setdefault(ingredient, reaction.severity)
    return Allergy(row, vocabulary.expand(row.ingredients), severity)
