"""One drug in one person: conditions, allergies, pregnancy, kidneys and age against what the draft advises."""

from __future__ import annotations

from collections.abc import Iterator

from wardround.policies.finding import Explanation, Finding, FindingKind, Severity

from .draft import DraftView
from .limits import ConditionRow, Limits, PopulationRow
from .mentions import Mention
from .patient import Chart, is_topical
from .plain import of_one
from .regimens import daily_dose_mg, per_kg_daily_mg
from .report import finding, lower, span_of
from .stance import Status


def checked(chart: Chart, view: DraftView, limits: Limits, *, complete: bool) -> Iterator[Finding]:
    """Findings about every drug that the draft advises, or that the user asks about without being warned."""
    for ingredient, mention in candidates(chart, view, complete=complete):
        topical = _topical(view, mention) or (mention is None and chart.held[ingredient].topical)
        yield from _conditions(ingredient, mention, chart, view, limits, topical=topical)
        yield from _allergies(ingredient, mention, chart, view, limits)
        if topical:
            continue
        yield from _pregnancy(ingredient, mention, chart, view, limits)
        yield from _renal(ingredient, mention, chart, view, limits)
        yield from _age(ingredient, mention, chart, view, limits)


def candidates(chart: Chart, view: DraftView, *, complete: bool) -> Iterator[tuple[str, Mention | None]]:
    """(ingredient, where the draft advises it); None where the user asked and the draft goes along unnamed."""
    for ingredient, spoken in view.spoken.items():
        if spoken.affirmed and not spoken.against:
            yield ingredient, spoken.affirmed[0]
    if not complete or view.opens_against:
        return
    for held in chart.with_status(Status.ASKED):
        spoken = view.of(held.ingredient)
        if held.ingredient in chart.allergies or held.ingredient in chart.allergy_ingredients:
            continue
        if not spoken.against and not spoken.affirmed and (view.favours or not view.defers):
            yield held.ingredient, spoken.named[0] if spoken.named else None


def unmonitored(chart: Chart, view: DraftView, limits: Limits) -> Iterator[Finding]:
    """Drugs that the draft newly starts without a word on what must be measured. Never more than a note."""
    text = view.reading.folded
    for ingredient, spoken in view.spoken.items():
        held = chart.held.get(ingredient)
        if not spoken.affirmed or spoken.against or (held is not None and held.status is Status.TAKEN):
            continue
        for row in limits.monitoring.of(ingredient):
            if any(word in text for word in row.words):
                continue
            severity = Severity(row.severity)
            yield finding(
                FindingKind.OMISSION, (ingredient,), severity,
                f"{ingredient} needs monitoring that the answer does not name: {row.what}.",
                source=f"{row.source} ({row.date})", code=row.id, span=span_of(view, spoken.affirmed[0]),
                explanation=Explanation(
                    effect="harm that only a test would show", management=f"Plan it: {row.what}.",
                    plain=f"{ingredient} needs check-ups: {row.what}. Ask your doctor when yours are due.",
                ),
            )  # fmt: skip
            break


def _topical(view: DraftView, mention: Mention | None) -> bool:
    if mention is None:
        return False
    return is_topical(view.reading.folded, mention.start, mention.end)


def _conditions(
    ingredient: str, mention: Mention | None, chart: Chart, view: DraftView, limits: Limits, *, topical: bool
) -> Iterator[Finding]:
    for row in limits.conditions.of(ingredient):
        if row.condition not in chart.conditions or not _condition_holds(row, chart):
            continue
        if topical and not row.topical_counts:
            continue
        level = row.over if row.over is not None and _is_over(row, ingredient, view) else row.severity
        severity = _in_context(Severity(level), chart, ingredient, None)
        if view.cautioned((ingredient,), (row.condition, *_effect_words(row.effect))):
            severity = lower(severity, Severity.MODERATE)
        explanation = _explained(row, ingredient, severity, f"with {row.condition}", _unknown(row, ingredient, view))
        missing = f" Unknown: {', '.join(explanation.unknown)}." if explanation.unknown else ""
        yield finding(
            FindingKind.CONTRAINDICATION, (ingredient, row.condition), severity,
            f"{ingredient} in {row.condition}: {row.effect}. {explanation.management}{missing}",
            source=f"{row.source} ({row.date})", code=row.id, span=span_of(view, mention), explanation=explanation,
        )  # fmt: skip


