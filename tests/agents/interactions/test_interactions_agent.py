"""The agent as a whole: hazards found, benign twins left alone, properties that must hold for any wording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from wardround.agents.interactions.agent import InteractionsAgent, tables
from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case, Patient, RoundRequest, Task

T = TypeVar("T")
CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("drafts.yaml").read_text(encoding="utf-8"))
HAZARDS = [c for c in CASES if "expect" in c]
TWINS = [c for c in CASES if "expect" not in c]


class Inline:
    """A pool of no threads."""

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        return work(*args)


def _case(case: dict[str, Any], *, complete: bool = True) -> Case:
    request = RoundRequest.model_validate(
        {"messages": [{"role": "user", "text": case["request"]}], "patient": case.get("patient")}
    )
    return Case(
        request=request, audience=None, language=case.get("language", "en"), task=Task.OTHER,
        draft=case["draft"], complete=complete,
    )  # fmt: skip


def _check(case: dict[str, Any], *, complete: bool = True) -> tuple[Finding, ...]:
    return asyncio.run(InteractionsAgent(Inline()).check(_case(case, complete=complete), {})).findings


def _serious(findings: tuple[Finding, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.kind.value, f.subjects) for f in findings if f.severity.rank >= Severity.MAJOR.rank]


@pytest.mark.parametrize("case", HAZARDS, ids=lambda c: c["draft"][:40])
def test_a_hazard_is_found_with_its_kind_subject_and_severity(case: dict[str, Any]) -> None:
    expect = case["expect"]
    found = [
        f for f in _check(case)
        if f.kind == expect["kind"] and expect["subject"] in " ".join(f.subjects)
        and f.severity.rank >= Severity(expect["severity"]).rank
    ]  # fmt: skip
    assert found, [(f.kind.value, f.subjects, f.severity.value) for f in _check(case)]


@pytest.mark.parametrize("case", TWINS, ids=lambda c: c["draft"][:40])
def test_a_benign_twin_raises_nothing_serious(case: dict[str, Any]) -> None:
    assert _serious(_check(case)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["draft"][:40])
def test_the_request_alone_never_raises_anything_above_moderate(case: dict[str, Any]) -> None:
    report = asyncio.run(InteractionsAgent(Inline()).screen(_case(case), {}))
    assert all(f.severity.rank <= Severity.MODERATE.rank for f in report.findings)


@pytest.mark.parametrize("case", HAZARDS, ids=lambda c: c["draft"][:40])
def test_spans_name_a_drug_or_its_dose_in_the_draft_and_every_finding_has_a_source(case: dict[str, Any]) -> None:
    for finding in _check(case):
        assert finding.citations and finding.code
        if finding.span is not None:
            word = case["draft"][finding.span.start : finding.span.end]
            named = set(tables().vocabulary.resolve(word)) & {p for s in finding.subjects for p in s.split("/")}
            assert named or (finding.kind is FindingKind.DOSE and any(c.isdigit() for c in word))


@pytest.mark.parametrize("case", HAZARDS, ids=lambda c: c["draft"][:40])
def test_case_of_letters_never_changes_the_outcome(case: dict[str, Any]) -> None:
    upper = {**case, "patient": case.get("patient") and _upper(case["patient"])}
    assert _serious(_check(upper)) == _serious(_check(case))


def _upper(patient: dict[str, Any]) -> dict[str, Any]:
    lists = ("conditions", "medications", "allergies")
    return {k: [str(x).upper() for x in v] if k in lists else v for k, v in patient.items()}


@pytest.mark.parametrize("case", HAZARDS, ids=lambda c: c["draft"][:40])
def test_an_unfinished_stream_reports_only_what_the_text_says(case: dict[str, Any]) -> None:
    assert all(f.span is not None for f in _check(case, complete=False))


def test_brand_and_generic_give_the_same_verdict() -> None:
    texts = [("Viagra", "Nitrostat"), ("sildenafil", "nitroglycerin"), ("sildenafil", "GTN")]
    got: list[list[tuple[str, tuple[str, ...], Severity]]] = []
    for asked, taken in texts:
        case = {"request": f"Can I take {asked}?", "draft": "Yes, that is fine.", "patient": {"medications": [taken]}}
        got.append([(f.kind.value, f.subjects, f.severity) for f in _check(case)])
    assert got[0] == got[1] == got[2] and got[0]


def test_order_of_medications_never_changes_the_findings() -> None:
    drugs = ["warfarin", "fluconazole 150 mg", "simvastatin", "clarithromycin"]
    base = {"request": "ok to keep going?", "draft": "Yes, continue fluconazole and clarithromycin."}
    one = _check({**base, "patient": {"medications": drugs}})
    two = _check({**base, "patient": {"medications": drugs[::-1]}})
    assert {(f.code, frozenset(f.subjects), f.severity) for f in one} == {
        (f.code, frozenset(f.subjects), f.severity) for f in two
    }


def test_unknown_kidney_function_alone_is_never_serious() -> None:
    case = {"request": "pain after shingles", "draft": "Start gabapentin 300 mg three times daily."}
    assert _serious(_check(case)) == []


def test_the_report_names_the_version_of_the_tables() -> None:
    report = asyncio.run(InteractionsAgent(Inline()).check(_case(CASES[0]), {}))
    assert report.notes == {"tables": tables().digest}
    assert report.channels == ("draft",)


def test_a_patient_with_nothing_known_is_no_error() -> None:
    assert Patient() == _case({"request": "hello", "draft": "Hello."}).patient
    assert _check({"request": "hello", "draft": "Hello."}) == ()
