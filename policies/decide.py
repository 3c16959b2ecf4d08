"""The decision: a pure function of policy, facts and findings. What becomes of it is the graph's business."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .decision import Decision, RuleOutcome
from .expressions import Alone, Verdict
from .finding import Action, Finding
from .load import CompiledRule, Policy
from .variables import Facts, messages_of

_STOPS = (Action.ESCALATE, Action.BLOCK)
UNREADABLE_REASON = "A rule of the policy could not be evaluated, so a person has to look"


def decide(policy: Policy, facts: Facts, findings: Sequence[Finding]) -> Decision:
    """Judge one draft, or one request before drafting. Every rule is asked; the strongest that acts decides.

    1. Every condition is evaluated over the same facts. One that cannot be evaluated counts as fired with at least
       `escalate`: nothing fails open.
    2. A fired rule is attributed to the findings for which it fires when each is given alone; to all of them where it
       fires for none alone; to none where it fires without any.
    3. The strongest action of the fired rules wins; among several such rules the one with the most urgent queue, then
       the first, gives queue and reason. Shadow rules are recorded and never act; what they would have changed is
       `shadow_action`.
    4. The message is the first that a fired `block` or `escalate` rule names, strongest first: a person in danger is
       told where to turn also when another rule blocks. Else it is `block` or `hold`.
    """
    verdicts, alone = policy.conditions.evaluate(facts, messages_of(findings))
    outcomes = tuple(_outcome(rule, i, verdicts[i], alone, len(findings)) for i, rule in enumerate(policy.rules))
    acting = _by_weight(policy, [i for i, o in enumerate(outcomes) if o.fired and not o.shadow], outcomes)
    would = _by_weight(policy, [i for i, o in enumerate(outcomes) if o.fired], outcomes)
    action = outcomes[acting[0]].action if acting else Action.ALLOW
    shadow_action = outcomes[would[0]].action if would else Action.ALLOW
    return Decision.model_construct(
        action=action,
        rules=outcomes,
        queue=policy.rules[acting[0]].rule.to if action is Action.ESCALATE else None,
        reason=_reason(outcomes[acting[0]], policy.rules[acting[0]]) if acting else None,
        message=_message(policy, [i for i in acting if outcomes[i].action in _STOPS], action, facts.language),
        shadow_action=shadow_action if shadow_action is not action else None,
    )


def _outcome(rule: CompiledRule, i: int, verdict: Verdict, alone: Alone, count: int) -> RuleOutcome:
    holds, error = verdict
    if not holds and error is None:
        return rule.idle
    action = rule.action if error is None else max(rule.action, Action.ESCALATE, key=lambda a: a.strength)
    return RuleOutcome.model_construct(
        id=rule.id,
        origin=str(rule.origin),
        fired=True,
        action=action,
        shadow=rule.shadow,
        findings=_attributed(rule, i, alone, count) if holds else (),
        how=rule.idle.how,
        error=error,
    )


def _attributed(rule: CompiledRule, i: int, alone: Alone, count: int) -> tuple[int, ...]:
    if not count or not rule.condition.reads_findings or alone.holds(i, None):
        return ()
    return tuple(n for n in range(count) if alone.holds(i, n)) or tuple(range(count))


def _by_weight(policy: Policy, fired: list[int], outcomes: Sequence[RuleOutcome]) -> list[int]:
    """Positions of fired rules: strongest action first, then the most urgent queue, then the policy's order."""
    queues = policy.document.queues

    def weight(i: int) -> tuple[int, float, int]:
        queue = queues.get(policy.rules[i].rule.to or "")
        return -outcomes[i].action.strength, queue.respond_within_s if queue else math.inf, i

    return sorted(fired, key=weight) if len(fired) > 1 else fired


def _reason(outcome: RuleOutcome, rule: CompiledRule) -> str | None:
    return UNREADABLE_REASON if outcome.error is not None else rule.rule.reason


def _message(policy: Policy, stopping: list[int], action: Action, language: str) -> str | None:
    if action not in _STOPS:
        return None
    named = next((m for i in stopping if (m := policy.rules[i].rule.message) is not None), None)
    usual = "hold" if action is Action.ESCALATE else "block"
    return policy.message(named or usual, language) or policy.message(usual, language)
