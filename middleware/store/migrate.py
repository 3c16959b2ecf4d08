"""Brings a database to today's schema. Several processes may start at once: one migrates, the others wait."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from wardround.policies.errors import StoreError

from .schema import REVISION

_LOCK = 0x57415244
"""Key of the advisory lock: `WARD`."""
_LOCK_WAIT_S = 120
"""How long to wait for another process that migrates, seconds."""


def migrate(engine: sa.Engine) -> None:
    """Run what is missing. Raises `StoreError` where the database is newer than this code or a step fails."""
    with engine.connect() as connection:
        if _revision(connection) == REVISION:
            return
        connection.rollback()
        connection.execute(sa.text(f"SET lock_timeout = '{_LOCK_WAIT_S}s'; SET statement_timeout = 0"))
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
        connection.commit()
        try:
            if _revision(connection) != REVISION:
                connection.rollback()
                _upgrade(connection)
        finally:
            connection.rollback()
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
            connection.commit()
            connection.invalidate()


def _revision(connection: sa.Connection) -> str | None:
    if connection.execute(sa.text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
        connection.commit()
    except CommandError as error:
        raise StoreError(f"The database cannot be migrated: {error}. Is it of a newer Wardround?") from error
