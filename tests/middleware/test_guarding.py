"""Who may ask, what leaves the process, and what is traced."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from wardround.middleware.app import Proxy
from wardround.middleware.service import Service
from wardround.middleware.settings import Settings, load_settings
from wardround.middleware.store.database import Database
from wardround.middleware.store.keys import Keys
from wardround.middleware.telemetry import Telemetry
from wardround.policies.errors import PolicyError, SettingsError

Start = Callable[..., str]
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Drink water."}]}


def post(url: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return httpx.post(f"{url}/chat/completions", json=QUESTION | more, headers=headers, timeout=30)


def test_a_key_is_needed_where_the_operator_says_so_and_binds_the_policy(
    upstream: Any, start_proxy: Start, database: Database
) -> None:
    made = asyncio.run(Keys(database).create("portal", policy="wardround/patient", at=datetime.now(UTC)))
    url = start_proxy(upstream_url=upstream.url, require_key=True)
    bearer = {"authorization": f"Bearer {made.secret}"}
    beside = {"x-wardround-key": made.secret, "authorization": "Bearer upstream-secret"}

    assert post(url).status_code == 401
    assert post(url, {"authorization": "Bearer wr_guess"}).status_code == 401
    assert post(url, bearer).json()["wardround"]["receipt"]["policy"]["name"] == "wardround/patient"
    assert post(url, bearer, wardround={"policy": "wardround/base"}).status_code == 400
    assert "authorization" not in upstream.headers[-1] or "wr_" not in upstream.headers[-1]["authorization"]
    assert post(url, beside).status_code == 200
    assert upstream.headers[-1]["authorization"] == "Bearer upstream-secret"
    asyncio.run(Keys(database).revoke(made.key.id, at=datetime.now(UTC)))
    assert post(start_proxy(upstream_url=upstream.url, require_key=True), bearer).status_code == 401


def test_an_application_reads_only_its_own_rounds(upstream: Any, start_proxy: Start, database: Database) -> None:
    keys = Keys(database)
    one = asyncio.run(keys.create("one", policy="wardround/base", at=datetime.now(UTC))).secret
    two = asyncio.run(keys.create("two", policy="wardround/base", at=datetime.now(UTC))).secret
    url = start_proxy(upstream_url=upstream.url, require_key=True)
    round_id = post(url, {"x-wardround-key": one}).headers["x-wardround-round-id"]

    assert httpx.get(f"{url}/rounds/{round_id}", headers={"x-wardround-key": one}).status_code == 200
    assert httpx.get(f"{url}/rounds/{round_id}", headers={"x-wardround-key": two}).status_code == 404


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("portt: 1", "did you mean 'port'"),
        ("port: many", "port"),
        ("log_level: loud", "debug, info, warning, error"),
        ("upstream_url: localhost:1", "http://"),
        ("- a list", "key: value"),
        ("port: [", "not valid YAML"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "wardround.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_environment_overrides_the_file_and_its_mistakes_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wardround.yaml"
    file.write_text("port: 1\nlog_level: error")
    monkeypatch.setenv("WARDROUND_PORT", "2")
    settings = load_settings(file, log_level="debug")
    monkeypatch.setenv("WARDROUND_POORT", "3")

    assert (settings.port, settings.log_level) == (2, "debug")
    with pytest.raises(SettingsError, match="did you mean 'WARDROUND_PORT'"):
        load_settings(file)


WATCHED = """
import asyncio, json, sys
seen = []
def watch(event, args):
    if event == "socket.connect":
        seen.append(str(args[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        seen.append(f"lookup {args[0]}")
sys.addaudithook(watch)

import httpx
from pathlib import Path
from wardround.middleware.app import Proxy
from wardround.middleware.service import Service
from wardround.middleware.settings import Settings

async def main():
    service = Service(Settings(data_dir=Path(sys.argv[1]), upstream_url=sys.argv[2]))
    await service.start()
    transport = httpx.ASGITransport(app=Proxy(service).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
        for text in ("Drink water.", "May I take sildenafil with nitroglycerin?"):
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            answer = await client.post("/v1/chat/completions", json=body)
            assert answer.status_code == 200, answer.text
            await client.post("/v1/chat/completions", json=body | {"stream": True})
        await client.get("/readyz")
    await service.stop()
    print(json.dumps(seen))

asyncio.run(main())
"""


def test_the_default_configuration_talks_to_the_upstream_and_the_database_alone(upstream: Any, tmp_path: Path) -> None:
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", WATCHED, str(tmp_path / "data"), upstream.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith(("LANGSMITH", "LANGCHAIN"))},
    )
    assert run.returncode == 0, run.stderr
    seen: list[str] = json.loads(run.stdout.splitlines()[-1])
    port = upstream.url.split(":")[2].split("/")[0]
    foreign = [s for s in seen if not (s.startswith("('127.0.0.1'") and port in s) and ".s.PGSQL" not in s]

    assert any(port in s for s in seen)
    assert foreign == []


def test_one_trace_per_round_with_a_span_per_node_and_no_text(
    upstream: Any, serve: Callable[[Any], str], database_url: str
) -> None:
    exporter = InMemorySpanExporter()
    telemetry = Telemetry(None, exporter=exporter, processor=SimpleSpanProcessor)
    settings = Settings(database_url=SecretStr(database_url), upstream_url=upstream.url)
    url = serve(Proxy(Service(settings, telemetry=telemetry)).app()) + "/v1"
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = post(url, {"traceparent": parent})
    spans = exporter.get_finished_spans()
    names = {s.name for s in spans}

    assert answer.status_code == 200
    assert {"invoke_agent wardround", "chat m", "invoke_agent safety", "invoke_agent interactions"} <= names
    assert {format(s.context.trace_id, "032x") for s in spans if s.context} == {"0af7651916cd43dd8448eb211c80319c"}
    assert upstream.headers[-1]["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    chat = next(s for s in spans if s.name == "chat m")
    assert (chat.attributes or {})["gen_ai.usage.output_tokens"] == 5
    assert "Drink water" not in str([dict(s.attributes or {}) for s in spans])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # guardrails imports what click will drop
def test_a_validator_that_is_not_installed_is_told_at_start(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "policy: p\nversion: 1\nextends: [wardround/base]\nvalidators:\n  - {use: nobody/nothing, on: [draft]}\n"
    )
    service = Service(Settings(database_url=SecretStr(database_url), policy=str(file)))

    with pytest.raises(PolicyError, match="nobody/nothing"):
        asyncio.run(service.start())
