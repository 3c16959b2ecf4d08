"""How much and how often: doses against maxima, weekly drugs given daily, numbers that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from wardround.policies.finding import Explanation, Finding, FindingKind, Severity, Span

from .dose import Dose, parse
from .draft import DraftView
from .limits import DoseRow, Limits
from .mentions import Mention
from .patient import TOPICAL, Chart
from .prescribed import REACH, doses_of, further_doses
from .report import finding, span_of
from .stance import Reading, Stance

_INJECTION = re.compile(
    r"\b(?:iv|i\.v|im|i\.m|intravenous\w*|intramuscular\w*|subcut\w*|sc\b|sq\b|inject\w*|infus\w*|"
    r"bolus|push|auto-?injector|pen)\b"
)
_ARREST = re.compile(r"\bcardiac arrest\b|\bacls\b|\bpulseless\b|\bcpr\b|\basystole\b|\bpea\b|\bcode blue\b|\bvf\b")
_AT_ONCE = re.compile(r"\b(?:at once|at a time|now|single dose|stat|per dose|each time|in one go|each dose|iv|im)\b")
_ONCOLOGY = re.compile(
    r"\bhigh-dose methotrexate\b|\bleucovorin\b|\bleukemia\b|\bleukaemia\b|\bosteosarcoma\b|"
    r"\blymphoma\b|\bectopic\b|\bmg/m2\b|\bchemotherapy\b"
)
LIMITING = re.compile(
    r"\b(?:more than|exceed\w*|over|above|beyond|maximum|max|no more|not more|toxic|overdose|limit|"
    r"up to a max\w*|at least|total of|ceiling)\b[^.;]{0,25}$"
)
"""Before an amount: it is told as a limit, not as a dose."""
_MISMATCH = 1.3
"""Volume and amount may differ by rounding, not by this factor."""
_GROSS = 5
"""From this factor on a wrong dose is the size of a slipped decimal point."""
_UNIT_SLIP = 300
"""From this factor on the unit is wrong: milligrams for micrograms."""
_FAR_BELOW = 10
"""A daily dose this many times under the least useful one is a slip, not caution."""
_MARGIN = 1.02
"""Rounding is no overdose."""
_MAJOR_RATIO = 1.2
"""From this multiple of the labelled maximum on an overdose is major."""


def per_kg_daily_mg(view: DraftView, ingredient: str) -> float | None:
    """The highest daily dose per kilogram that the draft states."""
    found = [doses_of(view.reading, m) for m in view.of(ingredient).named]
    daily = [d.daily_mg for d in found if d is not None and d.per_kg and d.daily_mg is not None]
    return max(daily) if daily else None


def daily_dose_mg(view: DraftView, ingredient: str) -> float | None:
    """The highest daily dose that the draft states for an ingredient, or that the request states where it does not."""
    found: list[float] = []
    for mention in view.of(ingredient).named:
        dose = doses_of(view.reading, mention)
        if dose is not None and not dose.weekly and not dose.per_kg and not dose.units:
            found.append(dose.daily_mg if dose.daily_mg is not None else dose.single_mg or 0.0)
    return max(found) if found else None


def known_daily_mg(chart: Chart, view: DraftView, ingredient: str) -> float | None:
    """The daily dose of an ingredient: as the draft says, else the request, else the medication list."""
    stated = daily_dose_mg(view, ingredient)
    if stated is not None:
        return stated
    for reading in reversed(chart.readings):
        for mention in reading.mentions:
            if mention.ingredients == (ingredient,) and (dose := doses_of(reading, mention)) is not None:
                if not (dose.weekly or dose.per_kg or dose.units):
                    return dose.daily_mg if dose.daily_mg is not None else dose.single_mg
    held = chart.held.get(ingredient)
    return held.daily_mg if held is not None else None


def checked(chart: Chart, view: DraftView, limits: Limits, *, complete: bool) -> Iterator[Finding]:
    """Findings on doses."""
    yield from _doses(chart, view, limits)
    yield from _totals(view, limits)
    if complete:
        yield from _unnamed_doses(chart, view, limits)
        yield from _asked_doses(chart, view, limits)


def _doses(chart: Chart, view: DraftView, limits: Limits) -> Iterator[Finding]:
    for mention, stance in zip(view.reading.mentions, view.reading.stances, strict=True):
        if stance is Stance.AGAINST or len(mention.ingredients) != 1 or mention.name.class_id is not None:
            continue
        first = doses_of(view.reading, mention)
        doses = [] if first is None else [first, *further_doses(view.reading, mention, first)]
        products = [] if first is None or not first.per_kg else [first, *_next_amount(view.reading, first)]
        stated = [d for d in doses if not LIMITING.search(view.reading.folded[max(0, d.start - 40) : d.start])]
        over = (_dose_finding(mention.ingredients[0], d, _around(view.reading, mention), chart, limits) for d in stated)
        found = next((f for f in over if f is not None), None)
        if found is not None:
            severity, text, row = found
            yield finding(
                FindingKind.DOSE, mention.ingredients, severity, text, source=row.source,
                code=f"dose.{row.ingredient}", span=span_of(view, mention),
                explanation=_explained(row.ingredient, text),
            )  # fmt: skip
        for dose in stated[:1]:
            yield from _notation(mention, dose, view)
        yield from _product(mention, products, chart, view)


def _product(mention: Mention, doses: list[Dose], chart: Chart, view: DraftView) -> Iterator[Finding]:
    """`0.6 mg/kg, that is 90 mg` against the weight."""
    if chart.weight_kg is None:
        return
    for per_kg, total in pairwise(doses):
        each, whole = per_kg.single_mg or per_kg.daily_mg, total.single_mg or total.daily_mg
        if not per_kg.per_kg or total.per_kg or not each or not whole or per_kg.units != total.units:
            continue
        ratio = whole / (each * chart.weight_kg)
        if not 1 / _MISMATCH <= ratio <= _MISMATCH and total.start - per_kg.end < _PRODUCT_REACH:
            name = mention.ingredients[0]
            right = each * chart.weight_kg
            text = f"{name}: {each:g} mg/kg for {chart.weight_kg:g} kg give {right:g} mg, not {whole:g} mg."
            yield finding(
                FindingKind.DOSE, (name,), Severity.MAJOR if max(ratio, 1 / ratio) >= 2 else Severity.MODERATE, text,
                source="arithmetic of the text", code="dose.per-kg", span=span_of(view, mention),
                explanation=_explained(name, text),
            )  # fmt: skip


def _next_amount(reading: Reading, first: Dose) -> Iterator[Dose]:
    """The amount that follows a dose per kilogram, with or without a frequency."""
    found = parse(reading.folded, first.end, min(len(reading.folded), first.end + _PRODUCT_REACH))
    if found is not None:
        yield found


_PRODUCT_REACH = 60
"""Characters between a dose per kilogram and its product."""


def _unnamed_doses(chart: Chart, view: DraftView, limits: Limits) -> Iterator[Finding]:
    """Doses in sentences without a drug, where request and draft are about just one."""
    asked = {i for r in chart.readings for m in r.mentions if m.name.class_id is None for i in m.ingredients}
    spoken = {i for m in view.reading.mentions if m.name.class_id is None for i in m.ingredients}
    if len(asked) != 1 or not spoken <= asked or view.opens_against or any(view.of(i).against for i in asked):
        return
    (ingredient,) = asked
    asking, mention = next((r, m) for r in chart.readings for m in r.mentions if ingredient in m.ingredients)
    strength = asking.folded[mention.end : mention.end + _STRENGTH_REACH]
    text = view.reading.folded
    for sentence in view.reading.sentences:
        if sentence.mentions:
            continue
        dose = parse(text, sentence.start, sentence.end) or _by_strength(strength, sentence.folded)
        if dose is None or LIMITING.search(text[max(0, dose.start - 40) : dose.start]):
            continue
        found = _dose_finding(ingredient, dose, sentence.folded, chart, limits)
        if found is not None:
            severity, words, row = found
            yield finding(
                FindingKind.DOSE, (ingredient,), severity, words, source=row.source, code=f"dose.{ingredient}",
                explanation=_explained(ingredient, words), confidence=0.8,
                span=Span(channel=view.reading.channel, start=sentence.start, end=sentence.end),
            )  # fmt: skip


_STRENGTH_REACH = 40
"""Characters behind the drug of the request in which its strength may stand."""


def _by_strength(strength: str, folded: str) -> Dose | None:
    """A volume in the draft with the concentration that the request names: `100 mg/5 mL`, `give 20 mL`."""
    joined = f"{folded} ({strength})"
    found = parse(joined, 0, len(joined))
    return found if found is not None and found.start < len(folded) else None


def _explained(ingredient: str, text: str) -> Explanation:
    return Explanation(
        mechanism="the dose as written against the labelled one", effect=text,
        management="Check amount, unit and interval against the label.",
        plain=f"The amount of {ingredient} in this answer does not look right. Do not take it like this; "
        "ask your doctor or pharmacist.",
    )  # fmt: skip


def _notation(mention: Mention, dose: Dose, view: DraftView) -> Iterator[Finding]:
    """Amount and volume that contradict each other, and numbers that are easily misread."""
    name = mention.ingredients[0]
    stated, computed = dose.single_mg if dose.single_mg is not None else dose.daily_mg, dose.computed_mg
    if stated and computed and not dose.per_kg and not 1 / _MISMATCH <= computed / stated <= _MISMATCH:
        ratio = max(computed / stated, stated / computed)
        yield finding(
            FindingKind.DOSE, (name,), Severity.MAJOR if ratio >= _GROSS else Severity.MODERATE,
            f"{name}: the volume and the concentration give {computed:g} mg, the text says {stated:g} mg. "
            "Correct one of them.", source="arithmetic of the text", code="dose.volume", span=span_of(view, mention),
        )  # fmt: skip
    if dose.trailing_zero or dose.naked_point:
        how = "a trailing zero" if dose.trailing_zero else "no zero before the decimal point"
        yield finding(
            FindingKind.DOSE, (name,), Severity.MINOR,
            f"{name}: the amount is written with {how} and may be read ten times too high.",
            source="ISMP list of error-prone abbreviations (2021)", code="dose.notation", span=span_of(view, mention),
        )  # fmt: skip


def _totals(view: DraftView, limits: Limits) -> Iterator[Finding]:
    """One ingredient in several products of the draft that together pass the daily maximum."""
    for ingredient, spoken in view.spoken.items():
        row = limits.doses.get((ingredient, "oral"))
        if row is None or row.max_daily_mg is None or spoken.against or len(spoken.affirmed) < 2:
            continue
        daily: dict[int, float] = {}
        for mention in spoken.affirmed:
            dose = doses_of(view.reading, mention)
            if dose is not None and dose.daily_mg is not None and not (dose.per_kg or dose.weekly or dose.units):
                daily.setdefault(dose.start, dose.daily_mg)
        total = sum(daily.values())
        either = _EITHER.search(view.reading.folded, min(daily, default=0), max(daily, default=0)) is not None
        if either or max(daily.values(), default=total) > row.max_daily_mg or total <= row.max_daily_mg * _MARGIN:
            continue
        severity, text, row = _over(row, total, row.max_daily_mg, "daily dose of all products together", row.unit)
        yield finding(
            FindingKind.DOSE, (ingredient,), severity, text, source=row.source, code=f"dose.{ingredient}",
            span=span_of(view, spoken.affirmed[0]), explanation=_explained(ingredient, text),
        )  # fmt: skip


_EITHER = re.compile(r"\b(?:or|instead|alternatively|then|after|once|later|week|day (?:two|three|[2-9]))\b")
"""Between two doses: one of them or one after the other, not both in a day."""


def _asked_doses(chart: Chart, view: DraftView, limits: Limits) -> Iterator[Finding]:
    """A dangerous regimen in the request with which the draft goes along."""
    if view.opens_against or not view.favours or view.kinds_warn:
        return
    for reading in chart.readings:
        for mention in reading.mentions:
            if len(mention.ingredients) != 1 or view.of(mention.ingredients[0]).against:
                continue
            if any(doses_of(view.reading, m) for m in view.of(mention.ingredients[0]).named):
                continue
            dose = doses_of(reading, mention)
            found = (
                None
                if dose is None
                else _dose_finding(mention.ingredients[0], dose, _around(reading, mention), chart, limits)
            )
            if found is not None and not view.cautioned(
                mention.ingredients, ("weekly", "once a week", "maximum", "dose", "too much")
            ):
                severity, text, row = found
                yield finding(
                    FindingKind.DOSE, mention.ingredients, severity, text + " The answer does not correct it.",
                    source=row.source, code=f"dose.{row.ingredient}", confidence=0.8,
                    explanation=_explained(row.ingredient, text),
                )  # fmt: skip


def _around(reading: Reading, mention: Mention) -> str:
    return reading.folded[max(0, mention.start - 60) : mention.end + REACH]


def _dose_finding(
    ingredient: str, dose: Dose, around: str, chart: Chart, limits: Limits
) -> tuple[Severity, str, DoseRow] | None:
    row = row_of(ingredient, around, limits)
    if row is None or dose.units != (row.unit == "units"):
        return None
    if ingredient == "methotrexate" and _ONCOLOGY.search(around + chart.context):
        return None
    if row.interval == "weekly" and not dose.weekly:
        return _weekly(row, dose)
    if dose.per_kg:
        return _per_kg(row, dose)
    child = _child(row, dose, chart) or _units_by_weight(row, dose, chart)
    if child is not None:
        return child
    return _adult(row, dose, at_once=_AT_ONCE.search(around) is not None)


def row_of(ingredient: str, around: str, limits: Limits) -> DoseRow | None:
    """The maximum that speaks of a dose, by the words around it; none for the skin, or in a cardiac arrest."""
    if TOPICAL.search(around) or _ARREST.search(around):
        return None
    route = "injection" if _INJECTION.search(around) else "oral"
    return limits.doses.get((ingredient, route)) or limits.doses.get(
        (ingredient, "injection" if ingredient == "epinephrine" else route)
    )


def exceeds(row: DoseRow, dose: Dose, around: str) -> bool:
    """Whether an adult's dose is above the row, is given too often, or is far too small to be meant."""
    if row.interval == "weekly" and not dose.weekly and _weekly(row, dose) is not None:
        return True
    return _adult(row, dose, at_once=_AT_ONCE.search(around) is not None) is not None


