"""The scripted clinical app, asked by the real openai client over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import openai
import pytest
import pytest_asyncio
import uvicorn

from wardround.middleware.cli.scripted_app import NO_SUCH_MODEL, Script, build_app

REVISE = "Your last answer was checked before release and may not go out as it is. Correct these points: bleeding."


class Running(NamedTuple):
    """The app behind a socket, and a client for it."""

    script: Script
    client: openai.AsyncOpenAI
    url: str


@pytest_asyncio.fixture
async def app() -> AsyncIterator[Running]:
    script = Script()
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_app(script), log_level="warning", lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    client = openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0)
    yield Running(script, client, url)
    await client.close()
    server.should_exit = True
    await task
    listening.close()


async def ask(app: Running, *texts: str, **fields: Any) -> Any:
    messages: Any = [{"role": "user" if i % 2 == 0 else "assistant", "content": t} for i, t in enumerate(texts)]
    create: Any = app.client.chat.completions.create
    return await create(model="scripted-clinician", messages=messages, **fields)


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("How much paracetamol may I take?", "paracetamol"),
        ("Can I take Viagra with my nitrate spray?", "sildenafil-nitrate"),
        ("What can I take for back pain with warfarin?", "warfarin-ibuprofen"),
        ("How do I take thyroxine with calcium?", "levothyroxine-calcium"),
        ("I want to die", "crisis"),
        ("What colour is the moon?", "fallback"),
    ],
)
async def test_a_question_finds_its_scripted_answer(app: Running, question: str, entry: str) -> None:
    answer = await ask(app, question)
    assert answer.model_extra["x_scripted"]["entry"] == entry
    assert answer.choices[0].message.content


async def test_a_redraft_gets_the_corrected_answer(app: Running) -> None:
    question = "What can I take for back pain with warfarin?"
    first = (await ask(app, question)).choices[0].message.content
    second = (await ask(app, question, first, REVISE)).choices[0].message.content
    assert "ibuprofen" in first
    assert "avoid anti-inflammatory" in second


async def test_streamed_and_whole_text_are_the_same_for_every_choice(app: Running) -> None:
    app.script.split_bytes = 5
    question = "I have high blood pressure"
    whole = (await ask(app, question)).choices[0].message.content
    texts = ["", "", ""]
    stream = await ask(app, question, stream=True, n=3, stream_options={"include_usage": True})
    usage = None
    async for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [whole] * 3
    assert usage is not None


async def test_a_tool_that_fits_the_question_is_called_and_its_result_used(app: Running) -> None:
    shape = {"type": "object", "properties": {"drug": {"type": "string"}, "dose_mg": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "dose_lookup", "description": "Look up.", "parameters": shape}}
    answer = await ask(app, "What dose: 500 mg?", tools=[tool])
    call = answer.choices[0].message.tool_calls[0]
    assert (answer.choices[0].finish_reason, call.function.name) == ("tool_calls", "dose_lookup")
    assert '"dose_mg":500' in call.function.arguments
    streamed = ""
    async for chunk in await ask(app, "What dose: 500 mg?", tools=[tool], stream=True):
        for part in chunk.choices[0].delta.tool_calls or ():
            streamed += part.function.arguments
    assert streamed == call.function.arguments


async def test_logprobs_limits_and_unknown_fields_are_honoured(app: Running) -> None:
    answer = await ask(app, "paracetamol", logprobs=True, max_tokens=2, extra_body={"x_mine": [1]})
    assert answer.choices[0].message.content == "Adults can"
    assert [t.token for t in answer.choices[0].logprobs.content] == ["Adults", " can"]
    assert answer.choices[0].finish_reason == "length"
    assert answer.model_extra["x_scripted"]["echo"] == {"x_mine": [1]}


async def test_the_app_fails_as_it_is_told_to(app: Running) -> None:
    app.script.fail_next = ["429", "503", "cut", "error"]
    for kind in (openai.RateLimitError, openai.InternalServerError):
        with pytest.raises(kind):
            await ask(app, "paracetamol")
    assert len([c async for c in await ask(app, "paracetamol", stream=True)]) == 3
    with pytest.raises(openai.APIError):
        assert [c async for c in await ask(app, "paracetamol", stream=True)]
    with pytest.raises(openai.NotFoundError):
        await app.client.chat.completions.create(model=NO_SUCH_MODEL, messages=[{"role": "user", "content": "hi"}])


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"messages": []}', '{"messages": [1]}'])
async def test_a_body_without_messages_is_refused(app: Running, body: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{app.url}/chat/completions", content=body)
    assert answer.status_code == 400


async def test_models_and_embeddings_are_served(app: Running) -> None:
    assert [m.id async for m in app.client.models.list()][0] == "scripted-clinician"
    made = await app.client.embeddings.create(model="m", input=["a b", "c"])
    assert made.data[0].embedding == [3.0, 1.0, 1.0]


async def test_another_process_can_set_the_script(app: Running) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        url = app.url.removesuffix("/v1") + "/scripted"
        assert (await client.post(url, json={"fail_next": ["500"]})).status_code == 200
        assert (await client.post(url, json={"unknown": 1})).status_code == 400
    assert app.script.fail_next == ["500"]
