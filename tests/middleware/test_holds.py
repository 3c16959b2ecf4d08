"""Held rounds: they wait, survive, are decided by a person and end exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.types import Command
from pydantic import SecretStr

from wardround.agents import graph
from wardround.agents.ports import Specialist
from wardround.agents.state import Review
from wardround.middleware.audit.record import Event
from wardround.middleware.rounds import Closed, Incoming
from wardround.middleware.service import Service
from wardround.middleware.settings import Settings
from wardround.middleware.store import holds
from wardround.middleware.store.audit_log import records_of, verify_all
from wardround.policies.errors import ConflictError, InputError
from wardround.policies.request import Message, RoundRequest

Open = Callable[..., Awaitable[Service]]


@pytest.fixture
async def open_service(database_url: str, watching: tuple[Specialist, ...], upstream: Any) -> AsyncIterator[Open]:
    """Opens services on this module's database; all are closed at the end."""
    async with AsyncExitStack() as stack:

        async def open_one(**settings: Any) -> Service:
            given: dict[str, Any] = {"database_url": SecretStr(database_url), "upstream_url": upstream.url, **settings}
            service = Service(Settings(**given), specialists=watching)
            await service.start()
            stack.push_async_callback(service.stop)
            return service

        yield open_one


async def hold(service: Service, text: str = "Take NITRATE.", **more: Any) -> Closed:
    request = RoundRequest(messages=(Message(role="user", text=text),))
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return await service.rounds.run(Incoming(request, body, "local", service.settings.policy, **more))


async def kinds(service: Service, round_id: str) -> list[str]:
    return [r.kind for r in await records_of(service.database, round_id)]


async def test_an_approved_answer_is_released_as_the_reviewer_saw_it(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)
    seen = await holds.get(service.database, held.round_id)
    assert seen is not None
    done = await service.holding.decide(held.round_id, Review("approve", "p1"), draft_digest=seen.draft_digest)
    row = await service.rounds.lookup(held.round_id, "local")

    assert (held.status, done.status, done.answer) == ("pending_review", "released", "Take NITRATE.")
    assert row is not None
    assert (row["status"], row["answer"]) == ("released", "Take NITRATE.")
    assert (await kinds(service, held.round_id))[-3:] == ["held", "reviewed", "released"]


async def test_a_hold_outlives_its_process_and_is_released_by_another(open_service: Open) -> None:
    first = await open_service()
    held = await hold(first)
    second = await open_service()
    done = await second.holding.decide(held.round_id, Review("approve", "p1"))

    assert done.status == "released"


async def test_two_reviewers_race_and_one_wins(open_service: Open) -> None:
    one, two = await open_service(), await open_service()
    held = await hold(one)
    results = await asyncio.gather(
        *(s.holding.decide(held.round_id, Review("approve", f"p{i}")) for i, s in enumerate((one, two, one, two))),
        return_exceptions=True,
    )
    told = await kinds(one, held.round_id)

    assert sum(not isinstance(r, BaseException) for r in results) == 1
    assert all(isinstance(r, ConflictError) for r in results if isinstance(r, BaseException))
    assert told.count("released") == told.count("reviewed") == 1


async def test_a_decision_on_an_older_draft_is_refused(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)

    with pytest.raises(ConflictError, match="changed"):
        await service.holding.decide(held.round_id, Review("approve", "p1"), draft_digest="0" * 64)


async def test_a_rejected_round_says_why_kindly(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)
    done = await service.holding.decide(held.round_id, Review("reject", "p1", "Please call the ward.", "unsafe"))

    assert (done.status, done.answer, done.message) == ("blocked", None, "Please call the ward.")


async def test_an_edit_is_checked_again_and_released_when_it_is_clean(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)
    again = await service.holding.decide(held.round_id, Review("edit", "p1", "Take less NITRATE."))
    done = await service.holding.decide(held.round_id, Review("edit", "p1", "Take paracetamol."))

    assert again.status == "pending_review"
    assert (done.status, done.answer) == ("released", "Take paracetamol.")


async def test_an_edit_of_which_a_sentence_is_left_out_goes_out_without_it(open_service: Open, tmp_path: Path) -> None:
    file = tmp_path / "kept.yaml"
    rules = "rules:\n  - {id: claim-contradicted, then: redact}\n"
    file.write_text(f"policy: kept\nversion: 1\nextends: [wardround/default]\n{rules}")
    service = await open_service(policy=str(file))
    held = await hold(service)
    done = await service.holding.decide(held.round_id, Review("edit", "p1", "Drink water. The WRONG tablet cures."))
    decided = await service.holding.wait(held.round_id, 5.0)

    assert done.status == "released"
    assert (done.answer or "").startswith("Drink water.\n\nPart of the answer was left out")
    assert decided is not None
    assert [e.kind for e in decided[1].edits[0]] == ["drop", "close"]


async def test_an_edit_of_a_crisis_answer_is_not_held_for_what_the_person_wrote(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service, "request:DESPAIR")
    with pytest.raises(InputError, match="no draft"):
        await service.holding.decide(held.round_id, Review("approve", "p1"))
    done = await service.holding.decide(held.round_id, Review("edit", "p1", "I am glad that you wrote."))

    assert (done.status, done.answer) == ("released", "I am glad that you wrote.")


