"""Reading, merging and refusing policy files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.policies.document import Document, Mode, json_schema
from wardround.policies.errors import PolicyError
from wardround.policies.finding import Action
from wardround.policies.load import load_policy, pack_names
from wardround.policies.merge import merge
from wardround.policies.source import Branch, plain, read

RULE = "rules:\n  - {id: r, when: 'audience == \"patient\"', then: annotate}\n"
HEAD = "policy: p\nversion: 1\n"


def write(folder: Path, text: str, name: str = "p.yaml") -> str:
    """A policy file; its path."""
    (folder / name).write_text(text)
    return str(folder / name)


def refusal(folder: Path, text: str) -> str:
    """The one line that a broken file is refused with."""
    with pytest.raises(PolicyError) as refused:
        load_policy(write(folder, text))
    message = str(refused.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def test_the_example_of_the_design_loads(tmp_path: Path) -> None:
    policy = load_policy(
        write(
            tmp_path,
            """
policy: patient-chat
version: 3
extends: [wardround/base, wardround/crisis]
agents:
  drafting: {model: openai/gpt-5-mini, max_revisions: 2}
  interactions: {show_from: moderate}
validators:
  - {use: wardround/phi, on: [request, draft]}
rules:
  - id: contraindicated-combination
    when: findings.exists(f, f.kind == "interaction" && f.severity == "contraindicated")
    then: escalate
    to: pharmacist
    reason: Two drugs that must not be combined
queues:
  pharmacist: {reviewers: 1, respond_within: 30m, on_timeout: block}
messages: {hold: "...", block: "..."}
tests:
  - name: a nitrate with its enemy is held
    request: "..."
    draft: "..."
    expect: {action: escalate, rule: contraindicated-combination}
