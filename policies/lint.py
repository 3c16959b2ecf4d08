"""What is wrong, or probably not meant, in a policy that loads. Errors that keep it from loading are `load`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import get_args

from .document import MESSAGE_NAMES, Mode, Test
from .finding import SENTENCE_KINDS, Action, Finding, FindingKind, Severity, Span
from .load import CompiledRule, Policy
from .request import Audience, Task
from .source import Mark, at, did_you_mean
from .syntax import Tree
from .testing import expected_rules, refused_rules
from .variables import MESSAGES, DraftSource, Facts, messages_of


class Level(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """The policy does not do what it says."""
    WARNING = "warning"
    """Probably not meant."""
    NOTE = "note"
    """Worth knowing; no problem."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend."""

    level: Level
    code: str
    """Stable name of the check."""
    where: Mark
    """File and line."""
    message: str
    """What, and how to mend it."""

    def __str__(self) -> str:
        return f"{self.where}: {self.level} {self.code}: {self.message}"


def lint(policy: Policy, *, installed: Callable[[str], bool] | None = None) -> tuple[Problem, ...]:
    """All problems, in the order of the checks below. `installed` tells whether a validator is at hand."""
    found: list[Problem] = []
    for check in _CHECKS:
        found.extend(check(policy))
    if installed is not None:
        found.extend(_validators(policy, installed))
    return tuple(found)


def _never_fires(policy: Policy) -> Iterator[Problem]:
    """Try every combination of closed values that a condition reads; other fields cannot be tried, so it is left."""
    for i, rule in enumerate(policy.rules):
        tree = rule.condition.tree
        if not tree.names & {"request", "patient", "audience", "language", "task", "findings", "draft"}:
            yield Problem(
                Level.ERROR, "constant-condition", rule.origin, f"rule {rule.id!r}: the condition looks at nothing"
            )
        elif _can_be_tried(tree) and not _fires_somewhere(policy, i, tree):
            yield Problem(
                Level.ERROR,
                "never-fires",
                rule.origin,
                f"rule {rule.id!r} can never fire: its condition contradicts itself",
            )


_TRIED = frozenset({"Finding.kind", "Finding.severity", "Finding.rank", "Finding.channel", "Draft.source"})
_CHANNELS = ("", "request", "draft", "draft[1]", "messages[0]", "evidence[a]", "tool_call[a]")


def _can_be_tried(tree: Tree) -> bool:
    return tree.fields <= _TRIED and "language" not in tree.names


def _fires_somewhere(policy: Policy, i: int, tree: Tree) -> bool:
    everything = [_sample(k, s, c) for k in _kinds(tree) for s in Severity for c in _CHANNELS]
    messages = messages_of(everything)
    for facts in _worlds(tree):
        for chosen in (messages, [], *([m] for m in messages)):
            if policy.conditions.holds(i, facts, chosen):
                return True
    return False


def _kinds(tree: Tree) -> list[FindingKind]:
    """The kinds that a condition names, and one that it does not."""
    named = tree.words.get("Finding.kind", frozenset())
    other = [k for k in FindingKind if k not in named][:1]
    return [k for k in FindingKind if k in named] + other


def _sample(kind: FindingKind, severity: Severity, channel: str) -> Finding:
    span = Span(channel=channel, start=0, end=1) if channel else None
    return Finding(agent="lint", kind=kind, severity=severity, message="sample", span=span)


def _worlds(tree: Tree) -> Iterator[Facts]:
    audiences = (*Audience, None) if "audience" in tree.names else (None,)
    tasks = tuple(Task) if "task" in tree.names else (Task.OTHER,)
    sources: tuple[DraftSource, ...] = get_args(DraftSource) if "draft" in tree.names else ("none",)
    for audience, task, source in product(audiences, tasks, sources):
        yield Facts(text="", audience=audience, task=task, source=source)


def _same_condition(policy: Policy) -> Iterator[Problem]:
    seen: dict[str, CompiledRule] = {}
    for rule in policy.rules:
        key = " ".join(rule.rule.when.split())
        first = seen.setdefault(key, rule)
        if first is not rule:
            text = f"rule {rule.id!r} has the condition of {first.id!r} ({first.origin}); keep the stronger one"
            yield Problem(Level.WARNING, "same-condition", rule.origin, text)


def _escalation(policy: Policy) -> Iterator[Problem]:
    for i, rule in enumerate(policy.rules):
        if rule.action is Action.ESCALATE and rule.rule.to is None:
            text = f"rule {rule.id!r} escalates to nobody; add 'to: QUEUE'"
            yield Problem(Level.ERROR, "escalate-without-queue", rule.origin, text)
        elif rule.action is not Action.ESCALATE and rule.rule.to is not None and _together(policy, i):
            text = f"rule {rule.id!r} names a queue but does not escalate; take 'to' out or use 'then: escalate'"
            yield Problem(Level.WARNING, "queue-without-escalate", rule.origin, text)


def _redaction(policy: Policy) -> Iterator[Problem]:
    """`redact` changes identifiers and sentences with a claim; of what a rule names, something must be one of them."""
    able = {FindingKind.PHI, *SENTENCE_KINDS}
    for i, rule in enumerate(policy.rules):
        kinds = rule.condition.tree.words.get("Finding.kind")
        if rule.action is not Action.REDACT or kinds is None or "!" in rule.rule.when:
            continue
        if not kinds & able:
            text = f"rule {rule.id!r} redacts nothing: 'redact' changes findings of kind {', '.join(sorted(able))} only"
            yield Problem(Level.ERROR, "redacts-nothing", rule.origin, text)
        elif not rule.works_sentences and "how" in rule.rule.model_fields_set:
            where = at(policy.merged, ("rules", i, "how")).mark
            text = f"rule {rule.id!r}: identifiers are always replaced; take 'how' out"
            yield Problem(Level.WARNING, "how-on-identifiers", where, text)


