"""What the doctor looks at, one function each. A check never raises: what goes wrong is its finding."""

from __future__ import annotations

import asyncio
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import SecretStr

from wardround.policies.errors import WardroundError

if TYPE_CHECKING:
    from ..settings import Settings
    from ..store import Database

_PACKAGES = ("wardround", "langgraph", "openai", "litellm", "psycopg", "sqlalchemy", "pydantic", "uvicorn")
_SPACE_WARN_BYTES = 1_000_000_000
_SPACE_FAIL_BYTES = 100_000_000
_CLOCK_WARN_S = 2.0
"""The audit log's times come from this machine, so that its clock should agree with the database's."""
_UPSTREAM_S = 5.0


class Finding(NamedTuple):
    """One line of the report."""

    about: str
    state: Literal["ok", "warn", "fail"]
    text: str
    mend: str | None = None
    """What to do about it."""


def shown_settings(settings: Settings) -> dict[str, object]:
    """Every setting, secrets hidden."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {name: _hidden(value) for name, value in values.items()}


def _hidden(value: object) -> object:
    if isinstance(value, SecretStr):
        return "(set, hidden)"
    return str(value) if isinstance(value, Path) else value


def examine(settings: Settings) -> list[Finding]:
    """All checks in order."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _versions, _policy, _packs, _tables, _database, _upstream, _door, _disk,
    )  # fmt: skip
    return [found for check in checks for found in _guarded(check, settings)]


def _guarded(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    about = check.__name__.removeprefix("_")
    try:
        return list(check(settings))
    except WardroundError as error:
        return [Finding(about, "fail", str(error))]
    except Exception as error:  # noqa: BLE001 - the other checks must still be told
        return [Finding(about, "fail", f"could not be looked at: {type(error).__name__}")]


def _versions(_settings: Settings) -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    found: list[str] = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("packages", "fail", f"{name} is not installed", "install with `make run` or `pip install .`")
    yield Finding("packages", "ok", ", ".join(found))


def _policy(settings: Settings) -> Iterator[Finding]:
    from wardround.policies.load import load_policy

    policy = load_policy(settings.policy)
    yield Finding("policy", "ok", f"{policy.name} version {policy.version}, {len(policy.rules)} rules, {policy.digest}")


def _packs(_settings: Settings) -> Iterator[Finding]:
    from wardround.policies.load import load_policy, pack_names

    names = pack_names()
    for name in names:
        load_policy(name)
    yield Finding("packs", "ok", f"{len(names)} load")


def _tables(settings: Settings) -> Iterator[Finding]:
    """Every specialist looks at a harmless case: its tables load, and it works."""
    from wardround.agents import registry
    from wardround.policies.request import Case, Message, RoundRequest, Task

    from ..service import ComputePool

    request = RoundRequest(messages=(Message(role="user", text="Hello"),))
    case = Case(request=request, audience=None, language="en", task=Task.OTHER, draft="Hello.")
    pool = ComputePool(1)
    try:
        for specialist in registry.build(registry.Tools(pool, drug_tables=settings.drug_tables)):
            report = asyncio.run(specialist.check(case, {}))
            notes = ", ".join(f"{k} {v}" for k, v in report.notes.items())
            yield Finding(f"agent {specialist.name}", "ok", f"works{'; ' + notes if notes else ''}")
    finally:
        pool.close()


def _database(settings: Settings) -> Iterator[Finding]:
    from .opening import open_database

    began = time.perf_counter()
    with open_database(settings) as database:
        took_s = time.perf_counter() - began
        where = "at WARDROUND_DATABASE_URL" if settings.database_url else f"embedded in {settings.data_dir}"
        server = asyncio.run(database.read(lambda c: c.exec_driver_sql("SHOW server_version").scalar()))
        yield Finding("database", "ok", f"PostgreSQL {server} {where}, migrated, opened in {took_s:.1f} s")
        yield _clock(database)
        yield _keys(database)


def _clock(database: Database) -> Finding:
    at = asyncio.run(database.read(lambda c: c.exec_driver_sql("SELECT clock_timestamp()").scalar_one()))
    off_s = abs((datetime.now(UTC) - at).total_seconds())
    if off_s > _CLOCK_WARN_S:
        mend = "synchronise both clocks: the audit log takes its times from this one"
        return Finding("clock", "warn", f"{off_s:.1f} s away from the database's", mend)
    return Finding("clock", "ok", f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, as the database's")


def _keys(database: Database) -> Finding:
    from ..store.keys import Keys

    keys = asyncio.run(Keys(database).list())
    working = sum(key.revoked_at is None for key in keys)
    return Finding("keys", "ok", f"{working} working API keys, {len(keys) - working} revoked")


def _upstream(settings: Settings) -> Iterator[Finding]:
    import httpx

    if settings.upstream_url is None:
        mend = "set upstream_url, or start with `wardround serve --upstream URL`"
        yield Finding("upstream", "warn", "none configured: answers come from evidence alone", mend)
        return
    key = settings.upstream_api_key
    headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        answer = httpx.get(f"{settings.upstream_url}/models", headers=headers, timeout=_UPSTREAM_S, trust_env=False)
    except httpx.HTTPError as error:
        mend = "check upstream_url and that the server runs"
        yield Finding("upstream", "fail", f"{settings.upstream_url} cannot be reached: {type(error).__name__}", mend)
        return
    yield _answered(settings.upstream_url, answer.status_code, has_key=key is not None)


def _answered(url: str, status: int, *, has_key: bool) -> Finding:
    if status < 400:
        return Finding("upstream", "ok", f"{url} answers")
    if status in (401, 403):
        mend = "check upstream_api_key" if has_key else "set upstream_api_key, or let clients send their own key"
        return Finding("upstream", "fail" if has_key else "warn", f"{url} refuses with {status}", mend)
    if status == 404:
        return Finding("upstream", "warn", f"{url} has no /models", "the URL must end where /chat/completions begins")
    return Finding("upstream", "fail", f"{url} answers /models with {status}", "check the upstream's own log")


def _door(settings: Settings) -> Iterator[Finding]:
    if settings.keyless:
        yield Finding("access", "ok", f"{settings.host}: this machine only, without a key")
    else:
        yield Finding("access", "ok", f"{settings.host}: with an API key only")


def _disk(settings: Settings) -> Iterator[Finding]:
    place = settings.data_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    state: Literal["ok", "warn", "fail"] = "ok" if free > _SPACE_WARN_BYTES else "warn"
    state = state if free > _SPACE_FAIL_BYTES else "fail"
    mend = None if state == "ok" else "make room, or move data_dir: a round that cannot be recorded is refused"
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free at {place}", mend)
