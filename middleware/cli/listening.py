"""uvicorn on one socket of our own: says when it is ready, and drains where it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette

from wardround.policies.errors import SettingsError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def bind(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises `SettingsError` where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}; choose --host and --port") from error
    return bound


def address_of(bound: socket.socket) -> str:
    """The base URL that leads to a socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Listener(uvicorn.Server):
    """A uvicorn server whose caller opens and closes the application around it."""

    def __init__(self, app: Starlette, *, drain_s: float, on_ready: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                http="httptools",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, round(drain_s)),
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the caller: uvicorn would raise them again and end the process before it is drained."""
        yield


async def serve_until_signal(
    app: Starlette, bound: socket.socket, listener: Listener, *, once_open: Callable[[], Awaitable[None]]
) -> None:
    """Open the application, accept until SIGINT or SIGTERM, drain, close.

    `once_open` runs before the first connection is accepted; whatever it or opening raises is raised.
    """
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, listener.handle_exit, number, None)
    try:
        async with app.router.lifespan_context(app):
            await once_open()
            await listener.serve([bound])
    finally:
        bound.close()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def background(app: Starlette, *, drain_s: float = 5.0) -> AsyncGenerator[str, None]:
    """Serve an application on a free loopback port beside the caller's own work; gives its base URL."""
    bound = bind("127.0.0.1", 0)
    ready = asyncio.Event()
    listener = Listener(app, drain_s=drain_s, on_ready=ready.set)
    async with app.router.lifespan_context(app):
        serving = asyncio.ensure_future(listener.serve([bound]))
        try:
            await ready.wait()
            yield address_of(bound)
        finally:
            listener.should_exit = True
            await serving
            bound.close()
