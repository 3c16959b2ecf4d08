"""Opening the service or the database for one command, and closing it whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ..service import Service
    from ..settings import Settings
    from ..store import Database

T = TypeVar("T")


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncGenerator[Service, None]:
    """A running service; raises what `Service.start` raises."""
    from ..service import Service

    service = Service(settings)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@contextmanager
def open_database(settings: Settings) -> Generator[Database, None, None]:
    """The database alone, for what needs no round; raises `StoreError`."""
    from ..store.database import Database

    url = settings.database_url.get_secret_value() if settings.database_url else None
    database = Database.open(url=url, data_dir=None if url else settings.data_dir)
    try:
        yield database
    finally:
        database.close()


def with_service(settings: Settings, work: Callable[[Service], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on a service of its own event loop."""
    import uvloop

    from . import logs

    logs.configure("critical")

    async def opened() -> T:
        async with open_service(settings) as service:
            logs.configure("warning")
            return await work(service)

    return uvloop.run(opened())


def with_database(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the database alone."""
    with open_database(settings) as database:
        return asyncio.run(work(database))
