"""The way to PostgreSQL: embedded or by URL, migrated, with a small pool for readers. Writing lives in `journal`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import TypeVar

import orjson
import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from sqlalchemy import event, exc

from wardround.policies.errors import StoreError

from .embedded import EmbeddedPostgres
from .failures import store_error
from .migrate import migrate

T = TypeVar("T")

_CONNECT_S = 3
"""How long one address of the server may take to answer, whole seconds."""
_OPEN_S = 4.5
"""How long the first connection may take with all addresses, seconds."""
_POOL = 4
"""Connections and threads for readers."""
_PATIENCE = {
    "connect_timeout": _CONNECT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How soon libpq gives a silent server up: seconds, seconds, seconds, probes, milliseconds."""
_SETTINGS = """
    SET statement_timeout = '15s'; SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '5s'; SET timezone = 'UTC'"""
"""A replica that stops in the middle of a commit gives the stream's head free after the last of these."""


class Database:
    """An open database. Every error leaves as a `StoreError` of one line, without a value of any row."""

    def __init__(self, conninfo: str, *, embedded: EmbeddedPostgres | None = None) -> None:
        self._conninfo = conninfo
        self._embedded = embedded
        self._threads = ThreadPoolExecutor(_POOL, thread_name_prefix="wardround-db")
        self._engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self.connect,
            pool_size=_POOL,
            max_overflow=0,
            pool_timeout=_CONNECT_S,
            pool_pre_ping=True,
            hide_parameters=True,
            json_deserializer=orjson.loads,
        )
        self._closed = False
        event.listen(self._engine, "checkin", self._checked_in)

    @classmethod
    def open(cls, *, url: str | None = None, data_dir: Path | None = None) -> Database:
        """Open the database at `url`, else the embedded one in `data_dir`, created where it does not exist; migrate.

        Blocks; an unreachable server raises `StoreError` within 5 s.
        """
        if url is not None:
            database = cls(_conninfo(url))
        elif data_dir is not None:
            embedded = EmbeddedPostgres(data_dir)
            embedded.start()
            database = cls(embedded.conninfo, embedded=embedded)
        else:
            raise StoreError("No database is named: set WARDROUND_DATABASE_URL or a data directory.")
        try:
            database._greet()
            database._guard(lambda: migrate(database._engine))
        except BaseException:
            database.close()
            raise
        return database

    @property
    def conninfo(self) -> str:
        """Connection string for libpq: what LangGraph's checkpointer takes."""
        return self._conninfo

    @property
    def embedded_pid(self) -> int | None:
        """Process id of the embedded server; None where it does not run, or the database is not embedded."""
        return self._embedded.pid if self._embedded else None

    def connect(self) -> psycopg.Connection[TupleRow]:
        """A connection of one's own, with timeouts set. Raises `psycopg.OperationalError`."""
        connection = psycopg.connect(make_conninfo(self._conninfo, **_PATIENCE), autocommit=True)
        try:
            connection.execute(_SETTINGS)
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        return connection

    def ensure_running(self) -> bool:
        """Start a dead embedded server again; True where that was needed. Blocks. Raises `StoreError`."""
        return self._embedded.ensure_running() if self._embedded else False

    async def read(self, query: Callable[[sa.Connection], T], *, deadline_s: float = 5.0) -> T:
        """Run a query in a thread; a lost connection is tried once more."""
        return await self._in_thread(lambda: self._read(query), deadline_s)

    async def write(self, change: Callable[[sa.Connection], T], *, deadline_s: float = 5.0) -> T:
        """Run a change in a transaction of its own, in a thread: for what no round depends on."""
        return await self._in_thread(lambda: self._guard(lambda: self._write(change)), deadline_s)

    def close(self) -> None:
        """Close the pool and let go of the embedded server."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()
        if self._embedded is not None:
            self._embedded.stop()

    def _checked_in(self, connection: psycopg.Connection | None, _: object) -> None:
        """A query that outlives `close` brings its connection back to a pool that nobody empties any more."""
        if self._closed and connection is not None:
            connection.close()

    async def _in_thread(self, work: Callable[[], T], deadline_s: float) -> T:
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise StoreError(f"The database did not answer within {deadline_s:g} s.") from None

    def _read(self, query: Callable[[sa.Connection], T]) -> T:
        def once() -> T:
            with self._engine.connect() as connection:
                return query(connection)

        try:
            return once()
        except exc.OperationalError:
            self.ensure_running()
            return self._guard(once)
        except exc.SQLAlchemyError as error:
            raise _translated(error) from error

    def _write(self, change: Callable[[sa.Connection], T]) -> T:
        with self._engine.begin() as connection:
            return change(connection)

    def _guard(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except exc.SQLAlchemyError as error:
            raise _translated(error) from error
        except psycopg.Error as error:
            raise store_error(error) from error

    def _greet(self) -> None:
        """The first connection, with a limit on the whole of it: a name may stand for several silent addresses."""
        greeting = self._threads.submit(lambda: self._guard(lambda: self.connect().close()))
        try:
            greeting.result(_OPEN_S)
        except FutureTimeoutError:
            raise StoreError(
                f"The database did not answer within {_OPEN_S:g} s. Check WARDROUND_DATABASE_URL."
            ) from None


def _translated(error: exc.SQLAlchemyError) -> StoreError:
    if isinstance(error, exc.DBAPIError) and isinstance(error.orig, psycopg.Error):
        return store_error(error.orig)
    if isinstance(error, exc.TimeoutError):
        return StoreError("The database is busy: no connection came free in time.")
    return StoreError(f"The database refused: {type(error).__name__}.")


def _conninfo(url: str) -> str:
    """A libpq connection string. Raises `StoreError` where the URL is not one of PostgreSQL; never quotes it."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    if not plain.startswith(("postgresql://", "postgres://")):
        raise StoreError("WARDROUND_DATABASE_URL must begin with postgresql://, for PostgreSQL is the only database.")
    try:
        conninfo_to_dict(plain)
    except psycopg.ProgrammingError:
        raise StoreError("WARDROUND_DATABASE_URL cannot be read: postgresql://USER:PASSWORD@HOST:PORT/NAME") from None
    return plain
