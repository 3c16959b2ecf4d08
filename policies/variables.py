"""What a condition may speak of: names, types, closed sets of values. Compiling them lives in `expressions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from google.protobuf import (  # type: ignore[import-untyped]  # protobuf ships no types
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    struct_pb2,
    wrappers_pb2,
)

from .finding import Finding, FindingKind, Severity
from .request import Audience, Case, ChildPugh, Patient, Sex, Task

PACKAGE = "wardround.policy"
UNKNOWN = "unknown"
"""What `audience` says where nobody knows."""

DraftSource: TypeAlias = Literal["upstream", "extractive", "given", "reviewer", "none"]
FieldType: TypeAlias = Literal["string", "int", "double", "bool", "strings", "double?", "bool?", "string?", "strings?"]

MESSAGES: Mapping[str, Mapping[str, FieldType]] = {
    "Request": {
        "text": "string",
        "turns": "int",
        "media": "strings",
        "evidence": "int",
        "tool_results": "int",
    },
    "Patient": {
        "age_years": "double?",
        "sex": "string?",
        "pregnant": "bool?",
        "conditions": "strings?",
        "medications": "strings?",
        "allergies": "strings?",
        "egfr_ml_min": "double?",
        "weight_kg": "double?",
        "breastfeeding": "bool?",
        "child_pugh": "string?",
    },
    "Finding": {
        "agent": "string",
        "kind": "string",
        "subjects": "strings",
        "severity": "string",
        "rank": "int",
        "confidence": "double",
        "message": "string",
        "channel": "string",
        "code": "string",
        "sources": "int",
    },
    "Draft": {"text": "string", "source": "string", "complete": "bool", "tools": "strings"},
}
"""Fields of the structured variables. `?`: may be unknown; ask with `has(patient.age_years)` first."""

VARIABLES: Mapping[str, str] = {
    "request": "Request",
    "patient": "Patient",
    "audience": "string",
    "language": "string",
    "task": "string",
    "findings": "[Finding]",
    "draft": "Draft",
}
"""The variables, with a message name, a plain type or a list of messages."""

RANKS: Mapping[str, int] = {s.value.upper(): s.rank for s in Severity}
"""`MINOR` 0 to `CONTRAINDICATED` 3, to compare `f.rank` with."""

CLOSED: Mapping[str, frozenset[str]] = {
    "Finding.kind": frozenset(k.value for k in FindingKind),
    "Finding.severity": frozenset(s.value for s in Severity),
    "Patient.sex": frozenset(s.value for s in Sex),
    "Patient.child_pugh": frozenset(c.value for c in ChildPugh),
    "Draft.source": frozenset({"upstream", "extractive", "given", "reviewer", "none"}),
    "audience": frozenset({*(a.value for a in Audience), UNKNOWN}),
    "task": frozenset(t.value for t in Task),
}
"""Fields and variables that hold one of a closed set of words."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything but the findings that a condition may speak of."""

    text: str
    """The last user message."""
    turns: int = 1
    """Messages in the conversation."""
    media: tuple[str, ...] = ()
    """Kinds of parts that are not text."""
    evidence: int = 0
    """Passages sent along."""
    tool_results: int = 0
    """Tool results in the conversation."""
    patient: Patient = Patient()
    """What is known of the patient."""
    audience: Audience | None = None
    """Who will read the answer."""
    language: str = "und"
    """ISO 639-1 code."""
    task: Task = Task.OTHER
    """The clinical task."""
    draft: str | None = None
    """Text of the draft; None while only the request is judged."""
    source: DraftSource = "none"
    """Who wrote the draft."""
    complete: bool = True
    """False while a stream is still being written."""
    tools: tuple[str, ...] = ()
    """Names of the tools that the draft calls."""

    @classmethod
    def of(cls, case: Case, source: DraftSource | None = None) -> Facts:
        """The facts of a case. Without `source` a draft counts as `given` where the request brought it."""
        request = case.request
        return cls(
            text=request.text,
            turns=len(request.messages),
            media=tuple(dict.fromkeys(m for message in request.messages for m in message.media)),
            evidence=len(request.evidence or ()),
            tool_results=sum(m.role == "tool" for m in request.messages),
            patient=case.patient,
            audience=case.audience,
            language=case.language,
            task=case.task,
            draft=case.draft,
            source=source or _source(case),
            complete=case.complete,
            tools=tuple(c.name for c in case.tool_calls),
        )


