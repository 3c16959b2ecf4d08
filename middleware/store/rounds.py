"""The row of each round: what the console and the client ask for. Its whole story is in the audit log."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import orjson
import sqlalchemy as sa

from wardround.policies.errors import InputError
from wardround.policies.finding import Action

from .batch import Plain, Write
from .columns import json_text
from .database import Database
from .schema import rounds

_MAX_PAGE = 1000


class RoundStatus(StrEnum):
    """Where a round stands."""

    OPEN = "open"
    RELEASED = "released"
    BLOCKED = "blocked"
    PENDING_REVIEW = "pending_review"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round. None: not known yet."""

    round_id: str
    """The round's id."""
    application: str
    """Whose request it was."""
    policy: str
    """Name of the policy that judged it."""
    policy_digest: str
    """Digest of that policy, with everything it extends."""
    opened_at: datetime
    """When it came in."""
    closed_at: datetime | None = None
    """When its outcome was fixed."""
    status: RoundStatus = RoundStatus.OPEN
    """Where it stands."""
    action: Action | None = None
    """What the policy decided."""
    queue: str | None = None
    """The reviewers' queue, where it was held."""
    answer: Mapping[str, object] | None = None
    """What the client got or will get, key for key as sent."""
    request_digest: str | None = None
    """Digest of the request as received."""
    trace_id: str | None = None
    """The OpenTelemetry trace."""


class Page(NamedTuple):
    """Some rounds, newest first."""

    rounds: Sequence[Round]
    """The rounds."""
    cursor: str | None
    """Where the next page begins; None where there is none."""


_OPENED = """
    INSERT INTO rounds (round_id, application, policy, policy_digest, opened_at, closed_at, status, action, queue,
    answer, request_digest, trace_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::json, %s, %s)
    ON CONFLICT (round_id) DO NOTHING"""
_CLOSED = """
    INSERT INTO rounds (round_id, application, policy, policy_digest, opened_at, closed_at, status, action, queue,
    answer, request_digest, trace_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::json, %s, %s)
    ON CONFLICT (round_id) DO UPDATE SET closed_at = excluded.closed_at, status = excluded.status,
    action = excluded.action, queue = excluded.queue, answer = excluded.answer,
    trace_id = coalesce(excluded.trace_id, rounds.trace_id)"""


def opened(round: Round) -> Write:
    """Write: the round came in. Does nothing where its row is there already."""
    return Plain(_OPENED, _values(round), round.round_id)


def closed(round: Round) -> Write:
    """Write: the round's outcome, held ones included; makes the row where `opened` was never written."""
    return Plain(_CLOSED, _values(round), round.round_id)


async def get(database: Database, round_id: str) -> Round | None:
    """One round; None where there is none. Raises `StoreError`."""

    def query(connection: sa.Connection) -> Round | None:
        row = connection.execute(sa.select(rounds).where(rounds.c.round_id == round_id)).mappings().one_or_none()
        return None if row is None else _round(row)

    return await database.read(query)


async def find(
    database: Database,
    *,
    application: str | None = None,
    status: RoundStatus | None = None,
    action: Action | None = None,
    since: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """Rounds newest first, a page at a time. Raises `InputError` on a cursor that is none, `StoreError`."""
    limit = min(max(limit, 1), _MAX_PAGE)
    query = sa.select(rounds).order_by(rounds.c.opened_at.desc(), rounds.c.round_id.desc()).limit(limit + 1)
    for column, wanted in (("application", application), ("status", status), ("action", action)):
        if wanted is not None:
            query = query.where(rounds.c[column] == str(wanted))
    if since is not None:
        query = query.where(rounds.c.opened_at >= since)
    if cursor is not None:
        at, round_id = _decode(cursor)
        query = query.where(sa.tuple_(rounds.c.opened_at, rounds.c.round_id) < sa.tuple_(at, round_id))
    found = await database.read(lambda connection: [_round(row) for row in connection.execute(query).mappings()])
    page = found[:limit]
    return Page(page, _encode(page[-1]) if len(found) > limit else None)


def _values(round: Round) -> tuple[object, ...]:
    answer = None if round.answer is None else json_text(dict(round.answer))
    action = None if round.action is None else str(round.action)
    return (
        round.round_id, round.application, round.policy, round.policy_digest, round.opened_at, round.closed_at,
        str(round.status), action, round.queue, answer, round.request_digest, round.trace_id,
    )  # fmt: skip


def _round(row: sa.RowMapping) -> Round:
    return Round(
        round_id=row["round_id"], application=row["application"], policy=row["policy"],
        policy_digest=row["policy_digest"], opened_at=row["opened_at"], closed_at=row["closed_at"],
        status=RoundStatus(row["status"]), action=None if row["action"] is None else Action(row["action"]),
        queue=row["queue"], answer=row["answer"], request_digest=row["request_digest"], trace_id=row["trace_id"],
    )  # fmt: skip


def _encode(last: Round) -> str:
    return urlsafe_b64encode(orjson.dumps([last.opened_at.isoformat(), last.round_id])).decode()


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        at, round_id = orjson.loads(urlsafe_b64decode(cursor.encode()))
        return datetime.fromisoformat(at), str(round_id)
    except (ValueError, TypeError):
        raise InputError("The cursor is none of ours: take it from the page before.") from None
