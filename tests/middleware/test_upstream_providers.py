"""The litellm path, against a loopback server that speaks a provider's API: fields, errors, streams, secrets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from wardround.agents.ports import ModelCall
from wardround.middleware.upstream import Upstream, UpstreamConfig
from wardround.policies.errors import UpstreamError

pytestmark = pytest.mark.filterwarnings("ignore:Item .* `ReadOnly`:UserWarning")  # litellm's own types


class Provider:
    """A provider whose answer depends on the last message: `429`, `400`, `break`, `vanish`, or anything else."""

    def __init__(self) -> None:
        self.bodies: list[Mapping[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.limited = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        asked = body["messages"][-1]["content"]
        if asked == "429" and not self.limited:
            self.limited = True
            return web.json_response({"error": {"message": "slow down"}}, status=429, headers={"retry-after": "0.01"})
        if asked == "400":
            return web.json_response({"error": {"message": "bad field"}}, status=400)
        return await self.stream(request, asked) if body.get("stream") else web.json_response(self.whole())

    @staticmethod
    def whole() -> Mapping[str, Any]:
        """A whole answer with a tool call."""
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}

    @staticmethod
    async def stream(request: web.Request, asked: str) -> web.StreamResponse:
        """Two words, and an end that depends on what was asked."""
        stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await stream.prepare(request)
        ends: tuple[tuple[dict[str, str], str | None], ...] = () if asked == "vanish" else (({}, "stop"),)
        for delta, finish in (({"role": "assistant", "content": "one "}, None), ({"content": "two"}, None), *ends):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            await stream.write(f"data: {json.dumps(chunk)}\n\n".encode())
            if asked == "break" and request.transport is not None:
                request.transport.close()
        if asked != "vanish":
            await stream.write(b"data: [DONE]\n\n")
        return stream


@pytest_asyncio.fixture
async def provider(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    played = Provider()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", played.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "sk-provider")
    yield played
    await runner.cleanup()


def call(text: str, retries: int = 0, **fields: object) -> ModelCall:
    body = {"model": "ours", "messages": [{"role": "user", "content": text}], **fields}
    headers = {"authorization": "Bearer theirs", "traceparent": "00-ab-cd-01"}
    return ModelCall(body, ("hosted_vllm/m",), 5, retries, headers)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream(UpstreamConfig(forward_authorization=True))


async def test_a_provider_gets_every_field_and_none_of_the_clients_keys(provider: Provider, upstream: Upstream) -> None:
    answer = await upstream.complete(call("hi", temperature=0.5, x_field={"a": 1}))
    assert answer.model == "hosted_vllm/m"
    assert answer.body["choices"][0]["message"]["content"] is None
    assert answer.body["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
    assert provider.bodies == [
        {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5, "x_field": {"a": 1}}
    ]
    assert provider.headers[0]["Authorization"] == "Bearer sk-provider"
    assert provider.headers[0]["traceparent"] == "00-ab-cd-01"


async def test_a_client_cannot_send_the_prompt_elsewhere(provider: Provider, upstream: Upstream) -> None:
    elsewhere = "http://127.0.0.1:1/v1"
    await upstream.complete(call("hi", api_base=elsewhere, base_url=elsewhere, api_key="x", mock_response="no"))
    assert len(provider.bodies) == 1
    assert provider.headers[0]["Authorization"] == "Bearer sk-provider"


async def test_a_limited_provider_is_asked_again_after_the_time_it_names(
    provider: Provider, upstream: Upstream
) -> None:
    answer = await upstream.complete(call("429", retries=1))
    assert answer.attempts == ("hosted_vllm/m: RateLimitError",)
    assert len(provider.bodies) == 2


async def test_a_providers_error_keeps_its_status_and_says_why(provider: Provider, upstream: Upstream) -> None:
    with pytest.raises(UpstreamError) as caught:
        await upstream.complete(call("400", retries=3))
    assert caught.value.status == 400
    assert b"bad field" in (caught.value.body or b"")
    assert "bad field" not in str(caught.value)
    assert len(provider.bodies) == 1


async def test_a_provider_that_cannot_be_reached_is_a_502(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> None:
    monkeypatch.setenv("HOSTED_VLLM_API_BASE", "http://127.0.0.1:1/v1")
    with pytest.raises(UpstreamError) as caught:
        await upstream.complete(call("hi"))
    assert (caught.value.status, caught.value.body) == (502, None)


async def test_a_providers_stream_comes_as_plain_chunks(provider: Provider, upstream: Upstream) -> None:
    stream = await upstream.stream(call("hi"))
    chunks = [c async for c in stream]
    await stream.aclose()
    assert [c["choices"][0]["delta"].get("content", "") for c in chunks] == ["one ", "two", ""]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert provider.bodies[0]["stream"] is True


@pytest.mark.parametrize("how", ["vanish", "break"])
async def test_a_providers_stream_that_breaks_off_is_an_error(provider: Provider, upstream: Upstream, how: str) -> None:
    stream = await upstream.stream(call(how))
    finishes: list[object] = []
    with pytest.raises(UpstreamError):
        async for chunk in stream:
            finishes += [c.get("finish_reason") for c in chunk["choices"]]
    await stream.aclose()
    assert not any(finishes)
    assert provider.bodies
