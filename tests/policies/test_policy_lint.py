"""What lint finds, and that the packs are clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardround.policies.lint import Level, lint
from wardround.policies.load import load_policy, pack_names

HEAD = "policy: p\nversion: 1\nmessages: {hold: Wait., block: No.}\n"
TESTED = "tests:\n  - {name: t, request: q, audience: patient, findings: [], expect: {rule: r, action: annotate}}\n"
RULE = "rules:\n  - {id: r, when: 'audience == \"patient\"', then: annotate}\n"


def codes(folder: Path, text: str) -> list[str]:
    """Codes of the problems found."""
    (folder / "p.yaml").write_text(text)
    return [p.code for p in lint(load_policy(str(folder / "p.yaml")), installed=lambda _: True)]


@pytest.mark.parametrize("name", pack_names())
def test_the_packs_are_clean(name: str) -> None:
    assert lint(load_policy(name), installed=lambda _: True) == ()


def test_a_small_sound_policy_is_clean(tmp_path: Path) -> None:
    assert codes(tmp_path, HEAD + RULE + TESTED) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HEAD + RULE, "no-tests"),
        (HEAD + RULE.replace('audience == "patient"', "1 == 1") + TESTED, "constant-condition"),
        (HEAD + RULE.replace('audience == "patient"', "findings.exists(f, f.rank < MINOR)") + TESTED, "never-fires"),
        (
            HEAD + RULE.replace('audience == "patient"', 'audience == "patient" && audience == "clinician"') + TESTED,
            "never-fires",
        ),
        (HEAD + RULE.replace("annotate", "escalate") + TESTED, "escalate-without-queue"),
        (HEAD + RULE + "  - {id: s, when: 'audience == \"patient\"', then: block}\n" + TESTED, "same-condition"),
        (HEAD + RULE + "  - {id: s, when: 'task == \"letter\"', then: block}\n" + TESTED, "untested-rule"),
        (HEAD + RULE.replace('audience == "patient"', "patient.pregnant") + TESTED, "unguarded-unknown"),
        (HEAD + RULE + "queues: {ward: {respond_within: 1h}}\n" + TESTED, "unused-queue"),
        (
            HEAD + RULE.replace("annotate", "annotate, to: ward") + "queues: {ward: {respond_within: 1h}}\n" + TESTED,
            "queue-without-escalate",
        ),
        ("policy: p\nversion: 1\n" + RULE.replace("annotate", "block") + TESTED, "missing-message"),
        ("policy: p\nversion: 1\n" + RULE.replace("annotate", "revise") + TESTED, "missing-message"),
        ("policy: p\nversion: 1\nmessages: {farewell: Bye.}\n" + RULE + TESTED, "unused-message"),
        (HEAD + RULE + TESTED + TESTED.removeprefix("tests:\n"), "duplicate-test"),
        (HEAD + RULE + TESTED + TESTED.removeprefix("tests:\n").replace("name: t", "name: u"), "duplicate-test"),
        (HEAD + RULE + TESTED.replace("action: annotate", "not_rule: q"), "unknown-rule-in-test"),
        (HEAD + RULE + TESTED + "  - {name: u, request: q, expect: {}}\n", "empty-expectation"),
        (HEAD + "mode: shadow\n" + RULE + TESTED, "shadow"),
        (HEAD + RULE.replace("annotate", "annotate, mode: shadow") + TESTED, "shadow"),
    ],
)
def test_each_kind_of_problem_is_found(tmp_path: Path, text: str, code: str) -> None:
    assert code in codes(tmp_path, text)


def test_an_inherited_queue_is_no_fault_of_a_rule_that_only_changes_the_action(tmp_path: Path) -> None:
    text = "policy: p\nversion: 1\nextends: [wardround/drug-safety]\nrules: [{id: dose, then: block}]\n"
    assert "queue-without-escalate" not in codes(tmp_path, text)


def test_a_condition_that_can_hold_is_not_called_dead(tmp_path: Path) -> None:
    conditions = [
        'findings.exists(f, f.kind == "phi" && f.severity == "minor" && f.channel == "request")',
        '!findings.exists(f, f.kind == "phi")',
        "findings.size() == 1",
        'audience == "unknown" && draft.source == "reviewer" && task == "letter"',
        'findings.all(f, f.kind == "crisis") && findings.size() > 0',
        'findings.exists(f, "warfarin" in f.subjects)',
        "has(patient.weight_kg) && patient.weight_kg < 3.0",
    ]
    rules = "".join(f"  - {{id: r{n}, when: '{c}', then: block}}\n" for n, c in enumerate(conditions))
    assert "never-fires" not in codes(tmp_path, f"{HEAD}rules:\n{rules}")


def test_a_missing_validator_comes_with_the_way_to_install_it(tmp_path: Path) -> None:
    text = HEAD + RULE + TESTED + "validators: [{use: guardrails/detect_pii, on: [draft]}]\n"
    assert codes(tmp_path, text) == []
    (problem,) = lint(load_policy(str(tmp_path / "p.yaml")), installed=lambda _: False)
    assert problem.level is Level.ERROR
    assert "guardrails hub install hub://guardrails/detect_pii" in problem.message
    assert str(problem.where).endswith("p.yaml:8")
