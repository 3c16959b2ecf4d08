"""Held rounds: put down durably with a checkpoint, decided by a person, taken up again and ended exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from wardround.agents import graph
from wardround.agents.context import RoundContext
from wardround.agents.hold import Verdict as ReviewVerdict
from wardround.agents.hold import refuse_impossible
from wardround.agents.state import Outcome, Review, RoundState, Update, findings_of
from wardround.policies.errors import ConflictError, InputError, StoreError
from wardround.policies.finding import Action
from wardround.policies.load import Policy

from . import account
from .audit.record import Event
from .store import holds as hold_table
from .store import rounds as round_table
from .store.audit_log import records_of
from .store.database import Database
from .store.holds import Hold, HoldStatus, Verdict, digest_of
from .store.holds import Review as StoredReview
from .store.journal import Journal
from .store.rounds import Round, RoundStatus

PENDING = "pending_review"
TIMEOUT_REVIEWER = "system:timeout"
"""Who decided a hold whose time ran out."""
LEASE_S = 120.0
"""How long a decided round may take to be carried out before another process takes it up, seconds."""
POLL_S = 0.25
"""How often a waiting call looks whether its round was decided elsewhere, seconds."""
CHECKPOINT_CONNECTIONS = 2
RECURSION_LIMIT = 100
"""Upper bound of graph steps of one held round, redrafts included."""
_VERDICTS: Mapping[Verdict, ReviewVerdict] = {
    Verdict.APPROVE: "approve",
    Verdict.EDIT: "edit",
    Verdict.REJECT: "reject",
    Verdict.REDRAFT: "redraft",
    Verdict.TIMEOUT: "reject",
}


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a held round stands after a decision was carried out."""

    round_id: str
    status: str
    """`released`, `blocked`, or `pending_review` when it is held again."""
    answer: str | None
    message: str | None


