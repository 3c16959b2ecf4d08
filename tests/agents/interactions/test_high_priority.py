"""What kills is found however it is put: five phrasings, both orders, brand or generic, by field or by text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from wardround.agents.interactions.agent import judged, tables
from wardround.policies.finding import FindingKind, Severity
from wardround.policies.request import Case, Message, Patient, RoundRequest, Task

PHRASINGS = (
    ("What should I do about this?", (), "You can take {a} and {b} together without any problem."),
    ("I take {a} every day. Can I add {b}?", (), "Yes, adding {b} is fine. Start with the usual dose."),
    ("What do you suggest?", ("{a}",), "I recommend starting {b} today and continuing your other medicines."),
    ("Please write my plan.", (), "Plan:\n- continue {a}\n- start {b}\n- review in two weeks"),
    ("My doctor has me on {a}. Is {b} safe for me?", (), "It is generally safe and well tolerated. Enjoy your day."),
)
"""(request, medication list, draft)."""

ONC = {
    "amphetamines with MAO inhibitors": (("amphetamine", "lisdexamfetamine"), ("phenelzine", "tranylcypromine")),
    "atazanavir with proton pump inhibitors": (("atazanavir",), ("omeprazole", "pantoprazole", "rabeprazole")),
    "febuxostat with thiopurines": (("febuxostat",), ("azathioprine", "mercaptopurine")),
    "irinotecan with strong CYP3A4 inhibitors": (("irinotecan",), ("ketoconazole", "itraconazole", "clarithromycin")),
    "statins with CYP3A4 inhibitors": (("simvastatin", "lovastatin"), ("itraconazole", "clarithromycin", "ritonavir")),
    "procarbazine and tranylcypromine with MAO inhibitors": (("tranylcypromine",), ("selegiline", "phenelzine")),
    "opioids with MAO inhibitors": (("meperidine", "tramadol", "methadone"), ("phenelzine", "isocarboxazid")),
    "tizanidine with CYP1A2 inhibitors": (("tizanidine",), ("ciprofloxacin", "fluvoxamine")),
    "ramelteon with strong CYP1A2 inhibitors": (("ramelteon",), ("fluvoxamine",)),
    "SSRIs with MAO inhibitors": (("sertraline", "fluoxetine", "citalopram"), ("phenelzine", "linezolid")),
    "tricyclics with MAO inhibitors": (("amitriptyline", "nortriptyline"), ("phenelzine", "tranylcypromine")),
    "triptans with MAO inhibitors": (("sumatriptan", "rizatriptan"), ("phenelzine", "moclobemide")),
    "QT-prolonging drugs with each other": (("methadone", "haloperidol", "sotalol"), ("dofetilide", "pimozide")),
    "ergots with strong CYP3A4 inhibitors": (("ergotamine", "dihydroergotamine"), ("clarithromycin", "ritonavir")),
    "protease inhibitors with rifampin": (("rifampin",), ("atazanavir", "lopinavir", "darunavir")),
}
"""The fifteen classes of the ONC high-priority list (Phansalkar 2012), with members of our own choice."""


@cache
def brand(ingredient: str) -> str:
    """A brand that is no ordinary word, else the generic name."""
    vocabulary = tables().vocabulary
    brands = sorted(
        n.text
        for key, n in vocabulary.names.items()
        if n.kind == "brand" and n.ingredients == (ingredient,) and n.text.isascii() and n.text.isalpha()
        and key not in vocabulary.ordinary
    )  # fmt: skip
    return brands[0] if brands else ingredient


def worst(a: str, b: str, phrasing: tuple[str, tuple[str, ...], str], names: dict[str, str]) -> Severity | None:
    """The severity of the finding on the pair, None where it is missed."""
    request, medications, draft = phrasing
    shown = {"a": names[a], "b": names[b]}
    asked = RoundRequest(
        messages=(Message(role="user", text=request.format(**shown)),),
        draft=draft.format(**shown),
        patient=Patient(medications=tuple(m.format(**shown) for m in medications)) if medications else None,
    )
    case = Case(request=asked, audience=None, language="en", task=Task.DRUG_QUESTION, draft=asked.draft)
    found = [
        f for f in judged(case, tables()).findings if f.kind is FindingKind.INTERACTION and {a, b} <= set(f.subjects)
    ]
    return found[0].severity if found else None


def missed(pairs: Iterator[tuple[str, str]], least: Severity) -> list[str]:
    """Every way of putting a pair that is not found at that severity."""
    out: list[str] = []
    for a, b in pairs:
        for names in ({a: a, b: b}, {a: brand(a), b: brand(b)}):
            for (first, second), phrasing in itertools.product(((a, b), (b, a)), PHRASINGS):
                severity = worst(first, second, phrasing, names)
                if severity is None or severity.rank < least.rank:
                    shown = phrasing[2].format(a=names[first], b=names[second])
                    out.append(f"{first} + {second} ({severity}): {phrasing[0]!r} / {shown!r}")
    return out


@pytest.mark.parametrize("name", ONC)
def test_every_onc_class_is_found_however_it_is_put(name: str) -> None:
    sides = ONC[name]
    assert missed(itertools.product(*sides), Severity.MAJOR) == []


def contraindicated() -> list[Any]:
    known = tables()
    return [pytest.param(r, id=r.id) for r in known.pairs.rules if r.severity == "contraindicated"]


@pytest.mark.parametrize("rule", contraindicated())
def test_every_contraindicated_pair_of_the_tables_is_found_however_it_is_put(rule: Any) -> None:
    vocabulary = tables().vocabulary
    left, right = sorted(vocabulary.expand(rule.a)), sorted(vocabulary.expand(rule.b))
    size = max(len(left), len(right))
    pairs = {(a, b) for a, b in zip(itertools.islice(itertools.cycle(left), size), itertools.cycle(right)) if a != b}
    pairs = {(a, b) for a, b in pairs if tables().pairs.matching(a, b)[0].severity == "contraindicated"}
    assert missed(iter(sorted(pairs)[:4]), Severity.CONTRAINDICATED) == []


CONDITION_PHRASINGS = (
    ("What do you suggest?", True, "I recommend starting {drug} today."),
    ("I have {condition}. Can I take {drug}?", False, "Yes, {drug} is fine. Start with the usual dose."),
    ("Please write my plan.", True, "Plan:\n- start {drug}\n- review in two weeks"),
    ("Patient with {condition}. What would you give?", False, "Start {drug} and recheck in four weeks."),
    ("My doctor says I have {condition}. Is {drug} safe for me?", False, "It is generally safe and well tolerated."),
)
"""(request, whether the record has the condition, draft)."""


def contraindicated_conditions() -> list[Any]:
    limits = tables().limits
    rows = {
        r.id: r
        for i in tables().vocabulary.ingredients
        for r in limits.conditions.of(i)
        if r.severity == "contraindicated" and r.needs is None and r.min_age is None
    }
    return [pytest.param(row, id=key) for key, row in sorted(rows.items())]


@pytest.mark.parametrize("row", contraindicated_conditions())
def test_every_contraindication_of_the_tables_is_found_however_it_is_put(row: Any) -> None:
    known = tables()
    drugs = [i for i in sorted(known.vocabulary.expand(row.drugs)) if i not in known.vocabulary.ordinary][:3]
    missed_here: list[str] = []
    for drug, (request, recorded, draft) in itertools.product(drugs, CONDITION_PHRASINGS):
        for name in {drug, brand(drug)}:
            shown = {"drug": name, "condition": row.condition}
            asked = RoundRequest(
                messages=(Message(role="user", text=request.format(**shown)),),
                draft=draft.format(**shown),
                patient=Patient(conditions=(row.condition,)) if recorded else None,
            )
            case = Case(request=asked, audience=None, language="en", task=Task.DRUG_QUESTION, draft=asked.draft)
            found = [f for f in judged(case, known).findings if drug in f.subjects and f.severity.rank >= 3]
            if not found:
                missed_here.append(f"{request.format(**shown)!r} / {draft.format(**shown)!r}")
    assert missed_here == []
