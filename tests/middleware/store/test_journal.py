"""The journal on a healthy database: durable, chained, guarded, drained."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count

import psycopg
import pytest

from wardround.middleware.audit import Event, Head, Record, verify
from wardround.middleware.store import Database, Guarded, Journal, Plain
from wardround.middleware.store.audit_log import read_stream
from wardround.policies.errors import ConflictError, StoreError

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_streams = count(1)


@pytest.fixture
def stream() -> str:
    return f"journal-{next(_streams)}"


@asynccontextmanager
async def journal_on(database: Database, stream: str) -> AsyncGenerator[Journal]:
    journal = Journal(database, stream=stream)
    try:
        yield journal
    finally:
        await asyncio.to_thread(journal.close)


@pytest.fixture
async def journal(database: Database, stream: str) -> AsyncIterator[Journal]:
    async with journal_on(database, stream) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _table(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS scratch (name text, value text)")


def story(round_id: str, *kinds: str) -> list[Event]:
    return [Event(round_id, kind, AT, {"of": round_id}) for kind in kinds or ("opened", "decided", "released")]


def chain_of(database: Database, stream: str) -> list[Record]:
    """The stream as it is in the database, proven whole."""
    with database.connect() as connection:
        row = connection.execute("SELECT stream, seq, hash FROM audit_heads WHERE stream = %s", (stream,)).fetchone()
        records = list(read_stream(connection, stream))
    assert row is not None
    assert list(verify(records, Head(*row))) == []
    return records


def note(name: str, value: str) -> Plain:
    return Plain("INSERT INTO scratch (name, value) VALUES (%s, %s)", (name, value), name)


def notes(database: Database, name: str) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute("SELECT value FROM scratch WHERE name = %s ORDER BY ctid", (name,)).fetchall()
    return [row[0] for row in rows]


@contextmanager
def head_taken(database: Database, stream: str) -> Generator[None]:
    """The journal cannot commit while this lasts."""
    with psycopg.connect(database.conninfo) as connection:
        connection.execute("SELECT FROM audit_heads WHERE stream = %s FOR UPDATE", (stream,))
        yield
        connection.rollback()


async def test_what_append_returns_is_in_the_database(database: Database, journal: Journal, stream: str) -> None:
    records = await journal.append(story("r1"), note("r1", "written"))
    assert [r.kind for r in records] == ["opened", "decided", "released"]
    assert chain_of(database, stream) == list(records)
    assert notes(database, "r1") == ["written"]
    assert journal.healthy


async def test_many_appends_at_once_form_one_whole_chain(database: Database, journal: Journal, stream: str) -> None:
    results = await asyncio.gather(*(journal.append(story(f"m{i}")) for i in range(1200)))
    records = chain_of(database, stream)
    assert len(records) == 3600
    for own in results:
        assert [r.seq for r in own] == list(range(own[0].seq, own[0].seq + 3))
        assert tuple(records[own[0].seq - 1 : own[0].seq + 2]) == own


async def test_two_journals_chain_into_one_stream(database: Database, stream: str) -> None:
    async with journal_on(database, stream) as first, journal_on(database, stream) as second:
        both = (first, second)
        await asyncio.gather(*(both[i % 2].append(story(f"t{i}", "opened")) for i in range(600)))
        for i in range(50):
            await both[i % 2].append(story(f"u{i}", "opened"))
    assert len(chain_of(database, stream)) == 650


async def test_writes_of_one_round_keep_their_order(database: Database, journal: Journal, stream: str) -> None:
    await journal.append(story("first"))
    with head_taken(database, stream):
        for value in ("1", "2", "3"):
            journal.append_soon(story("ordered", value), note("ordered", value))
            journal.append_soon(
                story("other", value), Plain("DELETE FROM scratch WHERE name = %s", ("other",), "other")
            )
        last = asyncio.create_task(journal.append(story("ordered", "4"), note("ordered", "4")))
        await asyncio.sleep(0)
    await last
    assert notes(database, "ordered") == ["1", "2", "3", "4"]


async def test_a_write_that_comes_too_late_undoes_its_own_entry_only(
    database: Database, journal: Journal, stream: str
) -> None:
    await journal.append(story("first"))
    late = Guarded(lambda _: False, "Somebody was first.")
    with head_taken(database, stream):
        before = asyncio.create_task(journal.append(story("a"), note("guard", "a")))
        refused = asyncio.create_task(journal.append(story("b"), note("guard", "b"), late))
        after = asyncio.create_task(journal.append(story("c"), note("guard", "c"), Guarded(lambda _: True, "")))
        await asyncio.sleep(0)
    await before
    await after
    with pytest.raises(ConflictError, match="Somebody was first"):
        await refused
    assert notes(database, "guard") == ["a", "c"]
    assert {r.round_id for r in chain_of(database, stream)} == {"first", "a", "c"}


async def test_a_bad_entry_fails_alone(database: Database, journal: Journal, stream: str) -> None:
    await journal.append(story("first"))
    entries: list[tuple[Plain | Guarded, type[Exception] | None]] = [
        (note("alone", "good"), None),
        (note("alone", "nul \0"), StoreError),
        (note("alone", "surrogate \ud800"), StoreError),
        (Plain("INSERT INTO nowhere VALUES (%s)", (1,), "x"), StoreError),
        (Plain("INSERT INTO api_keys VALUES ('1', 'a', 'p', ''::bytea, now(), %s)", (None,), "k"), None),
        (Plain("INSERT INTO api_keys VALUES ('1', 'b', 'p', ''::bytea, now(), %s)", (None,), "l"), ConflictError),
        (Guarded(lambda connection: bool(connection.execute("SELECT 1/0")), ""), StoreError),
        (Guarded(lambda _: bool(""[0]), ""), StoreError),
        (note("alone", "fine"), None),
    ]
    with head_taken(database, stream):
        tasks = [asyncio.create_task(journal.append(story(f"e{i}"), w)) for i, (w, _) in enumerate(entries)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    expected: list[type[object]] = [tuple if wanted is None else wanted for _, wanted in entries]
    assert [type(result) for result in results] == expected
    assert all("\n" not in str(result) for result in results)
    assert notes(database, "alone") == ["good", "fine"]
    assert len(chain_of(database, stream)) == 3 + 3 * 3


async def test_an_entry_without_an_event_is_refused(journal: Journal) -> None:
    with pytest.raises(StoreError, match="without an event"):
        await journal.append([], note("x", "y"))


async def test_a_caller_is_told_at_its_deadline(database: Database, journal: Journal, stream: str) -> None:
    await journal.append(story("first"))
    with head_taken(database, stream):
        with pytest.raises(StoreError, match=r"within 0\.05 s"):
            await journal.append(story("late"), deadline_s=0.05)
    await journal.append(story("next"))
    assert chain_of(database, stream)[-1].round_id == "next"


async def test_a_cancelled_caller_leaves_the_others_alone(database: Database, journal: Journal, stream: str) -> None:
    await journal.append(story("first"))
    with head_taken(database, stream):
        gone = asyncio.create_task(journal.append(story("gone")))
        stays = asyncio.create_task(journal.append(story("stays")))
        await asyncio.sleep(0)
        gone.cancel()
    assert len(await stays) == 3
    chain_of(database, stream)


async def test_a_full_queue_refuses(database: Database, journal: Journal, stream: str) -> None:
    await journal.append(story("first"))
    events = story("full", "opened")
    with head_taken(database, stream):
        with pytest.raises(StoreError, match="queue is full"):
            for _ in range(30_000):
                journal.append_soon(events)
        with pytest.raises(StoreError, match="queue is full"):
            await journal.append(events)


async def test_closing_writes_what_is_queued(database: Database, stream: str) -> None:
    async with journal_on(database, stream) as journal:
        for i in range(1500):
            journal.append_soon(story(f"q{i}", "opened"))
    assert len(chain_of(database, stream)) == 1500
    with pytest.raises(StoreError, match="closed"):
        journal.append_soon(story("after"))
    assert not journal.healthy


async def test_a_head_that_lies_behind_its_records_refuses(database: Database, stream: str) -> None:
    async with journal_on(database, stream) as journal:
        first = await journal.append(story("first"))
        with database.connect() as connection:
            connection.execute("UPDATE audit_heads SET seq = 1, hash = %s WHERE stream = %s", (first[0].hash, stream))
        with pytest.raises(StoreError, match="lies behind"):
            await journal.append(story("second"))
    with database.connect() as connection:
        connection.execute("DELETE FROM audit_records WHERE stream = %s", (stream,))
        connection.execute("DELETE FROM audit_heads WHERE stream = %s", (stream,))


async def test_a_lost_head_is_never_replaced(database: Database, stream: str) -> None:
    async with journal_on(database, stream) as journal:
        await journal.append(story("first"))
        with database.connect() as connection:
            connection.execute("DELETE FROM audit_heads WHERE stream = %s", (stream,))
        with pytest.raises(StoreError, match="lost its head"):
            await journal.append(story("second"))
    async with journal_on(database, stream) as journal:
        with pytest.raises(StoreError, match="lost its head"):
            await journal.append(story("third"))
    with database.connect() as connection:
        connection.execute("DELETE FROM audit_records WHERE stream = %s", (stream,))
