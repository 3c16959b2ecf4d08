"""The only place that runs the graph: one round from request to answer, answering only after its record is durable."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from uuid_utils import uuid7

from wardround.agents import graph
from wardround.agents.context import RoundContext
from wardround.agents.ports import Sink
from wardround.agents.state import Choice, Draft, Outcome, RoundState, Status, Update
from wardround.policies.errors import StoreError, UpstreamError, WardroundError
from wardround.policies.finding import Finding
from wardround.policies.load import Policy
from wardround.policies.request import RoundRequest

from . import account
from .audit.record import Event
from .holding import Holding
from .store import rounds as round_table
from .store.database import Database
from .store.journal import Journal
from .store.rounds import Round, RoundStatus
from .store.spool import Spool
from .telemetry import Telemetry, Trace

log = logging.getLogger(__name__)

PENDING = "pending_review"
"""Status of a held round."""
FAILED = "failed"
"""Status of a round that ended in an error: nothing was released, or nothing more."""


def new_round_id() -> str:
    """A fresh id that sorts by time."""
    return f"rd_{uuid7().hex}"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A parsed and authenticated request."""

    request: RoundRequest
    body: Mapping[str, Any]
    application: str
    policy: str
    """Name or path of the policy that judges it."""
    wait_s: float = 0.0
    """How long to wait for the reviewer of a held answer, seconds."""
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Trace context and, where forwarded, authorization."""
    round_id: str = field(default_factory=new_round_id)


@dataclass(frozen=True, slots=True)
class Closed:
    """How a round ended, or that it waits."""

    round_id: str
    status: str
    state: RoundState
    outcome: Outcome | None
    about: Mapping[str, Any]
    message: str | None
    model: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What a runner is made of."""

    database: Database
    journal: Journal
    telemetry: Telemetry
    policy: Callable[[str], Awaitable[Policy]]
    """The current policy by name; raises `PolicyError`."""
    context: Callable[[Policy], RoundContext]
    """What a round under that policy is run with."""
    holding: Holding
    max_rounds: int
    audit_deadline_s: float
    spool: Spool
    """Where the record of a person in danger is kept while the database is away."""