""",
        )
    )
    assert (policy.name, policy.version) == ("patient-chat", 3)
    assert policy.document.queues["pharmacist"].respond_within_s == 1800
    assert policy.document.agents.interactions.options == {"show_from": "moderate"}
    assert policy.document.agents.drafting.model == "openai/gpt-5-mini"
    assert policy.rules[-1].id == "contraindicated-combination"
    assert str(policy.rules[-1].origin).endswith("p.yaml:11")
    assert str(policy.rules[0].origin).startswith("wardround/base:")
    assert policy.message("hold", "de") == "..."
    assert (policy.message("crisis", "de-CH") or "").startswith("Danke")
    assert (policy.message("crisis", "und") or "").startswith("Thank you")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "ruls: []\n" + RULE, "p.yaml:3: unknown key 'ruls'; did you mean 'rules'?"),
        (
            HEAD + "agents: {drafting: {max_revision: 2}}\n" + RULE,
            "p.yaml:3: unknown key 'max_revision'; did you mean 'max_revisions'?",
        ),
        (
            HEAD + "agents:\n  safety:\n    deadlin: 2s\n" + RULE,
            "p.yaml:5: unknown key 'deadlin'; did you mean 'deadline'?",
        ),
        (HEAD + "agents: {safety: {scpe: [x]}}\n" + RULE, "p.yaml:3: unknown key 'scpe'; did you mean 'scope'?"),
        (
            HEAD + "agents: {knowledge: {scope: [x]}}\n" + RULE,
            "p.yaml:3: unknown key 'scope'; known are certificate, citations, deadline, enabled, judge, show_from",
        ),
        (HEAD + "agents: {knowledge: {judge: 3}}\n" + RULE, "p.yaml:3: judge is named by a string"),
        (HEAD + "agents: {knowlege: {}}\n" + RULE, "p.yaml:3: unknown key 'knowlege'; did you mean 'knowledge'?"),
        (
            HEAD + "agents: {safety: {deadline: soon}}\n" + RULE,
            "p.yaml:3: agents.safety.deadline is wrong: 'soon' is no duration; write it like 250ms",
        ),
        (
            HEAD + "agents: {safety: {deadline_s: 3}}\n" + RULE,
            "p.yaml:3: unknown key 'deadline_s'; did you mean 'deadline'?",
        ),
        (HEAD + RULE.replace("annotate", "anotate"), "p.yaml:4: rule 'r': then is 'anotate'; did you mean 'annotate'?"),
        (HEAD + RULE.replace("then", "than"), "p.yaml:4: unknown key 'than'; did you mean 'then'?"),
        (HEAD + "rules:\n  - {id: r, then: block}\n", "p.yaml:4: key 'when' is missing in rule 'r'; add it"),
        (HEAD + "rules: []\n", "p.yaml:3: the list of rules is empty; write a rule or take the key out"),
        (HEAD, "p.yaml:1: key 'rules' is missing in the policy; add it"),
        ("version: 1\n" + RULE, "p.yaml:1: key 'policy' is missing in the policy; add it"),
        (HEAD + "version: 2\n" + RULE, "p.yaml:3: key 'version' is written twice in the same mapping; keep one"),
        (
            HEAD + RULE + "  - {id: r, when: 'true', then: block}\n",
            "p.yaml:5: id 'r' is already used at p.yaml:4; rename one of them",
        ),
        (
            HEAD + RULE.replace("annotate", "escalate, to: farmacist") + "queues: {pharmacist: {respond_within: 1h}}\n",
            "p.yaml:4: rule 'r': unknown queue 'farmacist'; did you mean 'pharmacist'?",
        ),
        (
            HEAD + RULE.replace("annotate", "block, message: blok") + "messages: {block: No.}\n",
            "p.yaml:4: rule 'r': unknown message 'blok'; did you mean 'block'?",
        ),
        (HEAD + RULE + "messages: {hodl: Wait.}\n", "p.yaml:5: unknown message 'hodl'; did you mean 'hold'?"),
        (
            HEAD + RULE.replace('"patient"', '"patent"'),
            "p.yaml:4: rule 'r': at character 13: audience is never 'patent'; did you mean 'patient'?",
        ),
        (
            HEAD + "extends: [wardround/bse]\n" + RULE,
            "p.yaml:3: there is no pack 'wardround/bse'; did you mean 'wardround/base'?",
        ),
        (HEAD + "extends: [other.yaml]\n" + RULE, "p.yaml:3: there is no policy file 'other.yaml'"),
        (
            HEAD + "extends: [p.yaml]\n" + RULE,
            "p.yaml:3: extends runs in a circle: p.yaml -> p.yaml; take one of them out",
        ),
        (
            HEAD + "extends: wardround/base\n" + RULE,
            "p.yaml:3: extends is a list of packs or files, as in [wardround/base]",
        ),
        (HEAD + "rules: [\n", "p.yaml:4: broken YAML"),
        ("- a\n- b\n", "p.yaml:1: a policy file is one YAML mapping that starts with 'policy: NAME'"),
        ("", "p.yaml:1: a policy file is one YAML mapping that starts with 'policy: NAME'"),
        ("policy: p\nversion: one\n" + RULE, "p.yaml:2: version must be a whole number without quotes"),
        ("policy: p\nversion: 0\n" + RULE, "p.yaml:2: version must be at least 1"),
        ("policy: p\nversion: 1.5\n" + RULE, "p.yaml:2: version must be a whole number without quotes, as in 3"),
        ("policy: p\n" + RULE, "p.yaml:1: key 'version' is missing in the policy; add it"),
        ("policy: my ward\nversion: 1\n" + RULE, "p.yaml:1: policy may hold letters, digits and"),
        (
            HEAD + "rules:\n  r: {when: x}\n",
            "p.yaml:3: rules must be a list, each entry on a line that begins with '- '",
        ),
        (HEAD + "rules:\n  - r\n", "p.yaml:4: rule 'r' must be a mapping of keys to values"),
        (HEAD + RULE + "messages:\n  hold:\n", "p.yaml:6: messages.hold is empty; write a value or take the key out"),
        (HEAD + RULE + "messages: {hold: {en: 3}}\n", "p.yaml:5: messages.hold"),
        (
            HEAD + RULE.replace("annotate", "hold"),
            "p.yaml:4: rule 'r': then is 'hold'; known are allow, annotate, block",
        ),
        (
            HEAD + RULE + "queues: {ward: {respond_within: 1h, on_timeout: release}}\n",
            "p.yaml:5: queues.ward.on_timeout is 'release'; known are block, hold",
        ),
        (
            HEAD + "extends: [wardround/base]\nrules:\n  - {id: agent-failur, then: block}\n",
            "p.yaml:5: key 'when' is missing in rule 'agent-failur'; add it; did you mean 'agent-failure'",
        ),
        (
            HEAD + "extends: [wardround/base]\nqueues: {physican: {reviewers: 2}}\n",
            "p.yaml:4: key 'respond_within' is missing in queues.physican; add it; did you mean 'physician'",
        ),
        (
            HEAD + "rules:\n  - {id: r, when: findings.exists(f, f.kind == 'phi'), then: block}\n",
            "p.yaml:4: part of a value was read as a key",
        ),
        (
            HEAD + "rules:\n\t- id: r\n",
            "p.yaml:4: broken YAML: found character that cannot start any token; indent with",
        ),
        (
            HEAD + "rules:\n  - id: r\n    when: !findings.exists(f, true)\n",
            "p.yaml:5: broken YAML: did not find expected whitespace or line break; put the whole condition in single",
        ),
        (HEAD + RULE + "---\npolicy: q\n", "p.yaml:5: broken YAML: but found another document; a file holds one"),
        (HEAD + "# a bell: \a\n" + RULE, "p.yaml:3: broken YAML: a control character"),
        (
            HEAD + "extends: [base]\n",
            "p.yaml:3: there is no policy file 'base'; did you mean 'wardround/base'?",
        ),
        (HEAD + "agents: &a {safety: *a}\n" + RULE, "p.yaml:3: nested deeper than 32 levels"),
    ],
)
def test_a_broken_file_is_refused_on_one_line_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    assert refusal(tmp_path, text).startswith(expected)


def test_a_missing_file_and_an_unreadable_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="there is no policy file 'nowhere.yaml'; packs are wardround/base"):
        load_policy("nowhere.yaml")
    with pytest.raises(PolicyError, match="cannot be read: Is a directory"):
        load_policy(str(tmp_path))
    (tmp_path / "ward.yaml").touch()
    with pytest.raises(PolicyError, match=r"there is no policy file .*; did you mean 'ward.yaml'\?"):
        load_policy(str(tmp_path / "wrad.yaml"))
    (tmp_path / "p.yaml").write_bytes(b"policy: p\n# \xff\xfe")
    with pytest.raises(PolicyError, match="p.yaml:2: not UTF-8 text"):
        load_policy(str(tmp_path / "p.yaml"))


def test_a_child_changes_an_inherited_rule_key_by_key_and_takes_one_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        "policy: house\nversion: 1\nrules:\n"
        "  - {id: a, when: 'audience == \"patient\"', then: annotate, reason: because}\n"
        "  - {id: b, when: 'task == \"letter\"', then: block}\n"
        "queues: {ward: {respond_within: 1h, reviewers: 2}}\n",
        "house.yaml",
    )
    child = write(
        tmp_path,
        "policy: child\nversion: 2\nextends: [house.yaml]\nrules:\n"
        "  - {id: b, enabled: false}\n  - {id: a, then: escalate, to: ward}\n"
        "queues: {ward: {respond_within: 5m}}\n",
    )
    policy = load_policy(child)
    assert [r.id for r in policy.rules] == ["a"]
    assert policy.rules[0].action is Action.ESCALATE
    assert policy.rules[0].rule.reason == "because"
    assert str(policy.rules[0].origin).endswith("p.yaml:6")
    assert (policy.document.queues["ward"].reviewers, policy.document.queues["ward"].respond_within_s) == (2, 300)
    assert [p.name for p in policy.sources] == ["p.yaml", "house.yaml"]


def test_switching_off_every_rule_is_refused(tmp_path: Path) -> None:
    text = HEAD + "rules:\n  - {id: r, when: 'true', then: block, enabled: false}\n"
    assert "every rule is switched off" in refusal(tmp_path, text)


def test_a_base_that_comes_in_twice_does_not_undo_what_was_changed_in_between(tmp_path: Path) -> None:
    write(tmp_path, HEAD + RULE, "base.yaml")
    one = "policy: one\nversion: 1\nextends: [base.yaml]\nrules:\n  - {id: r, then: block}\n"
    write(tmp_path, one, "one.yaml")
    write(tmp_path, "policy: two\nversion: 1\nextends: [base.yaml]\n", "two.yaml")
    both = load_policy(write(tmp_path, "policy: both\nversion: 1\nextends: [one.yaml, two.yaml]\n"))
    assert [r.action for r in both.rules] == [Action.BLOCK]


def test_tests_and_mode_speak_for_their_own_file_only(tmp_path: Path) -> None:
    tests = "tests:\n  - {name: t, request: q, findings: [], expect: {action: allow}}\n"
    write(tmp_path, HEAD + "mode: shadow\n" + RULE + tests, "base.yaml")
    child = load_policy(write(tmp_path, "policy: c\nversion: 1\nextends: [base.yaml]\n"))
    assert child.document.tests == ()
    assert child.document.mode is Mode.LIVE


def test_the_digest_is_stable_under_comments_order_and_tests_and_moves_with_the_law(tmp_path: Path) -> None:
    first = load_policy(write(tmp_path, HEAD + RULE + "messages: {hold: Wait., block: No.}\n")).digest
    same = "# a comment\nversion: 1\nmessages:\n  block: No.\n  hold: Wait.\n" + RULE + "policy: p\n"
    assert load_policy(write(tmp_path, same)).digest == first
    assert first.startswith("sha256:")
    assert load_policy(write(tmp_path, HEAD + RULE.replace("annotate", "block"))).digest != first


@pytest.mark.parametrize("name", pack_names())
def test_every_pack_loads_and_bears_its_file_name(name: str) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert all(r.rule.reason for r in policy.rules)


def test_the_default_policy_holds_the_rules_of_every_pack() -> None:
    default = {r.id for r in load_policy("wardround/default").rules}
    for name in pack_names():
        assert {r.id for r in load_policy(name).rules} <= default


def test_the_schema_names_every_key_of_the_file_and_lets_a_child_change_part_of_a_rule() -> None:
    schema = json_schema()
    json.dumps(schema)
    assert set(schema["properties"]) == set(Document.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Rule"]["required"] == ["id"]
    assert "timeout" in schema["$defs"]["Drafting"]["properties"]


_ids = st.sampled_from(["a", "b", "c", "d"])
_rules = st.dictionaries(_ids, st.sampled_from(["allow", "revise", "block"]), min_size=1).map(
    lambda rules: "rules:\n" + "".join(f"  - {{id: {i}, then: {a}}}\n" for i, a in rules.items())
)


def _actions(files: list[Branch]) -> dict[str, str]:
    merged = plain(merge(files))
    assert isinstance(merged, dict)
    rules = merged["rules"]
    assert isinstance(rules, list)
    return {str(r["id"]): str(r["then"]) for r in rules if isinstance(r, dict)}


@given(st.lists(_rules, min_size=3, max_size=3))
def test_merging_is_associative_and_the_last_word_on_a_rule_wins(texts: list[str]) -> None:
    one, two, three = (read(HEAD + t, f"f{n}") for n, t in enumerate(texts))
    together = _actions([one, two, three])
    assert together == _actions([merge([one, two]), three]) == _actions([one, merge([two, three])])
    assert together == {**_actions([one]), **_actions([two]), **_actions([three])}
    assert _actions([one, one]) == _actions([one])