async def test_a_redraft_follows_the_instructions_and_comes_back_to_the_reviewer(
    open_service: Open, upstream: Any
) -> None:
    service = await open_service()
    held = await hold(service)
    upstream.answer = lambda body: "Ask your doctor first."  # pyright: ignore[reportUnknownLambdaType]
    again = await service.holding.decide(held.round_id, Review("redraft", "p1", "Name no drug."))
    shown = await holds.get(service.database, held.round_id)
    done = await service.holding.decide(held.round_id, Review("approve", "p1"))

    assert "Name no drug." in upstream.asked[-1]["messages"][-1]["content"]
    assert again.status == "pending_review"
    assert shown is not None
    assert (shown.version, shown.draft) == (2, "Ask your doctor first.")
    assert (done.status, done.answer) == ("released", "Ask your doctor first.")


async def test_a_waiting_call_gets_the_reviewed_answer(open_service: Open) -> None:
    service = await open_service()
    waiting = asyncio.create_task(hold(service, wait_s=20.0, round_id="rd_waiting"))
    await _held(service, "rd_waiting")
    await service.holding.decide("rd_waiting", Review("edit", "p1", "Rest."))
    closed = await waiting

    assert closed.status == "released"
    assert closed.outcome is not None


async def test_a_hold_past_its_time_is_blocked_and_never_released(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)
    await service.holding.sweep(datetime.now(UTC) + timedelta(days=30))
    row = await service.rounds.lookup(held.round_id, "local")

    assert row is not None
    assert (row["status"], row["answer"]) == ("blocked", None)
    with pytest.raises(ConflictError):
        await service.holding.decide(held.round_id, Review("approve", "p1"))


async def test_a_decision_that_a_crash_left_half_done_is_finished_once(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)
    hold_row = await holds.get(service.database, held.round_id)
    assert hold_row is not None
    review = holds.Review(verdict=holds.Verdict.APPROVE, by="p1", at=datetime.now(UTC))
    guard = holds.decide(held.round_id, review, expected_version=1, draft_digest=hold_row.draft_digest)
    reviewed = Event(held.round_id, "reviewed", datetime.now(UTC), {"verdict": "approve", "reviewer": "p1"})
    await service.journal.append([reviewed], guard)
    other = await open_service()
    row = await other.rounds.lookup(held.round_id, "local")

    assert row is not None
    assert row["status"] == "released"
    assert (await kinds(other, held.round_id)).count("released") == 1


async def test_what_a_crash_left_untold_is_told_when_the_round_is_finished(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)
    hold_row = await holds.get(service.database, held.round_id)
    assert hold_row is not None
    at = datetime.now(UTC)
    review = holds.Review(verdict=holds.Verdict.EDIT, by="p1", at=at, text="Take paracetamol.")
    guard = holds.decide(held.round_id, review, expected_version=1, draft_digest=hold_row.draft_digest)
    await service.journal.append([Event(held.round_id, "reviewed", at, {"verdict": "edit"})], guard)
    command: Command[Any] = Command(resume={"verdict": "edit", "reviewer": "p1", "text": "Take paracetamol."})
    policy = await service.policy(service.settings.policy)
    stored: Any = service.holding
    await graph.run(
        stored._graph, command, stored._context(policy), config={"configurable": {"thread_id": held.round_id}}
    )
    other = await open_service()
    told = await kinds(other, held.round_id)

    assert told[told.index("reviewed") :] == ["reviewed", "drafted", "checked", "decided", "released"]


async def test_unknown_rounds_and_impossible_decisions_are_refused_in_one_line(open_service: Open) -> None:
    service = await open_service()
    held = await hold(service)

    with pytest.raises(InputError, match="no held round"):
        await service.holding.decide("rd_none", Review("approve", "p1"))
    with pytest.raises(InputError, match="edit needs"):
        await service.holding.decide(held.round_id, Review("edit", "p1", " "))


async def test_the_audit_log_of_all_this_is_whole(open_service: Open) -> None:
    service = await open_service()
    await hold(service)

    assert await asyncio.to_thread(verify_all, service.database) == []


async def _held(service: Service, round_id: str) -> None:
    async with asyncio.timeout(10):
        while await holds.get(service.database, round_id) is None:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


def test_a_held_round_is_read_later_over_http(upstream: Any, start_proxy: Callable[..., str], tmp_path: Path) -> None:
    url = start_proxy(upstream_url=upstream.url)
    body = {"model": "m", "messages": [{"role": "user", "content": "Take NITRATE."}]}
    answer = httpx.post(f"{url}/chat/completions", json=body)
    found = httpx.get(f"{url}/rounds/{answer.headers['x-wardround-round-id']}").json()

    assert answer.json()["choices"][0]["finish_reason"] == "stop"
    assert (found["status"], found["answer"]) == ("pending_review", None)
    assert "NITRATE" not in answer.json()["choices"][0]["message"]["content"]
