"""One commit of the journal: its rows, its events sealed to the head of the stream, and how to find it again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

import psycopg

from wardround.policies.errors import ConflictError, StoreError, WardroundError

from ..audit import GENESIS, Event, Head, Record, seal


@dataclass(frozen=True, slots=True)
class Plain:
    """A statement that cannot come too late. Equal statements of a batch run together; those of one key in order."""

    sql: LiteralString
    """With `%s` for each value."""
    values: tuple[object, ...]
    """What psycopg adapts."""
    key: str
    """The round it is about."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A change that holds only if nobody was first: where it returns False or raises `ConflictError`, its entry is
    undone whole and nobody else's."""

    act: Callable[[psycopg.Connection], bool]
    """Runs in the writer's thread inside the transaction; must be quick."""
    conflict: str
    """What the caller is told where `act` returned False."""


Write = Plain | Guarded


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """What one call wants written."""

    events: tuple[Event, ...]
    writes: tuple[Write, ...]
    waiting: asyncio.Future[tuple[Record, ...]] | None
    """Who waits for it; None where nobody does."""
    loop: asyncio.AbstractEventLoop | None
    deadline: float | None
    """`time.monotonic` after which nobody waits any more; None: written however late."""

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return sum(len(event.payload) for event in self.events)

    @property
    def guarded(self) -> bool:
        """Whether it may come too late."""
        return any(isinstance(write, Guarded) for write in self.writes)


class Outcome(NamedTuple):
    """What became of an entry."""

    entry: Entry
    result: tuple[Record, ...] | WardroundError


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction ready to be committed."""

    outcomes: list[Outcome]
    """What is true once it is durable."""
    records: tuple[Record, ...]
    """All records of it; none where every entry came too late."""
    plain: list[Plain]
    """Statements still to be run."""


_LOCK_HEAD = "SELECT seq, hash FROM audit_heads WHERE stream = %s FOR UPDATE"
_FOUND_STREAM = """
    INSERT INTO audit_heads (stream, seq, hash) SELECT %(stream)s, 0, %(genesis)s
    WHERE NOT EXISTS (SELECT FROM audit_records WHERE stream = %(stream)s) ON CONFLICT DO NOTHING"""
_INSERT = """
    INSERT INTO audit_records (stream, seq, round_id, kind, at_us, payload, prev_hash, hash)
    SELECT %b, * FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[])
    """
_MOVE_HEAD = "UPDATE audit_heads SET seq = %s, hash = %s WHERE stream = %s"
_HASH_OF = "SELECT hash FROM audit_records WHERE stream = %s AND seq = %s"


def found_stream(connection: psycopg.Connection, stream: str) -> None:
    """Give a new stream its head; a lost head of an old one is never replaced."""
    connection.execute(_FOUND_STREAM, {"stream": stream, "genesis": GENESIS})


def prepare(connection: psycopg.Connection, stream: str, entries: Iterable[Entry]) -> Attempt:
    """Begin a transaction, take the stream's head for it, run what is guarded, seal the events that stay."""
    head = _lock_head(connection, stream, begin=True)
    outcomes: list[Outcome] = []
    passed: list[Entry] = []
    plain: list[Plain] = []
    for entry in entries:
        if not entry.guarded:
            plain += [write for write in entry.writes if isinstance(write, Plain)]
            passed.append(entry)
            continue
        _run_plain(connection, plain)
        plain = []
        conflict = _run_guarded(connection, entry)
        if conflict is None:
            passed.append(entry)
        else:
            outcomes.append(Outcome(entry, conflict))
    records = seal(head, [event for entry in passed for event in entry.events])
    return Attempt(outcomes + _shares(passed, records), records, plain)


def commit(connection: psycopg.Connection, attempt: Attempt) -> None:
    """Write the rows and records, move the head, commit: one exchange with the server. Durable when it returns."""
    if not attempt.records:
        connection.rollback()
        return
    stream, seq, *_, last_hash = attempt.records[-1]
    _, *columns = (list(column) for column in zip(*attempt.records, strict=True))
    with connection.pipeline():
        _run_plain(connection, attempt.plain)
        connection.execute(_INSERT, (stream, *columns), prepare=True)
        connection.execute(_MOVE_HEAD, (seq, last_hash, stream), prepare=True)
        end = connection.execute("COMMIT")
    if end.statusmessage != "COMMIT":
        raise psycopg.InternalError("the transaction was not committed")


def is_durable(connection: psycopg.Connection, attempt: Attempt) -> bool:
    """Whether an attempt of another connection was committed.

    1. That connection held the head from before the commit was sent: taking the head waits until the server is done
       with it.
    2. Then its last record is there, with its hash, or nothing of it is.
    """
    if not attempt.records:
        return True
    last = attempt.records[-1]
    with connection.transaction():
        _lock_head(connection, last.stream, begin=False)  # 1
        row = connection.execute(_HASH_OF, (last.stream, last.seq)).fetchone()  # 2
    return row is not None and row[0] == last.hash


def _lock_head(connection: psycopg.Connection, stream: str, *, begin: bool) -> Head:
    with connection.pipeline():
        if begin:
            connection.execute("BEGIN")
        row = connection.execute(_LOCK_HEAD, (stream,), prepare=True).fetchone()
    if row is None:
        raise StoreError("The audit log has lost its head: run `wardround audit verify`.")
    return Head(stream, row[0], row[1])


def _run_guarded(connection: psycopg.Connection, entry: Entry) -> ConflictError | None:
    """Run an entry's writes in a savepoint of their own."""
    try:
        with connection.transaction():
            for write in entry.writes:
                match write:
                    case Plain():
                        connection.execute(write.sql, write.values)
                    case Guarded():
                        if not write.act(connection):
                            raise ConflictError(write.conflict)
    except ConflictError as conflict:
        return conflict
    return None


def _run_plain(connection: psycopg.Connection, writes: Iterable[Plain]) -> None:
    """Run statements in as few groups as their order within each key allows."""
    groups: list[tuple[LiteralString, list[tuple[object, ...]]]] = []
    newest: dict[str, int] = {}
    reached: dict[str, int] = {}
    for write in writes:
        group = newest.get(write.sql, -1)
        if group < reached.get(write.key, 0):
            group = newest[write.sql] = len(groups)
            groups.append((write.sql, []))
        groups[group][1].append(write.values)
        reached[write.key] = group
    for sql, rows in groups:
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)


def _shares(entries: Iterable[Entry], records: tuple[Record, ...]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    start = 0
    for entry in entries:
        end = start + len(entry.events)
        outcomes.append(Outcome(entry, records[start:end]))
        start = end
    return outcomes
