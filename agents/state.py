"""What travels through the graph: frozen values in a plain dict. What is sent over the wire lives in `middleware`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, TypedDict, TypeVar

from wardround.policies.decision import Decision
from wardround.policies.finding import Action, Finding
from wardround.policies.request import Audience, Case, RoundRequest, Task, ToolCall

from .ports import Retrieved, Support

T = TypeVar("T")


class CheckStatus(StrEnum):
    """What became of one agent's look at one channel set."""

    RAN = "ran"
    SKIPPED = "skipped"
    FAILED = "failed"


class Phase(StrEnum):
    """When an agent looked."""

    SCREEN = "screen"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Check:
    """One agent's look: a line of the receipt, with its findings."""

    agent: str
    phase: Phase
    status: CheckStatus
    revision: int
    """The draft it looked at: 0 the first, counting redrafts and edits; screens carry 0."""
    channels: tuple[str, ...]
    findings: tuple[Finding, ...]
    supported: tuple[Support, ...] = ()
    retrieved: tuple[Retrieved, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Intake:
    """What intake made of the request."""

    audience: Audience | None
    language: str
    task: Task


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the `n` answers of a draft."""

    index: int
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One change on the way from a draft's text to the text that goes out."""

    start: int
    """First character of the draft's text that is replaced."""
    end: int
    """One past the last; `start` where something is put in."""
    text: str
    """What stands there instead."""
    kind: Literal["drop", "gap", "number", "identifier", "mark", "cite", "close"]
    """`drop`: a sentence left out; `gap`: the white space or bullet where it stood; `number`: of a list; `identifier`:
    replaced by its kind; `mark`: behind a sentence without a source; `cite`: behind one with; `close`: at the end."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What has been streamed of one choice, each part checked before it left."""

    choice: int
    """Which choice."""
    upto: int
    """How many characters of the draft's text it stands for."""
    text: str
    """The text as it left."""
    edits: tuple[Edit, ...] = ()
    """Where it differs from the draft's."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed answer."""

    revision: int
    source: Literal["upstream", "extractive", "given", "reviewer"]
    choices: tuple[Choice, ...]
    model: str | None = None
    body: Mapping[str, Any] | None = None
    """The upstream's answer, untouched; None where no upstream wrote it."""
    released: tuple[tuple[int, int], ...] = ()
    """(choice, characters) already streamed to the client, each checked before it left."""
    sent: tuple[Sent, ...] = ()
    """The same with the text as it left."""
    attempts: tuple[str, ...] = ()
    """Failed attempts before this answer: model and error class."""


@dataclass(frozen=True, slots=True)
class Review:
    """A person's decision on a held round."""

    verdict: Literal["approve", "edit", "reject", "redraft"]
    reviewer: str
    text: str | None = None
    """The edited answer, or the instructions of a redraft."""
    reason: str | None = None


class Status(StrEnum):
    """How a round ended."""

    RELEASED = "released"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the round ends."""

    status: Status
    action: Action
    texts: tuple[str | None, ...]
    """The text of each choice as it goes out; None where the draft's own goes out unchanged."""
    message: str | None = None
    """The policy's message where the answer does not go out."""
    edits: tuple[tuple[Edit, ...], ...] = ()
    """For each choice how its text came out of the draft's; empty where every draft's own text goes out."""


def extended(told: Sequence[T], more: Sequence[T]) -> tuple[T, ...]:
    """Reducer of the growing channels; a stored checkpoint gives lists back."""
    return (*told, *more)


class RoundState(TypedDict):
    """The channels of the graph as its nodes read them: each is there once the node that writes it has run."""

    round_id: str
    request: RoundRequest
    body: Mapping[str, Any]
    """The chat-completions body for the upstream; empty where a draft was given."""
    intake: Intake
    draft: Draft | None
    drafts: Annotated[tuple[Draft, ...], extended]
    """Every draft in order, for the record."""
    checks: Annotated[tuple[Check, ...], extended]
    """Every look in order, for the record; `revision` tells which draft."""
    decision: Decision
    decisions: Annotated[tuple[Decision, ...], extended]
    """Every decision in order, for the record."""
    review: Review | None
    reviews: Annotated[tuple[Review, ...], extended]
    outcome: Outcome | None


class Update(TypedDict, total=False):
    """What a node writes: some channels of `RoundState`. Nothing is edited in place."""

    round_id: str
    request: RoundRequest
    body: Mapping[str, Any]
    intake: Intake
    draft: Draft | None
    drafts: tuple[Draft, ...]
    checks: tuple[Check, ...]
    decision: Decision
    decisions: tuple[Decision, ...]
    review: Review | None
    reviews: tuple[Review, ...]
    outcome: Outcome | None


def case_of(state: RoundState, choice: Choice | None = None, *, complete: bool = True) -> Case:
    """The case a specialist sees: the request alone, or with one choice of the draft."""
    request, intake = state["request"], state["intake"]
    base: dict[str, Any] = {
        "request": request,
        "audience": intake.audience,
        "language": intake.language,
        "task": intake.task,
        "complete": complete,
    }
    if choice is not None:
        channel = "draft" if choice.index == 0 else f"draft[{choice.index}]"
        base |= {"draft": choice.text, "draft_channel": channel, "tool_calls": choice.tool_calls}
    return Case.model_construct(**base)


def findings_of(state: RoundState) -> tuple[Finding, ...]:
    """The findings that count now: the screens' and those on the current draft."""
    draft = state.get("draft")
    revision = draft.revision if draft else 0
    return tuple(
        f for c in state.get("checks", ()) if c.phase is Phase.SCREEN or c.revision == revision for f in c.findings
    )


def judged_findings(state: RoundState) -> tuple[Finding, ...]:
    """The findings that the policy judges: for a reviewer's own text, those on that text alone.

    What the request showed has been in front of the reviewer already and would hold every edit for ever.
    """
    draft = state.get("draft")
    if draft is None or draft.source != "reviewer":
        return findings_of(state)
    return tuple(
        f
        for c in state.get("checks", ())
        if c.phase is Phase.CHECK and c.revision == draft.revision
        for f in c.findings
    )
