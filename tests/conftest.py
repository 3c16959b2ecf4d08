"""One real PostgreSQL for the whole run; each test module gets a database of its own, migrated already."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from wardround.middleware.store import Database
from wardround.middleware.store.embedded import EmbeddedPostgres

_TEMPLATE = "wardround_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server. Do not stop or kill it: start one of your own for that."""
    home = Path(tempfile.mkdtemp(prefix="wardround-"))
    server = EmbeddedPostgres(home / "pg")
    server.start()
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE}".encode())
    Database.open(url=_url(server, _TEMPLATE)).close()
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def database_url(postgres: EmbeddedPostgres) -> str:
    """URL of an empty, migrated database that this module has to itself."""
    name = f"wardround_{next(_numbers)}"
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}".encode())
    return _url(postgres, name)


@pytest.fixture(scope="module")
def empty_database_url(postgres: EmbeddedPostgres) -> str:
    """URL of a database without any table."""
    name = f"wardround_empty_{next(_numbers)}"
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return _url(postgres, name)


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    """The module's database, open."""
    opened = Database.open(url=database_url)
    yield opened
    opened.close()


def _url(server: EmbeddedPostgres, name: str) -> str:
    return server.conninfo.replace("/postgres?", f"/{name}?")