class RoundRunner:
    """Runs rounds side by side, each through the compiled graph, each recorded before it is answered."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._graph = graph.build()
        self._running: set[str] = set()
        self._letting_go: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def has_room(self) -> bool:
        """Whether another round may start."""
        return len(self._running) < self._parts.max_rounds

    @property
    def running(self) -> int:
        """Rounds being worked on."""
        return len(self._running)

    async def drained(self, timeout_s: float) -> bool:
        """Wait until no round runs; False where some still do after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def run(self, incoming: Incoming, sink: Sink | None = None) -> Closed:
        """Take one request through the graph.

        Raises `UpstreamError` where no model answered, `StoreError` where the record could not be made durable,
        `PolicyError` where the policy cannot be loaded. Whatever is raised, nothing was released by this call.
        """
        metrics = self._parts.telemetry.metrics
        started = time.perf_counter()
        self._running.add(incoming.round_id)
        self._idle.clear()
        metrics.in_flight.inc()
        try:
            with self._parts.telemetry.round(incoming.round_id, incoming.model, incoming.headers) as trace:
                closed = await self._run(incoming, sink, trace)
        finally:
            self._running.discard(incoming.round_id)
            if not self._running:
                self._idle.set()
            metrics.in_flight.dec()
            metrics.seconds.observe(time.perf_counter() - started)
        self._count(closed)
        return closed

    async def _run(self, incoming: Incoming, sink: Sink | None, trace: Trace) -> Closed:
        policy = await self._parts.policy(incoming.policy)
        opened: Update = {"round_id": incoming.round_id, "request": incoming.request, "body": incoming.body}
        if incoming.request.draft is not None:
            opened |= given_draft(incoming.request.draft)
        row = self._open(incoming, policy, trace)
        context = self._context(policy, incoming, sink, trace)
        state = cast("RoundState | None", None)
        try:
            state = await graph.run(self._graph, opened, context)
            if graph.is_held(state):
                return await self._hold(incoming, policy, row, state)
            return await self._close(incoming, policy, row, state)
        except asyncio.CancelledError:
            gone = _event(incoming.round_id, FAILED, {"error": "the client went away"})
            self._parts.journal.append_soon([gone], round_table.closed(_ended(row, gone)))
            raise
        except StoreError:
            spooled = await self._spooled(incoming, policy, row, state) if state is not None else None
            if spooled is None:
                raise
            return spooled
        except Exception as error:
            await self._fail(row, error)
            raise

    async def _spooled(self, incoming: Incoming, policy: Policy, row: Round, state: RoundState) -> Closed | None:
        """The policy's own words for a person in danger, recorded in the spool; None where nobody is in danger.

        No draft is in them, so that nothing unchecked goes out; nobody in danger is left with an error page.
        """
        if not account.in_danger(state) or not state["decision"].message:
            return None
        decision = state["decision"]
        outcome = Outcome(Status.BLOCKED, decision.action, (), decision.message)
        status = str(outcome.status)
        about = account.about(incoming.round_id, status, state, policy)
        asked = account.request_data(incoming.body, incoming.request)
        events = [_event(incoming.round_id, "spooled", {"why": "the database was away", "request": asked})]
        events += [_event(incoming.round_id, kind, data) for kind, data in account.steps(state)]
        events.append(_event(incoming.round_id, status, account.outcome_data(outcome)))
        answer = account.answer_row(state, outcome, about)
        done = replace(row, closed_at=events[-1].at, status=RoundStatus.BLOCKED, action=outcome.action, answer=answer)
        await asyncio.to_thread(self._parts.spool.keep, done, events)
        log.critical("round %s: a person may be in danger and no reviewer was told: no database", incoming.round_id)
        return Closed(incoming.round_id, status, state, outcome, about, outcome.message, incoming.model)

    def _context(self, policy: Policy, incoming: Incoming, sink: Sink | None, trace: Trace) -> RoundContext:
        authorization = [(k, v) for k, v in incoming.headers.items() if k == "authorization"]
        context = self._parts.context(policy)
        return replace(context, sink=sink, headers=(*trace.headers, *authorization), span=trace.span)

    def _open(self, incoming: Incoming, policy: Policy, trace: Trace) -> Round:
        data = account.request_data(incoming.body, incoming.request) | {
            "application": incoming.application,
            "policy": {"name": policy.name, "version": policy.version, "digest": policy.digest},
            "trace_id": trace.trace_id,
        }
        event = _event(incoming.round_id, "opened", data)
        row = Round(
            round_id=incoming.round_id,
            application=incoming.application,
            policy=incoming.policy,
            policy_digest=policy.digest,
            opened_at=event.at,
            request_digest=sha256(event.payload).hexdigest(),
            trace_id=trace.trace_id,
        )
        self._parts.journal.append_soon([event], round_table.opened(row))
        return row

    async def _close(self, incoming: Incoming, policy: Policy, row: Round, state: RoundState) -> Closed:
        outcome = state.get("outcome")
        if outcome is None:
            raise WardroundError("the graph ended without an outcome")
        status = str(outcome.status)
        about = account.about(incoming.round_id, status, state, policy)
        events = [_event(incoming.round_id, kind, data) for kind, data in account.steps(state)]
        events.append(_event(incoming.round_id, status, account.outcome_data(outcome)))
        done = replace(
            row,
            closed_at=events[-1].at,
            status=RoundStatus(status),
            action=outcome.action,
            answer=account.answer_row(state, outcome, about),
        )
        await self._parts.journal.append(events, round_table.closed(done), deadline_s=self._parts.audit_deadline_s)
        return Closed(incoming.round_id, status, state, outcome, about, outcome.message, incoming.model)

    async def _hold(self, incoming: Incoming, policy: Policy, row: Round, state: RoundState) -> Closed:
        await self._put_down(self._parts.holding.open(state, policy, row))
        message = state["decision"].message
        about = account.about(incoming.round_id, PENDING, state, policy)
        held = Closed(incoming.round_id, PENDING, state, None, about, message, incoming.model)
        decided = await self._parts.holding.wait(incoming.round_id, incoming.wait_s) if incoming.wait_s else None
        if decided is None:
            return held
        after, outcome = decided
        about = account.about(incoming.round_id, str(outcome.status), after, policy)
        return Closed(incoming.round_id, str(outcome.status), after, outcome, about, outcome.message, incoming.model)

    async def _put_down(self, opening: Coroutine[Any, Any, None]) -> None:
        """Wait for a hold to be durable within the deadline; raises `StoreError` past it.

        A connection that hangs may take seconds to let go: nobody waits for that.
        """
        task = asyncio.create_task(opening)
        self._letting_go.add(task)
        task.add_done_callback(self._let_go)
        done, _ = await asyncio.wait({task}, timeout=self._parts.audit_deadline_s)
        if not done:
            task.cancel()
            raise StoreError(f"The held round did not become durable within {self._parts.audit_deadline_s:g} s.")
        task.result()

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._letting_go.discard(task)
        if not task.cancelled():
            task.exception()

    async def _fail(self, row: Round, error: Exception) -> None:
        data: dict[str, Any] = {"error": type(error).__name__}
        if isinstance(error, UpstreamError):
            data["status"] = error.status
        event = _event(row.round_id, FAILED, data)
        done = round_table.closed(_ended(row, event))
        await self._parts.journal.append([event], done, deadline_s=self._parts.audit_deadline_s)

    async def lookup(self, round_id: str, application: str) -> dict[str, Any] | None:
        """What `GET /v1/rounds/{id}` answers; None for a round that is not there or belongs to someone else."""
        row = await round_table.get(self._parts.database, round_id)
        if row is None or row.application != application:
            return None
        return {"round_id": round_id, "status": row.status, "action": row.action, **(row.answer or {})}

    def recorder(self, incoming: Incoming) -> Callable[[int, int, str, Sequence[Finding]], Awaitable[None]]:
        """What a stream calls before it lets a sentence out: the record is durable when it returns."""

        async def record(choice: int, upto: int, text: str, findings: Sequence[Finding]) -> None:
            data = {
                "choice": choice,
                "upto": upto,
                "text": text,
                "findings": [f.as_json() for f in findings],
            }
            event = _event(incoming.round_id, "streamed", data)
            await self._parts.journal.append([event], deadline_s=self._parts.audit_deadline_s)

        return record

    def _count(self, closed: Closed) -> None:
        metrics = self._parts.telemetry.metrics
        metrics.rounds.labels(closed.status, str(closed.about["action"])).inc()
        for check in closed.state.get("checks", ()):
            metrics.agent_took(check.agent, check.elapsed_ms / 1000)
            for finding in check.findings:
                metrics.findings.labels(str(finding.kind), str(finding.severity)).inc()


def given_draft(text: str) -> Update:
    """The state of a round that judges a draft as it is."""
    draft = Draft(0, "given", (Choice(index=0, text=text, finish_reason="stop"),))
    return {"draft": draft, "drafts": (draft,)}


def _event(round_id: str, kind: str, data: Mapping[str, Any]) -> Event:
    return Event(round_id, kind, datetime.now(UTC), data)


def _ended(row: Round, event: Event) -> Round:
    return replace(row, closed_at=event.at, status=RoundStatus.FAILED)
