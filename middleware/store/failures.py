"""What a database error means: one line for a person, and whether trying again can help."""

from __future__ import annotations

import psycopg

from wardround.policies.errors import StoreError

_PASSING = ("40", "53", "55", "58")
"""SQLSTATE classes that a later attempt may not meet: rollback, resources, locks, system errors."""
_READ_ONLY = "25006"


def is_lost(error: Exception, connection: psycopg.Connection) -> bool:
    """The connection is gone, or leads to a server that no longer takes writes."""
    return connection.closed or (isinstance(error, psycopg.Error) and error.sqlstate == _READ_ONLY)


def is_passing(error: Exception) -> bool:
    """The same statement may succeed later on the same connection."""
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_PASSING)


def store_error(error: psycopg.Error) -> StoreError:
    """One line without any value of a row: a message of PostgreSQL may quote them."""
    if error.sqlstate is None and isinstance(error, psycopg.OperationalError):
        reason = str(error).strip().split("\n", 1)[0]
        return StoreError(f"The database cannot be reached: {reason}. Check WARDROUND_DATABASE_URL and the server.")
    return StoreError(f"The database refused: {type(error).__name__} (SQLSTATE {error.sqlstate or 'none'}).")
