"""The upstream of the benchmark: harmless answers after a set delay, whole or streamed, one process.

`POST /set` changes the delays; `GET /last_stream` says when the last stream's tokens left, on the system-wide
monotonic clock, so that a client on the same machine can tell how long they were under way.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from typing import Any

import orjson
import uvloop
from aiohttp import web

SENTENCES = (
    "High blood pressure rarely causes symptoms, so it is measured rather than felt.",
    "Less salt, regular walking and less alcohol help many people.",
    "Adults can usually take 500 mg of paracetamol every six hours for a short time.",
    "Metformin is best taken with meals, because that lessens stomach upset.",
    "Levothyroxine is taken on an empty stomach in the morning.",
    "A cold usually passes within ten days without any medicine.",
    "Drink enough water and rest as long as you have a fever.",
    "Measure at the same time of day, sitting, after five minutes of rest.",
    "Amlodipine can cause swollen ankles, which your doctor can do something about.",
    "Ask a pharmacist before you combine medicines from the shop with your own.",
    "Write the values down and bring them to your next visit.",
    "A balanced diet with vegetables, beans and whole grains is good for the heart.",
)
STREAMED = "Regular walking helps to lower high blood pressure a little. " + " ".join(SENTENCES[:3])
FIRST_SENTENCE = STREAMED.split(". ")[0] + "."


class State:
    """Delays, and the times of the last stream."""

    delay_s = 0.05
    token_s = 0.02
    last: dict[str, float] = {}
    count = itertools.count()


def _answer() -> bytes:
    n = next(State.count)
    text = " ".join(SENTENCES[(n * k + k) % len(SENTENCES)] for k in (1, 2, 3, 5))
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 20, "completion_tokens": 60, "total_tokens": 80}
    head = {"id": f"bench-{n}", "object": "chat.completion", "created": 1_700_000_000, "model": "bench"}
    return orjson.dumps({**head, "choices": [choice], "usage": usage})


async def _chat(request: web.Request) -> web.StreamResponse:
    body: dict[str, Any] = orjson.loads(await request.read())
    if State.delay_s:
        await asyncio.sleep(State.delay_s)
    if body.get("stream"):
        return await _stream(request)
    return web.Response(body=_answer(), content_type="application/json")


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    sent, times = "", {"first": time.monotonic()}
    for at, word in enumerate(STREAMED.split(" ")):
        token = word if at == 0 else f" {word}"
        sent += token
        if sent == FIRST_SENTENCE:
            times["first_sentence"] = time.monotonic()
        await response.write(_event({"role": "assistant", "content": token} if at == 0 else {"content": token}, None))
        await asyncio.sleep(State.token_s)
    times["last"] = time.monotonic()
    State.last = times
    await response.write(_event({}, "stop") + b"data: [DONE]\n\n")
    return response


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "bench", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "bench"}
    return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"


async def _set(request: web.Request) -> web.Response:
    wanted: dict[str, float] = orjson.loads(await request.read())
    State.delay_s, State.token_s = wanted["delay_s"], wanted.get("token_s", State.token_s)
    return web.json_response(wanted)


async def _last_stream(_: web.Request) -> web.Response:
    return web.json_response({**State.last, "text": FIRST_SENTENCE})


def main() -> None:
    """Serve on loopback at the port given."""
    app = web.Application()
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_post("/set", _set)
    app.router.add_get("/last_stream", _last_stream)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