class Holding:
    """Opens, decides and resumes holds; with several processes on one database each decision takes effect once."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        saver: AsyncPostgresSaver,
        context: Callable[[Policy], RoundContext],
        policy: Callable[[str], Awaitable[Policy]],
    ) -> None:
        self._database = database
        self._journal = journal
        self._saver = saver
        self._graph = graph.build(saver)
        self._context = context
        self._policy = policy
        self._pool: Any = saver.conn

    @classmethod
    async def open_with(
        cls,
        database: Database,
        journal: Journal,
        context: Callable[[Policy], RoundContext],
        policy: Callable[[str], Awaitable[Policy]],
    ) -> Holding:
        """Open the checkpoint store beside the database."""
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            database.conninfo,
            min_size=1,
            max_size=CHECKPOINT_CONNECTIONS,
            open=False,
            timeout=5.0,
            kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row, "connect_timeout": 3},
            check=AsyncConnectionPool.check_connection,
        )
        try:
            await pool.open(wait=True, timeout=5.0)
            saver = AsyncPostgresSaver(pool, serde=_serializer())
            await saver.setup()
        except Exception as error:
            await pool.close()
            raise StoreError(f"the checkpoint store cannot be opened: {type(error).__name__}") from error

        return cls(database, journal, saver, context, policy)

    async def close(self) -> None:
        """Let go of the checkpoint store."""
        await self._pool.close()

    async def open(self, state: RoundState, policy: Policy, row: Round) -> None:
        """Put a round down: checkpoint first, then the hold and its events in one durable write.

        Raises `StoreError`; then the round is not held and nothing may be promised to the client.
        """
        round_id = state["round_id"]
        try:
            put_down, context = cast(Update, state), self._context(policy)
            await graph.run(self._graph, put_down, context, config=_thread(round_id), durability="exit")
        except Exception as error:
            raise StoreError(f"the held round could not be put down: {type(error).__name__}") from error
        events = [_event(round_id, kind, data) for kind, data in account.steps(state)]
        events.append(_event(round_id, "held", {"queue": state["decision"].queue}))
        told = account.about(round_id, PENDING, state, policy)
        held = replace(
            row,
            status=RoundStatus.PENDING_REVIEW,
            action=Action.ESCALATE,
            queue=state["decision"].queue,
            answer=account.answer_row(state, None, told) | {"message": state["decision"].message},
        )
        hold = hold_table.opened(_hold(state, policy, events[-1].at))
        await self._journal.append(events, round_table.closed(held), hold)

    async def decide(self, round_id: str, review: Review, *, draft_digest: str | None = None) -> Resumed:
        """Take a person's decision and carry it out.

        Raises `InputError` where the round was never held or the decision is impossible, `ConflictError` where it is
        already decided or the draft is no longer the one of `draft_digest`.
        """
        hold = await self._hold_of(round_id)
        state = await self._state(round_id)
        context = self._context(await self._policy((await self._row(round_id)).policy))
        refuse_impossible(
            review, has_draft=state.get("draft") is not None, can_redraft=context.models.can_draft(context.drafting)
        )
        now = datetime.now(UTC)
        stored = StoredReview(
            verdict=Verdict(review.verdict), by=review.reviewer, at=now, text=review.text, comment=review.reason
        )
        seen = draft_digest or hold.draft_digest
        guard = hold_table.decide(round_id, stored, expected_version=hold.version, draft_digest=seen)
        data = _plain(review) | {"draft_digest": seen, "version": hold.version}
        await self._journal.append([_event(round_id, "reviewed", data)], guard)
        return await self.resume(round_id)

    async def resume(self, round_id: str) -> Resumed:
        """Carry out the decision on record; may be repeated after a crash without anything happening twice."""
        hold = await self._hold_of(round_id)
        if hold.review is None:
            raise ConflictError("nobody has decided on this round yet")
        review = Review(_VERDICTS[hold.review.verdict], hold.review.by, hold.review.text, hold.review.comment)
        row = await self._row(round_id)
        policy = await self._policy(row.policy)
        before = await self._state(round_id)
        after = before
        if before.get("outcome") is None and len(before.get("reviews", ())) < hold.version:
            config = _thread(round_id) | {"recursion_limit": RECURSION_LIMIT}
            command: Command[Any] = Command(resume=_plain(review))
            context = self._context(policy)
            after = await graph.run(self._graph, command, context, config=config, durability="exit")
        return await self._settle(hold, row, policy, after)

    async def _settle(self, hold: Hold, row: Round, policy: Policy, after: RoundState) -> Resumed:
        round_id = hold.round_id
        told_before = account.told_by(await records_of(self._database, round_id))
        outcome = after.get("outcome")
        status = str(outcome.status) if outcome is not None else PENDING
        kind, data = (status, account.outcome_data(outcome)) if outcome else ("held", {"again": True})
        events = [_event(round_id, k, d) for k, d in [*account.steps(after, told_before), (kind, data)]]
        told = account.about(round_id, status, after, policy)
        done = replace(
            row,
            closed_at=events[-1].at if outcome else None,
            status=RoundStatus(status),
            answer=account.answer_row(after, outcome, told),
        )
        if outcome is not None:
            ended: Any = HoldStatus(status)
            guard = hold_table.resolve(round_id, version=hold.version, status=ended)
        else:
            guard = hold_table.hold_again(_hold(after, policy, events[-1].at), version=hold.version)
        await self._journal.append(events, guard, round_table.closed(done))
        texts = account.released_texts(after, outcome)
        return Resumed(round_id, status, texts[0] if texts else None, outcome.message if outcome else None)

    async def wait(self, round_id: str, wait_s: float) -> tuple[RoundState, Outcome] | None:
        """Wait until a held round is decided, here or elsewhere; None where it is still held after `wait_s`."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(POLL_S)
            hold = await hold_table.get(self._database, round_id)
            if hold is not None and hold.status in {"released", "blocked"}:
                state = await self._state(round_id)
                outcome = state.get("outcome")
                return None if outcome is None else (state, outcome)
        return None

    async def sweep(self, now: datetime) -> None:
        """Apply `on_timeout` to overdue holds, and carry out decisions that a crash left half done."""
        for hold in await hold_table.overdue(self._database, now):
            if hold.on_timeout == "block":
                review = Review("reject", TIMEOUT_REVIEWER, None, "the time limit of the review passed")
                with suppress(ConflictError):
                    await self.decide(hold.round_id, review)
        for hold in await hold_table.stuck(self._database, before=now - timedelta(seconds=LEASE_S)):
            with suppress(ConflictError):
                await self.resume(hold.round_id)

    async def recover(self) -> None:
        """At start: carry out every decision that was recorded and not finished."""
        for hold in await hold_table.stuck(self._database, before=datetime.now(UTC)):
            with suppress(ConflictError):
                await self.resume(hold.round_id)

    async def count(self) -> int:
        """How many rounds wait for a person."""
        return await hold_table.count(self._database, HoldStatus.PENDING)

    async def _state(self, round_id: str) -> RoundState:
        try:
            snapshot = await self._graph.aget_state(_thread(round_id))
        except Exception as error:
            raise StoreError(f"the held round could not be read: {type(error).__name__}") from error
        if not snapshot.values:
            raise InputError(f"no held round {round_id}")
        return cast(RoundState, snapshot.values)

    async def _hold_of(self, round_id: str) -> Hold:
        hold = await hold_table.get(self._database, round_id)
        if hold is None:
            raise InputError(f"no held round {round_id}")
        return hold

    async def _row(self, round_id: str) -> Round:
        row = await round_table.get(self._database, round_id)
        if row is None:
            raise InputError(f"no round {round_id}")
        return row


