"""What must never matter: order, case, brand against generic; and context hides no contraindicated pair."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.interactions.agent import judged, severity_of_pair, tables
from wardround.policies.finding import FindingKind, Severity
from wardround.policies.request import Case, Message, Patient, RoundRequest, Task

Found = frozenset[tuple[str, frozenset[str], str]]


@cache
def drugs() -> tuple[str, ...]:
    """Ingredients about which at least one rule speaks, and that are no ordinary word."""
    known = tables()
    spoken = {i for r in known.pairs.rules for side in (r.a, r.b) for i in known.vocabulary.expand(side)}
    return tuple(sorted(i for i in spoken if i not in known.vocabulary.ordinary and i.isascii()))


@cache
def brands() -> dict[str, tuple[str, ...]]:
    """Brands of one ingredient that are no ordinary word."""
    known = tables().vocabulary
    out: dict[str, list[str]] = {}
    for key, name in sorted(known.names.items()):
        if name.kind == "brand" and len(name.ingredients) == 1 and key not in known.ordinary and name.text.isalpha():
            out.setdefault(name.ingredients[0], []).append(name.text)
    return {i: tuple(names) for i, names in out.items()}


@cache
def never_together() -> tuple[tuple[str, str], ...]:
    """Contraindicated pairs, a few of each rule."""
    known = tables()
    pairs: set[tuple[str, str]] = set()
    for rule in known.pairs.rules:
        if rule.severity == "contraindicated":
            left, right = sorted(known.vocabulary.expand(rule.a)), sorted(known.vocabulary.expand(rule.b))
            pairs |= {(a, b) for a in left[:3] for b in right[:3] if a != b}
    usable = set(drugs())
    return tuple(sorted((a, b) for a, b in pairs if {a, b} <= usable and _severity(a, b) is Severity.CONTRAINDICATED))


def _severity(a: str, b: str) -> Severity | None:
    found = tables().pairs.matching(a, b)
    return Severity(found[0].severity) if found else None


def found(request: str, draft: str, patient: Patient) -> Found:
    """Kind, subjects and severity of every finding."""
    asked = RoundRequest(messages=(Message(role="user", text=request),), draft=draft, patient=patient)
    case = Case(request=asked, audience=None, language="en", task=Task.DRUG_QUESTION, draft=draft)
    return frozenset((f.kind.value, frozenset(f.subjects), f.severity.value) for f in judged(case, tables()).findings)


def plan(names: Sequence[str]) -> str:
    return "\n".join(f"- start {name}" for name in names)


lists = st.lists(st.sampled_from(drugs()), min_size=2, max_size=6, unique=True)


@settings(max_examples=60, deadline=None)
@given(names=lists, data=st.data())
def test_the_order_of_drugs_changes_nothing(names: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(names))
    taken, new = names[: len(names) // 2], names[len(names) // 2 :]
    first = found("What next?", plan(new), Patient(medications=tuple(taken)))
    again = found("What next?", plan(list(reversed(new))), Patient(medications=tuple(reversed(taken))))
    assert first == again
    assert found("What next?", plan(names), Patient()) == found("What next?", plan(shuffled), Patient())


@settings(max_examples=60, deadline=None)
@given(names=lists)
def test_case_changes_nothing(names: list[str]) -> None:
    lower = found("What next?", plan(names), Patient())
    for change in (str.upper, str.title):
        assert found("What next?", plan([change(n) for n in names]), Patient()) == lower


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_brand_says_what_its_ingredient_says(data: st.DataObject) -> None:
    names = data.draw(
        st.lists(st.sampled_from(sorted(set(brands()) & set(drugs()))), min_size=2, max_size=5, unique=True)
    )
    branded = [data.draw(st.sampled_from(brands()[n])) for n in names]
    assert found("What next?", plan(branded), Patient()) == found("What next?", plan(names), Patient())


@settings(max_examples=200, deadline=None)
@given(pair=st.tuples(st.sampled_from(drugs()), st.sampled_from(drugs())))
def test_a_pair_is_the_same_in_both_orders(pair: tuple[str, str]) -> None:
    assert severity_of_pair(*pair) == severity_of_pair(*reversed(pair))


EXTRA_SENTENCES = (
    "Drink enough water.", "Avoid driving until you know how you react.", "Take it with food.",
    "Call your doctor if you get a rash.", "This is general information.",
    "Do not stop it suddenly.", "Store it below 25 degrees.", "Get regular check-ups.",
)  # fmt: skip
CONTEXT = st.builds(
    Patient,
    age_years=st.none() | st.floats(0, 110),
    sex=st.sampled_from([None, "female", "male"]),
    pregnant=st.none() | st.booleans(),
    conditions=st.none() | st.lists(st.sampled_from(["asthma", "type 2 diabetes", "gout", "hypertension"])).map(tuple),
    allergies=st.none() | st.lists(st.sampled_from(["penicillin", "latex", "peanuts"])).map(tuple),
    egfr_ml_min=st.none() | st.floats(5, 120),
    weight_kg=st.none() | st.floats(3, 200),
)


@settings(max_examples=150, deadline=None)
@given(
    pair=st.sampled_from(never_together()),
    patient=CONTEXT,
    others=st.lists(st.sampled_from(drugs()), max_size=4, unique=True),
    extra=st.lists(st.sampled_from(EXTRA_SENTENCES), max_size=3),
    swap=st.booleans(),
)
def test_context_never_hides_a_contraindicated_pair(
    pair: tuple[str, str], patient: Patient, others: list[str], extra: list[str], swap: bool
) -> None:
    taken, new = reversed(pair) if swap else pair
    known = patient.model_copy(update={"medications": (taken, *(o for o in others if o not in pair))})
    seen = found("What should I take?", " ".join([f"I recommend starting {new} today.", *extra]), known)
    wanted = (FindingKind.INTERACTION.value, frozenset(pair), Severity.CONTRAINDICATED.value)
    assert wanted in seen
