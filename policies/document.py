"""The policy file, one to one: what may be written in the YAML. Reading and merging files lives in `load`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from .finding import Action, Finding, How, Severity
from .request import Audience, Evidence, Patient, Task

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*$")


def seconds(value: object) -> object:
    """A duration such as `30m`, `10s`, `250ms`, or a plain number of seconds."""
    if isinstance(value, bool):
        raise ValueError("a duration is written like 30s, 5m or 2h")
    if isinstance(value, str):
        match = _DURATION.match(value)
        if match is None:
            raise ValueError(f"{value!r} is no duration; write it like 250ms, 30s, 5m, 2h or 1d")
        return float(match[1]) * _UNITS_S[match[2]]
    return value


Duration: TypeAlias = Annotated[
    float,
    BeforeValidator(seconds),
    Field(gt=0, strict=False),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": _DURATION.pattern}, {"type": "number"}]}),
]
Name: TypeAlias = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]*$")]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Texts: TypeAlias = Text | Annotated[dict[str, Text], Field(min_length=1)]


class Entry(BaseModel):
    """A mapping of the file: immutable, closed to unknown keys, read by its YAML names."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, validate_by_name=True
    )


class Mode(StrEnum):
    """Whether a rule or policy acts."""

    LIVE = "live"
    SHADOW = "shadow"


LiveOrShadow: TypeAlias = Annotated[Mode, Field(strict=False)]


class Drafting(Entry):
    """How answers are drafted."""

    model: str | None = None
    """Model to ask, `provider/name` or a bare name for the configured upstream; without it the client's own choice."""
    fallbacks: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Models to try in this order where the first one fails."""
    max_revisions: Annotated[int, Field(ge=0, le=10)] = 2
    """Redrafts at most; then a `revise` becomes an `escalate`."""
    after_revisions: Literal["escalate", "redact"] = "escalate"
    """When redrafts are used up: hold the answer, or leave out the sentences that every `revise` rule fired on."""
    timeout_s: Annotated[Duration, Field(alias="timeout")] = 60.0
    """Deadline of one attempt."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """Further attempts at each model after 429, 5xx or a lost connection."""
    temperature: Annotated[float, Field(ge=0, le=2, strict=False)] | None = None
    """Sampling temperature; without it the client's own."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Longest answer in tokens; without it the client's own."""


class Specialist(BaseModel):
    """One checking agent. Keys beyond these three are the agent's own settings."""

    model_config = ConfigDict(
        frozen=True, extra="allow", strict=True, use_attribute_docstrings=True, validate_by_name=True
    )

    enabled: bool = True
    """False switches the agent off; the receipt says so."""
    deadline_s: Annotated[Duration, Field(alias="deadline")] = 5.0
    """Longest look; past it the agent counts as failed."""
    show_from: Annotated[Severity, Field(strict=False)] | None = None
    """Lowest severity that is reported at all."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What the agent itself reads: its own keys, and `show_from` as a string where it is set."""
        own = dict(self.model_extra or {})
        return own if self.show_from is None else {"show_from": self.show_from.value, **own}


OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "knowledge": ("certificate", "citations", "judge"),
    "interactions": ("sources",),
    "safety": ("detectors", "encoder", "pseudonyms", "scope"),
}
"""Keys that an agent reads beyond the general ones; what stands below them is checked by the agent itself."""


Citations: TypeAlias = Literal["structured", "inline", "none"]
"""How the client gets sources: beside the answer, in its text as well, or not at all."""
_KNOWLEDGE_SCHEMA: dict[str, Any] = {
    "properties": {
        "citations": {
            "description": "How the client gets the passages that bear out the answer: in the `wardround` object, "
            "with marks and a list in the text as well, or not at all.",
            "enum": list(get_args(Citations)),
            "default": "structured",
        },
        "judge": {
            "description": "Model that gives a second opinion on claims the agent is unsure of, `provider/name` or a "
            "bare name for the configured upstream.",
            "type": "string",
            "minLength": 1,
        },
        "certificate": {
            "description": "File that `wardround calibrate` wrote: from which probability on claims are released.",
            "type": "string",
            "minLength": 1,
        },
    }
}


class Agents(Entry):
    """Settings of the agents."""

    drafting: Drafting = Drafting()
    """Drafting and redrafting."""
    knowledge: Annotated[Specialist, Field(json_schema_extra=_KNOWLEDGE_SCHEMA)] = Specialist()
    """Claims against evidence."""
    interactions: Specialist = Specialist()
    """Drugs, doses and the patient."""
    safety: Specialist = Specialist()
    """Privacy, injection, crisis, harm, scope."""

    @property
    def citations(self) -> Citations:
        """How the client gets the passages that bear out the answer; `load` has checked the word."""
        return cast(Citations, self.knowledge.options.get("citations", "structured"))


class Validator(Entry):
    """A guardrails validator to run beside the agents."""

    use: Name
    """Its registered name, `wardround/phi` or `guardrails/…`."""
    on: Annotated[tuple[Literal["request", "draft", "evidence", "tool_call"], ...], Field(min_length=1, strict=False)]
    """Channels it reads."""
    options: Annotated[dict[str, Any], Field(alias="with")] = {}
    """Arguments of the validator."""


