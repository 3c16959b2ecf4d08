"""Two drugs together: which pairs the draft brings about or leaves unmentioned, and how serious that is in context."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from wardround.policies.finding import Certainty, Explanation, Finding, FindingKind, Severity, Span

from .draft import DraftView, Spoken
from .limits import Limits, Washout
from .mentions import Mention
from .pairs import PairTable, RuleRow
from .patient import Chart, Held, is_topical
from .plain import of_pair
from .regimens import known_daily_mg
from .report import finding, lower, span_of
from .stance import Status

_RECREATIONAL = frozenset({"grapefruit", "alcohol", "caffeine", "milk", "kale", "tyramine"})
"""What is consumed, not prescribed: never merely `tolerated`."""


def recorded(chart: Chart, table: PairTable) -> Iterator[Finding]:
    """Pairs that the patient already takes: moderate at most, so that a list alone never stops an answer."""
    taken = [h for h in chart.with_status(Status.TAKEN) if not h.topical]
    for a, b in combinations(taken, 2):
        if _one_product(a, b):
            continue
        for rule in table.matching(a.ingredient, b.ingredient)[:1]:
            severity = lower(_tolerated(rule), Severity.MODERATE)
            yield _finding(rule, (a.ingredient, b.ingredient), severity, "Already taken together.", None, chart=chart)


def checked(chart: Chart, view: DraftView, table: PairTable, *, complete: bool) -> Iterator[Finding]:
    """Pairs that the draft brings about, and serious ones that it fails to mention."""
    pool = _pool(chart, view)
    for a, b in combinations(sorted(pool), 2):
        topical = pool[a].topical or pool[b].topical
        rules = [r for r in _rules(pool[a], pool[b], pool, table) if r.topical_counts or not topical]
        if rules and not _one_product(pool[a], pool[b]) and not _alternatives(pool[a], pool[b], chart, view):
            found = _judge(pool[a], pool[b], rules[0], chart, view, complete=complete)
            if found is not None:
                yield found


def still_acting(chart: Chart, view: DraftView, table: PairTable, limits: Limits) -> Iterator[Finding]:
    """Pairs of what the draft advises with a drug whose washout is not over."""
    for ingredient, days in chart.stopped.items():
        for washout in limits.washouts.get(ingredient, ()):
            if days is not None and days >= washout.row.days:
                continue
            for partner in sorted(washout.partners):
                spoken = view.of(partner)
                rules = table.matching(ingredient, partner)
                if not rules or not spoken.affirmed or spoken.against:
                    continue
                span = span_of(view, spoken.affirmed[0])
                yield _within_washout(rules[0], (ingredient, partner), washout, chart, view, span)


def _within_washout(
    rule: RuleRow, subjects: tuple[str, str], washout: Washout, chart: Chart, view: DraftView, span: Span | None
) -> Finding:
    days = chart.stopped[subjects[0]]
    since = "at an unknown time" if days is None else f"{days:g} days ago"
    why = f"{subjects[0]} was stopped {since} and acts for {washout.row.days:g} days ({washout.row.source})."
    severity = Severity(rule.severity) if days is not None else lower(Severity(rule.severity), Severity.MAJOR)
    return _finding(rule, subjects, severity, why, span, chart=chart, view=view)


def _rules(a: Held, b: Held, pool: dict[str, Held], table: PairTable) -> tuple[RuleRow, ...]:
    """Rules of a pair. Of a class that the user names ("my blood thinner") only what holds for every member counts,
    and nothing where a member is named as well."""
    unnamed, named = (a, b) if a.ingredient not in a.products else (b, a)
    if unnamed.ingredient in unnamed.products:
        return table.matching(a.ingredient, b.ingredient)
    members = frozenset(unnamed.products)
    if named.ingredient not in named.products or members & set(pool):
        return ()
    return table.of_class(members, named.ingredient)


def _one_product(a: Held, b: Held) -> bool:
    """Two parts of one approved product are no combination that anybody chose."""
    return b.ingredient in a.products and a.ingredient in b.products


def _alternatives(a: Held, b: Held, chart: Chart, view: DraftView) -> bool:
    """Both are named by the draft alone, and only as members of one list of choices: `such as A, B and C`, `A or B`;
    or the request compares them."""
    if all(h.status is Status.ASKED and not h.recorded for h in (a, b)):
        return _compared(a, b, chart)
    if any(h.recorded or h.status is not Status.NEGATED for h in (a, b)):
        return False
    return all(
        _listed_as_choices(m, n, view) for m in view.of(a.ingredient).affirmed for n in view.of(b.ingredient).affirmed
    )


def _compared(a: Held, b: Held, chart: Chart) -> bool:
    """The user asks which of the two, or how they differ, not whether they go together."""
    return any(
        {a.ingredient, b.ingredient} <= sentence.named and _COMPARISON.search(sentence.folded) is not None
        for reading in chart.readings
        for sentence in reading.sentences
    )


_COMPARISON = re.compile(
    r"\b(?:differ\w*|versus|vs|compare\w*|better than|stronger|diferencia|mejor|diferenca|melhor|difference|mieux|"
    r"unterschied|besser|differenza|meglio|which (?:one|is|of))\b|\u533a\u522b|\u54ea\u4e2a|\u0905\u0902\u0924\u0930"
)


def _listed_as_choices(m: Mention, n: Mention, view: DraftView) -> bool:
    first, second = sorted((m, n), key=lambda x: x.start)
    text = view.reading.folded
    between = text[first.end : second.start]
    if len(between) > _LIST_REACH or re.search(r"[.;:!?\n]", between):
        return False
    before = re.split(r"[.;:!?\n]", text[max(0, first.start - _LIST_REACH) : first.start])[-1]
    return _CHOICE.search(between) is not None or _EXAMPLES.search(before) is not None


_LIST_REACH = 120
"""Characters that a list of examples may span."""
_CHOICE = re.compile(r"\b(?:or|oder|ou|o|oppure)\b|[\u6216]|\u092f\u093e")
_EXAMPLES = re.compile(
    r"\b(?:such as|including|includes?|for example|e\.?g\.?|like|options are|one of|either|choose|"
    r"z\. ?b\.|zum beispiel|wie|como|por ejemplo|por exemplo|incluyen?|incluem|comme|par exemple|tels? que|telles? que|"
    r"come|ad esempio|inclus\w+)\b|\u4f8b\u5982|\u5305\u62ec|\u091c\u0948\u0938\u0947"
)
"""What opens a list of examples."""


def _pool(chart: Chart, view: DraftView) -> dict[str, Held]:
    """Everything held, and everything that the draft affirms."""
    pool = dict(chart.held)
    for ingredient, spoken in view.spoken.items():
        if ingredient not in pool and spoken.affirmed:
            name = spoken.affirmed[0].name
            topical = _topical(view, ingredient)
            pool[ingredient] = Held(ingredient, name.text, name.ingredients, Status.NEGATED, topical, recorded=False)
    return pool


def _topical(view: DraftView, ingredient: str) -> bool:
    return any(is_topical(view.reading.folded, m.start, m.end) for m in view.of(ingredient).affirmed)


def _judge(a: Held, b: Held, rule: RuleRow, chart: Chart, view: DraftView, *, complete: bool) -> Finding | None:
    """One pair: silent where the draft warns, lowered where a named reason says so, else the rule's severity."""
    subjects = (a.ingredient, b.ingredient)
    said = [view.of(s) for s in subjects]
    if any(s.against for s in said):
        return None
    affirmed = [m for s in said for m in s.affirmed]
    new = any(h.status is not Status.TAKEN or h.new for h in (a, b))
    reasons: list[str] = []
    tolerated = not new and (not affirmed or not _RECREATIONAL & set(subjects))
    severity = _in_patient(rule, chart, view, reasons, tolerated=tolerated)
    if view.cautioned(subjects, rule.effects):
        softened = _cautioned(severity, bool(affirmed), rule, view, subjects)
        if softened is None:
            return None
        severity = _lowered(severity, softened, "the answer names the danger", reasons)
    elif view.managed(subjects, rule.effects) and not view.minimises and severity is not Severity.CONTRAINDICATED:
        severity = _lowered(severity, Severity.MODERATE, "the answer adjusts or monitors", reasons)
    if severity is Severity.MAJOR and _switches(view, affirmed, said):
        severity = _lowered(severity, Severity.MODERATE, "one is given in place of the other", reasons)
    why = f" Lowered: {', '.join(reasons)}." if reasons else ""
    if not affirmed:
        if not new:
            return _omitted(rule, subjects, chart, view) if complete else None
        return _unmentioned(rule, subjects, severity, chart, view, why=why, complete=complete)
    text = "The answer goes along with this combination." + why
    return _finding(rule, subjects, severity, text, span_of(view, affirmed[0]), chart=chart, view=view)


