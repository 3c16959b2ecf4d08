"""Rounds that wait for a human: opened once, decided once, resumed once. Every change goes through the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal

import psycopg
import sqlalchemy as sa

from wardround.policies.errors import ConflictError

from .batch import Guarded, Write
from .columns import json_text
from .database import Database
from .schema import holds


class HoldStatus(StrEnum):
    """Where a hold stands."""

    PENDING = "pending"
    RESUMING = "resuming"
    """Decided; the round is being brought to its end."""
    RELEASED = "released"
    BLOCKED = "blocked"


class Verdict(StrEnum):
    """What a reviewer, or the clock, decides."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    REDRAFT = "redraft"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A reviewer's decision on one version of a draft."""

    verdict: Verdict
    """What is to happen."""
    by: str
    """Who decided; `timeout` where nobody did."""
    at: datetime
    """When."""
    text: str | None = None
    """`edit`: the text to release; `redraft`: the instructions."""
    comment: str | None = None
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A held round."""

    round_id: str
    """The round."""
    queue: str
    """Whose turn it is."""
    status: HoldStatus = HoldStatus.PENDING
    """Where it stands."""
    opened_at: datetime
    """When it was held first."""
    due_at: datetime | None
    """When `on_timeout` takes effect; None: never."""
    on_timeout: str
    """What the policy does with it then."""
    draft: str
    """The text to be judged."""
    draft_digest: str
    """`digest_of` the text: a decision names the one it was made on."""
    findings: Sequence[Mapping[str, object]] = ()
    """Findings in the contract's shape."""
    reason: str | None = None
    """Why it is held."""
    version: int = 1
    """Counts the drafts held."""
    review: Review | None = None
    """The decision, from `resuming` on."""
    lease_owner: str | None = None
    """Who has claimed it."""
    lease_until: datetime | None = None
    """How long the claim holds."""


def digest_of(draft: str) -> str:
    """SHA-256 of a draft, hexadecimal."""
    return sha256(draft.encode("utf-8", "surrogatepass")).hexdigest()


_INSERT = """
    INSERT INTO holds (round_id, queue, status, opened_at, due_at, on_timeout, draft, draft_digest, findings, reason,
    version) VALUES (%s, %s, 'pending', %s, %s, %s, %s, %s, %s::json, %s, %s)
    ON CONFLICT (round_id) DO NOTHING RETURNING round_id"""
_DECIDE = """
    UPDATE holds SET status = 'resuming', decision = %s, decided_by = %s, decided_at = %s, decision_text = %s,
    comment = %s WHERE round_id = %s AND status = 'pending' AND version = %s AND draft_digest = %s
    RETURNING round_id"""
_RESOLVE = """
    UPDATE holds SET status = %s, lease_owner = NULL, lease_until = NULL
    WHERE round_id = %s AND status = 'resuming' AND version = %s RETURNING round_id"""
_AGAIN = """
    UPDATE holds SET status = 'pending', queue = %s, due_at = %s, on_timeout = %s, draft = %s, draft_digest = %s,
    findings = %s::json, reason = %s, version = version + 1, decision = NULL, decided_by = NULL, decided_at = NULL,
    decision_text = NULL, comment = NULL, lease_owner = NULL, lease_until = NULL
    WHERE round_id = %s AND status = 'resuming' AND version = %s RETURNING round_id"""
_STATE = "SELECT status, version FROM holds WHERE round_id = %s"


def opened(hold: Hold) -> Write:
    """Write: the round is held. A second hold of one round is a `ConflictError`."""

    def act(connection: psycopg.Connection) -> bool:
        values = (
            hold.round_id, hold.queue, hold.opened_at, hold.due_at, hold.on_timeout, hold.draft, hold.draft_digest,
            _json(hold.findings), hold.reason, hold.version,
        )  # fmt: skip
        return connection.execute(_INSERT, values).fetchone() is not None

    return Guarded(act, "The round is held already.")


