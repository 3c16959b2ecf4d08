"""The order of a round, on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from wardround.policies.decide import decide
from wardround.policies.decision import Decision
from wardround.policies.finding import Action, Finding, FindingKind
from wardround.policies.variables import DraftSource, Facts

from . import checks, drafting, intake, release
from .context import RoundContext, Span
from .hold import wait_for_person
from .state import Draft, RoundState, Status, Update, case_of, judged_findings

SPECIALISTS: tuple[Literal["knowledge", "interactions", "safety"], ...] = ("knowledge", "interactions", "safety")
"""The agents that look at a draft side by side."""
Graph = CompiledStateGraph[RoundState, RoundContext, RoundState, RoundState]
NOT_CORRECTED = "The draft could not be corrected by redrafting."
REDRAFTED = "A redraft goes back to the reviewer who asked for it."
_STOPS = frozenset({Action.ESCALATE, Action.BLOCK})


async def take_in(
    state: RoundState, runtime: Runtime[RoundContext]
) -> Command[Literal["drafting", "knowledge", "interactions", "safety", "decide"]]:
    """Understand and screen the request; a crisis or an attack skips the model."""
    context = runtime.context
    with context.span("intake"):
        safety = context.settings("safety")
        learned = safety.enabled and safety.options.get("encoder", True) is True
        understood = intake.understand(state["request"], encoder=learned)
        case = case_of({**state, "intake": understood})
        screens = await checks.screen_all(context.specialists, context.validators, case, context)
        update: Update = {"intake": understood, "checks": screens}
        if state.get("draft") is not None:
            return Command(update=update, goto=SPECIALISTS)
        noticed = tuple(f for s in screens for f in s.findings if f.kind is not FindingKind.AGENT_FAILURE)
        stops = noticed and decide(context.policy, Facts.of(case), noticed).action in _STOPS
        return Command(update=update, goto="decide" if stops else "drafting")


async def write_draft(state: RoundState, runtime: Runtime[RoundContext]) -> Update:
    """Ask the model, or write the draft again."""
    with runtime.context.span("drafting") as span:
        review = state.get("review")
        edit = review.text if review is not None and review.verdict == "edit" else None
        draft = drafting.edited(state, edit) if edit else await drafting.draft(state, runtime.context)
        if span is not None:
            _note(span, draft)
        return {"draft": draft, "drafts": (draft,), "review": None}


def _note(span: Span, draft: Draft) -> None:
    """What the GenAI conventions ask of a model span: model, tokens, finish reason."""
    usage: Mapping[str, Any] = (draft.body or {}).get("usage") or {}
    for key, value in (
        ("gen_ai.response.model", (draft.body or {}).get("model")),
        ("gen_ai.usage.input_tokens", usage.get("prompt_tokens")),
        ("gen_ai.usage.output_tokens", usage.get("completion_tokens")),
        ("gen_ai.response.finish_reasons", ",".join(c.finish_reason or "" for c in draft.choices)),
        ("wardround.draft.source", draft.source),
        ("wardround.draft.revision", draft.revision),
    ):
        if value is not None:
            span.set_attribute(key, value)


def specialist(name: str) -> Any:
    """The node of one specialist."""

    async def look(state: RoundState, runtime: Runtime[RoundContext]) -> Update:
        context, draft = runtime.context, state.get("draft")
        if draft is None:
            return {}
        with context.span(name) as span:
            cases = [case_of(state, choice) for choice in draft.choices]
            checked = await checks.check_all(context.beside(name), cases, draft.revision, context)
            if span is not None:
                span.set_attribute("wardround.findings", sum(len(c.findings) for c in checked))
            return {"checks": checked}

    look.__name__ = name
    return look


async def judge(state: RoundState, runtime: Runtime[RoundContext]) -> Command[Literal["drafting", "review", "__end__"]]:
    """Apply the policy; end the round, send it back for a redraft, or hold it."""
    context = runtime.context
    with context.span("decide"):
        draft, findings = state.get("draft"), judged_findings(state)
        case = case_of(state, draft.choices[0] if draft and draft.choices else None)
        decision = decide(context.policy, Facts.of(case, _source(state)), findings)
        decision = release.told(decision, state["intake"].language)
        if decision.action is Action.REVISE and _may_revise(state, context):
            return Command(update={"decision": decision, "decisions": (decision,)}, goto="drafting")
        decision = _without_redraft(state, context, decision, findings)
        working = release.work_out(state, context.policy, decision, findings)
        decision = _for_a_person(state, context, decision, working.problem)
        update: Update = {"decision": decision, "decisions": (decision,)}
        if decision.action is Action.ESCALATE and state["request"].draft is None:
            return Command(update=update, goto="review")
        if context.sink is None and context.policy.document.agents.citations == "inline":
            working = release.with_citations(state, context.policy, working)
        outcome = release.settle(decision, draft, working, release.message(context.policy, state, "block"))
        if state.get("reviews") and outcome.status is Status.RELEASED:
            outcome = replace(outcome, action=Action.ESCALATE)
        return Command(update={**update, "outcome": outcome}, goto="__end__")


def _without_redraft(
    state: RoundState, context: RoundContext, decision: Decision, findings: Sequence[Finding]
) -> Decision:
    """What cannot be redrafted any more, with the sentences in question left out where the policy wants that."""
    if decision.action is not Action.REVISE or state["request"].draft is not None or state.get("reviews"):
        return decision
    return release.without_redraft(context.policy, decision, findings) or decision


def _for_a_person(state: RoundState, context: RoundContext, decision: Decision, problem: str | None) -> Decision:
    draft = state.get("draft")
    if state["request"].draft is not None or decision.action is Action.BLOCK:
        return decision
    if problem is not None and problem != release.IN_A_TOOL_CALL:
        return release.escalated(context.policy, state, decision, problem)
    if decision.action is Action.REVISE:
        return release.escalated(context.policy, state, decision, NOT_CORRECTED)
    if state.get("reviews") and draft is not None and draft.source != "reviewer":
        return release.escalated(context.policy, state, decision, REDRAFTED)
    return decision


def _entry(state: RoundState) -> Literal["intake", "review"]:
    """Where a round enters the graph: one that was decided before is put down to wait for its reviewer."""
    return "review" if "decision" in state else "intake"  # type: ignore[redundant-expr]  # not yet all there


def _source(state: RoundState) -> DraftSource:
    draft = state.get("draft")
    return "none" if draft is None else draft.source


def _may_revise(state: RoundState, context: RoundContext) -> bool:
    draft = state.get("draft")
    if state["request"].draft is not None or state.get("reviews"):
        return False
    if not context.models.can_draft(context.drafting) or draft is None or draft.released:
        return False
    return draft.revision < context.drafting.max_revisions


async def review(state: RoundState, runtime: Runtime[RoundContext]) -> Command[Literal["drafting", "__end__"]]:
    """Wait for a person and do as decided; an edited text is checked like any draft."""
    decision = wait_for_person(state)
    update: Update = {"review": decision, "reviews": (decision,)}
    if decision.verdict in {"edit", "redraft"}:
        return Command(update=update, goto="drafting")
    block_message = release.message(runtime.context.policy, state, "block")
    outcome = release.settle_review(decision, state.get("draft"), block_message)
    return Command(update={**update, "outcome": outcome}, goto="__end__")


def build(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """Compile the graph.

    Without a checkpointer it stops before `review` and leaves a state to be held. With one it takes such a state up
    at `review`, where it waits, and goes on when it is resumed.
    """
    graph = StateGraph(RoundState, RoundContext)
    graph.add_node("intake", take_in)  # pyright: ignore[reportUnknownMemberType]
    graph.add_node("drafting", write_draft)  # pyright: ignore[reportUnknownMemberType]
    for name in SPECIALISTS:
        graph.add_node(name, specialist(name))  # pyright: ignore[reportUnknownMemberType]
        graph.add_edge("drafting", name)
        graph.add_edge(name, "decide")
    graph.add_node("decide", judge)  # pyright: ignore[reportUnknownMemberType]
    graph.add_node("review", review)  # pyright: ignore[reportUnknownMemberType]
    if checkpointer is None:
        graph.add_edge(START, "intake")
    else:
        graph.add_conditional_edges(START, _entry, ["intake", "review"])
    stop = None if checkpointer else ["review"]
    return graph.compile(checkpointer, interrupt_before=stop)  # pyright: ignore[reportUnknownMemberType]


async def run(compiled: Graph, update: Update | Command[Any] | None, context: RoundContext, **more: Any) -> RoundState:
    """Run a compiled graph; returns its channels, without LangGraph's own.

    Streams the channels' values and keeps the last: a tenth faster than `ainvoke`, which merges updates besides.
    """
    anything: Any = compiled
    last: dict[str, Any] = {}
    async for values in anything.astream(update, context=context, stream_mode="values", **more):
        if "__interrupt__" not in values:
            last = values
    return cast(RoundState, last)


def is_held(state: RoundState) -> bool:
    """Whether the graph stopped to wait for a person."""
    outcome = state.get("outcome")
    return outcome is None
