"""`policy test`: pass, fail, error and skip, the difference in words, JUnit."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from wardround.policies.document import Agents
from wardround.policies.errors import WardroundError
from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.load import load_policy, pack_names
from wardround.policies.request import RoundRequest
from wardround.policies.testing import Judge, Report, Status, junit_xml, run_tests

POLICY = """
policy: p
version: 1
extends: [wardround/drug-safety]
agents: {interactions: {show_from: major}}
rules:
  - {id: extra, when: 'task == "letter"', then: annotate}
tests:
"""
HIT = "findings: [{agent: i, kind: interaction, subjects: [a, b], severity: contraindicated, message: m}]"


async def report(folder: Path, tests: str, judge: Judge | None = None) -> Report:
    """Run these tests."""
    path = folder / "p.yaml"
    path.write_text(POLICY + tests)
    return await run_tests(load_policy(str(path)), "p.yaml", judge)


@pytest.mark.parametrize("name", pack_names())
async def test_the_tests_of_every_pack_pass_and_reach_every_rule_of_its_own(name: str) -> None:
    found = await run_tests(load_policy(name), name)
    assert [r for r in found.results if r.status is not Status.PASS] == []
    assert found.ok
    assert found.uncovered == ()


async def test_a_failing_test_tells_what_was_expected_and_what_happened(tmp_path: Path) -> None:
    rules = "rule: duplicate-therapy, not_rule: contraindicated-combination"
    expect = f"expect: {{action: block, {rules}, queue: physician, message: block}}"
    found = await report(tmp_path, f"  - {{name: t, request: q, draft: d, {HIT}, {expect}}}\n")
    (result,) = found.results
    assert result.status is Status.FAIL
    assert not found.ok
    assert result.lines == (
        "action   expected block, got escalate",
        "rule     expected duplicate-therapy to fire, it did not",
        "rule     expected contraindicated-combination not to fire, it did",
        "queue    expected physician, got pharmacist",
        "message  expected 'block', got 'hold'",
        "fired    contraindicated-combination -> escalate on findings 1",
        "found  1 interaction contraindicated a, b",
    )
    assert found.uncovered == ("extra",)


async def test_without_agents_a_test_that_needs_them_is_skipped_and_nothing_passes(tmp_path: Path) -> None:
    found = await report(tmp_path, "  - {name: t, request: q, draft: d, expect: {action: allow}}\n")
    assert [r.status for r in found.results] == [Status.SKIP]
    assert not found.ok


async def test_a_skipped_test_says_why(tmp_path: Path) -> None:
    found = await report(tmp_path, f"  - {{name: t, request: q, {HIT}, expect: {{action: allow}}, skip: later}}\n")
    assert [(r.status, r.lines) for r in found.results] == [(Status.SKIP, ("later",))]


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ("{not_rule: duplicate-therpy}", "unknown rule 'duplicate-therpy'; did you mean 'duplicate-therapy'?"),
        ("{queue: farmacist}", "unknown queue 'farmacist'; did you mean 'pharmacist'?"),
        ("{message: hodl}", "unknown message 'hodl'; did you mean 'hold'?"),
        ("{}", "expects nothing; name an action, a rule, a queue or a message"),
    ],
)
async def test_an_expectation_that_would_pass_for_ever_is_an_error(tmp_path: Path, expect: str, message: str) -> None:
    found = await report(tmp_path, f"  - {{name: t, request: q, {HIT}, expect: {expect}}}\n")
    assert [(r.status, r.lines) for r in found.results] == [(Status.ERROR, (message,))]


async def test_the_agents_see_the_whole_request_and_the_policys_settings(tmp_path: Path) -> None:
    seen: list[tuple[RoundRequest, Agents]] = []

    async def judge(request: RoundRequest, settings: Agents, /) -> tuple[Finding, ...]:
        seen.append((request, settings))
        return (Finding(agent="i", kind=FindingKind.INTERACTION, severity=Severity.CONTRAINDICATED, message="m"),)

    tests = """
  - name: t
    request: [{role: user, content: first}, {role: assistant, content: answer}, {role: user, content: last}]
    draft: d
    audience: patient
    patient: {age_years: 3, medications: [warfarin]}
    evidence: [{id: e, text: passage}]
    expect: {action: escalate, rule: contraindicated-combination}
"""
    found = await report(tmp_path, tests, judge)
    assert found.ok
    request, settings = seen[0]
    assert (request.text, request.draft, len(request.messages)) == ("last", "d", 3)
    assert request.patient is not None
    assert request.patient.medications == ("warfarin",)
    assert settings.interactions.options == {"show_from": "major"}


@pytest.mark.parametrize("error", [WardroundError("no weights"), ValueError("secret text of the case")])
async def test_an_agent_that_raises_is_an_error_of_its_test(tmp_path: Path, error: Exception) -> None:
    async def judge(request: RoundRequest, settings: Agents, /) -> tuple[Finding, ...]:
        raise error

    found = await report(tmp_path, "  - {name: t, request: q, draft: d, expect: {action: allow}}\n", judge)
    (result,) = found.results
    assert result.status is Status.ERROR
    assert "secret" not in "".join(result.lines)


async def test_junit_counts_each_status_and_survives_any_text(tmp_path: Path) -> None:
    tests = (
        f'  - {{name: "good <&> \\x01", request: q, {HIT}, expect: {{action: escalate}}}}\n'
        f"  - {{name: bad, request: q, {HIT}, expect: {{action: allow}}}}\n"
        f"  - {{name: wrong, request: q, {HIT}, expect: {{rule: nothing-like-it}}}}\n"
        "  - {name: left out, request: q, expect: {action: allow}}\n"
    )
    root = ET.fromstring(junit_xml([await report(tmp_path, tests)]))  # noqa: S314 - our own text
    (suite,) = root
    counts = {k: suite.get(k) for k in ("name", "tests", "failures", "errors", "skipped")}
    assert counts == {"name": "p.yaml", "tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert suite[0].get("name") == "good <&> \ufffd"
    assert [c[0].tag if len(c) else "pass" for c in suite] == ["pass", "failure", "error", "skipped"]
    assert "expected allow, got escalate" in (suite[1][0].text or "")
