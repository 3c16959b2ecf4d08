"""A scripted upstream and a proxy, each a real server on a free loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from wardround.agents.ports import Report, Specialist
from wardround.middleware.app import Proxy
from wardround.middleware.service import Service
from wardround.middleware.settings import Settings
from wardround.policies.finding import Finding, FindingKind, Severity, Span
from wardround.policies.request import Case

Reply = Mapping[str, Any]


class Server:
    """A uvicorn server in a thread of its own."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="on", timeout_graceful_shutdown=5)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> str:
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert self._thread.is_alive(), "the server ended while starting"
            assert time.monotonic() < deadline, "the server did not start"
            self._thread.join(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)


@dataclass
class Upstream:
    """Answers with what the test scripts, and keeps what it was asked."""

    answer: Callable[[Mapping[str, Any]], str] = lambda body: str(body["messages"][-1]["content"])
    """Text of the answer to a body."""
    message: Callable[[Mapping[str, Any]], Reply] | None = None
    """The whole message instead, for tool calls."""
    status: int = 200
    error: Reply | None = None
    stall: bool = False
    seed: int | None = None
    """Cuts the streamed bytes at random places."""
    token_s: float = 0.0
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    url: str = ""

    async def chat(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        if self.stall:
            await asyncio.Event().wait()
        if self.error is not None:
            return JSONResponse(self.error, self.status, {"retry-after": "0"})
        message = dict(self.message(body)) if self.message else {"role": "assistant", "content": self.answer(body)}
        if body.get("stream"):
            return StreamingResponse(self._bytes(body, message), media_type="text/event-stream")
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        choices: list[dict[str, Any]] = [
            {"index": i, "message": message, "finish_reason": finish, "logprobs": {"content": [], "vendor": i}}
            for i in range(body.get("n") or 1)
        ]
        return JSONResponse({**_ENVELOPE, "object": "chat.completion", "choices": choices, "vendor_field": {"a": [1]}})

    async def _bytes(self, body: Mapping[str, Any], message: Mapping[str, Any]) -> AsyncIterator[bytes]:
        frames = b"".join(_frames(body, message))
        if self.seed is None and not self.token_s:
            yield frames
            return
        cuts = random.Random(f"{self.seed}{message}")  # noqa: S311 - where a test cuts bytes
        at = 0
        while at < len(frames):
            end = at + cuts.randint(1, 60)
            yield frames[at:end]
            at = end
            await asyncio.sleep(self.token_s)

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "scripted", "object": "model", "vendor": True}]})


_ENVELOPE = {
    "id": "chatcmpl-upstream",
    "created": 1700000000,
    "model": "scripted",
    "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
}


def _frames(body: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[bytes]:
    base = {**_ENVELOPE, "object": "chat.completion.chunk", "usage": None, "vendor_field": 7}
    for index in range(body.get("n") or 1):
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        text = message.get("content") or ""
        deltas += [{"content": text[i : i + 5]} for i in range(0, len(text), 5)]
        for position, call in enumerate(message.get("tool_calls") or ()):
            arguments = call["function"]["arguments"]
            deltas.append(
                {"tool_calls": [{"index": position, **call, "function": {**call["function"], "arguments": ""}}]}
            )
            for i in range(0, len(arguments), 6):
                part = {"index": position, "function": {"arguments": arguments[i : i + 6]}}
                deltas.append({"tool_calls": [part]})
        for delta in deltas:
            yield _event({**base, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        yield _event({**base, "choices": [{"index": index, "delta": {}, "finish_reason": finish}]})
    options: dict[str, Any] = body.get("stream_options") or {}
    if options.get("include_usage"):
        yield _event({**base, "choices": [], "usage": _ENVELOPE["usage"]})
    yield b"data: [DONE]\n\n"


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


class Watcher:
    """A specialist for tests: finds the words it is told, as the finding it is told."""

    def __init__(self, name: str, *words: tuple[str, FindingKind, Severity]) -> None:
        self.name = name
        self.words = words
        self.failing: BaseException | None = None
        self.stalling = False

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        return Report(findings=self._found("request", case.request.text, "request:"), channels=("request",))

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        if self.failing is not None:
            raise self.failing
        if self.stalling:
            await asyncio.Event().wait()
        texts = [
            (case.draft_channel, case.draft or ""),
            *((f"tool_call[{c.id}]", c.arguments) for c in case.tool_calls),
        ]
        found = tuple(f for channel, text in texts for f in self._found(channel, text, ""))
        return Report(findings=found, channels=tuple(c for c, _ in texts))

    def _found(self, channel: str, text: str, prefix: str) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                agent=self.name,
                kind=kind,
                subjects=(word.lower(),),
                severity=severity,
                message=f"The text says {kind}.",
                span=Span(channel=channel, start=at, end=at + len(word)),
            )
            for word, kind, severity in self.words
            if (at := text.find(prefix + word)) >= 0
        )


def watchers() -> tuple[Watcher, Watcher, Watcher]:
    """Three specialists that notice marker words, one for each way a round can go."""
    return (
        Watcher(
            "knowledge",
            ("WRONG", FindingKind.CLAIM_CONTRADICTED, Severity.MAJOR),
            ("UNSURE", FindingKind.CLAIM_UNSUPPORTED, Severity.MODERATE),
        ),
        Watcher("interactions", ("NITRATE", FindingKind.INTERACTION, Severity.CONTRAINDICATED)),
        Watcher(
            "safety",
            ("555-0100", FindingKind.PHI, Severity.MAJOR),
            ("POISON", FindingKind.HARMFUL_REQUEST, Severity.MAJOR),
            ("DESPAIR", FindingKind.CRISIS, Severity.MAJOR),
        ),
    )


@pytest.fixture
def watching() -> tuple[Watcher, Watcher, Watcher]:
    """The three watchers, for tests that open a service or make one of them fail."""
    return watchers()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves ASGI applications on free ports until the test ends."""
    with contextlib.ExitStack() as stack:

        def start(app: Any) -> str:
            server = Server(app)
            url = server.start()
            stack.callback(server.stop)
            return url

        yield start


@pytest.fixture
def upstream(serve: Callable[[Any], str]) -> Upstream:
    """A scripted upstream; `url` is its base URL."""
    scripted = Upstream()
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", scripted.chat, methods=["POST"]),
            Route("/v1/models", scripted.models),
        ]
    )
    scripted.url = serve(app) + "/v1"
    return scripted


Start = Callable[..., str]


@pytest.fixture
def start_proxy(database_url: str, serve: Callable[[Any], str]) -> Start:
    """Starts a proxy on this module's database; returns its base URL."""

    def start(*, specialists: tuple[Specialist, ...] | None = None, **settings: Any) -> str:
        given: dict[str, Any] = {"database_url": SecretStr(database_url), "drain_s": 2.0, **settings}
        return serve(Proxy(Service(Settings(**given), specialists=specialists or watchers())).app()) + "/v1"

    return start
