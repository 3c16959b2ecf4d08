"""The same thing twice: one ingredient in two products, two drugs of a class of which one is enough."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from wardround.policies.finding import Explanation, Finding, FindingKind, Severity

from .draft import DraftView
from .ingredients import Vocabulary
from .mentions import Mention
from .patient import Chart, Held
from .report import finding, lower, span_of
from .stance import Status


def checked(chart: Chart, view: DraftView, vocabulary: Vocabulary, *, complete: bool) -> Iterator[Finding]:
    """Findings on the same ingredient in two products, and on two drugs of a class of which one is enough."""
    advised = {i: s.affirmed[0] for i, s in view.spoken.items() if s.affirmed and not s.against}
    asked = {} if view.opens_against or not complete else {
        h.ingredient: None for h in chart.with_status(Status.ASKED) if h.ingredient not in advised
        and not view.of(h.ingredient).against and (view.favours or not view.defers)
    }  # fmt: skip
    new: dict[str, Mention | None] = {**asked, **advised}
    yield from _same_ingredient(chart, view, new)
    yield from _same_class(chart, view, vocabulary, new)


def _same_ingredient(chart: Chart, view: DraftView, new: dict[str, Mention | None]) -> Iterator[Finding]:
    for ingredient, mention in new.items():
        held = chart.held.get(ingredient)
        other = _second_product(ingredient, mention, held, view)
        if other is None or any(view.of(i).against for i in other):
            continue
        subjects = (ingredient, "/".join(_ordered(other, ingredient)))
        severity = Severity.MAJOR
        if view.cautioned((ingredient,), ("contain", "same", "total", "4 g", "4,000", "both", "double", "already")):
            severity = Severity.MODERATE
            if not view.of(ingredient).affirmed:
                continue
        yield finding(
            FindingKind.DUPLICATE_THERAPY, subjects, severity,
            f"{ingredient} is already in another product of this patient: add up the daily total before taking both.",
            source="FDA Drug Facts: do not use with any other product that contains the same ingredient",
            code="duplicate.ingredient", span=span_of(view, mention),
            explanation=Explanation(
                mechanism="one ingredient in two products", effect="overdose",
                management="Add up the daily total before both are taken.",
                plain=f"Both products contain {ingredient}. Together you may take too much of it.",
            ),
        )  # fmt: skip


def _ordered(products: tuple[str, ...], ingredient: str) -> tuple[str, ...]:
    return (*(p for p in products if p != ingredient), ingredient)


def _second_product(
    ingredient: str, mention: Mention | None, held: Held | None, view: DraftView
) -> tuple[str, ...] | None:
    """The other product with the same ingredient: a combination that is taken, or a second one in the draft."""
    products = {m.ingredients for m in view.of(ingredient).affirmed}
    if held is not None and held.status is Status.TAKEN and (products or mention is None):
        products.add(held.products)
    combined = sorted(p for p in products if len(p) > 1)
    return combined[0] if combined and len(products) > 1 else None


def _same_class(
    chart: Chart, view: DraftView, vocabulary: Vocabulary, new: dict[str, Mention | None]
) -> Iterator[Finding]:
    present = {h.ingredient: h for h in chart.held.values() if not h.topical}
    for class_id, level in vocabulary.duplicates.items():
        members = vocabulary.classes[class_id]
        here = sorted((set(present) | set(new)) & members)
        for a, b in combinations(here, 2):
            if not (a in new or b in new) or any(view.of(i).against for i in (a, b)):
                continue
            if _alternatives(view, a, b, present):
                continue
            severity = Severity(level)
            if view.cautioned((a, b), ("same class", "duplicate", "both", "two")):
                severity = lower(severity, Severity.MODERATE)
            mention = new.get(a) or new.get(b)
            yield finding(
                FindingKind.DUPLICATE_THERAPY, (a, b), severity,
                f"{a} and {b} belong to the same class: one of them is enough, two add harm.",
                source=f"class {class_id}, see classes.yaml", code=f"duplicate.{class_id}", span=span_of(view, mention),
                explanation=Explanation(
                    mechanism="two drugs of one class", effect="more harm without more benefit",
                    management="Keep one of them.",
                    plain=f"{a} and {b} do the same thing. Taking both adds risk; ask your doctor which one to keep.",
                ),
            )  # fmt: skip


def _alternatives(view: DraftView, a: str, b: str, present: dict[str, Held]) -> bool:
    """Two that are offered as a choice, or both already taken as they are."""
    if a in present and b in present:
        return all(present[i].status is Status.TAKEN for i in (a, b))
    if a not in present and b not in present:
        return True
    for sentence in view.reading.sentences:
        if {a, b} <= sentence.named and re.search(
            r"\b(?:switch\w*|swap\w*|replac\w*|instead|change|taper|or|to)\b", sentence.folded
        ):
            return True
    return False
