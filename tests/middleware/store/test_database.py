"""Opening a database: migrated once, and every way to fail is one clear line in time."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from wardround.middleware.store import Database, migrations
from wardround.middleware.store.schema import REVISION, metadata
from wardround.policies.errors import StoreError


def test_several_processes_may_migrate_an_empty_database_at_once(empty_database_url: str) -> None:
    def start(_: int) -> str | None:
        database = Database.open(url=empty_database_url)
        with database.connect() as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        database.close()
        return row[0] if row else None

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(start, range(4))) == [REVISION] * 4


def test_the_migrations_lead_to_the_tables_that_the_code_knows(database_url: str) -> None:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(database_url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    [home] = migrations.__path__
    assert ScriptDirectory(home).get_heads() == [REVISION]


def test_a_database_of_a_newer_wardround_is_refused(empty_database_url: str) -> None:
    Database.open(url=empty_database_url).close()
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Wardround"):
        Database.open(url=empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (REVISION,))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:hunter2@127.0.0.1:1/none",
        "postgresql+psycopg://nobody:hunter2@127.0.0.1:1/none",
        "postgresql://nobody:hunter2@name.invalid/none",
        "postgresql://nobody:hunter2@[::1/none",
        "mysql://nobody:hunter2@localhost/none",
        "sqlite:///hunter2.db",
        "",
    ],
)
def test_a_url_that_leads_nowhere_is_one_line_within_five_seconds(url: str) -> None:
    begun = time.monotonic()
    with pytest.raises(StoreError) as caught:
        Database.open(url=url)
    assert time.monotonic() - begun < 5
    assert "\n" not in str(caught.value)
    assert "WARDROUND_DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_server_that_never_answers_is_given_up_within_five_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = time.monotonic()
        with pytest.raises(StoreError):
            Database.open(url=f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/none")
        assert time.monotonic() - begun < 5


def test_without_a_url_or_a_directory_nothing_opens(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No database is named"):
        Database.open()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="does not start"):
        Database.open(data_dir=tmp_path / "file")


@pytest.mark.parametrize("query", ["SELECT 'secret'::int", "SELECT 1 / 0", "SELECT no_such FROM rounds"])
async def test_a_refused_query_is_one_line_without_values(database: Database, query: str) -> None:
    with pytest.raises(StoreError) as caught:
        await database.read(lambda connection: connection.execute(sa.text(query)).scalar())
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_slow_query_is_given_up_at_its_deadline(database: Database) -> None:
    with pytest.raises(StoreError, match=r"within 0\.05 s"):
        await database.read(lambda c: c.execute(sa.text("SELECT pg_sleep(0.3)")).scalar(), deadline_s=0.05)
    assert await database.read(lambda c: c.execute(sa.text("SELECT 1")).scalar()) == 1


async def test_a_change_is_whole_or_not_at_all(database: Database) -> None:
    def change(connection: sa.Connection) -> None:
        connection.execute(sa.text("INSERT INTO audit_heads VALUES ('half', 0, '')"))
        connection.execute(sa.text("SELECT 1 / 0"))

    with pytest.raises(StoreError):
        await database.write(change)
    count = sa.text("SELECT count(*) FROM audit_heads")
    assert await database.read(lambda c: c.execute(count).scalar()) == 0


async def test_readers_share_a_small_pool(database: Database) -> None:
    query = sa.text("SELECT pg_backend_pid()")
    pids = await asyncio.gather(*(database.read(lambda c: c.execute(query).scalar()) for _ in range(50)))
    assert len(set(pids)) <= 4