def _in_patient(rule: RuleRow, chart: Chart, view: DraftView, reasons: list[str], *, tolerated: bool) -> Severity:
    """The rule's severity, lowered by what is known of the patient, the doses and their timing."""
    severity = Severity(rule.severity)
    if tolerated:
        severity = _lowered(severity, _tolerated(rule), "already taken together", reasons)
    if (accepted := _within_accepted_dose(rule, chart, view)) is not None:
        severity = _lowered(severity, Severity.MODERATE, accepted, reasons)
    if rule.separable and _APART.search(view.reading.folded):
        severity = _lowered(severity, Severity.MINOR, "taken hours apart", reasons)
    return severity


def _lowered(severity: Severity, cap: Severity, why: str, reasons: list[str]) -> Severity:
    """The lesser of the two, and the reason where it is less."""
    if cap.rank < severity.rank:
        reasons.append(why)
    return lower(severity, cap)


def _within_accepted_dose(rule: RuleRow, chart: Chart, view: DraftView) -> str | None:
    """The limits that the rule accepts, where every dose in question is known and within them."""
    if not rule.max_dose_mg:
        return None
    concerned = [i for i in rule.max_dose_mg if i in chart.held or view.of(i).affirmed]
    doses = {i: known_daily_mg(chart, view, i) for i in concerned}
    if not doses or any(d is None or d > rule.max_dose_mg[i] for i, d in doses.items()):
        return None
    return " and ".join(f"{i} up to {rule.max_dose_mg[i]:g} mg a day is accepted" for i in doses)