def _explained(
    row: ConditionRow | PopulationRow, ingredient: str, severity: Severity, because: str, unknown: tuple[str, ...] = ()
) -> Explanation:
    return Explanation(
        effect=row.effect, management=f"{row.manage[:1].upper()}{row.manage[1:]}.",
        plain=of_one(ingredient, row.effect, severity, because), unknown=unknown,
    )  # fmt: skip


def _unknown(row: ConditionRow, ingredient: str, view: DraftView) -> tuple[str, ...]:
    """The dose, where the row has a limit and none is stated."""
    limited = row.max_daily_mg is not None and daily_dose_mg(view, ingredient) is None
    return (f"dose of {ingredient}",) if limited else ()


def _is_over(row: ConditionRow, ingredient: str, view: DraftView) -> bool:
    daily = daily_dose_mg(view, ingredient)
    return row.max_daily_mg is not None and daily is not None and daily > row.max_daily_mg


def _condition_holds(row: ConditionRow, chart: Chart) -> bool:
    if row.min_age is not None and (chart.age_years is None or chart.age_years < row.min_age):
        return False
    if row.needs == "uncontrolled":
        return chart.uncontrolled
    return chart.decompensated if row.needs == "decompensated" else True


def _in_context(severity: Severity, chart: Chart, ingredient: str, tolerated: str | None) -> Severity:
    """A drug already established was weighed by somebody: moderate at most unless it is never right."""
    held = chart.held.get(ingredient)
    if held is not None and held.status is Status.TAKEN and held.recorded and severity is not Severity.CONTRAINDICATED:
        return lower(severity, Severity(tolerated) if tolerated else severity)
    return severity


def _effect_words(effect: str) -> tuple[str, ...]:
    return tuple(w for w in effect.lower().replace(",", " ").split() if len(w) > 5)


def _allergies(
    ingredient: str, mention: Mention | None, chart: Chart, view: DraftView, limits: Limits
) -> Iterator[Finding]:
    cap = chart.allergy_ingredients.get(ingredient)
    if cap is not None:
        yield _allergy(ingredient, ingredient, Severity(cap), "FDA labels, section 4", "allergy.same", view, mention)
    for allergy in limits.allergies:
        allergen = allergy.row.allergen
        level = allergy.severity.get(ingredient)
        if allergen not in chart.allergies or level is None:
            continue
        severity = lower(Severity(level), Severity(chart.allergies[allergen]))
        if view.cautioned((ingredient,), (allergen, "cross-react", "allerg")):
            severity = lower(severity, Severity.MODERATE)
        yield _allergy(ingredient, allergen, severity, allergy.row.source, allergy.row.id, view, mention)


def _allergy(
    ingredient: str, allergen: str, severity: Severity, source: str, code: str, view: DraftView, mention: Mention | None
) -> Finding:
    text = (
        f"{ingredient} for a patient with an allergy to {allergen}. Choose an unrelated drug or clarify the reaction."
    )
    explanation = Explanation(
        mechanism="the immune system knows the drug or one like it", effect="allergic reaction",
        management="Choose an unrelated drug or clarify the reaction.",
        plain=f"You are allergic to {allergen}, and {ingredient} may cause the same reaction. "
        "Do not take it before you have asked your doctor or pharmacist.",
    )  # fmt: skip
    return finding(
        FindingKind.ALLERGY, (ingredient, allergen) if ingredient != allergen else (ingredient,), severity, text,
        source=source, code=code, span=span_of(view, mention), explanation=explanation,
    )  # fmt: skip


