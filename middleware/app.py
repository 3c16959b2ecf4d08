"""The proxy: routes, limits, errors. What happens to a request between them lives in `rounds`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from wardround.policies.errors import InputError, UpstreamError, WardroundError

from .auth import AuthError, Caller, authenticate
from .rounds import Incoming
from .service import Service
from .wire import chat
from .wire.errors import describe, error_body, respond
from .wire.stream import StreamSink

JSON = "application/json"


class TooLarge(InputError):
    """The body is longer than the operator allows."""


class Proxy:
    """The HTTP face of a running service."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.draining = False

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat_completions, methods=["POST"]),
                Route("/v1/models", self.models, methods=["GET"]),
                Route("/v1/models/{model:path}", self.models, methods=["GET"]),
                Route("/v1/embeddings", self.embeddings, methods=["POST"]),
                Route("/v1/rounds/{round_id}", self.round, methods=["GET"]),
                Route("/healthz", self.healthz, methods=["GET"]),
                Route("/readyz", self.readyz, methods=["GET"]),
                Route("/metrics", self.metrics, methods=["GET"]),
            ],
            exception_handlers={404: _not_found, 405: _not_found},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncGenerator[None]:
        await self.service.start()
        try:
            yield
        finally:
            self.draining = True
            await self.service.stop()

    async def chat_completions(self, request: Request) -> Response:
        """`POST /v1/chat/completions`."""
        try:
            incoming, wants_stream = await self._incoming(request)
        except ClientDisconnect:
            return Response(status_code=499)
        except AuthError as error:
            return _unauthorized(error)
        except TooLarge as error:
            return _json(413, error_body(str(error), "invalid_request_error", "request_too_large"))
        except WardroundError as error:
            return respond(error)
        if self.draining or not self.service.rounds.has_room:
            busy = error_body("the proxy is at its limit of rounds in flight", "server_error", "overloaded")
            return _json(503, busy, {"retry-after": "1"})
        if wants_stream:
            return await self._streamed(incoming)
        return await self._whole(request, incoming)

    async def _incoming(self, request: Request) -> tuple[Incoming, bool]:
        settings = self.service.settings
        caller = await authenticate(request.headers, settings, self.service.keys)
        body = parse_object(await _body(request, settings.max_body_bytes))
        parsed, fields, upstream_body = chat.parse(body)
        incoming = Incoming(
            request=parsed,
            body=upstream_body,
            application=caller.application,
            policy=self.service.policy_name(caller, fields.policy),
            wait_s=min(fields.wait_seconds, settings.max_wait_s),
            model=str(body.get("model") or ""),
            headers=self._headers(request, caller),
        )
        return incoming, bool(body.get("stream"))

    def _headers(self, request: Request, caller: Caller) -> Mapping[str, str]:
        kept = {k: request.headers[k] for k in ("traceparent", "tracestate", "baggage") if k in request.headers}
        if caller.upstream_authorization and self.service.settings.upstream_api_key is None:
            kept["authorization"] = caller.upstream_authorization
        return kept

    async def _whole(self, request: Request, incoming: Incoming) -> Response:
        run = self.service.rounds.run(incoming)
        try:
            closed = await _unless_gone(request, asyncio.ensure_future(run)) if incoming.wait_s else await run
        except ClientDisconnect:
            return Response(status_code=499)
        except WardroundError as error:
            return respond(error, {chat.HEADER: incoming.round_id})
        except Exception as error:  # noqa: BLE001 - the last line of defence: nothing unchecked, a clear error
            self.service.log_failure(incoming.round_id, error)
            return respond(error, {chat.HEADER: incoming.round_id})
        return Response(orjson.dumps(chat.render(closed)), 200, {chat.HEADER: closed.round_id}, media_type=JSON)

    async def _streamed(self, incoming: Incoming) -> Response:
        rounds = self.service.rounds
        sink = StreamSink(rounds.recorder(incoming), self.service.settings.keepalive_s)
        task = asyncio.ensure_future(self._drive(incoming, sink))
        try:
            first = await sink.first_or_error(task)
        except WardroundError as error:
            return respond(error, {chat.HEADER: incoming.round_id})
        except Exception as error:  # noqa: BLE001 - as for a whole answer
            self.service.log_failure(incoming.round_id, error)
            return respond(error, {chat.HEADER: incoming.round_id})
        headers = {chat.HEADER: incoming.round_id, "cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(_frames(first, sink, task), 200, headers, media_type="text/event-stream")

    async def _drive(self, incoming: Incoming, sink: StreamSink) -> None:
        try:
            closed = await self.service.rounds.run(incoming, sink)
        except Exception as error:
            if not sink.begun:
                raise
            if not isinstance(error, WardroundError):
                self.service.log_failure(incoming.round_id, error)
            sink.fail(_stream_error(error))
            return
        sink.end(closed)

    async def models(self, request: Request) -> Response:
        """`GET /v1/models`, passed through."""
        return await self._passed(request, "GET")

    async def embeddings(self, request: Request) -> Response:
        """`POST /v1/embeddings`, passed through."""
        return await self._passed(request, "POST")

    async def _passed(self, request: Request, method: str) -> Response:
        settings, upstream = self.service.settings, self.service.upstream
        try:
            caller = await authenticate(request.headers, settings, self.service.keys)
            body = await _body(request, settings.max_body_bytes) if method == "POST" else None
            if settings.upstream_url is None:
                if method == "GET":
                    return _json(200, {"object": "list", "data": []})
                raise UpstreamError("no upstream is configured: set upstream_url", status=501)
            path, passed = request.url.path.removeprefix("/v1"), self._headers(request, caller)
            if body is None:
                answer = await upstream.get(path, passed)
            else:
                answer = await upstream.post_raw(path, body, passed)
        except AuthError as error:
            return _unauthorized(error)
        except WardroundError as error:
            return respond(error)
        kind = answer.headers.get("content-type", JSON)
        return Response(answer.body, answer.status, {"content-type": kind})

    async def round(self, request: Request) -> Response:
        """`GET /v1/rounds/{id}`: where a round stands, and its answer once released."""
        try:
            caller = await authenticate(request.headers, self.service.settings, self.service.keys)
            found = await self.service.rounds.lookup(request.path_params["round_id"], caller.application)
        except AuthError as error:
            return _unauthorized(error)
        except WardroundError as error:
            return respond(error)
        if found is None:
            return _json(404, error_body("no such round", "invalid_request_error", "not_found"))
        return Response(orjson.dumps(found), 200, {chat.HEADER: found["round_id"]}, media_type=JSON)

    async def healthz(self, _request: Request) -> Response:
        """The process lives."""
        return _json(200, {"status": "ok"})

    async def readyz(self, _request: Request) -> Response:
        """Whether requests can be served, and what stands in the way."""
        problems = await self.service.problems()
        fatal = self.draining or any(p.fatal for p in problems)
        shown = [p.text for p in problems] + (["draining"] if self.draining else [])
        return _json(503 if fatal else 200, {"status": "unready" if fatal else "ready", "problems": shown})

    async def metrics(self, _request: Request) -> Response:
        """Prometheus metrics."""
        return Response(self.service.telemetry.metrics.render(), 200, media_type="text/plain; version=0.0.4")


def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object from the wire. Raises `InputError`."""
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is not valid JSON: {error.msg} at line {error.lineno}") from error
    if not isinstance(body, dict):
        raise InputError("the body must be a JSON object")
    return cast(dict[str, Any], body)


async def _body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "0")
    pieces: list[bytes] = []
    size = int(declared) if declared.isdigit() else 0
    if size <= limit:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                break
            pieces.append(piece)
    if size > limit:
        raise TooLarge(f"the request body is larger than {limit:,} bytes")
    return b"".join(pieces)


async def _unless_gone(request: Request, task: asyncio.Task[Any]) -> Any:
    """Wait for a round, but let it be when the client hangs up: a held round goes on without its caller."""
    while not task.done():
        await asyncio.wait({task}, timeout=0.5)
        if not task.done() and await request.is_disconnected():
            task.add_done_callback(lambda t: t.exception())
            raise ClientDisconnect
    return task.result()


async def _frames(first: bytes | None, sink: StreamSink, task: asyncio.Task[None]) -> AsyncIterator[bytes]:
    try:
        if first is not None:
            yield first
            async for item in sink.frames():
                yield item
    finally:
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _stream_error(error: Exception) -> dict[str, Any]:
    return describe(error)[1]


def _unauthorized(error: AuthError) -> Response:
    return _json(401, error_body(str(error), "authentication_error", "invalid_api_key"))


def _json(status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type=JSON)


async def _not_found(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    text = "no such route" if status == 404 else f"{request.method} is not allowed here"
    return _json(status, error_body(f"{text}: {request.url.path}", "invalid_request_error", "not_found"))