def _source(case: Case) -> DraftSource:
    if case.draft is None:
        return "none"
    return "upstream" if case.request.draft is None else "given"


class _Message(Protocol):
    """The part of a protobuf message class that is used here."""

    def __call__(self, **fields: object) -> object: ...


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.Default()
    file = descriptor_pb2.FileDescriptorProto(name="wardround/policy.proto", package=PACKAGE, syntax="proto3")
    file.dependency.extend([wrappers_pb2.DESCRIPTOR.name, struct_pb2.DESCRIPTOR.name])
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), 1):
            message.field.add(name=field, number=number, **_SHAPES[kind])
    pool.Add(file)
    return pool


_FIELD = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED
_SHAPES: Mapping[FieldType, dict[str, int | str]] = {
    "string": {"label": _ONE, "type": _FIELD.TYPE_STRING},
    "int": {"label": _ONE, "type": _FIELD.TYPE_INT64},
    "double": {"label": _ONE, "type": _FIELD.TYPE_DOUBLE},
    "bool": {"label": _ONE, "type": _FIELD.TYPE_BOOL},
    "strings": {"label": _MANY, "type": _FIELD.TYPE_STRING},
    "double?": {"label": _ONE, "type": _FIELD.TYPE_MESSAGE, "type_name": ".google.protobuf.DoubleValue"},
    "bool?": {"label": _ONE, "type": _FIELD.TYPE_MESSAGE, "type_name": ".google.protobuf.BoolValue"},
    "string?": {"label": _ONE, "type": _FIELD.TYPE_MESSAGE, "type_name": ".google.protobuf.StringValue"},
    "strings?": {"label": _ONE, "type": _FIELD.TYPE_MESSAGE, "type_name": ".google.protobuf.ListValue"},
}

POOL = _pool()
"""Descriptors of the structured variables, for the type checker."""


def _class(name: str) -> _Message:
    made: _Message = message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
    return made


_REQUEST, _PATIENT, _FINDING, _DRAFT = (_class(n) for n in ("Request", "Patient", "Finding", "Draft"))
_UNKNOWN_PATIENT = Patient()
_EMPTY_PATIENT = _PATIENT()


def activation(facts: Facts) -> dict[str, object]:
    """The variables but `findings`, as the evaluator takes them."""
    return {
        "request": _REQUEST(
            text=facts.text,
            turns=facts.turns,
            media=facts.media,
            evidence=facts.evidence,
            tool_results=facts.tool_results,
        ),
        "patient": _patient(facts.patient),
        "audience": facts.audience.value if facts.audience else UNKNOWN,
        "language": facts.language,
        "task": facts.task.value,
        "draft": _DRAFT(text=facts.draft or "", source=facts.source, complete=facts.complete, tools=facts.tools),
        "findings": [],
        **RANKS,
    }


def messages_of(findings: Sequence[Finding]) -> list[object]:
    """The findings as the evaluator takes them."""
    return [
        _FINDING(
            agent=f.agent,
            kind=f.kind.value,
            subjects=f.subjects,
            severity=f.severity.value,
            rank=f.severity.rank,
            confidence=f.confidence,
            message=f.message,
            channel=f.span.channel if f.span else "",
            code=f.code or "",
            sources=len(f.citations),
        )
        for f in findings
    ]


def _patient(patient: Patient) -> object:
    if patient is _UNKNOWN_PATIENT or patient == _UNKNOWN_PATIENT:
        return _EMPTY_PATIENT
    known = {n: getattr(patient, n) for n in MESSAGES["Patient"] if getattr(patient, n) is not None}
    return _PATIENT(**{n: _wrapped(n, v) for n, v in known.items()})


def _wrapped(name: str, value: Any) -> object:
    if MESSAGES["Patient"][name] == "strings?":
        made = struct_pb2.ListValue()
        made.extend(value)
        return made
    wrapper = {"double?": wrappers_pb2.DoubleValue, "bool?": wrappers_pb2.BoolValue}.get(
        MESSAGES["Patient"][name], wrappers_pb2.StringValue
    )
    return wrapper(value=value)
