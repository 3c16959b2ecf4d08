"""How a decided round ends: the text that goes out, worked over or not, or the policy's message in its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from wardround.policies.decision import Decision, RuleOutcome
from wardround.policies.finding import CLAIM_KINDS, SENTENCE_KINDS, Action, Finding, FindingKind, Severity
from wardround.policies.load import Policy

from .citing import Cited, cite, markers
from .layout import Layout, lay_out, words_of
from .state import Choice, Draft, Edit, Outcome, Review, RoundState, Sent, Status
from .wording import Asked, Cut, Identifier, Worked, applied, work

_LAST_RESORT = {
    "left_out": "Part of the answer was left out, because no source was found for it or it could do harm.",
    "softened": "(No source was found for this; please check it.)",
    "sources": "Sources",
}
"""Said where a policy has no message of its own; for every other message the next one."""
_NO_ANSWER = "This answer cannot be given. Please ask a health professional."
RESOURCES = "{resources}"
"""In a policy's message: places to turn to in a crisis."""
NOT_LEFT_OUT = "What the policy wants left out cannot be taken out of the text."
NOTHING_LEFT = "Nothing of substance would be left of the answer."
ALREADY_SENT = "What the policy wants changed has left in the stream already."
IN_A_TOOL_CALL = "An identifier would leave in a tool call."
WITHOUT_REDRAFT = "Redrafting did not correct the draft, so the sentences in question are left out."
_SIGNS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{3}")
"""Characters that say something in a script without spaces."""
GOES_OUT = frozenset({Action.ALLOW, Action.ANNOTATE, Action.REDACT})
"""Actions that let an answer out, changed or not."""


class Working(NamedTuple):
    """What becomes of the texts of a draft."""

    texts: tuple[str | None, ...]
    """Each choice as it goes out; None where the draft's own text does."""
    edits: tuple[tuple[Edit, ...], ...]
    """How each came out of the draft's."""
    problem: str | None = None
    """Why it cannot go out, in words for a reviewer."""


def work_out(state: RoundState, policy: Policy, decision: Decision, findings: Sequence[Finding]) -> Working:
    """Leave out, mark and replace what a decision to let the draft out asks for."""
    draft = state.get("draft")
    if draft is None or decision.action not in GOES_OUT:
        return Working((), ())
    redacts = decision.action is Action.REDACT
    if redacts and any(f.span and f.span.channel.startswith("tool_call") for f in _phi(findings)):
        return Working((), (), IN_A_TOOL_CALL)
    sent = {s.choice: s for s in draft.sent}
    texts: list[str | None] = []
    edits: list[tuple[Edit, ...]] = []
    for choice in draft.choices:
        asked = asked_of(policy, state, decision, findings, channel_of(choice.index))
        done = _choice(state, policy, choice, asked, sent.get(choice.index, Sent(choice.index, 0, "")))
        if isinstance(done, str):
            return Working((), (), done)
        edits.append(done[1])
        texts.append(done[0] if done[1] else None)
    return Working(tuple(texts), tuple(edits) if any(edits) else ())


def _choice(
    state: RoundState, policy: Policy, choice: Choice, asked: Asked | None, sent: Sent
) -> tuple[str, tuple[Edit, ...]] | str:
    """The text of one choice with its changes, or why it cannot go out."""
    if asked is None:
        return NOT_LEFT_OUT
    if asked == Asked() and not sent.edits:
        return choice.text, ()
    layout = lay_out(choice.text)
    worked = work(layout, asked, sent)
    if worked is None or _stands_beside(layout, worked, choice):
        return NOT_LEFT_OUT
    if worked.late:
        return ALREADY_SENT
    rest = sent.text + applied(choice.text, worked.edits, start=sent.upto)
    if worked.gone and not says_something(rest, state["intake"].language):
        return NOTHING_LEFT
    edits = (*worked.edits, *_note(choice.text, worked, sent, message(policy, state, "left_out")))
    return sent.text + applied(choice.text, edits, start=sent.upto), (*sent.edits, *edits)


def says_something(text: str, language: str) -> bool:
    """Whether a text tells its reader a fact or an instruction; courtesy, a heading or a lead-in is none."""
    from .knowledge.claims import find_claims

    told = [text[c.start : c.end].strip(" *_#") for c in find_claims(text, language) if str(c.kind) != "talk"]
    headings = {text[u.start : u.end].strip(" *_#") for u in lay_out(text).introductions()}
    return any(" " in words_of(t) or _SIGNS.search(t) for t in told if t not in headings)


def _note(text: str, worked: Worked, sent: Sent, note: str) -> Iterator[Edit]:
    """The note that closes a text of which something was left out."""
    if worked.gone:
        yield closing(text, (*sent.edits, *worked.edits), note, sent)


def closing(text: str, edits: Iterable[Edit], note: str, sent: Sent | None = None) -> Edit:
    """A paragraph at the end of what goes out, in place of the white space there."""
    upto = sent.upto if sent else 0
    begin = max(len(text.rstrip()), upto, *(e.end for e in edits))
    out = sent.text if sent and begin == upto else ""
    breaks = "\n" * max(0, 2 - (len(out) - len(out.rstrip("\n"))))
    return Edit(begin, len(text), breaks + note, "close")


def _stands_beside(layout: Layout, worked: Worked, choice: Choice) -> bool:
    """Whether a sentence that was left out stands in a tool call or another text beside the answer."""
    beside = "\n".join(words_of(call.arguments.replace("\\n", " ")) for call in choice.tool_calls)
    return any(" " in (key := layout.key(i)) and key in beside for i in worked.gone) if beside else False