_APART = re.compile(
    r"\b(?:hours? (?:apart|before|after)|separate\w*|spaced?|heures? (?:avant|apres|d'ecart)|"
    r"horas (?:antes|despues|de)|"
    r"stunden (?:vor|nach|abstand)|ore (?:prima|dopo)|horas (?:antes|depois))\b|\u5c0f\u65f6"
)


def _cautioned(
    severity: Severity, affirmed: bool, rule: RuleRow, view: DraftView, subjects: tuple[str, ...]
) -> Severity | None:
    if not affirmed or not any(view.of(s).affirmed for s in subjects):
        return None
    if view.minimises:
        return severity
    if view.managed(subjects, rule.effects):
        return None if severity.rank <= Severity.MODERATE.rank else Severity.MODERATE
    return lower(severity, Severity.MODERATE)


def _unmentioned(
    rule: RuleRow, subjects: tuple[str, str], severity: Severity, chart: Chart, view: DraftView, *, why: str,
    complete: bool,
) -> Finding | None:  # fmt: skip
    """A pair that the request brings up and the draft does not name."""
    if not complete or severity.rank < Severity.MODERATE.rank or view.opens_against:
        return None
    if not view.favours and view.defers:
        severity = lower(severity, Severity.MODERATE)
    text = "The answer does not mention it." + why
    return _finding(rule, subjects, severity, text, None, chart=chart, view=view)


