"""CPU time of one upstream call, step by step, so that a slow step shows: `python benchmarks/upstream_cost.py`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import openai
import orjson
import peers
import subjects
import uvloop
from rich.console import Console
from rich.table import Table

from wardround.agents.ports import ModelCall
from wardround.middleware.upstream import Upstream, UpstreamConfig

CALLS = 1000
BODY = {"model": "bench", "messages": [{"role": "user", "content": "How can I lower my blood pressure? " * 10}]}
JSON = {"Content-Type": "application/json"}


async def cost_ms(call: Callable[[], Awaitable[object]]) -> float:
    """CPU milliseconds of this process for one call."""
    for _ in range(100):
        await call()
    begun = time.process_time()
    for _ in range(CALLS):
        await call()
    return (time.process_time() - begun) / CALLS * 1000


async def measure(base_url: str) -> dict[str, float]:
    """Each step adds one layer to the one before."""
    url = f"{base_url}/chat/completions"
    upstream = Upstream(UpstreamConfig(base_url=base_url, api_key="k"))
    made = ModelCall(BODY, (), 60.0, 2, {"traceparent": "00-ab-cd-01"})
    async with (
        aiohttp.ClientSession() as session,
        openai.DefaultAioHttpClient(trust_env=False) as http,
        openai.AsyncOpenAI(base_url=base_url, api_key="k", http_client=http) as client,
    ):

        async def bare() -> object:
            async with session.post(url, data=orjson.dumps(BODY), headers=JSON) as answer:
                return orjson.loads(await answer.read())

        async def through_httpx() -> object:
            return orjson.loads((await http.post(url, content=orjson.dumps(BODY), headers=JSON)).content)

        async def through_openai() -> object:
            return (await client.post(url, content=orjson.dumps(BODY), cast_to=httpx.Response)).content

        async def as_usual() -> object:
            return await client.chat.completions.create(**BODY)  # type: ignore[call-overload]

        async def ours() -> object:
            return await upstream.complete(made)

        steps = {
            "bare aiohttp": bare,
            "httpx over aiohttp": through_httpx,
            "openai client, raw, over that": through_openai,
            "openai client with its models": as_usual,
            "Upstream.complete": ours,
        }
        costs = {name: await cost_ms(step) for name, step in steps.items()}
        await upstream.aclose()
    return costs


def main() -> None:
    """Start an upstream without delay, measure, print."""
    port = subjects.free_port()
    command = (sys.executable, str(peers.HERE / "upstream_server.py"), str(port))
    with subprocess.Popen(command) as server:  # noqa: S603
        try:
            asyncio.run(_ready(f"http://127.0.0.1:{port}"))
            costs = uvloop.run(measure(f"http://127.0.0.1:{port}/v1"))
        finally:
            server.terminate()
    table = Table("step", "CPU ms a call")
    for name, cost in costs.items():
        table.add_row(name, f"{cost:.3f}")
    Console().print(table)


async def _ready(url: str) -> None:
    for _ in range(500):
        try:
            subjects.get_json(f"{url}/set", {"delay_s": 0})
        except OSError:
            await asyncio.sleep(0.02)
        else:
            return
    raise RuntimeError("the benchmark's upstream did not start")


if __name__ == "__main__":
    main()
