"""Something breaks in the middle of a round: nothing unchecked goes out, the client hears of it, recovery is free."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from wardround.middleware.store.database import Database
from wardround.middleware.store.embedded import EmbeddedPostgres

Start = Callable[..., str]
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Drink water."}]}


def post(url: str, **more: Any) -> httpx.Response:
    return httpx.post(f"{url}/chat/completions", json=QUESTION | more, timeout=30)


@pytest.mark.parametrize("position", [0, 1, 2], ids=["knowledge", "interactions", "safety"])
@pytest.mark.parametrize("how", ["raises", "stalls"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_broken_agent_holds_the_answer_and_mends_by_itself(
    upstream: Any, start_proxy: Start, watching: Any, tmp_path: Path, position: int, how: str, streamed: bool
) -> None:
    file = tmp_path / "quick.yaml"
    file.write_text(
        "policy: quick\nversion: 1\nextends: [wardround/default]\n"
        "agents:\n  knowledge: {deadline: 300ms}\n  interactions: {deadline: 300ms}\n  safety: {deadline: 300ms}\n"
    )
    url = start_proxy(upstream_url=upstream.url, policy=str(file), specialists=watching)
    if how == "raises":
        watching[position].failing = RuntimeError("the patient is called Jane")
    else:
        watching[position].stalling = True
    broken = post(url, stream=streamed)
    watching[position].failing, watching[position].stalling = None, False
    mended = post(url)

    assert broken.status_code == 200
    assert "Drink water" not in broken.text
    assert "pending_review" in broken.text
    assert "agent_failure" in broken.text
    assert "Jane" not in broken.text
    assert mended.json()["choices"][0]["message"]["content"] == "Drink water."


def test_a_stalled_upstream_is_a_timeout_within_the_deadline(upstream: Any, start_proxy: Start, tmp_path: Path) -> None:
    file = tmp_path / "quick.yaml"
    file.write_text(
        "policy: quick\nversion: 1\nextends: [wardround/default]\nagents:\n  drafting: {timeout: 500ms, retries: 0}\n"
    )
    url = start_proxy(upstream_url=upstream.url, policy=str(file))
    upstream.stall = True
    began = time.monotonic()
    answer = post(url)
    took_s = time.monotonic() - began
    upstream.stall = False

    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "upstream_error"
    assert took_s < 3
    assert post(url).status_code == 200


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose embedded server this test may kill."""
    data_dir = tmp_path / "data"
    yield data_dir
    EmbeddedPostgres(data_dir).stop()


def _all_of(pid: int) -> list[psutil.Process]:
    postmaster = psutil.Process(pid)
    return [postmaster, *postmaster.children(recursive=True)]


def test_a_stalled_database_refuses_answers_within_the_deadline(
    upstream: Any, start_proxy: Start, own_postgres: Path
) -> None:
    url = start_proxy(upstream_url=upstream.url, database_url=None, data_dir=own_postgres, audit_deadline_s=1.0)
    database = Database.open(data_dir=own_postgres)
    pid = database.embedded_pid
    assert pid is not None
    stopped = _all_of(pid)
    for process in stopped:
        process.suspend()
    began = time.monotonic()
    answer = post(url)
    took_s = time.monotonic() - began
    for process in stopped:
        process.resume()
    after = [post(url).status_code for _ in range(3)]
    database.close()

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "audit_unavailable")
    assert "Drink water" not in answer.text
    assert took_s < 3
    assert after[-1] == 200


def test_a_killed_database_refuses_answers_and_comes_back_by_itself(
    upstream: Any, start_proxy: Start, own_postgres: Path
) -> None:
    url = start_proxy(upstream_url=upstream.url, database_url=None, data_dir=own_postgres, audit_deadline_s=2.0)
    before = post(url)
    database = Database.open(data_dir=own_postgres)
    pid = database.embedded_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    statuses: list[int] = []
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        answer = post(url)
        statuses.append(answer.status_code)
        if answer.status_code == 200:
            break
        assert "Drink water" not in answer.text
        assert answer.json()["error"]["code"] == "audit_unavailable"
    database.close()
    held = post(url, messages=[{"role": "user", "content": "Take NITRATE."}])

    assert before.status_code == 200
    assert statuses[-1] == 200
    assert held.json()["wardround"]["status"] == "pending_review"


def test_a_person_in_danger_is_answered_while_the_database_is_away_and_the_record_follows(
    upstream: Any, start_proxy: Start, own_postgres: Path
) -> None:
    url = start_proxy(upstream_url=upstream.url, database_url=None, data_dir=own_postgres, audit_deadline_s=1.0)
    database = Database.open(data_dir=own_postgres)
    pid = database.embedded_pid
    assert pid is not None
    stopped = _all_of(pid)
    for process in stopped:
        process.suspend()
    try:
        crisis = post(url, messages=[{"role": "user", "content": "request:DESPAIR"}], wardround={"language": "en-GB"})
        other = post(url)
        kept = list((own_postgres / "spool").rglob("rd_*.json"))
        modes = {path.stat().st_mode & 0o777 for path in kept}
    finally:
        for process in stopped:
            process.resume()
        database.close()

    told = crisis.json()
    assert crisis.status_code == 200
    assert "116 123" in told["choices"][0]["message"]["content"]
    assert told["choices"][0]["finish_reason"] == "content_filter"
    assert other.status_code == 503
    assert [path.stem for path in kept] == [told["wardround"]["round_id"]]
    assert modes == {0o600}

    again = start_proxy(upstream_url=upstream.url, database_url=None, data_dir=own_postgres)
    looked = httpx.get(f"{again}/rounds/{told['wardround']['round_id']}", timeout=30).json()
    assert looked["status"] == "blocked"
    assert not list((own_postgres / "spool").rglob("rd_*.json"))