def _weekly(row: DoseRow, dose: Dose) -> tuple[Severity, str, DoseRow] | None:
    if not dose.daily_stated or dose.daily_mg is None:
        return None
    if row.ingredient == "alendronate" and dose.daily_mg <= 10:
        return None
    if row.ingredient == "semaglutide" and row.route == "oral":
        return None
    text = (
        f"{row.ingredient} is given once a week, not daily: a daily dose can be fatal or toxic. Correct the interval."
    )
    return Severity.CONTRAINDICATED if row.ingredient == "methotrexate" else Severity.MAJOR, text, row


def _per_kg(row: DoseRow, dose: Dose) -> tuple[Severity, str, DoseRow] | None:
    for stated, limit, word in (
        (dose.single_mg, row.max_single_mg_kg, "single"), (dose.daily_mg, row.max_daily_mg_kg, "daily"),
    ):  # fmt: skip
        if stated is not None and limit is not None and stated > limit * _MARGIN:
            return _over(row, stated, limit, f"{word} dose per kg", f"{row.unit}/kg")
    return None


def _child(row: DoseRow, dose: Dose, chart: Chart) -> tuple[Severity, str, DoseRow] | None:
    """Limits per kilogram; where the weight is unknown, of the heaviest child of that age."""
    age, weight = chart.age_years, chart.weight_kg
    if age is None or age >= 12 or (weight is not None and weight >= 50):
        return None
    kilograms = weight if weight is not None else _heaviest_kg(age)
    whose = (
        f"for {weight:g} kg" if weight is not None else f"at {age:g} years (weight unknown, {kilograms:g} kg at most)"
    )
    for stated, limit, word in (
        (dose.single_mg, row.max_single_mg_kg, "single"), (dose.daily_mg, row.max_daily_mg_kg, "daily"),
    ):  # fmt: skip
        if stated is not None and limit is not None and stated > limit * kilograms * 1.1:
            return _over(row, stated, limit * kilograms, f"{word} dose {whose}", row.unit)
    return None


