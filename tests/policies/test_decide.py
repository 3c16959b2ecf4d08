"""The decision: strongest action, shadow, attribution, failure, and the algebra that holds for every policy."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from wardround.policies.decide import UNREADABLE_REASON, decide
from wardround.policies.decision import Decision
from wardround.policies.finding import Action, Finding, FindingKind, Severity, Span
from wardround.policies.load import Policy, load_policy
from wardround.policies.request import Audience, Case, Message, Patient, RoundRequest, Task, ToolCall
from wardround.policies.variables import Facts

FACTS = Facts(text="May I?", draft="Yes.", source="given", audience=Audience.PATIENT, language="en")


@cache
def policy_of(rules: str, more: str = "") -> Policy:
    """A policy with these rules, two queues and the usual messages."""
    text = f"""
policy: p
version: 1
{more}
rules:
{rules}
queues:
  slow: {{respond_within: 4h}}
  fast: {{respond_within: 5m}}
messages: {{hold: Wait., block: No., crisis: Help is there.}}
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.yaml"
        path.write_text(text)
        return load_policy(str(path))


def finding(
    kind: FindingKind = FindingKind.INTERACTION, severity: Severity = Severity.MAJOR, channel: str = "draft"
) -> Finding:
    """A finding with a span."""
    span = Span(channel=channel, start=0, end=1)
    return Finding(agent="a", kind=kind, severity=severity, message="m", subjects=("x",), span=span)


def fired(decision: Decision) -> dict[str, tuple[int, ...]]:
    """Fired rules and what they fired on."""
    return {r.id: r.findings for r in decision.rules if r.fired}


def test_without_findings_nothing_fires_and_the_answer_goes_out() -> None:
    decision = decide(load_policy("wardround/default"), FACTS, [])
    assert decision == Decision(action=Action.ALLOW, rules=decision.rules)
    assert len(decision.rules) == len(load_policy("wardround/default").rules)
    assert decision.fired == ()


def test_the_decision_is_a_valid_value_and_survives_json() -> None:
    decision = decide(load_policy("wardround/default"), FACTS, [finding(), finding(FindingKind.CRISIS)])
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_the_strongest_rule_decides_and_gives_queue_reason_and_message() -> None:
    policy = policy_of("""
  - {id: note, when: "findings.size() > 0", then: annotate, reason: noted}
  - {id: hold, when: 'findings.exists(f, f.kind == "interaction")', then: escalate, to: slow, reason: held}
""")
    decision = decide(policy, FACTS, [finding()])
    assert (decision.action, decision.queue, decision.reason, decision.message) == (
        Action.ESCALATE,
        "slow",
        "held",
        "Wait.",
    )
    assert decision.fired == ("note", "hold")


def test_among_escalations_the_most_urgent_queue_gets_it() -> None:
    policy = policy_of("""
  - {id: none, when: "findings.size() > 0", then: escalate, reason: to nobody}
  - {id: slow, when: "findings.size() > 0", then: escalate, to: slow, reason: slow}
  - {id: fast, when: "findings.size() > 0", then: escalate, to: fast, reason: fast}
""")
    decision = decide(policy, FACTS, [finding()])
    assert (decision.queue, decision.reason) == ("fast", "fast")


def test_the_message_that_a_rule_names_is_given_also_where_a_stronger_rule_names_none() -> None:
    policy = policy_of("""
  - {id: crisis, when: 'findings.exists(f, f.kind == "crisis")', then: escalate, to: fast, message: crisis}
  - {id: harm, when: 'findings.exists(f, f.kind == "harmful_request")', then: block}
""")
    decision = decide(policy, FACTS, [finding(FindingKind.HARMFUL_REQUEST), finding(FindingKind.CRISIS)])
    assert (decision.action, decision.message, decision.queue) == (Action.BLOCK, "Help is there.", None)


def test_an_answer_that_goes_out_carries_no_message() -> None:
    policy = policy_of('  - {id: r, when: "findings.size() > 0", then: revise, message: crisis}')
    assert decide(policy, FACTS, [finding()]).message is None


def test_a_rule_names_the_findings_it_fires_on() -> None:
    policy = policy_of("""
  - {id: each, when: 'findings.exists(f, f.kind == "interaction")', then: annotate}
  - {id: together, when: '["interaction", "dose"].all(k, findings.exists(f, f.kind == k))', then: annotate}
  - {id: none, when: 'audience == "patient"', then: annotate}
  - {id: absent, when: '!findings.exists(f, f.kind == "crisis")', then: annotate}
  - {id: silent, when: 'findings.exists(f, f.kind == "crisis")', then: annotate}
""")
    findings = [finding(FindingKind.DOSE), finding(), finding(FindingKind.PHI), finding()]
    assert fired(decide(policy, FACTS, findings)) == {
        "each": (1, 3),
        "together": (0, 1, 2, 3),
        "none": (),
        "absent": (),
    }


def test_a_shadow_rule_is_recorded_and_never_acts() -> None:
    policy = policy_of("""
  - {id: live, when: "findings.size() > 0", then: annotate}
  - {id: shadow, when: "findings.size() > 0", then: block, mode: shadow}
""")
    decision = decide(policy, FACTS, [finding()])
    assert (decision.action, decision.message) == (Action.ANNOTATE, None)
    assert decision.shadow_action is Action.BLOCK
    assert decision.fired == ("live",)
    assert fired(decision) == {"live": (0,), "shadow": (0,)}
    assert decide(policy, FACTS, []).shadow_action is None


