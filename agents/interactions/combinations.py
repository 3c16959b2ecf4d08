"""Two drugs together: which pairs the draft brings about or leaves unmentioned, and how serious that is in context."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from wardround.policies.finding import Finding, FindingKind, Severity, Span

from .draft import DraftView, Spoken
from .limits import Limits, Washout
from .mentions import Mention
from .pairs import PairTable, RuleRow
from .patient import TOPICAL, Chart, Held
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
            yield _finding(rule, (a.ingredient, b.ingredient), severity, "Already taken together.", None)


def checked(chart: Chart, view: DraftView, table: PairTable, *, complete: bool) -> Iterator[Finding]:
    """Pairs that the draft brings about, and serious ones that it fails to mention."""
    pool = _pool(chart, view)
    for a, b in combinations(sorted(pool), 2):
        rules = _rules(pool[a], pool[b], pool, table)
        if rules and not _one_product(pool[a], pool[b]) and not _alternatives(pool[a], pool[b], view):
            found = _judge(pool[a], pool[b], rules[0], view, complete=complete)
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
                yield _within_washout(rules[0], (ingredient, partner), days, washout, span_of(view, spoken.affirmed[0]))


def _within_washout(
    rule: RuleRow, subjects: tuple[str, str], days: float | None, washout: Washout, span: Span | None
) -> Finding:
    since = "at an unknown time" if days is None else f"{days:g} days ago"
    why = f"{subjects[0]} was stopped {since} and acts for {washout.row.days:g} days ({washout.row.source})."
    severity = Severity(rule.severity) if days is not None else lower(Severity(rule.severity), Severity.MAJOR)
    return _finding(rule, subjects, severity, why, span)


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


def _alternatives(a: Held, b: Held, view: DraftView) -> bool:
    """Both are named by the draft alone, and only as members of one list of choices: `such as A, B and C`, `A or B`."""
    if any(h.recorded or h.status is not Status.NEGATED for h in (a, b)):
        return False
    return all(
        _listed_as_choices(m, n, view) for m in view.of(a.ingredient).affirmed for n in view.of(b.ingredient).affirmed
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
    pool = {h.ingredient: h for h in chart.held.values() if not h.topical}
    for ingredient, spoken in view.spoken.items():
        if ingredient not in pool and spoken.affirmed:
            name = spoken.affirmed[0].name
            if not _topical(view, ingredient):
                pool[ingredient] = Held(ingredient, name.text, name.ingredients, Status.NEGATED, False, recorded=False)
    return pool


def _topical(view: DraftView, ingredient: str) -> bool:
    for mention in view.of(ingredient).affirmed:
        around = (
            view.reading.folded[max(0, mention.start - 15) : mention.start]
            + " "
            + view.reading.folded[mention.end : mention.end + 25]
        )
        if TOPICAL.search(around):
            return True
    return False


def _judge(a: Held, b: Held, rule: RuleRow, view: DraftView, *, complete: bool) -> Finding | None:
    """One pair: silent where the draft warns, lowered where it manages, else the rule's severity."""
    subjects = (a.ingredient, b.ingredient)
    said = [view.of(s) for s in subjects]
    if any(s.against for s in said):
        return None
    severity = Severity(rule.severity)
    affirmed = [m for s in said for m in s.affirmed]
    new = any(h.status is not Status.TAKEN or h.new for h in (a, b))
    if not new and not _RECREATIONAL & set(subjects):
        severity = lower(severity, _tolerated(rule))
    elif not new and not affirmed:
        severity = lower(severity, _tolerated(rule))
    if view.cautioned(subjects, rule.effects):
        softened = _cautioned(severity, bool(affirmed), rule, view, subjects)
        if softened is None:
            return None
        severity = softened
    elif view.managed(subjects, rule.effects) and not view.minimises and severity is not Severity.CONTRAINDICATED:
        severity = lower(severity, Severity.MODERATE)
    if severity is Severity.MAJOR and _switches(view, affirmed, said):
        severity = Severity.MODERATE
    if not affirmed:
        return _unmentioned(rule, subjects, severity, view, new=new, complete=complete)
    return _finding(
        rule, subjects, severity, "The answer goes along with this combination.", span_of(view, affirmed[0])
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
    rule: RuleRow, subjects: tuple[str, ...], severity: Severity, view: DraftView, *, new: bool, complete: bool
) -> Finding | None:
    """A pair that the request brings up and the draft does not name."""
    if not complete or not new or severity.rank < Severity.MODERATE.rank or view.opens_against:
        return None
    if not view.favours and view.defers:
        severity = lower(severity, Severity.MODERATE)
    return _finding(rule, subjects, severity, "The answer does not mention it.", None)


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


def _finding(rule: RuleRow, subjects: tuple[str, ...], severity: Severity, why: str, span: Span | None) -> Finding:
    a, b = subjects
    message = f"{a} with {b}: {rule.effect} ({rule.mechanism}). {rule.manage[:1].upper()}{rule.manage[1:]}. {why}"
    return finding(
        FindingKind.INTERACTION, subjects, severity, message, source=rule.source, code=rule.id,
        span=span,
    )  # fmt: skip
