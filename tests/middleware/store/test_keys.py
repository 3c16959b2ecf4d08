"""API keys."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from wardround.middleware.store import Database
from wardround.middleware.store.keys import Keys
from wardround.policies.errors import InputError

AT = datetime(2026, 1, 2, tzinfo=UTC)


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_key_is_shown_once_kept_as_a_hash_and_verified(database: Database) -> None:
    keys = Keys(database)
    key, secret = await keys.create("portal", policy="patient-chat", at=AT)
    assert secret.startswith("wr_")
    assert len(secret) >= 45
    assert await keys.verify(secret) == key
    assert await keys.verify(secret) == key
    whole = await database.read(lambda c: repr(c.execute(sa.text("SELECT * FROM api_keys")).all()))
    assert secret not in whole
    assert secret[3:] not in whole
    assert key in await keys.list()


@pytest.mark.parametrize("secret", ["", "wr_", "sk-1", "wr_" + "a" * 43, "wr_" + "a" * 100_000, "wr_\ud800", "wr_\0"])
async def test_an_unknown_secret_has_no_key(database: Database, secret: str) -> None:
    assert await Keys(database).verify(secret) is None


async def test_a_revoked_key_stops_here_at_once_and_elsewhere_when_its_time_is_over(database: Database) -> None:
    clock = Hand()
    here, elsewhere = Keys(database), Keys(database, monotonic_s=clock)
    key, secret = await here.create("portal", policy="p", at=AT)
    assert await here.verify(secret) == key
    assert await elsewhere.verify(secret) == key
    await here.revoke(key.id, at=AT)
    assert await here.verify(secret) is None
    clock.now_s = 31.0
    assert await elsewhere.verify(secret) is None
    with pytest.raises(InputError, match="No working key"):
        await here.revoke(key.id, at=AT)
    assert [k.revoked_at for k in await here.list() if k.id == key.id] == [AT]


async def test_a_key_needs_names(database: Database) -> None:
    with pytest.raises(InputError):
        await Keys(database).create(" ", policy="p", at=AT)