def _omitted(rule: RuleRow, subjects: tuple[str, str], chart: Chart, view: DraftView) -> Finding | None:
    """A serious pair that the patient takes already, of which the draft is silent although the question bears on it.

    It bears on it where a contraindicated pair is at stake and one of the two is spoken of, or where the request
    names what the pair does.
    """
    severity = Severity(rule.severity)
    if severity.rank < Severity.MAJOR.rank or view.opens_against or set(subjects) & _RECREATIONAL:
        return None
    asked = "\n".join(r.folded for r in chart.readings)
    named = {i for r in chart.readings for m in r.mentions for i in m.ingredients} | set(view.spoken)
    symptoms = any(e in asked for e in rule.effects)
    spoken_of = bool(named & set(subjects))
    if not symptoms and not (spoken_of and severity is Severity.CONTRAINDICATED):
        return None
    text = "The patient takes both, and the answer does not mention it."
    return _finding(
        rule, subjects, Severity.MAJOR, text, None, chart=chart, view=view, kind=FindingKind.OMISSION
    )  # fmt: skip


def _switches(view: DraftView, affirmed: list[Mention], said: list[Spoken]) -> bool:
    """One drug is advised in place of the other, which the draft does not continue."""
    if all(s.affirmed for s in said):
        return False
    text = view.reading.folded
    return bool(affirmed) and all(_SWITCH.search(text[max(0, m.start - 40) : m.start]) for m in affirmed)


_SWITCH = re.compile(r"\b(?:switch\w*|swap\w*|chang\w+|convert\w*|transition\w*) (?:\w+ )?to\b|\breplac\w+ .*\bwith\b")


def _tolerated(rule: RuleRow) -> Severity:
    if rule.tolerated:
        return Severity(rule.tolerated)
    severity = Severity(rule.severity)
    return severity if severity is Severity.CONTRAINDICATED else lower(severity, Severity.MODERATE)


def _finding(
    rule: RuleRow, subjects: tuple[str, str], severity: Severity, why: str, span: Span | None, *, chart: Chart,
    view: DraftView | None = None, kind: FindingKind = FindingKind.INTERACTION,
) -> Finding:  # fmt: skip
    a, b = subjects
    management = f"{rule.manage[:1].upper()}{rule.manage[1:]}."
    unknown = _unknown(rule, subjects, chart, view)
    missing = f" Unknown: {', '.join(unknown)}." if unknown else ""
    sure = "" if rule.certainty is Certainty.ESTABLISHED else f" ({rule.certainty.value})"
    plain = rule.plain.format(a=a, b=b) if rule.plain else of_pair(a, b, rule.effect, rule.mechanism, severity)
    return finding(
        kind, subjects, severity, f"{a} with {b}: {rule.effect}{sure} ({rule.mechanism}). {management} {why}{missing}",
        source=f"{rule.source} ({rule.date})", code=rule.id, span=span,
        explanation=Explanation(
            mechanism=rule.mechanism, effect=rule.effect, management=management, certainty=rule.certainty, plain=plain,
            unknown=unknown,
        ),
    )  # fmt: skip


def _unknown(rule: RuleRow, subjects: tuple[str, str], chart: Chart, view: DraftView | None) -> tuple[str, ...]:
    """What is not known of this patient and would change the judgement."""
    doses = [
        f"dose of {i}" for i in rule.max_dose_mg
        if i in subjects and (view is None or known_daily_mg(chart, view, i) is None)
    ]  # fmt: skip
    kidneys = (
        chart.egfr_ml_min is None and _ON_KIDNEYS.search(f"{rule.effect} {rule.mechanism} {rule.manage}") is not None
    )
    return (*doses, *(["kidney function"] if kidneys else []))


_ON_KIDNEYS = re.compile(r"\b(?:kidney|renal|nephro\w*|egfr|creatinine|hyperkal\w*|potassium|lactic)", re.IGNORECASE)
