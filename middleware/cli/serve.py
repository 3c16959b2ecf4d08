"""`wardround serve`: the proxy, until it is told to stop."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from wardround.policies.errors import SettingsError

from .options import ConfigFile, DataDir, PolicyName, UpstreamUrl, option, settings_from

if TYPE_CHECKING:
    from ..service import Service
    from ..settings import Settings


def serve(
    config: ConfigFile = None,
    host: Annotated[str | None, option("--host", metavar="ADDRESS", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, option("--port", metavar="N", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = None,
    upstream: UpstreamUrl = None,
    policy: PolicyName = None,
    data_dir: DataDir = None,
    log_level: Annotated[
        str | None, option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
    ] = None,
) -> None:
    """Run the proxy: point an OpenAI client's base URL at it."""
    settings = settings_from(
        config, host=host, port=port, upstream_url=upstream, policy=policy, data_dir=data_dir, log_level=log_level
    )
    _serve(settings)


def _serve(settings: Settings) -> None:
    import uvloop

    from . import logs

    logs.configure("critical")
    uvloop.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    from ..app import Proxy
    from ..service import Service
    from . import logs
    from .listening import Listener, address_of, bind, serve_until_signal

    bound = bind(settings.host, settings.port)
    service = Service(settings)
    app = Proxy(service).app()
    line = ready_line(settings, address_of(bound))

    async def once_open() -> None:
        await refuse_open_door(service)
        logs.configure(settings.log_level)

    listener = Listener(app, drain_s=settings.drain_s, on_ready=lambda: _ready(line))
    await serve_until_signal(app, bound, listener, once_open=once_open)


def _ready(line: str) -> None:
    """Make the process ready for many short rounds, then say that it is.

    What is loaded by now stays: the collector need not walk it again. A short switch interval keeps the event loop
    from waiting for the thread that writes the journal: 5 ms, the interpreter's own, would be the tail latency.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.setswitchinterval(0.0005)
    typer.echo(line)


async def refuse_open_door(service: Service) -> None:
    """Raise `SettingsError` where anyone on the network could ask: no loopback address, and no key to ask for."""
    if service.settings.on_loopback:
        return
    if any(key.revoked_at is None for key in await service.keys.list()):
        return
    raise SettingsError(
        f"{service.settings.host} can be reached from other machines and there is no API key: "
        "make one with `wardround key create --application NAME`, or listen on 127.0.0.1"
    )


def ready_line(settings: Settings, address: str) -> str:
    """The one line that says that requests are served, and how to send one."""
    upstream = settings.upstream_url or "none (answers from evidence alone)"
    database = "WARDROUND_DATABASE_URL" if settings.database_url else f"embedded in {settings.data_dir}"
    return (
        f"wardround is ready on {address} · policy {settings.policy} · upstream {upstream} · database {database} · "
        f"set your client's base URL to {address}/v1"
    )
