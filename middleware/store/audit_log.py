"""Reading the audit log: the records of one round, of a whole stream, and the proof that none was touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import sqlalchemy as sa

from ..audit import Head, Problem, Record, verify
from .database import Database
from .failures import store_error
from .schema import audit_records

_FETCH = 5_000
_PROGRESS = 10_000
_STREAMS = "SELECT stream FROM audit_heads UNION SELECT DISTINCT stream FROM audit_records ORDER BY 1"
_HEAD = "SELECT stream, seq, hash FROM audit_heads WHERE stream = %s"
_COUNT = "SELECT coalesce(sum(seq), 0)::bigint FROM audit_heads"
_RECORDS = """
    SELECT stream, seq, round_id, kind, at_us, payload, prev_hash, hash FROM audit_records
    WHERE stream = %s ORDER BY seq"""

Progress = Callable[[int, int], None]
"""Told how many records have been read, of how many about."""


async def records_of(database: Database, round_id: str) -> tuple[Record, ...]:
    """All records of a round in the order they were sealed. Raises `StoreError`."""
    query = sa.select(audit_records).where(audit_records.c.round_id == round_id)
    query = query.order_by(audit_records.c.stream, audit_records.c.seq)
    return await database.read(lambda connection: tuple(Record(*row) for row in connection.execute(query)))


def verify_all(database: Database, progress: Progress | None = None) -> list[Problem]:
    """Everything that is wrong with the audit log, all streams, in one unmoving view while others write on.

    Blocks, as long as it takes. Raises `StoreError` where the database cannot be read.
    """
    try:
        with database.connect() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            return list(_problems(connection, progress))
    except psycopg.Error as error:
        raise store_error(error) from error


def _problems(connection: psycopg.Connection, progress: Progress | None) -> Iterator[Problem]:
    total = _number(connection, _COUNT)
    streams = [str(row[0]) for row in connection.execute(_STREAMS).fetchall()]
    counter = _Counter(progress, total)
    for stream in streams:
        row = connection.execute(_HEAD, (stream,)).fetchone()
        head = None if row is None else Head(*row)
        yield from verify(counter.count(read_stream(connection, stream)), head, stream=stream)
    counter.finish()


def read_stream(connection: psycopg.Connection, stream: str) -> Iterator[Record]:
    """All records of a stream in order, fetched piece by piece, inside the connection's transaction."""
    with connection.cursor(name="wardround_stream", binary=True) as cursor:
        cursor.itersize = _FETCH
        cursor.execute(_RECORDS, (stream,))
        for row in cursor:
            yield Record(*row)


def _number(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])


class _Counter:
    """Counts records as they pass."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._seen = 0

    def count(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            self._seen += 1
            if self._progress is not None and self._seen % _PROGRESS == 0:
                self._progress(self._seen, max(self._total, self._seen))
            yield record

    def finish(self) -> None:
        if self._progress is not None:
            self._progress(self._seen, self._seen)
