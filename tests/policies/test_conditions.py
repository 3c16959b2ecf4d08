"""CEL conditions: what compiles, what is refused with which hint, and what an unknown value does."""

from __future__ import annotations

import pytest

from wardround.policies.errors import PolicyError
from wardround.policies.expressions import Conditions, compile_condition
from wardround.policies.finding import Finding, FindingKind, Severity, Span
from wardround.policies.request import Audience, Patient, Task
from wardround.policies.variables import Facts, messages_of

WHERE = "ward.yaml:7: rule 'r'"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('findings.exists(f, f.knd == "phi")', "a finding has no field 'knd'; did you mean 'kind'?"),
        (
            'findings.exists(f, f.kind == "interacton")',
            "kind of a finding is never 'interacton'; did you mean 'interaction'?",
        ),
        ('findings.exists(f, "interacton" == f.kind)', "did you mean 'interaction'?"),
        ('findings.exists(f, f.kind in ["phi", "crysis"])', "did you mean 'crisis'?"),
        ('findings.exists(f, f.severity != "majr")', "did you mean 'major'?"),
        ('audience == "patien"', "audience is never 'patien'; did you mean 'patient'?"),
        ('task == "leter"', "did you mean 'letter'?"),
        ('draft.source == "upsteam"', "did you mean 'upstream'?"),
        ('patient.sex == "femal"', "did you mean 'female'?"),
        ("findngs.size() > 1", "unknown name 'findngs'; did you mean 'findings'?"),
        ("findings.exists(f, f.rank >= MAJR)", "did you mean 'MAJOR'?"),
        ('findings.exist(f, f.kind == "phi")', "there is no function 'exist'; did you mean 'exists'?"),
        ("patient.age < 3.0", "a patient has no field 'age'; did you mean 'age_years'?"),
        ("patient.age_years < 3", "write the number with a decimal point, as in 3.0"),
        ('findings.exists(f, f.severity >= "major")', "compare f.rank instead"),
        ("findings.exists(f, f.rank >= 4)", "rank is never 4"),
        ("findings.size()", "a condition must be true or false, this one is an int: findings.size(); compare it"),
        ('findings.exists(f, f.kind = "phi")', "syntax: '=' does not belong here; write == to compare"),
        ('audience == "patient" and task == "letter"', "syntax: 'and' does not belong here; write &&"),
        ('audience == "patient" or task == "letter"', "write ||"),
        ("findings.exists(f, f.rank => MAJOR)", "write >="),
        ('not (audience == "patient")', "write ! for not"),
        ("findings.exists(f, f.rank >=", "the condition ends too early"),
        ('(audience == "patient"', "')' is missing at the end"),
        ("audience == \u201cpatient\u201d", "write straight quotes"),
        ('audience == "patient', "close the quote"),
        ("audience == patient", "'==' cannot be applied to (string, Patient); put words in quotes"),
        ('"warfarin" in request.text', "to look into a text write text.contains"),
        ("patient.medications == null", "ask has(patient.FIELD) whether a list is known"),
        ('patient.medications.exists(m, m.name == "x")', "a text has no field 'name'"),
        ("patient.medications.exists(m, m == 3)", "it can never hold"),
        ("request.text.matches('[')", "broken pattern '['"),
        ("language == 3", "'==' cannot be applied to (string, int)"),
    ],
)
def test_a_condition_that_cannot_mean_anything_is_refused_with_place_and_hint(text: str, hint: str) -> None:
    with pytest.raises(PolicyError) as refused:
        compile_condition(text, WHERE)
    message = str(refused.value)
    assert message.startswith(WHERE)
    assert hint in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('findings.exists(f, f.kind == "phi" && f.channel == "draft")', True),
        ('findings.exists(f, f.kind == "crisis")', False),
        ("findings.exists(f, f.rank >= MAJOR)", True),
        ("findings.exists(f, f.severity == 'major' && f.confidence > 0.5)", True),
        ('findings.exists(f, "warfarin" in f.subjects)', True),
        ("findings.filter(f, f.rank < MAJOR).size() == 1", True),
        ('audience == "patient" && task == "drug_question"', True),
        ('audience == "unknown"', False),
        ("has(patient.age_years) && patient.age_years < 18.0", True),
        ("has(patient.weight_kg)", False),
        ("patient.pregnant == null", True),
        ("has(patient.conditions) && patient.conditions.size() == 0", True),
        ("!has(patient.allergies)", True),
        ('has(patient.medications) && patient.medications.exists(m, m.contains("warfarin"))', True),
        ('request.text.startsWith("Can") && request.turns == 2', True),
        ('draft.text.contains("Yes") && draft.source == "given" && draft.complete', True),
        ('language == "en" // only English', True),
    ],
)
def test_conditions_see_the_declared_facts(text: str, holds: bool) -> None:
    facts = Facts(
        text="Can I take it?",
        turns=2,
        patient=Patient(age_years=7, medications=("warfarin 5 mg",), conditions=()),
        audience=Audience.PATIENT,
        language="en",
        task=Task.DRUG_QUESTION,
        draft="Yes, you can.",
        source="given",
    )
    findings = [
        _finding(FindingKind.PHI, Severity.MODERATE, channel="draft"),
        _finding(FindingKind.INTERACTION, Severity.MAJOR, subjects=("ibuprofen", "warfarin")),
    ]
    verdicts, _ = Conditions([compile_condition(text, WHERE)]).evaluate(facts, messages_of(findings))
    assert verdicts == [(holds, None)]


def test_an_unknown_value_fails_its_own_condition_only() -> None:
    texts = ["patient.age_years < 3.0", "true || audience == 'patient'", "patient.pregnant && audience == 'patient'"]
    conditions = Conditions([compile_condition(t, WHERE) for t in texts])
    verdicts, _ = conditions.evaluate(Facts(text="", audience=Audience.PATIENT), [])
    assert [holds for holds, _ in verdicts] == [False, True, False]
    assert verdicts[1][1] is None
    assert "ask has(...) first" in (verdicts[0][1] or "")
    assert "ask has(...) first" in (verdicts[2][1] or "")


def test_an_evaluation_error_never_repeats_a_value_of_the_case() -> None:
    condition = compile_condition("int(request.text) > 3", WHERE)
    verdicts, _ = Conditions([condition]).evaluate(Facts(text="Erika Musterfrau"), [])
    assert verdicts[0][1] is not None
    assert "Erika" not in (verdicts[0][1] or "")


def _finding(
    kind: FindingKind, severity: Severity, *, channel: str | None = None, subjects: tuple[str, ...] = ()
) -> Finding:
    span = Span(channel=channel, start=0, end=1) if channel else None
    return Finding(agent="a", kind=kind, severity=severity, message="m", span=span, subjects=subjects)


def test_conditions_too_long_to_be_joined_are_asked_one_by_one() -> None:
    long = f'audience == "patient" || request.text == "{"x" * 2000}"'
    conditions = Conditions([compile_condition(long, WHERE) for _ in range(80)])
    verdicts, alone = conditions.evaluate(Facts(text="", audience=Audience.PATIENT), [])
    assert verdicts == [(True, None)] * 80
    assert alone.holds(3, None)
