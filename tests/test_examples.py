"""Each example runs as it stands, against a real proxy before the scripted app."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from wardround.middleware.app import Proxy
from wardround.middleware.cli.listening import background
from wardround.middleware.cli.scripted_app import build_app
from wardround.middleware.service import Service
from wardround.middleware.settings import Settings
from wardround.policies.load import load_policy

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = {
    "chat.py": ["four hours", "annotate, released", "interaction"],
    "streaming.py": ["Less salt", "allow, released"],
    "evidence.py": ["[1] leaflet-1: High blood pressure rarely causes symptoms", "no source: "],
    "tools.py": ["lookup_label", "tool_call["],
    "held.py": ["pending_review: ", "wardround review show rd_"],
    "audit.py": ["the log is unaltered", "opened"],
}


@pytest.fixture
async def address(database_url: str) -> AsyncIterator[str]:
    async with background(build_app()) as upstream:
        settings = Settings.model_construct(upstream_url=f"{upstream}/v1", database_url=SecretStr(database_url))
        async with background(Proxy(Service(settings)).app()) as proxy:
            yield proxy


@pytest.mark.parametrize("name", SCRIPTS)
async def test_the_example_runs(name: str, address: str, database_url: str) -> None:
    env = {**os.environ, "OPENAI_BASE_URL": f"{address}/v1", "NO_PROXY": "*", "WARDROUND_DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / name), env=env,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    for words in SCRIPTS[name]:
        assert words in out.decode()


def test_every_script_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(SCRIPTS)


def test_the_example_policy_loads_and_brings_tests() -> None:
    policy = load_policy(str(EXAMPLES / "policy.yaml"))
    assert len(policy.document.tests) >= 3