def _thread(round_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": round_id}}


def _plain(review: Review) -> dict[str, Any]:
    return {"verdict": review.verdict, "reviewer": review.reviewer, "text": review.text, "reason": review.reason}


def _hold(state: RoundState, policy: Policy, at: datetime) -> Hold:
    decision, draft = state["decision"], state.get("draft")
    text = draft.choices[0].text if draft and draft.choices else ""
    queue = policy.document.queues.get(decision.queue or "")
    return Hold(
        round_id=state["round_id"],
        queue=decision.queue or "reviewers",
        opened_at=at,
        due_at=at + timedelta(seconds=queue.respond_within_s) if queue else None,
        on_timeout=queue.on_timeout if queue else "hold",
        draft=text,
        draft_digest=digest_of(text),
        findings=[f.as_json() for f in findings_of(state)],
        reason=decision.reason,
    )


def _event(round_id: str, kind: str, data: Mapping[str, Any]) -> Event:
    return Event(round_id, kind, datetime.now(UTC), data)


def _serializer() -> JsonPlusSerializer:
    return JsonPlusSerializer(allowed_msgpack_modules=_STORED)


_STORED: tuple[tuple[str, str], ...] = tuple(
    (module, name)
    for module, names in (
        (
            "wardround.agents.state",
            (
                "Check",
                "CheckStatus",
                "Phase",
                "Intake",
                "Choice",
                "Draft",
                "Edit",
                "Sent",
                "Review",
                "Outcome",
                "Status",
            ),
        ),
        ("wardround.agents.ports", ("Retrieved", "Support")),
        ("wardround.policies.decision", ("Decision", "RuleOutcome")),
        ("wardround.policies.finding", ("Action", "Citation", "Finding", "FindingKind", "Severity", "Span")),
        (
            "wardround.policies.request",
            ("Audience", "Evidence", "Message", "Patient", "RoundRequest", "Sex", "Task", "ToolCall"),
        ),
    )
    for name in names
)
"""Every class that a checkpoint may hold: nothing else is brought to life from the database."""
