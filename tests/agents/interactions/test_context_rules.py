"""Named reasons that lower a severity, omissions, monitoring, explanations, and the choice of sources."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from wardround.agents.interactions.agent import InteractionsAgent, judged, tables
from wardround.agents.interactions.shelves import CARD, COLUMNS
from wardround.agents.interactions.tables import TableError
from wardround.policies.finding import Certainty, Finding, FindingKind, Severity
from wardround.policies.request import Case, Lab, LabName, Message, Patient, RoundRequest, Task

T = TypeVar("T")


class Inline:
    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        return work(*args)


def case_of(request: str, draft: str, **patient: Any) -> Case:
    known = Patient.model_validate(patient) if patient else None
    asked = RoundRequest(messages=(Message(role="user", text=request),), draft=draft, patient=known)
    return Case(request=asked, audience=None, language="en", task=Task.DRUG_QUESTION, draft=draft)


def found(request: str, draft: str, **patient: Any) -> tuple[Finding, ...]:
    return judged(case_of(request, draft, **patient), tables()).findings


def pair(findings: tuple[Finding, ...], a: str, b: str) -> Finding | None:
    return next((f for f in findings if {a, b} <= set(f.subjects)), None)


def test_a_dose_within_the_accepted_limit_lowers_by_name_and_one_above_does_not() -> None:
    within = pair(found("I take amlodipine 5 mg.", "Start simvastatin 20 mg daily."), "simvastatin", "amlodipine")
    above = pair(found("I take amlodipine 5 mg.", "Start simvastatin 80 mg daily."), "simvastatin", "amlodipine")
    assert within is None or within.severity.rank <= Severity.MODERATE.rank
    assert above is not None


def test_hours_apart_solves_what_only_hinders_absorption() -> None:
    together = found("I take levothyroxine.", "Take calcium carbonate with your levothyroxine in the morning.")
    apart = found("I take levothyroxine.", "Take calcium carbonate at least four hours after levothyroxine.")
    first, second = (pair(f, "levothyroxine", "calcium carbonate") for f in (together, apart))
    assert first is not None and first.severity is Severity.MODERATE
    assert second is None or second.severity is Severity.MINOR


def test_an_established_pair_is_lowered_by_name() -> None:
    listed = ("sertraline 100 mg", "tramadol 50 mg")
    seen = pair(
        found("Refill please.", "Continue sertraline and tramadol.", medications=listed), "sertraline", "tramadol"
    )
    assert seen is not None and seen.severity is Severity.MODERATE and "already taken together" in seen.message


def test_inhaled_steroids_count_where_a_rule_says_so() -> None:
    seen = pair(found("I take ritonavir.", "Start fluticasone inhaler twice daily."), "ritonavir", "fluticasone")
    cream = pair(found("I take warfarin.", "Apply diclofenac gel twice daily."), "warfarin", "diclofenac")
    assert seen is not None and seen.severity.rank >= Severity.MAJOR.rank
    assert cream is None


def test_a_serious_pair_on_the_list_is_an_omission_where_the_question_bears_on_it() -> None:
    listed = ("tizanidine 4 mg", "fluvoxamine 100 mg")
    draft = "It may cause a dry mouth and drowsiness. Drink enough."
    about = pair(
        found("What are the side effects of tizanidine?", draft, medications=listed), *("tizanidine", "fluvoxamine")
    )
    other = pair(
        found("How much fibre do I need?", "About 30 grams a day.", medications=listed), "tizanidine", "fluvoxamine"
    )
    assert about is not None and about.kind is FindingKind.OMISSION and about.severity is Severity.MAJOR
    assert other is None


def test_a_warning_about_the_pair_is_no_omission() -> None:
    listed = ("tizanidine 4 mg", "fluvoxamine 100 mg")
    draft = (
        "Tizanidine and fluvoxamine must not be taken together: your blood pressure may drop. Call your doctor today."
    )
    assert pair(found("Side effects of tizanidine?", draft, medications=listed), "tizanidine", "fluvoxamine") is None


def test_a_boxed_check_that_is_not_named_is_noted_never_more() -> None:
    silent = found("What next for my schizophrenia?", "Start clozapine 12.5 mg daily.")
    named = found("What next for my schizophrenia?", "Start clozapine 12.5 mg daily with weekly blood counts.")
    noted = [f for f in silent if f.kind is FindingKind.OMISSION]
    assert [f.severity for f in noted] == [Severity.MODERATE] and "neutrophil" in noted[0].message
    assert not [f for f in named if f.kind is FindingKind.OMISSION and f.severity is not Severity.MINOR]


@pytest.mark.parametrize(
    ("name", "value", "drug", "subject"),
    [
        (LabName.POTASSIUM_MMOL_L, 5.9, "spironolactone", "hyperkalemia"),
        (LabName.QTC_MS, 510, "haloperidol", "long qt"),
        (LabName.NEUTROPHILS_10E9_L, 0.6, "clozapine", "myelosuppression"),
    ],
)
def test_a_result_counts_as_the_condition_that_it_shows(name: LabName, value: float, drug: str, subject: str) -> None:
    labs = (Lab(name=name, value=value),)
    assert any(subject in f.subjects for f in found("Next step?", f"Start {drug} today.", labs=labs))
    assert not any(subject in f.subjects for f in found("Next step?", f"Start {drug} today."))


def test_breastfeeding_and_child_pugh_fields_count() -> None:
    assert any("breastfeeding" in f.subjects for f in found("Pain?", "Take codeine 30 mg.", breastfeeding=True))
    assert any("liver disease" in f.subjects for f in found("Pain?", "Start leflunomide 20 mg.", child_pugh="B"))


def test_every_part_of_an_explanation_is_there() -> None:
    (seen,) = [f for f in found("I take warfarin.", "Start ibuprofen 400 mg.") if f.kind is FindingKind.INTERACTION]
    told = seen.explanation
    assert told is not None and told.mechanism and told.effect and told.management
    assert told.certainty is Certainty.ESTABLISHED
    assert "ibuprofen" in told.plain and "warfarin" in told.plain and "bleed" in told.plain


def test_what_is_not_known_is_named() -> None:
    seen = pair(found("I take lisinopril.", "Start spironolactone 25 mg."), "lisinopril", "spironolactone")
    known = pair(
        found("I take lisinopril.", "Start spironolactone 25 mg.", egfr_ml_min=80), "lisinopril", "spironolactone"
    )
    assert seen is not None and seen.explanation is not None and "kidney function" in seen.explanation.unknown
    assert known is not None and known.explanation is not None and "kidney function" not in known.explanation.unknown


def shelf(folder: Path, name: str, rank: int, rows: list[tuple[str, str, str]]) -> None:
    place = folder / name
    place.mkdir(parents=True)
    card = {
        "name": name, "title": name, "kind": "hospital", "rank": rank, "certainty": "probable", "date": "2026",
        "digest": "0" * 64,
    }  # fmt: skip
    (place / CARD).write_text(yaml.safe_dump(card))
    with (place / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((*row, "", "", "", "", "") for row in rows)


def test_a_policy_chooses_which_sources_speak(tmp_path: Path) -> None:
    shelf(tmp_path, "house", 80, [("ibuprofen", "warfarin", "none"), ("metformin", "warfarin", "major")])
    agent = InteractionsAgent(Inline(), tmp_path)

    def severities(draft: str, **settings: Any) -> list[str]:
        report = asyncio.run(agent.check(case_of("I take warfarin.", draft), settings))
        return [f.severity.value for f in report.findings if f.kind is FindingKind.INTERACTION]

    assert severities("Start ibuprofen 400 mg.") == []
    assert severities("Start ibuprofen 400 mg.", sources=["wardround"]) == ["major"]
    assert severities("Start ibuprofen 400 mg.", sources=["wardround", "house"]) == ["major"]
    assert severities("Start metformin 500 mg.") == ["major"]
    assert severities("Start metformin 500 mg.", sources=["wardround"]) == []
    with pytest.raises(TableError, match="not installed: there are house, wardround"):
        severities("Start ibuprofen.", sources=["nowhere"])
    report = asyncio.run(agent.check(case_of("Hello", "Hello."), {}))
    assert "house:000000000000" in report.notes["tables"]


def test_a_form_on_the_line_before_or_inside_a_brand_says_nothing_of_the_next_drug() -> None:
    from wardround.agents.interactions.patient import is_topical

    text = "- start metrolotion\n- start abacavir\n- hydrocortisone cream\n- start nelfinavir"
    places = {name: (text.index(name), text.index(name) + len(name)) for name in ("abacavir", "nelfinavir")}
    assert not any(is_topical(text, *place) for place in places.values())
    assert is_topical(text, text.index("hydrocortisone"), text.index(" cream"))
    assert is_topical("use the cream abacavir", 14, 22)