_HEAVIEST = (
    (0.25, 8.0), (0.5, 9.8), (1, 12.0), (2, 15.3), (3, 18.3), (4, 21.2), (5, 24.2), (6, 27.1), (7, 31.4), (8, 36.0),
    (9, 41.0), (10, 47.0), (11, 54.0), (12, 60.0),
)  # fmt: skip
"""Age in years and about the 97th percentile of weight there, kg, rounded up. Source: WHO growth standards 2006 and
reference 2007; from ten years on CDC growth charts 2000."""


def _heaviest_kg(age_years: float) -> float:
    return next((kg for years, kg in _HEAVIEST if age_years <= years), _HEAVIEST[-1][1])


def _units_by_weight(row: DoseRow, dose: Dose, chart: Chart) -> tuple[Severity, str, DoseRow] | None:
    """Doses in units, as of insulin, are limited per kilogram at every age."""
    weight, limit, stated = (
        chart.weight_kg,
        row.max_daily_mg_kg or row.max_single_mg_kg,
        dose.daily_mg or dose.single_mg,
    )
    if row.unit != "units" or weight is None or limit is None or stated is None or stated <= limit * weight * _MARGIN:
        return None
    return _over(row, stated, limit * weight, f"dose for {weight:g} kg", row.unit)


def _adult(row: DoseRow, dose: Dose, *, at_once: bool) -> tuple[Severity, str, DoseRow] | None:
    if dose.weekly and row.interval != "weekly":
        return None
    single = row.max_single_mg
    if not dose.daily_stated and not at_once and row.max_daily_mg is not None:
        single = row.max_daily_mg
    for stated, limit, word in ((dose.daily_mg, row.max_daily_mg, "daily"), (dose.single_mg, single, "single")):
        if stated is not None and limit is not None and stated > limit * _MARGIN:
            return _over(row, stated, limit, f"{word} dose", row.unit)
    if row.min_daily_mg is not None and dose.daily_mg is not None and dose.daily_mg * _FAR_BELOW < row.min_daily_mg:
        text = (
            f"{row.ingredient}: daily dose of {dose.daily_mg:g} {row.unit} is far below the least useful one "
            f"({row.min_daily_mg:g} {row.unit}). Check the unit and the decimal point."
        )
        return Severity.MODERATE, text, row
    return None


def _over(row: DoseRow, stated: float, limit: float, what: str, unit: str) -> tuple[Severity, str, DoseRow]:
    ratio = stated / limit
    severity = Severity.MAJOR if ratio >= _MAJOR_RATIO else Severity.MODERATE
    text = f"{row.ingredient}: {what} of {stated:g} {unit} against a labelled maximum of {limit:g} {unit}."
    if ratio >= _UNIT_SLIP and unit.startswith("mg"):
        return severity, text + " Milligrams where micrograms are meant?", row
    return severity, text + (" Ten-fold error?" if ratio >= _GROSS else " Check the dose."), row
