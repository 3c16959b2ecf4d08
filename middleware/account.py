"""What is written down of a round: its events for the audit log, its receipt, and what the client is told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from wardround.agents.state import Check, CheckStatus, Draft, Outcome, RoundState, Status, judged_findings
from wardround.policies.decision import Decision
from wardround.policies.finding import FindingKind, Severity
from wardround.policies.load import Policy
from wardround.policies.request import RoundRequest

from .audit.record import Record
from .citations import citations, findings

_WHY = frozenset({"error", "why"})
Step = tuple[str, dict[str, Any]]
"""(kind, data) of one event."""


class Told(NamedTuple):
    """How much of a round is on record already."""

    drafts: int = 0
    looks: int = 0
    decisions: int = 0


def told_by(records: Iterable[Record]) -> Told:
    """What the records of a round tell of drafts, looks and decisions."""
    seen = tuple(records)
    kinds = Counter(record.kind for record in seen)
    looks = sum(len(cast(list[object], r.data.get("looks", ()))) for r in seen if r.kind == "checked")
    return Told(kinds["drafted"], looks, kinds["decided"])


_NOTHING = Told()


def steps(state: RoundState, told: Told = _NOTHING) -> list[Step]:
    """Events of a run in order, leaving out what is told already."""
    more: list[Step] = []
    if told is _NOTHING:
        intake = state["intake"]
        more.append(("intake", {"audience": intake.audience, "language": intake.language, "task": intake.task}))
    more += [("drafted", _draft(d)) for d in state.get("drafts", ())[told.drafts :]]
    looks = state.get("checks", ())[told.looks :]
    if looks:
        more.append(("checked", {"looks": [_check(c) for c in looks]}))
    more += [("decided", decision(d)) for d in state.get("decisions", ())[told.decisions :]]
    return more


def _draft(draft: Draft) -> dict[str, Any]:
    told: dict[str, Any] = {"revision": draft.revision, "source": draft.source, "model": draft.model}
    if draft.body is not None:
        told["body"] = draft.body
    else:
        told["texts"] = [c.text for c in draft.choices]
    if draft.attempts:
        told["attempts"] = list(draft.attempts)
    if draft.released:
        told["streamed"] = [list(r) for r in draft.released]
    return told


def _check(check: Check) -> dict[str, Any]:
    told = {**_line(check), "findings": [f.as_json() for f in check.findings], "notes": dict(check.notes)}
    if check.retrieved:
        told["retrieved"] = [list(r.passages) for r in check.retrieved]
    return told


def _line(check: Check) -> dict[str, Any]:
    line: dict[str, Any] = {
        "agent": check.agent,
        "phase": check.phase,
        "status": check.status,
        "channels": list(check.channels),
        "findings": len(check.findings),
        "elapsed_ms": check.elapsed_ms,
    }
    if check.revision:
        line["revision"] = check.revision
    if check.status is not CheckStatus.RAN:
        line["why"] = check.notes.get("error") or check.notes.get("why")
    return line


def decision(judged: Decision) -> dict[str, Any]:
    """A decision with the rules that fired in full and the others by id."""
    return {
        "action": judged.action,
        "queue": judged.queue,
        "reason": judged.reason,
        "shadow_action": judged.shadow_action,
        "fired": [r.model_dump(mode="json") for r in judged.rules if r.fired],
        "not_fired": [r.id for r in judged.rules if not r.fired],
    }


def receipt(state: RoundState, policy: Policy) -> dict[str, Any]:
    """Which checks ran, were skipped or failed, on which channels, under which policy."""
    return {
        "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest},
        "checks": [_line(c) for c in state.get("checks", ())],
        "drafts": [{"revision": d.revision, "source": d.source, "model": d.model} for d in state.get("drafts", ())],
        "versions": {f"{c.agent}.{k}": v for c in state.get("checks", ()) for k, v in c.notes.items() if k not in _WHY},
    }


def about(round_id: str, status: str, state: RoundState, policy: Policy) -> dict[str, Any]:
    """The `wardround` object of an answer."""
    decided, outcome = state["decision"], state.get("outcome")
    return {
        "round_id": round_id,
        "action": decided.action if outcome is None else outcome.action,
        "status": status,
        "rules": list(decided.fired),
        "findings": findings(state, outcome),
        "citations": citations(state, policy, outcome),
        "receipt": receipt(state, policy),
    }


def in_danger(state: RoundState) -> bool:
    """Whether the round was decided after a check saw signs that a person is in danger."""
    if "decision" not in state:  # a channel is there once its node has run
        return False
    return any(f.kind is FindingKind.CRISIS and f.severity.rank >= Severity.MAJOR.rank for f in judged_findings(state))


def request_data(body: Mapping[str, Any], request: RoundRequest) -> dict[str, Any]:
    """The request as it is recorded: the client's body, and what it told of the patient and the evidence."""
    told: dict[str, Any] = {"body": body} if body else {"messages": [m.model_dump() for m in request.messages]}
    if request.draft is not None:
        told["draft"] = request.draft
    if request.patient is not None:
        told["patient"] = request.patient.model_dump(mode="json", exclude_none=True)
    if request.evidence:
        told["evidence"] = [e.model_dump() for e in request.evidence]
    return told | {"audience": request.audience, "language": request.language}


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """The last event of a round: what went out in place of, or as, the draft."""
    data: dict[str, Any] = {"action": outcome.action}
    if any(t is not None for t in outcome.texts):
        data["texts"] = list(outcome.texts)
    if outcome.message is not None:
        data["message"] = outcome.message
    return data


def released_texts(state: RoundState, outcome: Outcome | None) -> list[str] | None:
    """Text of each choice as it went out; None where none did."""
    draft = state.get("draft")
    if outcome is None or outcome.status is not Status.RELEASED or draft is None:
        return None
    return [c.text if t is None else t for c, t in zip(draft.choices, outcome.texts, strict=True)]


def answer_row(state: RoundState, outcome: Outcome | None, told: Mapping[str, Any]) -> dict[str, Any]:
    """What `GET /v1/rounds/{id}` answers with: the answer's texts, the findings and the receipt."""
    texts = released_texts(state, outcome)
    return {
        "answer": texts[0] if texts else None,
        "answers": texts,
        "message": outcome.message if outcome is not None else None,
        "rules": told["rules"],
        "findings": told["findings"],
        "receipt": told["receipt"],
    }
