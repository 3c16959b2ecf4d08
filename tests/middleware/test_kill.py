"""`kill -9` at a random moment under load: what clients were told is on record, holds stay held, nothing ends twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from wardround.middleware.store import holds, rounds
from wardround.middleware.store.audit_log import records_of, verify_all
from wardround.middleware.store.database import Database
from wardround.middleware.store.embedded import EmbeddedPostgres

KILLS = 20
CLIENTS = 8
POLICY = """policy: kill
version: 1
extends: [wardround/base]
queues:
  ward: {respond_within: 1h, on_timeout: block}
rules:
  - {id: hold-me, when: 'draft.text.contains("HOLD")', then: escalate, to: ward, reason: asked for}
"""
REVIEWER = """
import asyncio, sys
from pathlib import Path
from wardround.agents.state import Review
from wardround.middleware.service import Service
from wardround.middleware.settings import Settings
from wardround.middleware.store import holds
from wardround.policies.errors import WardroundError

async def main():
    service = Service(Settings(data_dir=Path(sys.argv[1]), policy=sys.argv[2]))
    await service.start()
    print("reviewing", flush=True)
    while True:
        for hold in await holds.find(service.database, limit=20):
            try:
                await service.holding.decide(hold.round_id, Review("approve", "p1"))
            except WardroundError:
                pass
        await asyncio.sleep(0.01)

asyncio.run(main())
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    EmbeddedPostgres(folder).stop()


def _serve(data_dir: Path, policy: Path, upstream: str) -> tuple[subprocess.Popen[str], str]:
    wardround = Path(sys.executable).with_name("wardround")
    command = [str(wardround), "serve", "--port", "0", "--upstream", upstream, "--data-dir", str(data_dir)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*command, "--policy", str(policy), "--log-level", "error"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "is ready on" in line, line
    return process, line.split(" is ready on ")[1].split()[0]


async def _load(url: str, dice: random.Random, stop: asyncio.Event, heard: dict[str, str]) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:

        async def one() -> None:
            while not stop.is_set():
                text = "HOLD this." if dice.random() < 0.2 else "Drink water. Rest."
                body = {"model": "m", "messages": [{"role": "user", "content": text}]}
                try:
                    async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
                        told = (await answer.json())["wardround"]
                except (aiohttp.ClientError, TimeoutError, KeyError):
                    return
                heard[told["round_id"]] = told["status"]

        await asyncio.gather(*(one() for _ in range(CLIENTS)))


async def _until_killed(url: str, victim: subprocess.Popen[str], dice: random.Random) -> dict[str, str]:
    heard: dict[str, str] = {}
    stop = asyncio.Event()
    load = asyncio.create_task(_load(url, dice, stop, heard))
    await asyncio.sleep(dice.uniform(0.05, 0.6))
    os.kill(victim.pid, signal.SIGKILL)
    stop.set()
    await load
    victim.wait()
    _hang_up(victim)
    return heard


def test_twenty_kills_lose_nothing_and_release_nothing_twice(upstream: Any, tmp_path: Path, data_dir: Path) -> None:
    policy = tmp_path / "kill.yaml"
    policy.write_text(POLICY)
    dice = random.Random(17)  # noqa: S311 - when to kill
    heard: dict[str, str] = {}
    for _ in range(KILLS):
        proxy, url = _serve(data_dir, policy, upstream.url)
        reviewer = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", REVIEWER, str(data_dir), str(policy)], stdout=subprocess.DEVNULL
        )
        heard |= asyncio.run(_until_killed(url, proxy, dice))
        os.kill(reviewer.pid, signal.SIGKILL)
        reviewer.wait()
    proxy, _ = _serve(data_dir, policy, upstream.url)
    _wait_for_recovery(data_dir)
    proxy.terminate()
    assert proxy.wait(20) == 0
    _hang_up(proxy)
    asyncio.run(_judge(data_dir, heard))


def _hang_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.close()


def _wait_for_recovery(data_dir: Path) -> None:
    database = Database.open(data_dir=data_dir)
    deadline = time.monotonic() + 20
    while asyncio.run(holds.find(database, status=holds.HoldStatus.RESUMING)):
        assert time.monotonic() < deadline, "a decision that was on record was never carried out"
    database.close()


async def _judge(data_dir: Path, heard: dict[str, str]) -> None:
    database = Database.open(data_dir=data_dir)
    assert len(heard) > KILLS
    assert {"released", "pending_review"} == set(heard.values())
    for round_id, status in heard.items():
        kinds = Counter(r.kind for r in await records_of(database, round_id))
        assert kinds["released"] <= 1
        if status == "released":
            assert kinds["released"] == 1
            continue
        hold, row = await holds.get(database, round_id), await rounds.get(database, round_id)
        assert hold is not None
        assert row is not None
        assert kinds["held"] == 1
        assert (str(hold.status), str(row.status)) in {("pending", "pending_review"), ("released", "released")}
        assert kinds["reviewed"] == kinds["released"] == int(str(hold.status) == "released")
    assert await asyncio.to_thread(verify_all, database) == []
    database.close()
