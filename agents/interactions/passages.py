"""Rows of the drug tables as short English passages in whole sentences. Which rows a text asks for lives in `told`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wardround.policies.finding import Certainty

from ..ports import StoredPassage
from .limits import ConditionRow, DoseRow, MonitoringRow, PopulationRow
from .pairs import RuleRow
from .tables import Sourced

PREFIX = "table:"
"""How the id of a passage from the drug tables begins."""
_GRAM_MG = 1000.0
_CHILD_YEARS = 18.0
_MONTHS = 12
_ODD = re.compile(
    r"^(?:none|not|no use|no benefit|an interaction|INR falls)\b|^[^;]*\b(?:rises|builds? up|needs|is)\b", re.IGNORECASE
)
"""Effects that are no noun, and so cannot follow `can lead to`."""
_CONDITIONS = {
    "smoker": "smokers",
    "immunocompromised": "immunocompromised people",
    "long qt": "long QT syndrome",
    "copd severe": "severe COPD",
    "atrial fibrillation permanent": "permanent atrial fibrillation",
    "g6pd deficiency": "G6PD deficiency",
    "surgery bariatric": "bariatric surgery",
    "ulcerative colitis flare": "a flare of ulcerative colitis",
}
"""Names of conditions as a sentence writes them, where it does so otherwise than the table."""
ROUTES = {"oral": "", "injection": "By injection, ", "transdermal": "By a patch on the skin, "}
"""Routes of the maxima, as a sentence begins with them; by mouth is what a text means that names none."""


def of_pair(rule: RuleRow, a: str, b: str) -> StoredPassage:
    """Two drugs together; the order of the two does not matter."""
    a, b = sorted((a, b))
    both = f"{_capital(a)} with {b}"
    told = [_harm(both, rule.effect)]
    if rule.severity == "contraindicated":
        told.insert(0, f"{_capital(a)} must not be combined with {b}: the combination is contraindicated.")
    else:
        told.append(f"This interaction is {rule.severity}.")
    if rule.mechanism and rule.mechanism != "unknown":
        told.append(f"The mechanism is this: {rule.mechanism}.")
    if rule.certainty is not Certainty.ESTABLISHED:
        told.append(f"It is held to be {rule.certainty.value}.")
    accepted = ((i, rule.max_dose_mg[i]) for i in (a, b) if i in rule.max_dose_mg)
    told.extend(f"Up to {_amount(mg)} of {i} a day is accepted." for i, mg in accepted)
    return _passage(rule, rule.id, (a, b), (*told, _management(rule.manage)))


def of_condition(row: ConditionRow, drug: str) -> StoredPassage:
    """One drug in one condition."""
    state = f"{row.needs} " if row.needs else ""
    age = f" from {row.min_age:g} years of age" if row.min_age is not None else ""
    where = f"In {state}{_CONDITIONS.get(row.condition, row.condition)}{age}"
    limit = [f"{where}, the dose of {drug} is at most {_amount(row.max_daily_mg)} a day."] if row.max_daily_mg else []
    told = (*_alone(where, drug, row.severity, row.effect), *limit, _management(row.manage))
    return _passage(row, row.id, (drug,), told)


def of_pregnancy(row: PopulationRow, drug: str) -> StoredPassage:
    """One drug in pregnancy."""
    where = "In pregnancy" if row.from_weeks is None else f"From week {row.from_weeks:g} of pregnancy"
    dose = f" at {_amount(row.min_dose_mg)} a day or more" if row.min_dose_mg is not None else ""
    told = (*_alone(where + dose, drug, row.severity, row.effect), _management(row.manage))
    return _passage(row, row.id, (drug,), told)


def of_kidneys(row: PopulationRow, drug: str) -> StoredPassage:
    """One drug below a kidney function."""
    where = f"At an eGFR below {row.egfr_below:g} mL/min" if row.egfr_below is not None else "In kidney disease"
    where += f" in {row.indication}" if row.indication else ""
    limits = [*_population_limits(row, drug)]
    told = [f"{where}, {limit}." for limit in limits]
    told += [_harm("A higher dose", row.effect)] if limits else _alone(where, drug, row.severity, row.effect)
    return _passage(row, row.id, (drug,), (*told, _management(row.manage)))


def of_age(row: PopulationRow, drug: str) -> StoredPassage:
    """One drug at an age."""
    if row.below_years is not None:
        who = "children" if row.below_years <= _CHILD_YEARS else "people"
        where = f"In {who} younger than {_age(row.below_years)}"
    else:
        where = f"From {row.from_years or 0:g} years of age on"
    told = (*_alone(where, drug, row.severity, row.effect), _management(row.manage))
    return _passage(row, row.id, (drug,), told)


def of_maximum(row: DoseRow, place: str) -> Iterator[StoredPassage]:
    """The labelled maximum, one passage a limit, so that no amount is read for another's; `place` is the file and line
    of the row, which has no other name."""
    often = "once a week" if row.interval == "weekly" else "at once"
    single, daily = row.max_single_mg, None if row.interval == "weekly" else row.max_daily_mg
    for kind, amount, when, unit in (
        ("day", daily, "a day", row.unit),
        ("single", single, often, row.unit),
        ("day-weight", row.max_daily_mg_kg, "a day", f"{row.unit}/kg"),
        ("single-weight", row.max_single_mg_kg, often, f"{row.unit}/kg"),
    ):
        if amount is not None:
            who = "in adults" if unit == row.unit else "by weight"
            told = (
                f"{_capital(ROUTES[row.route] + row.ingredient)}: at most {_amount(amount, unit)} {when} {who}.",
                f"The maximum dose of {row.ingredient} is {amount:.10g} {unit} {when}; more must not be used.",
            )
            yield _passage(row, f"dose.{row.route}.{kind}", (row.ingredient,), told, place)


def of_monitoring(row: MonitoringRow, drug: str) -> StoredPassage:
    """What is measured before or during a drug."""
    return _passage(row, row.id, (drug,), (f"Treatment with {drug} needs monitoring: {row.what}.",))


def _population_limits(row: PopulationRow, drug: str) -> Iterator[str]:
    if row.max_daily_mg is not None:
        yield f"the dose of {drug} is at most {_amount(row.max_daily_mg)} a day"
    if row.max_single_mg is not None:
        yield f"a single dose of {drug} is at most {_amount(row.max_single_mg)}"
    if row.max_per_kg_daily is not None:
        yield f"the dose of {drug} is at most {row.max_per_kg_daily:g} mg/kg a day"


def _alone(where: str, drug: str, severity: str, effect: str) -> list[str]:
    """What one drug does in one person."""
    if severity == "contraindicated":
        return [f"{where}, {drug} is contraindicated and must not be used.", _harm("It", effect)]
    return [_harm(f"{where}, {drug}", effect), f"This risk is {severity}."]


def _harm(subject: str, effect: str) -> str:
    return f"{subject}: {effect}." if _ODD.search(effect) else f"{subject} can lead to {effect}."


def _management(what: str) -> str:
    return f"Management: {what}."


def _amount(amount: float, unit: str = "mg") -> str:
    """As people write it: grams from a gram on."""
    return f"{amount / _GRAM_MG:g} g" if unit == "mg" and amount >= _GRAM_MG else f"{amount:.10g} {unit}"


def _age(years: float) -> str:
    return f"{years:g} years" if years >= 1 else f"{round(years * _MONTHS)} months"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _passage(
    row: Sourced, code: str, drugs: tuple[str, ...], told: tuple[str, ...] | list[str], place: str | None = None
) -> StoredPassage:
    return StoredPassage(
        id=f"{PREFIX}{code}:{'+'.join(drugs)}", text=" ".join(told), title=row.source, locator=place or code,
        edition=row.date,
    )  # fmt: skip
