"""The journal when the database goes away: nothing is guessed, doubled or lost, and recovery needs no hand."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict

from wardround.middleware.audit import Event, Head, Record, verify
from wardround.middleware.store import Database, Journal
from wardround.middleware.store.audit_log import read_stream, verify_all
from wardround.policies.errors import StoreError

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_streams = count(1)
Cut = Literal["before", "after"]


class Wire:
    """A unix socket in front of the server that cuts the next connection at its COMMIT: before the server hears it,
    or after the server has answered it."""

    def __init__(self, home: Path, server: Path) -> None:
        self._server = str(server / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home / ".s.PGSQL.5432"))
        self._listener.listen()
        self.cut: Cut | None = None
        self.cuts = 0
        self.refusing = False
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    continue
                thread = threading.Thread(target=self._carry, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(self._server)
            silent = threading.Event()
            back = threading.Thread(target=self._back, args=(server, client, silent), daemon=True)
            back.start()
            while data := client.recv(65536):
                if self.cut is not None and b"COMMIT" in data:
                    cut, self.cut = self.cut, None
                    self.cuts += 1
                    silent.set()
                    if cut == "after":
                        server.sendall(data)
                    server.shutdown(socket.SHUT_WR)
                    back.join(5)
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
            back.join(5)

    @staticmethod
    def _back(server: socket.socket, client: socket.socket, silent: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if not silent.is_set():
                    client.sendall(data)


@pytest.fixture
def wire(database_url: str) -> Iterator[tuple[Wire, Database]]:
    home = Path(tempfile.mkdtemp(prefix="wire-"))
    server = conninfo_to_dict(database_url)
    opened = Wire(home, Path(str(server["host"])))
    database = Database.open(url=f"postgresql://postgres@/{server['dbname']}?host={home}")
    yield opened, database
    database.close()
    opened.close()
    shutil.rmtree(home)


def story(round_id: str, *kinds: str) -> list[Event]:
    return [Event(round_id, kind, AT, {}) for kind in kinds or ("opened", "released")]


def chain_of(database: Database, stream: str) -> list[Record]:
    with database.connect() as connection:
        row = connection.execute("SELECT stream, seq, hash FROM audit_heads WHERE stream = %s", (stream,)).fetchone()
        records = list(read_stream(connection, stream))
    assert row is not None
    assert list(verify(records, Head(*row))) == []
    return records


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_whose_answer_was_lost_is_looked_up(
    database: Database, wire: tuple[Wire, Database], cut: Cut
) -> None:
    proxy, through = wire
    stream = f"cut-{cut}"
    journal = Journal(through, stream=stream)
    await journal.append(story("first"))
    for i in range(3):
        proxy.cut = cut
        results = await asyncio.gather(*(journal.append(story(f"r{i}-{j}")) for j in range(20)))
        assert all(len(records) == 2 for records in results)
    await asyncio.to_thread(journal.close)
    assert proxy.cuts == 3
    kept = [(r.round_id, r.kind) for r in chain_of(database, stream)]
    assert len(kept) == len(set(kept)) == 2 + 3 * 20 * 2


async def test_a_connection_ended_by_the_server_is_opened_again(database: Database) -> None:
    journal = Journal(database, stream="ended")
    await journal.append(story("first"))
    for i in range(5):
        with database.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await asyncio.gather(*(journal.append(story(f"r{i}-{j}")) for j in range(10)))
    assert journal.healthy
    await asyncio.to_thread(journal.close)
    assert len(chain_of(database, "ended")) == 2 + 5 * 10 * 2


async def test_readers_survive_a_lost_connection(database: Database) -> None:
    for _ in range(3):
        assert await database.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar()) == 1
        with database.connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


async def test_an_unreachable_database_is_told_at_the_deadline_and_closing_ends(database_url: str) -> None:
    home = Path(tempfile.mkdtemp(prefix="gone-"))
    database = Database(f"postgresql://postgres@/postgres?host={home}")
    journal = Journal(database)
    with pytest.raises(StoreError):
        await journal.append(story("r"), deadline_s=0.1)
    assert not journal.healthy
    journal.append_soon(story("kept"))
    await asyncio.to_thread(journal.close, deadline_s=0.1)
    assert journal.dropped == 1
    database.close()
    shutil.rmtree(home)


async def test_a_journal_without_traffic_becomes_healthy_again_by_itself(wire: tuple[Wire, Database]) -> None:
    proxy, through = wire
    journal = Journal(through, stream="idle")
    await journal.append(story("first"))
    proxy.refusing = True
    proxy.cut = "before"
    with pytest.raises(StoreError):
        await journal.append(story("lost"), deadline_s=0.3)
    assert not journal.healthy
    proxy.refusing = False
    async with asyncio.timeout(10):
        while not journal.healthy:  # noqa: ASYNC110  # there is nothing else to wait for: it tells nobody
            await asyncio.sleep(0.02)
    assert [r.round_id for r in chain_of(through, "idle")] == ["first", "first"]
    await asyncio.to_thread(journal.close)


async def test_two_users_of_one_embedded_server_do_not_stop_it_for_each_other() -> None:
    home = Path(tempfile.mkdtemp(prefix="shared-"))
    first = await asyncio.to_thread(Database.open, data_dir=home / "pg")
    second = await asyncio.to_thread(Database.open, data_dir=home / "pg")
    await asyncio.to_thread(second.close)
    assert first.embedded_pid is not None
    assert await first.read(lambda connection: connection.execute(sa.text("SELECT 1")).scalar()) == 1
    await asyncio.to_thread(first.close)
    assert first.embedded_pid is None
    shutil.rmtree(home)


async def test_an_embedded_server_killed_under_load_comes_back_with_everything_it_promised() -> None:
    home = Path(tempfile.mkdtemp(prefix="killed-"))
    database = await asyncio.to_thread(Database.open, data_dir=home / "pg")
    journal = Journal(database)
    promised: list[Record] = []
    refused = 0

    async def write(i: int) -> None:
        nonlocal refused
        try:
            promised.extend(await journal.append(story(f"r{i}"), deadline_s=20))
        except StoreError:
            refused += 1

    for start in (0, 1000):
        pid = database.embedded_pid
        assert pid is not None
        tasks = [asyncio.create_task(write(start + i)) for i in range(1000)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        os.kill(pid, signal.SIGKILL)
        await asyncio.gather(*tasks)
        assert database.embedded_pid not in (None, pid)
    assert refused == 0
    await asyncio.to_thread(journal.close)
    kept = set(chain_of(database, "rounds"))
    assert set(promised) == kept
    assert len(promised) == 4000
    assert await asyncio.to_thread(verify_all, database) == []
    await asyncio.to_thread(database.close)
    shutil.rmtree(home)


async def test_an_embedded_server_left_behind_by_a_killed_owner_is_found_again() -> None:
    home = Path(tempfile.mkdtemp(prefix="left-"))
    code = (
        "import os, signal, pathlib, sys; from wardround.middleware.store import Database; "
        "d = Database.open(data_dir=pathlib.Path(sys.argv[1])); print(d.embedded_pid, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(home / "pg"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await owner.communicate()
    assert err == b""
    database = await asyncio.to_thread(Database.open, data_dir=home / "pg")
    pid = database.embedded_pid
    assert pid == int(out)
    await asyncio.to_thread(database.close)
    assert database.embedded_pid is None
    (home / "pg" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'pg'}\n1\n5432\n{home}\n\n1 1\nready\n")
    again = await asyncio.to_thread(Database.open, data_dir=home / "pg")
    assert again.embedded_pid not in (None, os.getpid())
    await asyncio.to_thread(again.close)
    shutil.rmtree(home)