def decide(round_id: str, review: Review, *, expected_version: int, draft_digest: str) -> Write:
    """Write: pending → resuming, once, and only for the text that the reviewer saw."""
    decided = (str(review.verdict), review.by, review.at, review.text, review.comment)

    def act(connection: psycopg.Connection) -> bool:
        found = connection.execute(_DECIDE, (*decided, round_id, expected_version, draft_digest)).fetchone()
        return found is not None or _refuse(connection, round_id)

    return Guarded(act, "The hold has changed.")


def resolve(round_id: str, *, version: int, status: Literal[HoldStatus.RELEASED, HoldStatus.BLOCKED]) -> Write:
    """Write: resuming → its end, once."""

    def act(connection: psycopg.Connection) -> bool:
        return connection.execute(_RESOLVE, (str(status), round_id, version)).fetchone() is not None

    return Guarded(act, "The round has come to its end already.")


def hold_again(hold: Hold, *, version: int) -> Write:
    """Write: resuming → pending with the new draft of `hold` and the next version; `version` is the one decided on."""
    values = (
        hold.queue, hold.due_at, hold.on_timeout, hold.draft, hold.draft_digest, _json(hold.findings), hold.reason,
        hold.round_id, version,
    )  # fmt: skip

    def act(connection: psycopg.Connection) -> bool:
        return connection.execute(_AGAIN, values).fetchone() is not None

    return Guarded(act, "The round has moved on already.")


async def get(database: Database, round_id: str) -> Hold | None:
    """One hold; None where the round was never held. Raises `StoreError`."""
    found = await _select(database, holds.c.round_id == round_id)
    return found[0] if found else None


async def find(
    database: Database, *, queue: str | None = None, status: HoldStatus | None = HoldStatus.PENDING, limit: int = 200
) -> list[Hold]:
    """Holds of a queue, the most urgent first; `status` None: of any."""
    conditions = [holds.c.queue == queue] if queue is not None else []
    conditions += [holds.c.status == str(status)] if status is not None else []
    return await _select(database, *conditions, limit=limit)


async def count(database: Database, status: HoldStatus = HoldStatus.PENDING) -> int:
    """How many holds stand so, in all queues."""
    query = sa.select(sa.func.count()).select_from(holds).where(holds.c.status == str(status))
    return await database.read(lambda connection: connection.execute(query).scalar_one())


async def stuck(database: Database, *, before: datetime) -> list[Hold]:
    """Holds decided before a time whose rounds have not come to their end: somebody must resume them."""
    return await _select(database, holds.c.status == "resuming", holds.c.decided_at < before)


async def overdue(database: Database, now: datetime) -> list[Hold]:
    """Pending holds whose time is over."""
    return await _select(database, holds.c.status == "pending", holds.c.due_at <= now)


def _refuse(connection: psycopg.Connection, round_id: str) -> bool:
    """Say why a decision came to nothing."""
    row = connection.execute(_STATE, (round_id,)).fetchone()
    if row is None:
        raise ConflictError("The round is not held.")
    if row[0] != "pending":
        raise ConflictError("The hold is decided already.")
    raise ConflictError("The draft has changed since it was shown: read it again.")


async def _select(database: Database, *conditions: sa.ColumnElement[bool], limit: int = 1000) -> list[Hold]:
    query = sa.select(holds).where(*conditions).order_by(holds.c.due_at.nulls_last(), holds.c.opened_at).limit(limit)
    return await database.read(lambda connection: [_hold(row) for row in connection.execute(query).mappings()])


def _hold(row: sa.RowMapping) -> Hold:
    review = None
    if row["decision"] is not None:
        review = Review(
            verdict=Verdict(row["decision"]), by=row["decided_by"], at=row["decided_at"], text=row["decision_text"],
            comment=row["comment"],
        )  # fmt: skip
    return Hold(
        round_id=row["round_id"], queue=row["queue"], status=HoldStatus(row["status"]), opened_at=row["opened_at"],
        due_at=row["due_at"], on_timeout=row["on_timeout"], draft=row["draft"], draft_digest=row["draft_digest"],
        findings=tuple(row["findings"]), reason=row["reason"], version=row["version"], review=review,
        lease_owner=row["lease_owner"], lease_until=row["lease_until"],
    )  # fmt: skip


def _json(findings: Sequence[Mapping[str, object]]) -> str:
    return json_text([dict(finding) for finding in findings])
