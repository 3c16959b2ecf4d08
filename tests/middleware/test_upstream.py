"""The openai path against a real HTTP server on loopback: what is sent, retried, passed on and refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from wardround.agents.ports import ModelCall
from wardround.middleware import upstream_http
from wardround.middleware.upstream import Upstream, UpstreamConfig
from wardround.policies.errors import InputError, UpstreamError

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]
ANSWER = {
    "id": "a1",
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hälfte"}, "finish_reason": "stop"}],
    "x_unknown": {"kept": [1, None]},
}


class Server:
    """An upstream that answers each request with the next reply of its script, the last one for ever."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        data = await request.read()
        self.bodies.append(orjson.loads(data) if data else {})
        self.headers.append(dict(request.headers))
        self.paths.append(request.path_qs)
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await reply(request)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    scripted = Server()
    app = web.Application(client_max_size=64_000_000)
    app.router.add_route("*", "/{path:.*}", scripted.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield scripted
    await runner.cleanup()


@pytest_asyncio.fixture
async def upstream(server: Server) -> AsyncIterator[Upstream]:
    opened = Upstream(UpstreamConfig(base_url=server.url, api_key="sk-own"))
    yield opened
    await opened.aclose()


def call(*models: str, retries: int = 0, timeout_s: float = 5.0, headers: Mapping[str, str] | None = None) -> ModelCall:
    body = {"model": "m", "messages": [{"role": "user", "content": "?"}], "x_field": {"deep": [1.5]}}
    return ModelCall(body, models, timeout_s, retries, headers or {})


def json_reply(body: object, status: int = 200, **headers: str) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        shown = {k.replace("_", "-"): v for k, v in headers.items()}
        return web.Response(body=data, status=status, content_type="application/json", headers=shown)

    return reply


async def lost(request: web.Request) -> web.StreamResponse:
    """The connection breaks before any byte of the answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def sse_reply(*parts: bytes, cut: bool = False) -> Reply:
    async def reply(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await stream.prepare(request)
        for part in parts:
            await stream.write(part)
        if cut:
            assert request.transport is not None
            request.transport.close()
        return stream

    return reply


def delta(text: str, finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return b"data: " + orjson.dumps({"id": "s", "choices": [choice], "x": 1}) + b"\n\n"


DONE = b"data: [DONE]\n\n"


async def read(upstream: Upstream, made: ModelCall) -> list[Mapping[str, Any]]:
    stream = await upstream.stream(made)
    try:
        return [chunk async for chunk in stream]
    finally:
        await stream.aclose()


async def test_a_whole_answer_and_its_request_keep_unknown_fields(server: Server, upstream: Upstream) -> None:
    server.script = [json_reply(ANSWER)]
    answer = await upstream.complete(call(headers={"traceparent": "00-ab-cd-01", "Host": "elsewhere"}))
    assert (answer.body, answer.model, answer.attempts) == (ANSWER, "m", ())
    assert server.bodies == [call().body]
    assert server.paths == ["/v1/chat/completions"]
    sent = server.headers[0]
    assert sent["Authorization"] == "Bearer sk-own"
    assert sent["traceparent"] == "00-ab-cd-01"
    assert sent["Host"] != "elsewhere"


@pytest.mark.parametrize(
    ("api_key", "forward", "expected"),
    [
        ("sk-own", False, "Bearer sk-own"),
        ("sk-own", True, "Bearer theirs"),
        (None, True, "Bearer theirs"),
        (None, False, None),
    ],
)
async def test_the_operator_decides_whose_key_is_sent(
    server: Server, api_key: str | None, forward: bool, expected: str | None
) -> None:
    server.script = [json_reply(ANSWER)]
    upstream = Upstream(UpstreamConfig(server.url, api_key, forward))
    await upstream.complete(call(headers={"authorization": "Bearer theirs"}))
    await upstream.get("/models", {"authorization": "Bearer theirs"})
    await upstream.aclose()
    assert [h.get("Authorization") for h in server.headers] == [expected, expected]


@pytest.mark.parametrize(
    ("models", "sent"),
    [(("other",), "other"), (("openai/gpt-x",), "gpt-x"), (("openai/org/name",), "org/name"), ((), "m")],
)
async def test_a_named_model_replaces_the_one_of_the_body(
    server: Server, upstream: Upstream, models: tuple[str, ...], sent: str
) -> None:
    server.script = [json_reply(ANSWER)]
    answer = await upstream.complete(call(*models))
    assert server.bodies[0]["model"] == sent
    assert answer.model == (models[0] if models else "m")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_overloaded_upstream_is_asked_again_after_the_time_it_names(
    server: Server, upstream: Upstream, status: int
) -> None:
    server.script = [json_reply({"error": {}}, status, Retry_After="0.01"), json_reply(ANSWER)]
    answer = await upstream.complete(call(retries=1))
    assert answer.attempts == (f"m: HTTP {status}",)
    assert len(server.bodies) == 2


async def test_a_lost_connection_is_retried(server: Server, upstream: Upstream) -> None:
    server.script = [lost, json_reply(ANSWER)]
    answer = await upstream.complete(call(retries=1))
    assert answer.attempts == ("m: ServerDisconnectedError",)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 529])
async def test_an_error_comes_back_with_its_own_status_body_and_retry_after(
    server: Server, upstream: Upstream, status: int
) -> None:
    body = b'{"error": {"message":"no",  "odd": [1]}}'
    server.script = [json_reply(body, status, Retry_After="7")]
    for ask in (upstream.complete, upstream.stream):
        with pytest.raises(UpstreamError) as caught:
            await ask(call())
        assert (caught.value.status, caught.value.body, caught.value.retry_after) == (status, body, "7")


async def test_no_upstream_error_quotes_the_body_in_its_message_or_its_chain(
    server: Server, upstream: Upstream
) -> None:
    server.script = [json_reply({"error": {"message": "secret words"}}, 400)]
    with pytest.raises(UpstreamError) as caught:
        await upstream.complete(call())
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("status", [404, 408, 429, 500])
async def test_the_next_model_is_asked_when_one_is_missing_or_overloaded(
    server: Server, upstream: Upstream, status: int
) -> None:
    server.script = [json_reply({}, status), json_reply(ANSWER)]
    answer = await upstream.complete(call("first", "second"))
    assert answer.model == "second"
    assert answer.attempts == (f"first: HTTP {status}",)
    assert [b["model"] for b in server.bodies] == ["first", "second"]


@pytest.mark.parametrize("status", [400, 401, 422])
async def test_the_clients_own_error_does_not_fall_back(server: Server, upstream: Upstream, status: int) -> None:
    server.script = [json_reply({}, status), json_reply(ANSWER)]
    with pytest.raises(UpstreamError) as caught:
        await upstream.complete(call("first", "second"))
    assert caught.value.status == status
    assert len(server.bodies) == 1


async def test_a_stream_falls_back_before_its_first_chunk(server: Server, upstream: Upstream) -> None:
    server.script = [json_reply({}, 503), sse_reply(delta("a", "stop"), DONE)]
    stream = await upstream.stream(call("first", "second"))
    assert stream.model == "second"
    assert len([c async for c in stream]) == 1
    await stream.aclose()


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[1]", b"", b'{"choices": '])
async def test_an_answer_that_is_no_json_object_is_an_error(server: Server, upstream: Upstream, body: bytes) -> None:
    server.script = [json_reply(body)]
    with pytest.raises(UpstreamError) as caught:
        await upstream.complete(call())
    assert caught.value.status == 502


async def test_a_redirect_is_refused_and_not_followed(server: Server, upstream: Upstream) -> None:
    server.script = [json_reply({}, 307, Location="http://127.0.0.1:1/")]
    with pytest.raises(UpstreamError, match="redirects") as caught:
        await upstream.complete(call())
    assert caught.value.status == 502
    assert len(server.bodies) == 1


@pytest.mark.parametrize("headers_first", [True, False])
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_upstream_that_stalls_is_given_up_at_the_deadline_without_retries(
    server: Server, upstream: Upstream, headers_first: bool, streamed: bool
) -> None:
    given_up = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
        if headers_first:
            await stream.prepare(request)
            await stream.write(delta("a"))
        await given_up.wait()
        return stream

    server.script = [stall]
    made = call(retries=2, timeout_s=0.05)
    with pytest.raises(UpstreamError) as caught:
        await (read(upstream, made) if streamed else upstream.complete(made))
    given_up.set()
    assert caught.value.status == 504
    assert len(server.bodies) == 1


async def test_an_unreachable_upstream_is_a_502() -> None:
    upstream = Upstream(UpstreamConfig(base_url="http://127.0.0.1:1/v1"))
    for ask in (upstream.complete, upstream.stream):
        with pytest.raises(UpstreamError, match="cannot be reached") as caught:
            await ask(call())
        assert caught.value.status == 502
    with pytest.raises(UpstreamError):
        await upstream.get("/models")
    await upstream.aclose()


async def test_without_an_upstream_a_bare_model_names_the_setting_that_is_missing() -> None:
    with pytest.raises(UpstreamError, match="upstream_url"):
        await Upstream(UpstreamConfig()).get("/models")


async def test_an_answer_beyond_the_limit_is_refused_once(
    server: Server, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_http, "MAX_BODY_BYTES", 1000)
    server.script = [json_reply(b" " * 1001)]
    with pytest.raises(UpstreamError, match="too large"):
        await upstream.complete(call(retries=2))
    assert len(server.bodies) == 1
    server.script = [sse_reply(b": " + b"x" * 1001, DONE)]
    with pytest.raises(UpstreamError, match="too large"):
        await read(upstream, call())


async def test_a_large_request_is_sent_whole(server: Server, upstream: Upstream) -> None:
    server.script = [json_reply(ANSWER)]
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * 3_000_000}]}
    await upstream.complete(ModelCall(body, (), 5, 0))
    assert server.bodies == [body]


async def test_a_body_that_is_not_json_is_the_callers_error(upstream: Upstream) -> None:
    with pytest.raises(InputError):
        await upstream.complete(ModelCall({"model": "m", "x": object()}, (), 5, 0))


async def test_chunks_are_the_same_wherever_the_bytes_are_split(server: Server, upstream: Upstream) -> None:
    whole = b": hello\n\n" + delta("Fieber über 38,5 °C\r\n") + b"\r\n" + delta("", "stop") + DONE
    for size in (1, 2, 3, 7, len(whole)):
        server.script = [sse_reply(*(whole[i : i + size] for i in range(0, len(whole), size)))]
        chunks = await read(upstream, call())
        assert [c["choices"][0]["delta"]["content"] for c in chunks] == ["Fieber über 38,5 °C\r\n", ""]
        assert all(c["x"] == 1 for c in chunks)


@pytest.mark.parametrize(
    ("parts", "ends_well"),
    [
        ((delta("a"), DONE), True),
        ((delta("a"), delta("", "stop")), True),
        ((delta("a"), delta("", "stop"), delta("b", index=1)), False),
        ((delta("a"),), False),
        ((), False),
        ((b"data: {broken\n\n", DONE), False),
        ((b"data: 5\n\n", DONE), False),
    ],
)
async def test_a_stream_ends_well_only_when_it_says_so(
    server: Server, upstream: Upstream, parts: tuple[bytes, ...], ends_well: bool
) -> None:
    server.script = [sse_reply(*parts)]
    if ends_well:
        assert await read(upstream, call())
        return
    with pytest.raises(UpstreamError):
        await read(upstream, call())


async def test_a_connection_lost_in_a_stream_is_an_error(server: Server, upstream: Upstream) -> None:
    server.script = [sse_reply(delta("a"), cut=True)]
    with pytest.raises(UpstreamError) as caught:
        await read(upstream, call())
    assert caught.value.status == 502


async def test_an_error_event_in_a_stream_keeps_its_code_and_body(server: Server, upstream: Upstream) -> None:
    error = b'{"error": {"message": "gone", "code": 503}}'
    server.script = [sse_reply(delta("a"), b"data: " + error + b"\n\n")]
    with pytest.raises(UpstreamError) as caught:
        await read(upstream, call())
    assert (caught.value.status, caught.value.body) == (503, error)


async def test_an_answer_that_is_not_a_stream_is_an_error(server: Server, upstream: Upstream) -> None:
    server.script = [json_reply(ANSWER)]
    with pytest.raises(UpstreamError, match="stream of events"):
        await read(upstream, call())


async def test_closing_a_stream_stops_the_upstream(server: Server, upstream: Upstream) -> None:
    broken: list[BaseException] = []

    async def endless(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await stream.prepare(request)
        try:
            while True:
                await stream.write(delta("x" * 10_000))
        except (ConnectionError, aiohttp.ClientError) as error:
            broken.append(error)
        return stream

    server.script = [endless, json_reply(ANSWER)]
    stream = await upstream.stream(call())
    await anext(aiter(stream))
    await stream.aclose()
    await stream.aclose()
    await upstream.complete(call())
    assert broken


async def test_a_finished_stream_leaves_its_connection_for_the_next_call(server: Server, upstream: Upstream) -> None:
    ports: set[object] = set()

    async def noted(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return await sse_reply(delta("a", "stop"), DONE)(request)

    server.script = [noted]
    for _ in range(3):
        await read(upstream, call())
    assert len(ports) == 1


async def test_models_and_embeddings_pass_through_with_any_status(server: Server, upstream: Upstream) -> None:
    server.script = [json_reply(b'{"data":  []}', X_Kept="1"), json_reply(b"nope", 418)]
    listed = await upstream.get("/models?limit=2")
    assert (listed.status, listed.body, listed.headers["x-kept"]) == (200, b'{"data":  []}', "1")
    assert "content-length" not in listed.headers
    refused = await upstream.post_raw("/embeddings", b'{"input":"a"}', {"traceparent": "t"})
    assert (refused.status, refused.body) == (418, b"nope")
    assert server.paths == ["/v1/models?limit=2", "/v1/embeddings"]
    assert server.bodies[1] == {"input": "a"}
