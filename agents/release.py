"""How a decided round ends: the text that goes out, redacted or not, or the policy's message in its place."""

from __future__ import annotations

from collections.abc import Iterable

from wardround.policies.decision import Decision
from wardround.policies.finding import Action, Finding, FindingKind, Severity
from wardround.policies.load import Policy

from .state import Draft, Outcome, Review, RoundState, Status

_LAST_RESORT = "This answer cannot be given. Please ask a health professional."
"""Said where a policy has no message of its own."""
RESOURCES = "{resources}"
"""In a policy's message: places to turn to in a crisis."""
_GOES_OUT = frozenset({Action.ALLOW, Action.ANNOTATE, Action.REDACT})


def settle(decision: Decision, draft: Draft | None, findings: Iterable[Finding], block_message: str) -> Outcome:
    """The outcome of a decision that needs no person. A draft that cannot be redacted whole is not released."""
    if decision.action not in _GOES_OUT or draft is None:
        return Outcome(Status.BLOCKED, decision.action, (), decision.message or block_message)
    if decision.action is not Action.REDACT:
        return Outcome(Status.RELEASED, decision.action, tuple(None for _ in draft.choices))
    cut = tuple(findings)
    texts = tuple(redact(c.text, "draft" if c.index == 0 else f"draft[{c.index}]", cut, start=0) for c in draft.choices)
    if any(t is None for t in texts) or any(f.span and f.span.channel.startswith("tool_call") for f in _phi(cut)):
        return Outcome(Status.BLOCKED, Action.BLOCK, (), block_message)
    return Outcome(Status.RELEASED, decision.action, texts)


def told(decision: Decision, language: str) -> Decision:
    """The decision with `{resources}` in its message filled in for the request's locale; the table needs no network."""
    if decision.message is None or RESOURCES not in decision.message:
        return decision
    from .safety.resources import written_out

    return decision.model_copy(update={"message": decision.message.replace(RESOURCES, written_out(language))})


def escalated(policy: Policy, state: RoundState, decision: Decision, reason: str) -> Decision:
    """The decision turned into a hold, for a draft that could not be corrected or that a reviewer wants to see."""
    queue = decision.queue or next(iter(policy.document.queues), None)
    told = decision.message or message(policy, state, "hold")
    return decision.model_copy(update={"action": Action.ESCALATE, "queue": queue, "reason": reason, "message": told})


def message(policy: Policy, state: RoundState, name: str) -> str:
    """One of the policy's messages in the language of the request."""
    return policy.message(name, state["intake"].language) or _LAST_RESORT


def settle_review(review: Review, draft: Draft | None, block_message: str) -> Outcome:
    """The outcome of a reviewer's approval or rejection."""
    if review.verdict == "reject" or draft is None:
        return Outcome(Status.BLOCKED, Action.BLOCK, (), review.text or block_message)
    return Outcome(Status.RELEASED, Action.ESCALATE, tuple(None for _ in draft.choices))


def redact(text: str, channel: str, findings: Iterable[Finding], *, start: int) -> str | None:
    """`text[start:]` with every identifier of the channel replaced by `[kind]`.

    Minor ones stay: an identifier that the reader gave. None where one begins before `start`: it is out already.
    """
    spans = sorted(
        (f.span.start, min(f.span.end, len(text)), f.subjects[0] if f.subjects else "identifier")
        for f in _phi(findings)
        if f.span and f.span.channel == channel and f.span.end > start
    )
    if any(begin < start for begin, _, _ in spans):
        return None
    pieces: list[str] = []
    at = start
    for begin, end, subject in spans:
        if end > at:
            pieces += [text[at : max(begin, at)], f"[{subject}]" if begin >= at else ""]
            at = end
    return "".join([*pieces, text[at:]])


def _phi(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(f for f in findings if f.kind is FindingKind.PHI and f.severity is not Severity.MINOR)
