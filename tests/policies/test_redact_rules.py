"""What a policy may say of sentences to leave out, to mark, and of citations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no stubs

from wardround.policies.decide import decide
from wardround.policies.document import json_schema
from wardround.policies.errors import PolicyError
from wardround.policies.finding import Citation, Finding, FindingKind, Severity, Span
from wardround.policies.lint import lint
from wardround.policies.load import Policy, load_policy
from wardround.policies.show import render
from wardround.policies.variables import Facts

HEAD = "policy: p\nversion: 1\nextends: [%s]\n"
CLAIM = '"claim_unsupported"'


def load(folder: Path, text: str, base: str = "wardround/base") -> Policy:
    file = folder / "p.yaml"
    file.write_text(HEAD % base + text)
    return load_policy(str(file))


def codes(policy: Policy) -> set[str]:
    return {p.code for p in lint(policy)} - {"no-tests", "untested-rule"}


def test_a_rule_that_redacts_leaves_out_unless_it_says_otherwise(tmp_path: Path) -> None:
    policy = load(tmp_path, "rules:\n  - {id: claim-unsupported, then: redact}\n")
    softer = load(tmp_path, "rules:\n  - {id: claim-unsupported, then: redact, how: soften}\n")
    span = Span(channel="draft", start=0, end=4)
    finding = Finding(agent="k", kind=FindingKind.CLAIM_UNSUPPORTED, severity=Severity.MINOR, message="m", span=span)
    for loaded, how in ((policy, "drop"), (softer, "soften")):
        decision = decide(loaded, Facts(text="q", draft="Take."), [finding])
        assert decision.action == "redact"
        assert [(r.how, r.findings) for r in decision.rules if r.fired] == [(how, (0,))]
        assert loaded.works_sentences
    assert policy.digest != softer.digest
    assert "how: soften" in render(softer)


def test_an_extending_file_changes_the_way_alone_or_the_action_alone(tmp_path: Path) -> None:
    (tmp_path / "ward.yaml").write_text(
        "policy: w\nversion: 1\nextends: [wardround/base]\nrules:\n"
        "  - {id: claim-unsupported, then: redact, how: soften}\n"
    )
    harder = load(tmp_path, "rules:\n  - {id: claim-unsupported, how: drop}\n", "ward.yaml")
    other = load(tmp_path, "rules:\n  - {id: claim-unsupported, then: revise}\n", "ward.yaml")
    assert next(r.rule.how for r in harder.rules if r.id == "claim-unsupported") == "drop"
    assert next(r.idle.how for r in other.rules if r.id == "claim-unsupported") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules:\n  - {id: claim-unsupported, how: soften}\n", "p.yaml:5: rule 'claim-unsupported': 'how' says what"),
        ("rules:\n  - {id: claim-unsupported, then: revise, how: drop}\n", "write 'then: redact'"),
        ("rules:\n  - {id: claim-unsupported, then: redact, how: dropp}\n", "did you mean 'drop'?"),
        ("agents: {knowledge: {citations: inlined}}\n", "p.yaml:4: agents.knowledge.citations is 'inlined'"),
        ("agents: {knowledge: {citations: true}}\n", "p.yaml:4: agents.knowledge.citations is 'True'"),
        ("agents: {drafting: {after_revisions: redcat}}\n", "did you mean 'redact'?"),
    ],
)
def test_a_misplaced_or_misspelt_word_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PolicyError) as refused:
        load(tmp_path, text)
    assert says in str(refused.value)


def rule(kinds: str, more: str = "") -> str:
    return f"rules:\n  - {{id: r, when: 'findings.exists(f, f.kind {kinds})', then: redact{more}}}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (rule(f"== {CLAIM}"), set[str]()),
        (rule(f"== {CLAIM}", ", how: soften"), set[str]()),
        (rule('== "dose"'), {"redacts-nothing"}),
        (rule('in ["dose", "unsafe_advice"]'), set[str]()),
        (rule('!= "dose"'), set[str]()),
        (rule('== "phi"'), set[str]()),
        (rule('== "phi"', ", how: soften"), {"how-on-identifiers"}),
        (rule('!= "phi"', ", how: soften"), set[str]()),
    ],
)
def test_lint_knows_what_redacting_can_change(tmp_path: Path, text: str, found: set[str]) -> None:
    assert codes(load(tmp_path, text)) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (rule(f"== {CLAIM}"), "left_out"),
        (rule(f"== {CLAIM}", ", how: soften"), "softened"),
        ("agents: {drafting: {after_revisions: redact}}\n" + rule('== "phi"'), "left_out"),
        ("agents: {knowledge: {citations: inline}}\n" + rule('== "phi"'), "sources"),
    ],
)
def test_a_message_that_will_be_needed_is_missed(tmp_path: Path, text: str, name: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("policy: p\nversion: 1\nmessages: {hold: Wait., block: No.}\n" + text)
    missing = [p.message for p in lint(load_policy(str(file))) if p.code == "missing-message"]
    assert len(missing) == 1
    assert repr(name) in missing[0]


@pytest.mark.parametrize("name", ["left_out", "softened", "sources"])
def test_the_packs_say_it_in_seven_languages(name: str) -> None:
    policy = load_policy("wardround/default")
    texts = [policy.message(name, language) for language in ("en", "de", "es", "fr", "pt", "zh", "hi")]
    assert all(texts)
    assert len(set(texts)) == (6 if name == "sources" else 7)


def test_the_packs_leave_no_sentence_out_by_themselves() -> None:
    assert not load_policy("wardround/default").works_sentences
    assert load_policy("wardround/default").document.agents.citations == "structured"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("agents: {knowledge: {citations: inline}, drafting: {after_revisions: redact}}\n" + rule('== "phi"'), True),
        ("agents: {knowledge: {citations: inlined}}\n", False),
        ("agents: {drafting: {after_revisions: hold}}\n", False),
        ("rules: [{id: r, then: redact, how: soften}]\n", True),
        ("rules: [{id: r, then: redact, how: hide}]\n", False),
    ],
)
def test_the_schema_for_editors_knows_the_words(text: str, good: bool) -> None:
    written = yaml.safe_load(HEAD % "wardround/base" + text)
    validator: Any = Draft202012Validator(json_schema())
    assert validator.is_valid(written) == good


def test_a_citation_may_name_its_edition() -> None:
    assert Citation(source="e1").edition is None
    assert Citation(source="e1", edition="2024").model_dump()["edition"] == "2024"
