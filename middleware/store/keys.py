"""API keys: shown once, kept as a hash, bound to an application and its policy."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa

from wardround.policies.errors import InputError

from .database import Database
from .schema import api_keys

_PREFIX = "wr_"
_BYTES = 32
_TTL_S = 30.0
"""How long a verified key is believed without asking the database: a revoked one works no longer than this."""
_CACHED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret."""

    id: str
    """Names the key in lists and logs."""
    application: str
    """Whose key it is."""
    policy: str
    """The policy that judges its requests."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None = None
    """When it stopped working."""


class NewKey(NamedTuple):
    """A key just made."""

    key: ApiKey
    """What is kept."""
    secret: str
    """What the application sends: shown now and never again."""


class Keys:
    """The keys of a database, with a small cache in front of `verify`."""

    def __init__(self, database: Database, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic_s = monotonic_s
        self._known: dict[bytes, tuple[ApiKey, float]] = {}

    async def create(self, application: str, *, policy: str, at: datetime) -> NewKey:
        """Make a key. Raises `InputError` on an empty name, `StoreError`."""
        if not application.strip() or not policy.strip():
            raise InputError("A key needs the name of an application and of a policy.")
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        key = ApiKey(id=secrets.token_hex(6), application=application, policy=policy, created_at=at)
        row = api_keys.insert().values(
            id=key.id, application=application, policy=policy, key_hash=_hash(secret), created_at=at
        )
        await self._database.write(lambda connection: connection.execute(row).close())
        return NewKey(key, secret)

    async def verify(self, secret: str) -> ApiKey | None:
        """The key of a secret; None where it is unknown or revoked. Raises `StoreError`."""
        if not secret.startswith(_PREFIX) or len(secret) > 200:
            return None
        hashed = _hash(secret)
        known = self._known.get(hashed)
        if known is not None and known[1] > self._monotonic_s():
            return known[0]
        self._known.pop(hashed, None)
        key = await self._look_up(hashed)
        if key is not None:
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[hashed] = (key, self._monotonic_s() + _TTL_S)
        return key

    async def revoke(self, key_id: str, *, at: datetime) -> None:
        """Stop a key: here at once, in other processes within 30 s. Raises `InputError` where no such key works."""
        change = (
            api_keys.update()
            .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=at)
            .returning(api_keys.c.id)
        )
        self._known.clear()
        if await self._database.write(lambda connection: connection.execute(change).scalar()) is None:
            raise InputError("No working key has this id: `wardround doctor` lists them.")
        self._known.clear()

    async def list(self) -> list[ApiKey]:
        """All keys, revoked ones included, newest first. Raises `StoreError`."""
        query = sa.select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
        return await self._database.read(lambda connection: [_key(row) for row in connection.execute(query).mappings()])

    async def _look_up(self, hashed: bytes) -> ApiKey | None:
        query = sa.select(api_keys).where(api_keys.c.key_hash == hashed, api_keys.c.revoked_at.is_(None))
        row = await self._database.read(lambda connection: connection.execute(query).mappings().one_or_none())
        return _key(row) if row is not None and hmac.compare_digest(row["key_hash"], hashed) else None


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _key(row: sa.RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"], application=row["application"], policy=row["policy"], created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )  # fmt: skip