def _together(policy: Policy, i: int) -> bool:
    """Whether queue and action of a rule come from one file; an inherited queue stays where only the action changes."""
    to, then = (at(policy.merged, ("rules", i, key)).mark for key in ("to", "then"))
    return to.source == then.source


def _unguarded(policy: Policy) -> Iterator[Problem]:
    """An unknown value makes a condition fail, and a failed rule escalates: ask first whether it is known."""
    nullable = {f"Patient.{n}" for n, kind in MESSAGES["Patient"].items() if kind in ("double?", "bool?", "string?")}
    for rule in policy.rules:
        for name in sorted((rule.condition.tree.fields & nullable) - rule.condition.tree.asked):
            field = f"patient.{name.rpartition('.')[2]}"
            text = f"rule {rule.id!r} reads {field}, which may be unknown, and then escalates; add 'has({field}) &&'"
            yield Problem(Level.WARNING, "unguarded-unknown", rule.origin, text)


def _tests(policy: Policy) -> Iterator[Problem]:
    tests, own = policy.document.tests, policy.merged.mark
    if not tests:
        yield Problem(Level.WARNING, "no-tests", own, "the policy has no tests; add a 'tests:' block")
    names = Counter(t.name for t in tests)
    contents: dict[str, str] = {}
    for i, test in enumerate(tests):
        where = at(policy.merged, ("tests", i)).mark
        if names[test.name] > 1:
            yield Problem(Level.ERROR, "duplicate-test", where, f"test {test.name!r} is written more than once")
        content = test.model_dump_json(exclude={"name"})
        first = contents.setdefault(content, test.name)
        if first != test.name:
            yield Problem(Level.WARNING, "duplicate-test", where, f"test {test.name!r} repeats {first!r}")
        yield from _expectation(policy, test, where)
    expected = {r for t in tests for r in expected_rules(t)}
    for rule in policy.rules if tests else ():
        if rule.origin.source == own.source and rule.id not in expected:
            text = f"no test expects rule {rule.id!r} to fire; add one with 'expect: {{rule: {rule.id}}}'"
            yield Problem(Level.WARNING, "untested-rule", rule.origin, text)


def _expectation(policy: Policy, test: Test, where: Mark) -> Iterator[Problem]:
    ids = [r.id for r in policy.rules]
    for name in (*expected_rules(test), *refused_rules(test)):
        if name not in ids:
            text = f"test {test.name!r} names an unknown rule {name!r}{did_you_mean(name, ids)}"
            yield Problem(Level.ERROR, "unknown-rule-in-test", where, text)
    if not test.expect.model_fields_set:
        text = f"test {test.name!r} expects nothing; name an action or a rule"
        yield Problem(Level.ERROR, "empty-expectation", where, text)


def _messages(policy: Policy) -> Iterator[Problem]:
    messages, own = policy.document.messages, policy.merged.mark
    actions = {r.action for r in policy.rules}
    agents, ways = policy.document.agents, {r.rule.how for r in policy.rules if r.works_sentences}
    needed = {
        "hold": bool(actions & {Action.ESCALATE, Action.REVISE}),
        "block": bool(actions & {Action.BLOCK, Action.ESCALATE}),
        "left_out": "drop" in ways or agents.drafting.after_revisions == "redact",
        "softened": "soften" in ways,
        "sources": agents.citations == "inline",
    }
    for name in (n for n, need in needed.items() if need and n not in messages):
        text = f"message {name!r} is missing: {MESSAGE_NAMES[name]} Add it, or extend wardround/base"
        yield Problem(Level.ERROR, "missing-message", own, text)
    used = {r.rule.message for r in policy.rules}
    for name in (n for n in messages if n not in MESSAGE_NAMES and n not in used):
        where = at(policy.merged, ("messages", name)).mark
        yield Problem(Level.WARNING, "unused-message", where, f"no rule uses message {name!r}; take it out")


def _queues(policy: Policy) -> Iterator[Problem]:
    used = {r.rule.to for r in policy.rules}
    for name in (q for q in policy.document.queues if q not in used):
        where = at(policy.merged, ("queues", name)).mark
        yield Problem(Level.WARNING, "unused-queue", where, f"no rule sends anything to queue {name!r}; take it out")


def _shadow(policy: Policy) -> Iterator[Problem]:
    if policy.document.mode is Mode.SHADOW:
        text = "the whole policy is in shadow mode: it records and never acts"
        yield Problem(Level.NOTE, "shadow", policy.merged.mark, text)
        return
    for rule in policy.rules:
        if rule.shadow:
            yield Problem(
                Level.NOTE, "shadow", rule.origin, f"rule {rule.id!r} is in shadow mode: recorded, never acts"
            )


def _validators(policy: Policy, installed: Callable[[str], bool]) -> Iterator[Problem]:
    for i, validator in enumerate(policy.document.validators):
        if not installed(validator.use):
            where = at(policy.merged, ("validators", i)).mark
            text = f"validator {validator.use!r} is not installed; {_install_hint(validator.use)}"
            yield Problem(Level.ERROR, "missing-validator", where, text)


def _install_hint(name: str) -> str:
    if name.startswith("wardround/"):
        return "no detector of this program has that name"
    return f"run: guardrails hub install hub://{name}"


_CHECKS: tuple[Callable[[Policy], Iterator[Problem]], ...] = (
    _never_fires, _same_condition, _escalation, _redaction, _unguarded, _tests, _messages, _queues, _shadow,
)  # fmt: skip
