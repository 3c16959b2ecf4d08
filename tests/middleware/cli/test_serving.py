"""`serve` and `demo` as processes: the ready line, a drained end, a refused start, every round of the demo as told."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from wardround.middleware.cli.listening import background
from wardround.middleware.cli.scripted_app import Script, build_app

COMMAND = [sys.executable, "-c", "from wardround.middleware.cli.main import main; main()"]
START_S = 30.0


@contextmanager
def serving(*arguments: str, env: dict[str, str]) -> Generator[tuple[subprocess.Popen[str], str], None, None]:
    """The proxy as a process of its own, and its base URL once it is ready."""
    process = subprocess.Popen(  # noqa: S603 - the program under test
        [*COMMAND, "serve", "--port", "0", *arguments],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"ready on (http://\S+)", line)
        assert found, (line, process.communicate(timeout=START_S))
        yield process, found[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def env(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "WARDROUND_DATABASE_URL": database_url, "HOME": str(tmp_path)}


def test_the_proxy_says_where_it_is_and_ends_drained(env: dict[str, str]) -> None:
    with serving(env=env) as (process, address), httpx.Client(base_url=address, trust_env=False) as client:
        assert client.get("/readyz").json()["status"] == "ready"
        body = {"messages": [{"role": "user", "content": "When do I take it?"}]}
        assert client.post("/v1/chat/completions", json=body).json()["wardround"]["status"] == "released"
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_S) == 0
        _, err = process.communicate()
        assert err == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_the_proxy_without_a_traceback(env: dict[str, str], number: int) -> None:
    with serving(env=env) as (process, _):
        process.send_signal(number)
        assert process.wait(START_S) == 0
        assert process.communicate() == ("", "")


async def test_a_running_stream_ends_whole_when_the_proxy_is_told_to_stop(env: dict[str, str]) -> None:
    script = Script(token_interval_s=0.02)
    async with background(build_app(script)) as upstream:
        with serving("--upstream", f"{upstream}/v1", env=env) as (process, address):
            async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=START_S) as client:
                body = {
                    "messages": [{"role": "user", "content": "Please explain high blood pressure."}],
                    "stream": True,
                }
                async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                    lines = answer.aiter_lines()
                    first = await anext(lines)
                    process.send_signal(signal.SIGTERM)
                    rest = [line async for line in lines]
            assert await asyncio.to_thread(process.wait, START_S) == 0
    assert first.startswith(("data: ", ":"))
    assert rest[-2:] == ["data: [DONE]", ""]
    assert any('"status":"released"' in line for line in rest)


def refused(*arguments: str, env: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - the program under test
        [*COMMAND, "serve", "--port", "0", *arguments], env=env, capture_output=True, text=True, timeout=START_S
    )
    assert done.returncode == 2, done
    (line,) = done.stderr.splitlines()
    return line


def test_an_open_door_is_refused_until_there_is_a_key(env: dict[str, str]) -> None:
    assert "wardround key create" in refused("--host", "0.0.0.0", env=env)  # noqa: S104 - it must be refused
    make = [*COMMAND, "key", "create", "--application", "ward-app"]
    made = subprocess.run(make, env=env, capture_output=True, text=True, check=True)  # noqa: S603
    with serving("--host", "0.0.0.0", env=env) as (_, address):  # noqa: S104 - a key guards it now
        local = address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        body = {"messages": [{"role": "user", "content": "When do I take it?"}]}
        with httpx.Client(base_url=local, trust_env=False) as client:
            assert client.post("/v1/chat/completions", json=body).status_code == 401
            key = {"authorization": f"Bearer {made.stdout.strip()}"}
            assert client.post("/v1/chat/completions", json=body, headers=key).status_code == 200


def test_a_broken_policy_refuses_to_start_with_its_line(env: dict[str, str], tmp_path: Path) -> None:
    policy = tmp_path / "broken.yaml"
    policy.write_text("policy: p\nversion: 1\nrules:\n  - {id: r, when: audiense == 'patient', then: block}\n")
    line = refused("--policy", str(policy), env=env)
    assert "broken.yaml:4" in line
    assert "audience" in line


def test_a_taken_port_is_named(env: dict[str, str], unused_port_taken: Callable[[], int]) -> None:
    assert "cannot listen on 127.0.0.1:" in refused("--port", str(unused_port_taken()), env=env)


@pytest.fixture
def unused_port_taken() -> Iterator[Callable[[], int]]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield lambda: taken.getsockname()[1]


def test_every_round_of_the_demo_goes_as_told(env: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - the program under test
        [*COMMAND, "demo", "--fast", "--json"], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["rounds"]) >= 12
    assert {"released", "blocked", "pending_review"} == {r["status"] for r in told["rounds"]}
    assert {"allow", "annotate", "redact", "escalate", "block"} <= {r["action"] for r in told["rounds"]}
    assert told["audit"]["problems"] == 0
    assert "wardround serve --upstream" in done.stderr