def test_a_policy_in_shadow_mode_lets_everything_through_and_says_what_it_would_have_done() -> None:
    policy = policy_of('  - {id: r, when: "findings.size() > 0", then: block}', "mode: shadow")
    decision = decide(policy, FACTS, [finding()])
    assert (decision.action, decision.shadow_action, decision.queue) == (Action.ALLOW, Action.BLOCK, None)


def test_a_rule_that_cannot_be_evaluated_escalates_at_least() -> None:
    policy = policy_of("""
  - {id: young, when: "patient.age_years < 2.0", then: annotate}
  - {id: fine, when: "findings.size() > 0", then: annotate}
""")
    decision = decide(policy, FACTS, [finding()])
    assert decision.action is Action.ESCALATE
    assert (decision.reason, decision.message) == (UNREADABLE_REASON, "Wait.")
    assert [(r.fired, r.action, r.error is not None, r.findings) for r in decision.rules] == [
        (True, Action.ESCALATE, True, ()),
        (True, Action.ANNOTATE, False, (0,)),
    ]
    known = Facts(text="", patient=Patient(age_years=1))
    assert decide(policy, known, []).action is Action.ANNOTATE


def test_a_block_rule_that_cannot_be_evaluated_blocks() -> None:
    policy = policy_of('  - {id: young, when: "patient.age_years < 2.0", then: block}')
    assert decide(policy, FACTS, []).action is Action.BLOCK


def test_the_facts_of_a_case_reach_the_conditions() -> None:
    request = RoundRequest(
        messages=(
            Message(role="user", text="Look", media=("image_url",)),
            Message(role="tool", text="result"),
            Message(role="user", text="And?", media=("image_url", "file")),
        ),
        patient=Patient(pregnant=True),
    )
    calls = (ToolCall(id="1", name="prescribe", arguments="{}"),)
    case = Case(request=request, audience=None, language="de", task=Task.LETTER, draft="Text", tool_calls=calls)
    facts = Facts.of(case)
    assert (facts.media, facts.tool_results, facts.turns, facts.source) == (("image_url", "file"), 1, 3, "upstream")
    policy = policy_of("""
  - id: r
    when: >-
      audience == "unknown" && language == "de" && task == "letter" && "file" in request.media
      && request.tool_results == 1 && "prescribe" in draft.tools && patient.pregnant && request.text == "And?"
    then: block
""")
    assert decide(policy, facts, []).action is Action.BLOCK


_findings = st.lists(
    st.builds(
        finding,
        kind=st.sampled_from(FindingKind),
        severity=st.sampled_from(Severity),
        channel=st.sampled_from(["request", "draft", "evidence[a]", "tool_call[a]"]),
    ),
    max_size=5,
)
_facts = st.builds(
    Facts,
    text=st.text(max_size=20),
    audience=st.sampled_from([None, *Audience]),
    draft=st.sampled_from([None, "Yes."]),
    source=st.sampled_from(["upstream", "given", "none"]),
)


@given(_facts, _findings)
def test_the_action_is_the_strongest_of_the_rules_that_fired(facts: Facts, findings: list[Finding]) -> None:
    decision = decide(load_default(), facts, findings)
    acting = [r.action for r in decision.rules if r.fired and not r.shadow]
    assert decision.action is max(acting, key=lambda a: a.strength, default=Action.ALLOW)
    assert (decision.message is not None) == (decision.action in (Action.ESCALATE, Action.BLOCK))
    assert (decision.queue is not None) == (decision.action is Action.ESCALATE)
    assert all(0 <= n < len(findings) for r in decision.rules for n in r.findings)


@given(_facts, _findings, _findings)
def test_with_the_packs_more_findings_never_weaken_the_action(
    facts: Facts, some: list[Finding], more: list[Finding]
) -> None:
    alone = decide(load_default(), facts, some)
    both = decide(load_default(), facts, [*some, *more])
    assert both.action.strength >= alone.action.strength
    assert set(alone.fired) <= set(both.fired)


@given(_facts, _findings.flatmap(lambda f: st.tuples(st.just(f), st.permutations(f))))
def test_the_order_of_the_findings_decides_nothing(facts: Facts, pair: tuple[list[Finding], list[Finding]]) -> None:
    first, second = (decide(load_default(), facts, f) for f in pair)
    assert (first.action, first.fired, first.queue, first.reason) == (
        second.action,
        second.fired,
        second.queue,
        second.reason,
    )


@given(st.sampled_from(Audience), st.sampled_from(FindingKind))
def test_a_grave_finding_never_passes_a_patient_as_if_nothing_were(audience: Audience, kind: FindingKind) -> None:
    action = decide(
        load_default(), Facts(text="", audience=audience, draft="x", source="given"), [finding(kind)]
    ).action
    assert action is not Action.ALLOW
    if audience is Audience.PATIENT:
        assert action.strength >= Action.REDACT.strength


@cache
def load_default() -> Policy:
    """The default policy, loaded once."""
    return load_policy("wardround/default")
