"""How bytes travel to the configured upstream: aiohttp under the openai client, without httpx's own machinery."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any

import aiohttp
import httpx
from yarl import URL

MAX_BODY_BYTES = 32_000_000
"""Largest answer read, whole or streamed, bytes."""
LARGE_REQUEST_BYTES = 1_000_000
"""Larger requests are written to the socket in parts, bytes: aiohttp's own bound for doing it at once."""

TRAIL: ContextVar[list[str] | None] = ContextVar("wardround_upstream_trail", default=None)
"""Where a call collects a line for each attempt that failed: an error class or a status, no content."""


class TooLargeError(Exception):
    """The answer is larger than `MAX_BODY_BYTES`."""


class AiohttpClient(httpx.AsyncClient):
    """aiohttp under the openai client. No redirects, cookies or proxies of the environment: a prompt goes where the
    operator said. Costs half of httpx-aiohttp's transport, and tells a lost connection from a timeout."""

    def __init__(
        self, *, max_connections: int, connect_timeout_s: float, final: Callable[[httpx.Request, Exception], Exception]
    ) -> None:
        super().__init__(transport=httpx.AsyncBaseTransport(), trust_env=False)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
        )
        self._connect_timeout_s = connect_timeout_s
        self._final = final

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        """A request without httpx's merging of defaults."""
        timeout = options.get("timeout")
        timeout_s = timeout.read if isinstance(timeout, httpx.Timeout) else timeout
        return httpx.Request(
            method,
            url,
            headers=options.get("headers"),
            content=options.get("content"),
            extensions={"timeout_s": timeout_s},
        )

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """Send once. Raises `httpx.ConnectTimeout` and aiohttp's errors, which openai retries, and `final` errors,
        which it does not: the deadline of the attempt passed, or the answer is too large."""
        trail = TRAIL.get()
        try:
            answer = await self._exchange(request, stream=stream)
        except aiohttp.ConnectionTimeoutError as error:
            _note(trail, error)
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except (TimeoutError, TooLargeError) as error:
            _note(trail, error)
            raise self._final(request, error) from error
        except Exception as error:
            _note(trail, error)
            raise
        if answer.status_code >= 300 and trail is not None:
            trail.append(f"HTTP {answer.status_code}")
        return answer

    async def _exchange(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        timeout_s = request.extensions["timeout_s"]
        content = request.content
        answer = await self._session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw],
            data=content if len(content) < LARGE_REQUEST_BYTES else io.BytesIO(content),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=None if stream else timeout_s,
                connect=timeout_s,
                sock_read=timeout_s,
                sock_connect=self._connect_timeout_s,
            ),
        )
        headers = [(k, v) for k, v in answer.raw_headers if k.lower() != b"content-encoding"]
        body = Body(answer)
        if stream:
            return httpx.Response(answer.status, headers=headers, stream=body, request=request)
        try:
            content = b"".join([part async for part in body])
        finally:
            await body.aclose()
        return httpx.Response(answer.status, headers=headers, content=content, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()
        await super().aclose()


class Body(httpx.AsyncByteStream):
    """An answer's bytes as they come, decompressed, up to the limit."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._answer.content.iter_any():
            size += len(part)
            if size > MAX_BODY_BYTES:
                raise TooLargeError
            yield part

    async def aclose(self) -> None:
        self._answer.release()  # closes the connection unless the body was read to its end


def _note(trail: list[str] | None, error: Exception) -> None:
    if trail is not None:
        trail.append(type(error).__name__)
