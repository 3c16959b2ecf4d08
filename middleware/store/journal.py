"""The one writer of rounds: events and rows, chained, committed in groups, durable before anyone is told.

Promises: what `append` returns is committed; a commit whose outcome was lost is looked up, never guessed; several
journals on one database chain into one stream without a gap or a double.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

import psycopg

from wardround.policies.errors import ConflictError, StoreError, WardroundError

from ..audit import Event, Record
from .batch import Attempt, Entry, Outcome, Write, commit, found_stream, is_durable, prepare
from .database import Database
from .failures import is_lost, is_passing, store_error

STREAM = "rounds"
"""The stream of all rounds of a database."""

_BATCH_ENTRIES = 500
_BATCH_BYTES = 8_000_000
"""Payload of one commit, about; one entry may be larger by itself."""
_LINGER_S = 0.02
"""How long entries that nobody waits for may wait for company, seconds."""
_QUEUE_ENTRIES = 20_000
_QUEUE_BYTES = 256_000_000
"""Payload that may wait, about."""
_BACKOFF_S = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Waits between attempts to reach the database, seconds; the last one repeats."""
_PROBE_S = 1.0
"""How often a journal that could not write looks whether it could again, where nothing is to be written."""

_log = logging.getLogger(__name__)


class Journal:
    """One thread with a connection of its own. Call `close` to drain it."""

    def __init__(self, database: Database, *, stream: str = STREAM) -> None:
        self._database = database
        self._stream = stream
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._closing = threading.Event()
        self._giving_up = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._unknown: Attempt | None = None
        self._draining = False
        self._failures = 0
        self._dropped = 0
        self._counting = threading.Lock()
        self._waiting_bytes = 0
        self._thread = threading.Thread(target=self._run, name="wardround-journal", daemon=True)
        self._thread.start()

    async def append(self, events: Sequence[Event], *writes: Write, deadline_s: float = 5.0) -> tuple[Record, ...]:
        """Write events and rows in one transaction; they are durable when this returns.

        Raises `ConflictError` where a guarded write came too late: then nothing of this call is written. Raises
        `StoreError` where the database refused or the deadline passed; after a deadline it may still become durable.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[tuple[Record, ...]] = loop.create_future()
        self._put(Entry(tuple(events), writes, waiting, loop, time.monotonic() + deadline_s))
        try:
            async with asyncio.timeout(deadline_s):
                return await waiting
        except TimeoutError:
            raise StoreError(f"The audit log did not become durable within {deadline_s:g} s.") from None

    def append_soon(self, events: Sequence[Event], *writes: Write) -> None:
        """Queue events and rows without waiting; they are kept through a loss of the database, not of the process.

        Raises `StoreError` where the queue is full or closed.
        """
        self._put(Entry(tuple(events), writes, None, None, None))

    @property
    def healthy(self) -> bool:
        """The last attempt to write succeeded, and the writer lives."""
        return self._failures == 0 and self._thread.is_alive()

    @property
    def depth(self) -> int:
        """Entries that wait to be written."""
        return self._queue.qsize()

    @property
    def dropped(self) -> int:
        """Queued entries that the database refused: each is an error in the log."""
        return self._dropped

    def close(self, *, deadline_s: float = 10.0) -> None:
        """Write what is queued, then stop; what cannot be written in time fails with `StoreError`. Blocks."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(deadline_s)
        self._giving_up.set()
        self._thread.join(1.0)

    def _put(self, entry: Entry) -> None:
        if not entry.events:
            raise StoreError("Nothing is written without an event that tells of it.")
        if self._closing.is_set():
            raise StoreError("The audit log is closed: the server is shutting down.")
        if self._queue.qsize() >= _QUEUE_ENTRIES or self._waiting_bytes >= _QUEUE_BYTES:
            raise StoreError("The audit log cannot keep up: its queue is full.")
        with self._counting:
            self._waiting_bytes += entry.size
        self._queue.put(entry)

    def _run(self) -> None:
        while True:
            batch = self._take()
            if batch:
                self._settle(self._outcomes(batch))
            elif self._draining:
                break
            else:
                self._probe()
        self._disconnect()

    def _take(self) -> list[Entry]:
        """Wait for an entry, then take everything that is there up to one commit's worth; empty when closed, or when
        it is time to probe. While nobody waits for what was taken, it lingers for what comes next: one commit less."""
        batch: list[Entry] = []
        size = 0
        until: float | None = None
        while len(batch) < _BATCH_ENTRIES and size < _BATCH_BYTES:
            try:
                entry = self._next(until)
            except Empty:
                break
            if entry is None:
                self._draining = True
                continue
            batch.append(entry)
            if entry.waiting is not None or self._closing.is_set():
                until = 0.0
            elif until is None:
                until = time.monotonic() + _LINGER_S
            size += entry.size
        with self._counting:
            self._waiting_bytes -= size
        return batch

    def _next(self, until: float | None) -> Entry | None:
        """The next entry of a batch, waited for at most until a time, or as long as it takes where that is None.

        Raises `Empty` where the batch is whole.
        """
        if self._draining:
            return self._queue.get_nowait()
        if until is None:
            return self._queue.get(timeout=_PROBE_S if self._failures else None)
        return self._queue.get(timeout=max(until - time.monotonic(), 0.0))

    def _probe(self) -> None:
        """Find out whether writing would succeed again, so that a server without traffic becomes ready by itself."""
        try:
            connection = self._connected()
            prepare(connection, self._stream, ())
            connection.rollback()
            self._failures = 0
        except Exception as error:  # noqa: BLE001  # the next entry or probe tries again
            self._may_pass(error)

    def _outcomes(self, batch: list[Entry]) -> list[Outcome]:
        """Write a batch, whatever it takes, or say for each entry why not.

        1. Entries whose deadline passed are left out: their callers have been told.
        2. On a lost connection, a passing trouble or a failed look-up: again, after a wait.
        3. On a refusal: each entry by itself, so that a bad one fails alone.
        """
        done: list[Outcome] = []
        while True:
            batch, late = _split_late(batch)  # 1
            done += [Outcome(entry, StoreError("The database was away for too long.")) for entry in late]
            if not batch or self._giving_up.is_set():
                self._unknown = None
                return done + [Outcome(entry, StoreError("The server shut down first.")) for entry in batch]
            try:
                return done + self._attempt(batch)
            except Exception as error:  # noqa: BLE001  # every entry is answered, whatever went wrong
                if self._may_pass(error) or self._unknown is not None:  # 2
                    self._pause()
                elif len(batch) > 1:  # 3
                    return done + [outcome for entry in batch for outcome in self._outcomes([entry])]
                else:
                    return [*done, Outcome(batch[0], _refusal(error))]

    def _attempt(self, batch: list[Entry]) -> list[Outcome]:
        """Try once. A commit whose outcome was lost is looked up before anything is tried again."""
        connection = self._connected()
        if self._unknown is not None:
            durable = is_durable(connection, self._unknown)
            attempt, self._unknown = self._unknown, None
            if durable:
                return attempt.outcomes
        attempt = prepare(connection, self._stream, batch)
        self._unknown = attempt
        try:
            commit(connection, attempt)
        except Exception:
            if not connection.closed:
                self._unknown = None
            raise
        self._unknown = None
        self._failures = 0
        return attempt.outcomes

    def _may_pass(self, error: Exception) -> bool:
        """Leave the connection usable or closed; True where the same batch may succeed later."""
        passing = self._reset(error) or is_passing(error)
        if passing or isinstance(error, StoreError) or self._unknown is not None:
            self._failures += 1
        return passing

    def _reset(self, error: Exception) -> bool:
        """Roll back; True where the connection is lost, and closed now."""
        connection = self._connection
        if connection is not None and not is_lost(error, connection):
            try:
                connection.rollback()
                return False
            except psycopg.Error:
                _log.warning("The journal's connection broke while it was rolled back.")
        self._disconnect()
        return True

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            if self._failures:
                self._database.ensure_running()
            connection = self._database.connect()
            try:
                connection.autocommit = True
                connection.execute("SET synchronous_commit = on")
                found_stream(connection, self._stream)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _pause(self) -> None:
        wait_s = _BACKOFF_S[min(max(self._failures, 1), len(_BACKOFF_S)) - 1]
        _log.warning("The journal cannot write (attempt %d); it tries again in %g s.", self._failures, wait_s)
        self._giving_up.wait(wait_s)

    def _settle(self, outcomes: list[Outcome]) -> None:
        """Tell those who wait, once for each event loop."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
        for outcome in outcomes:
            if outcome.entry.loop is not None:
                by_loop.setdefault(outcome.entry.loop, []).append(outcome)
            elif isinstance(outcome.result, WardroundError):
                self._dropped += 1
                _log.error("Queued audit events were not written: %s", outcome.result)
        for loop, share in by_loop.items():
            with suppress(RuntimeError):  # a loop that was closed has nobody waiting
                loop.call_soon_threadsafe(_tell, share)


def _tell(outcomes: list[Outcome]) -> None:
    for entry, result in outcomes:
        if entry.waiting is None or entry.waiting.done():
            continue
        if isinstance(result, WardroundError):
            entry.waiting.set_exception(result)
        else:
            entry.waiting.set_result(result)


def _split_late(batch: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    now = time.monotonic()
    late = [entry for entry in batch if entry.deadline is not None and entry.deadline <= now]
    return ([entry for entry in batch if entry not in late], late) if late else (batch, late)


def _refusal(error: Exception) -> WardroundError:
    match error:
        case WardroundError():
            return error
        case psycopg.errors.UniqueViolation() if error.diag.constraint_name == "audit_records_pkey":
            return StoreError("The audit log's head lies behind its records: run `wardround audit verify`.")
        case psycopg.errors.UniqueViolation():
            return ConflictError("It is written already.")
        case psycopg.Error():
            return store_error(error)
        case _:
            return StoreError(f"It cannot be written: {type(error).__name__}.")