def _pregnancy(
    ingredient: str, mention: Mention | None, chart: Chart, view: DraftView, limits: Limits
) -> Iterator[Finding]:
    if not chart.pregnant:
        return
    for row in limits.pregnancy.of(ingredient):
        if row.from_weeks is not None and (chart.gestation_weeks or 0) < row.from_weeks:
            continue
        if row.min_dose_mg is not None:
            daily = daily_dose_mg(view, ingredient)
            if daily is None or daily < row.min_dose_mg:
                continue
        yield _population(FindingKind.PREGNANCY, row, ingredient, "in pregnancy", chart, view, mention)
        return


def _renal(
    ingredient: str, mention: Mention | None, chart: Chart, view: DraftView, limits: Limits
) -> Iterator[Finding]:
    egfr = chart.egfr_ml_min
    if egfr is None:
        return
    for row in sorted(limits.renal.of(ingredient), key=lambda r: r.egfr_below or 0):
        if row.egfr_below is None or egfr >= row.egfr_below:
            continue
        if row.indication and row.indication not in chart.context and row.indication not in view.reading.folded:
            continue
        verdict = _over_limit(row, ingredient, chart, view)
        if verdict is False:
            return
        found = _population(FindingKind.RENAL, row, ingredient, f"at an eGFR of {egfr:g} mL/min", chart, view, mention)
        if verdict is None and found.severity.rank > Severity.MODERATE.rank:
            explained = found.explanation or Explanation()
            found = found.model_copy(
                update={
                    "severity": Severity.MODERATE,
                    "message": found.message + " Dose unknown.",
                    "explanation": explained.model_copy(update={"unknown": (f"dose of {ingredient}",)}),
                }
            )
        yield found
        return


def _over_limit(row: PopulationRow, ingredient: str, chart: Chart, view: DraftView) -> bool | None:
    """True where the dose is over the limit or the row allows none, False where within, None where no dose is known."""
    if row.max_daily_mg is None and row.max_per_kg_daily is None and row.max_single_mg is None:
        return True
    if row.max_per_kg_daily is not None and (per_kg := per_kg_daily_mg(view, ingredient)) is not None:
        return per_kg > row.max_per_kg_daily * 1.1
    daily = daily_dose_mg(view, ingredient)
    if daily is None:
        return None
    if row.max_per_kg_daily is not None:
        return None if chart.weight_kg is None else daily > row.max_per_kg_daily * chart.weight_kg * 1.1
    limit = row.max_daily_mg if row.max_daily_mg is not None else (row.max_single_mg or 0) * 2
    return daily > limit * 1.05


def _age(ingredient: str, mention: Mention | None, chart: Chart, view: DraftView, limits: Limits) -> Iterator[Finding]:
    age = chart.age_years
    if age is None:
        return
    for row in limits.age.of(ingredient):
        young = row.below_years is not None and age < row.below_years
        old = row.from_years is not None and age >= row.from_years
        if not (young or old) or any(w in chart.context or w in view.reading.folded for w in row.not_if):
            continue
        yield _population(FindingKind.AGE, row, ingredient, f"at {age:g} years", chart, view, mention)
        return


def _population(
    kind: FindingKind, row: PopulationRow, ingredient: str, where: str, chart: Chart, view: DraftView,
    mention: Mention | None,
) -> Finding:  # fmt: skip
    severity = _in_context(Severity(row.severity), chart, ingredient, row.tolerated)
    if view.cautioned((ingredient,), _CONTEXT_WORDS[kind] + _effect_words(row.effect)):
        severity = lower(severity, Severity.MODERATE)
    return finding(
        kind, (ingredient,), severity,
        f"{ingredient} {where}: {row.effect}. {row.manage[:1].upper()}{row.manage[1:]}.",
        source=f"{row.source} ({row.date})", code=row.id, span=span_of(view, mention),
        explanation=_explained(row, ingredient, severity, where),
    )  # fmt: skip


_CONTEXT_WORDS: dict[FindingKind, tuple[str, ...]] = {
    FindingKind.PREGNANCY: ("pregnan", "fetus", "fetal", "baby", "birth defect"),
    FindingKind.RENAL: ("kidney", "renal", "egfr", "creatinine"),
    FindingKind.AGE: ("age", "child", "older adult", "years", "elderly", "reye"),
}