class Rule(Entry):
    """One rule: a condition, and what it demands."""

    id: Name
    """Unique in the merged policy. The same id in an extending file changes the inherited rule key by key."""
    when: Text
    """CEL condition over request, patient, audience, language, task, findings and draft."""
    then: Annotated[Action, Field(strict=False)]
    """What the rule demands when the condition holds."""
    how: How = "drop"
    """With `then: redact`, of a sentence that it fires on: leave it out, or mark it. Identifiers are replaced."""
    to: Name | None = None
    """Queue of reviewers, for `escalate`."""
    reason: Text | None = None
    """Why, in words for reviewers and the record."""
    message: Name | None = None
    """Which of the `messages` the client gets; without it `hold` or `block` by the action."""
    mode: LiveOrShadow = Mode.LIVE
    """`shadow`: recorded, never acts."""
    enabled: bool = True
    """False takes an inherited rule out."""


class Queue(Entry):
    """A queue of reviewers."""

    reviewers: Annotated[int, Field(ge=1, le=10)] = 1
    """How many must agree before release."""
    respond_within_s: Annotated[Duration, Field(alias="respond_within")]
    """Time limit of a review."""
    on_timeout: Literal["block", "hold"] = "block"
    """After the limit: `block` answers with the block message, `hold` leaves it waiting. Nothing is ever released."""


MESSAGE_NAMES = {
    "hold": "Instead of an answer that waits for a reviewer.",
    "block": "Instead of an answer that will not be given.",
    "crisis": "Instead of an answer, to a person who may be in danger.",
    "emergency": "Instead of an answer, where the signs described may be an emergency.",
    "left_out": "Closes an answer of which sentences were left out.",
    "softened": "Stands behind a sentence that was let stand without a source.",
    "sources": "Heads the list of sources at the end of an answer.",
}
"""The usual messages. Further names may be used by rules."""
_MESSAGES_SCHEMA: dict[str, Any] = {
    "properties": {
        n: {"description": d, "anyOf": [{"type": "string"}, {"type": "object"}]} for n, d in MESSAGE_NAMES.items()
    }
}


class Turn(Entry):
    """One message of a test's conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    """Who speaks."""
    content: str
    """What is said."""


class Expectation(Entry):
    """What a test expects; whatever is left out is not compared."""

    action: Annotated[Action, Field(strict=False)] | None = None
    """The decision's action."""
    rule: Name | None = None
    """A rule that must fire."""
    rules: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Rules that must all fire."""
    not_rule: Name | Annotated[tuple[Name, ...], Field(strict=False)] | None = None
    """A rule, or rules, that must not fire."""
    queue: Name | None = None
    """The queue it goes to."""
    message: Name | None = None
    """Name of the message the client gets."""


class Test(Entry):
    """One test of the policy."""

    __test__ = False

    name: Text
    """A sentence about behaviour."""
    request: Text | Annotated[tuple[Turn, ...], Field(min_length=1, strict=False)]
    """The user's text, or the conversation."""
    draft: str | None = None
    """The draft to judge."""
    source: Literal["upstream", "extractive", "given", "reviewer"] = "given"
    """Who wrote the draft; only with given findings."""
    audience: Annotated[Audience, Field(strict=False)] | None = None
    """Who will read the answer."""
    language: str | None = None
    """ISO 639-1 code of the answer's language."""
    task: Annotated[Task, Field(strict=False)] | None = None
    """The clinical task; only with given findings, otherwise intake tells."""
    patient: Patient | None = None
    """What is known of the patient."""
    evidence: Annotated[tuple[Evidence, ...], Field(strict=False)] | None = None
    """Passages sent along."""
    findings: Annotated[tuple[Finding, ...], Field(strict=False)] | None = None
    """Findings to judge; with them no agent runs. Without them the agents look for themselves."""
    expect: Expectation
    """What must come out."""
    skip: Text | None = None
    """Why the test is left out for now."""


class Document(Entry):
    """A whole policy file."""

    policy: Name
    """The policy's name; API keys and callers name it."""
    version: Annotated[int, Field(ge=1)]
    """Counted up by its author with each change."""
    extends: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Packs (`wardround/base`) or files relative to this one, merged in this order; this file comes last and wins."""
    mode: LiveOrShadow = Mode.LIVE
    """`shadow`: the whole policy is recorded and never acts."""
    agents: Agents = Agents()
    """Settings of the agents."""
    validators: Annotated[tuple[Validator, ...], Field(strict=False)] = ()
    """Guardrails validators to run beside the agents."""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, strict=False)]
    """The rules; every one that fires is recorded, the strongest action wins."""
    queues: dict[str, Queue] = {}
    """Queues of reviewers by name."""
    messages: Annotated[dict[str, Texts], Field(json_schema_extra=_MESSAGES_SCHEMA)] = {}
    """What clients are told, by name: one text, or a mapping from language to text."""
    tests: Annotated[tuple[Test, ...], Field(strict=False)] = ()
    """This file's own tests; an extending file does not inherit them."""


def json_schema() -> dict[str, Any]:
    """JSON Schema of the policy file, for editors.

    What an extended file may bring is not required here: a rule that changes an inherited one needs only its `id`.
    """
    schema = Document.model_json_schema(by_alias=True, mode="validation")
    schema["$defs"]["Rule"]["required"] = ["id"]
    schema["$defs"]["Queue"].pop("required", None)
    schema |= {"title": "Wardround policy", "required": ["policy", "version"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
