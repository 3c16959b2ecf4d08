"""Proving the log: whatever is changed in the database is named."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import count

import pytest

from wardround.middleware.audit import Event, Trouble
from wardround.middleware.store import Database, Journal
from wardround.middleware.store.audit_log import records_of, verify_all
from wardround.policies.errors import StoreError

AT = datetime(2026, 1, 2, tzinfo=UTC)
_streams = count(1)


@pytest.fixture
async def stream(database: Database) -> str:
    """A stream of twelve records, and no other."""
    name = f"log-{next(_streams)}"
    with database.connect() as connection:
        connection.execute("TRUNCATE audit_records, audit_heads")
    journal = Journal(database, stream=name)
    for i in range(4):
        await journal.append([Event(f"r{i}", kind, AT, {"n": i}) for kind in ("opened", "decided", "released")])
    await asyncio.to_thread(journal.close)
    return name


def tamper(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT 1", set[tuple[Trouble, int]]()),
        ("UPDATE audit_records SET round_id = 'r9' WHERE seq = 5", {(Trouble.CHANGED, 5)}),
        ("UPDATE audit_records SET kind = 'x' WHERE seq = 1", {(Trouble.CHANGED, 1)}),
        ("UPDATE audit_records SET at_us = at_us + 1 WHERE seq = 5", {(Trouble.CHANGED, 5)}),
        ("UPDATE audit_records SET payload = set_byte(payload, 3, 0) WHERE seq = 5", {(Trouble.CHANGED, 5)}),
        ("UPDATE audit_records SET prev_hash = set_byte(prev_hash, 3, 0) WHERE seq = 5", {(Trouble.CHANGED, 5)}),
        ("UPDATE audit_records SET hash = set_byte(hash, 3, 0) WHERE seq = 12", {(Trouble.CHANGED, 12)}),
        (
            "UPDATE audit_records SET seq = 99 WHERE seq = 12",
            {(Trouble.CHANGED, 99), (Trouble.INSERTED, 99), (Trouble.TRUNCATED, 12)},
        ),
        (
            "UPDATE audit_records SET stream = 'z' WHERE seq = 5",
            {(Trouble.MISSING, 5), (Trouble.CHANGED, 5), (Trouble.MISSING, 1), (Trouble.HEAD, 5)},
        ),
        ("DELETE FROM audit_records WHERE seq IN (5, 6)", {(Trouble.MISSING, 5)}),
        ("DELETE FROM audit_records WHERE seq > 10", {(Trouble.TRUNCATED, 11)}),
        ("DELETE FROM audit_records", {(Trouble.TRUNCATED, 1)}),
        ("DELETE FROM audit_heads", {(Trouble.HEAD, 12)}),
        ("UPDATE audit_heads SET seq = seq - 1", {(Trouble.INSERTED, 12), (Trouble.CHANGED, 11)}),
    ],
)
async def test_a_change_in_the_database_is_named(
    database: Database, stream: str, statement: str, found: set[tuple[Trouble, int]]
) -> None:
    tamper(database, statement)
    problems = await asyncio.to_thread(verify_all, database)
    assert {(p.trouble, p.seq) for p in problems} == found


async def test_the_log_can_be_proven_while_it_is_written(database: Database, stream: str) -> None:
    journal = Journal(database, stream=stream)
    writing = [asyncio.create_task(journal.append([Event(f"w{i}", "opened", AT, {})])) for i in range(2000)]
    told: list[tuple[int, int]] = []
    for _ in range(5):
        assert await asyncio.to_thread(verify_all, database, lambda done, total: told.append((done, total))) == []
    await asyncio.gather(*writing)
    await asyncio.to_thread(journal.close)
    assert await asyncio.to_thread(verify_all, database, lambda done, total: told.append((done, total))) == []
    assert told[-1] == (2012, 2012)


async def test_the_records_of_one_round_come_in_order(database: Database, stream: str) -> None:
    records = await records_of(database, "r2")
    assert [(r.seq, r.kind) for r in records] == [(7, "opened"), (8, "decided"), (9, "released")]
    assert await records_of(database, "none") == ()


def test_a_database_that_is_gone_cannot_be_proven() -> None:
    database = Database("postgresql://postgres@127.0.0.1:1/none")
    with pytest.raises(StoreError, match="cannot be reached"):
        verify_all(database)
    database.close()
