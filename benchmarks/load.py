"""The load generator, a process of its own: reads one JSON job a line, answers with one JSON result a line.

Jobs are bounded in time and in requests under way. `closed`: so many clients, each asks again at once. `open`: arrivals
of a Poisson process; a latency counts from the planned arrival, so that a queue shows. `stream`: one after the other.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from typing import Any

import aiohttp
import orjson
import uvloop

TIMEOUT_S = 15.0
MAX_UNDER_WAY = 600
"""Open loop: arrivals beyond this many waiting requests count as failed at once."""

Result = dict[str, Any]


class Tally:
    """What one job saw."""

    def __init__(self) -> None:
        self.latencies_s: list[float] = []
        self.errors: dict[str, int] = {}

    def fail(self, why: str) -> None:
        """One request that got no good answer."""
        self.errors[why] = self.errors.get(why, 0) + 1


async def ask(session: aiohttp.ClientSession, url: str, tally: Tally, number: int, since_s: float) -> None:
    """One request for a whole answer."""
    try:
        async with session.post(url, data=question(number), headers={"Content-Type": "application/json"}) as answer:
            await answer.read()
            if answer.status == 200:
                tally.latencies_s.append(time.monotonic() - since_s)
            else:
                tally.fail(str(answer.status))
    except (aiohttp.ClientError, TimeoutError) as error:
        tally.fail(type(error).__name__)


def question(number: int, **fields: object) -> bytes:
    """A chat body; each question is a little different, so that no cache answers."""
    text = f"Question {number}: how can I lower my blood pressure, and what helps against a cold?"
    return orjson.dumps({"model": "bench", "messages": [{"role": "user", "content": text}], **fields})


async def closed(session: aiohttp.ClientSession, job: Result) -> Result:
    """`concurrency` clients for `seconds`, or until `count` requests are done."""
    tally, begun = Tally(), time.monotonic()
    left = job.get("count") or 10**9

    async def client(number: int) -> None:
        nonlocal left
        while left > 0 and time.monotonic() - begun < job["seconds"]:
            left -= 1
            await ask(session, job["url"], tally, number * 1_000_000 + left, time.monotonic())

    await asyncio.gather(*(client(i) for i in range(job["concurrency"])))
    return {"latencies_s": tally.latencies_s, "errors": tally.errors, "seconds": time.monotonic() - begun}


async def open_loop(session: aiohttp.ClientSession, job: Result) -> Result:
    """Poisson arrivals at `rate` a second for `seconds`."""
    tally, chance = Tally(), random.Random(job["seed"])  # noqa: S311
    tasks: set[asyncio.Task[None]] = set()
    begun = time.monotonic()
    due, number = begun, 0
    while due - begun < job["seconds"]:
        due += chance.expovariate(job["rate"])
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        number += 1
        if len(tasks) >= MAX_UNDER_WAY:
            tally.fail("too many under way")
            continue
        task = asyncio.create_task(ask(session, job["url"], tally, number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return {"latencies_s": tally.latencies_s, "errors": tally.errors, "seconds": time.monotonic() - begun}


async def stream(session: aiohttp.ClientSession, job: Result) -> Result:
    """`count` streams; first text, and how long the first sentence's last token took from the upstream to here."""
    first_s: list[float] = []
    sentence_s: list[float] = []
    errors: dict[str, int] = {}
    for number in range(job["count"]):
        try:
            begun = time.monotonic()
            seen = await _read_stream(session, job, number)
            async with session.get(job["upstream"] + "/last_stream") as answer:
                left = orjson.loads(await answer.read())
            first_s.append(seen["first"] - begun)
            sentence_s.append(seen["first_sentence"] - left["first_sentence"])
        except (aiohttp.ClientError, TimeoutError, KeyError) as error:
            errors[type(error).__name__] = errors.get(type(error).__name__, 0) + 1
    return {"first_s": first_s, "sentence_s": sentence_s, "errors": errors}


async def _read_stream(session: aiohttp.ClientSession, job: Result, number: int) -> dict[str, float]:
    """When the first text and the end of the first sentence arrived."""
    seen: dict[str, float] = {}
    text, buffer = "", b""
    body = question(number, stream=True)
    async with session.post(job["url"], data=body, headers={"Content-Type": "application/json"}) as answer:
        async for part in answer.content.iter_any():
            buffer += part
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if line.startswith(b"data: {"):
                    choices = orjson.loads(line[6:]).get("choices") or [{}]
                    text += (choices[0].get("delta") or {}).get("content") or ""
            if text:
                seen.setdefault("first", time.monotonic())
            if text.startswith(job["sentence"]):
                seen.setdefault("first_sentence", time.monotonic())
    return seen


async def main() -> None:
    """Do jobs until standard input ends."""
    kinds = {"closed": closed, "open": open_loop, "stream": stream}
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = orjson.loads(line)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            result = await kinds[job["kind"]](session, job)
        sys.stdout.write(orjson.dumps(result).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