def asked_of(
    policy: Policy, state: RoundState, decision: Decision, findings: Sequence[Finding], channel: str
) -> Asked | None:
    """What a decision to redact asks of one text; None where it asks for a sentence that has no place in a draft."""
    if decision.action is not Action.REDACT:
        return Asked()
    cuts: list[Cut] = []
    for rule, finding in _fired_on(decision.rules, findings):
        if finding.span is None or not finding.span.channel.startswith("draft"):
            return None
        if finding.span.channel == channel and rule.how is not None:
            cuts.append(Cut(finding.span.start, finding.span.end, rule.how))
    identifiers = tuple(
        Identifier(f.span.start, f.span.end, f.subjects[0] if f.subjects else "identifier")
        for f in _phi(findings)
        if f.span and f.span.channel == channel
    )
    return Asked(tuple(cuts), identifiers, message(policy, state, "softened") if cuts else "")


def _fired_on(rules: Iterable[RuleOutcome], findings: Sequence[Finding]) -> Iterator[tuple[RuleOutcome, Finding]]:
    """Acting rules that change sentences, each with the findings on a sentence that it fired on."""
    for rule in rules:
        if rule.fired and not rule.shadow and rule.how is not None:
            yield from ((rule, findings[n]) for n in rule.findings if findings[n].kind in SENTENCE_KINDS)


def without_redraft(policy: Policy, decision: Decision, findings: Sequence[Finding]) -> Decision | None:
    """The decision to leave out what redrafting did not correct; None where the policy, or what is wrong, forbids."""
    if policy.document.agents.drafting.after_revisions != "redact":
        return None
    revising = [r for r in decision.rules if r.fired and not r.shadow and r.action is Action.REVISE]
    if not all(r.findings and all(_is_claim(findings[n]) for n in r.findings) for r in revising):
        return None
    rules = tuple(r.model_copy(update={"how": "drop"}) if r in revising else r for r in decision.rules)
    changed = {"action": Action.REDACT, "rules": rules, "reason": WITHOUT_REDRAFT, "message": None, "queue": None}
    return decision.model_copy(update=changed)


def _is_claim(finding: Finding) -> bool:
    return finding.kind in CLAIM_KINDS and finding.span is not None and finding.span.channel.startswith("draft")


def with_citations(state: RoundState, policy: Policy, working: Working) -> Working:
    """The texts with marks and a list of sources, where evidence bears claims out; a reviewer's text stays as it is."""
    draft = state.get("draft")
    if draft is None or draft.source == "reviewer" or working.problem is not None or not working.texts:
        return working
    supported = [s for c in state.get("checks", ()) if c.revision == draft.revision for s in c.supported]
    numbers = markers(supported)
    evidence = [e.id for e in state["request"].evidence or ()]
    heading = message(policy, state, "sources")
    edits = working.edits or tuple(() for _ in draft.choices)
    texts: list[str | None] = []
    more: list[tuple[Edit, ...]] = []
    for choice, own, text in zip(draft.choices, edits, working.texts, strict=True):
        here = [s for s in supported if s.span.channel == channel_of(choice.index)]
        marks, listed = cite(choice.text, Cited(here, numbers, evidence, heading), own)
        whole = (*own, *marks, *([closing(choice.text, own, listed)] if listed else ()))
        more.append(_joined(whole))
        texts.append(applied(choice.text, more[-1]) if listed else text)
    return Working(tuple(texts), tuple(more) if any(more) else ())


def _joined(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Changes with what closes the text as one, in the order in which it was added."""
    ends = [e for e in edits if e.kind == "close"]
    rest = tuple(e for e in edits if e.kind != "close")
    if not ends:
        return rest
    return (*rest, replace(ends[0], text="".join(e.text for e in ends)))


def settle(decision: Decision, draft: Draft | None, working: Working, block_message: str) -> Outcome:
    """The outcome of a decision that needs no person. A draft that cannot be worked whole is not released."""
    if decision.action not in GOES_OUT or draft is None:
        return Outcome(Status.BLOCKED, decision.action, (), decision.message or block_message)
    if working.problem is not None:
        return Outcome(Status.BLOCKED, Action.BLOCK, (), block_message)
    changed = any(e.kind not in {"cite", "close"} for edits in working.edits for e in edits)
    action = max(decision.action, Action.REDACT, key=lambda a: a.strength) if changed else decision.action
    return Outcome(Status.RELEASED, action, working.texts, edits=working.edits)


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
    return policy.message(name, state["intake"].language) or _LAST_RESORT.get(name, _NO_ANSWER)


def settle_review(review: Review, draft: Draft | None, block_message: str) -> Outcome:
    """The outcome of a reviewer's approval or rejection."""
    if review.verdict == "reject" or draft is None:
        return Outcome(Status.BLOCKED, Action.BLOCK, (), review.text or block_message)
    return Outcome(Status.RELEASED, Action.ESCALATE, tuple(None for _ in draft.choices))


def channel_of(choice: int) -> str:
    """The channel of a choice in findings and spans."""
    return "draft" if choice == 0 else f"draft[{choice}]"


def _phi(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Identifiers that have to go. Minor ones stay: an identifier that the reader gave."""
    return tuple(f for f in findings if f.kind is FindingKind.PHI and f.severity is not Severity.MINOR)
