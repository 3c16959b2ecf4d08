"""Rounds and holds: found again as written, decided once, resumed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wardround.middleware.audit import Event
from wardround.middleware.store import Database, Journal, holds, rounds
from wardround.middleware.store.audit_log import records_of
from wardround.middleware.store.batch import Write
from wardround.middleware.store.holds import Hold, HoldStatus, Review, Verdict
from wardround.middleware.store.rounds import Round, RoundStatus
from wardround.policies.errors import ConflictError, InputError, StoreError
from wardround.policies.finding import Action

AT = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)


@pytest.fixture
async def journal(database: Database) -> AsyncIterator[Journal]:
    opened = Journal(database)
    yield opened
    await asyncio.to_thread(opened.close)


async def put(journal: Journal, round_id: str, write: Write, kind: str = "tested") -> None:
    await journal.append([Event(round_id, kind, AT, {})], write)


def a_round(round_id: str, *, status: RoundStatus = RoundStatus.OPEN, action: Action | None = None) -> Round:
    return Round(
        round_id=round_id, application="app", policy="p", policy_digest="d", opened_at=AT, status=status,
        action=action, request_digest="q", trace_id="t",
    )  # fmt: skip


def a_hold(round_id: str, *, due_at: datetime | None = AT + timedelta(minutes=30)) -> Hold:
    draft = "Take one tablet."
    return Hold(
        round_id=round_id, queue="pharmacist", opened_at=AT, due_at=due_at, on_timeout="block", draft=draft,
        draft_digest=holds.digest_of(draft), findings=({"kind": "dose", "n": 1},), reason="Dose",
    )  # fmt: skip


def a_review(verdict: Verdict = Verdict.APPROVE, by: str = "reviewer") -> Review:
    return Review(verdict=verdict, by=by, at=AT + timedelta(minutes=1), comment="seen")


def decision(hold: Hold, review: Review | None = None) -> Write:
    chosen = review or a_review()
    return holds.decide(hold.round_id, chosen, expected_version=hold.version, draft_digest=hold.draft_digest)


async def test_a_round_is_found_as_it_was_written(database: Database, journal: Journal) -> None:
    await put(journal, "r1", rounds.opened(a_round("r1")))
    assert await rounds.get(database, "r1") == a_round("r1")
    answer = {"z": 1, "a": {"text": "nul \0 and ünicode", "n": None}, "f": 1.0}
    done = a_round("r1", status=RoundStatus.RELEASED, action=Action.ANNOTATE)
    done = replace(done, answer=answer, closed_at=AT + timedelta(seconds=1))
    await put(journal, "r1", rounds.closed(done))
    found = await rounds.get(database, "r1")
    assert found == done
    assert found is not None
    assert found.answer is not None
    assert list(found.answer) == ["z", "a", "f"]
    await put(journal, "r1", rounds.opened(a_round("r1")))
    assert await rounds.get(database, "r1") == done
    assert await rounds.get(database, "none") is None


def test_an_answer_that_is_no_json_is_refused() -> None:
    with pytest.raises(StoreError, match="JSON"):
        rounds.closed(replace(a_round("bad"), answer={"text": "\ud800"}))


async def test_rounds_are_listed_by_filter_and_page(database: Database, journal: Journal) -> None:
    for i in range(25):
        status = RoundStatus.BLOCKED if i % 5 == 0 else RoundStatus.RELEASED
        action = Action.BLOCK if i % 5 == 0 else Action.ALLOW
        one = a_round(f"list-{i:02}", status=status, action=action)
        one = replace(one, application="lister", opened_at=AT + timedelta(seconds=i // 2))
        await put(journal, one.round_id, rounds.closed(one))
    seen: list[str] = []
    cursor = None
    while True:
        page = await rounds.find(database, application="lister", limit=7, cursor=cursor)
        seen += [r.round_id for r in page.rounds]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [f"list-{i:02}" for i in reversed(range(25))]
    blocked = await rounds.find(database, application="lister", status=RoundStatus.BLOCKED, action=Action.BLOCK)
    assert len(blocked.rounds) == 5
    since = await rounds.find(database, application="lister", since=AT + timedelta(seconds=10))
    assert len(since.rounds) == 5
    with pytest.raises(InputError, match="cursor"):
        await rounds.find(database, cursor="nonsense")


async def test_a_hold_is_found_as_it_was_written(database: Database, journal: Journal) -> None:
    await put(journal, "h1", holds.opened(a_hold("h1")))
    assert await holds.get(database, "h1") == a_hold("h1")
    assert [h.round_id for h in await holds.find(database, queue="pharmacist")] == ["h1"]
    assert await holds.find(database, queue="nurse") == []
    with pytest.raises(ConflictError, match="held already"):
        await put(journal, "h1", holds.opened(a_hold("h1")))


async def test_of_many_racing_decisions_one_wins_and_only_its_event_is_kept(
    database: Database, journal: Journal
) -> None:
    other = Journal(database)
    hold = a_hold("race")
    await put(journal, "race", holds.opened(hold))

    async def decide(i: int) -> bool:
        writer = (journal, other)[i % 2]
        try:
            await put(writer, "race", decision(hold, a_review(by=f"reviewer-{i}")), f"decided-{i}")
        except ConflictError as conflict:
            assert str(conflict) == "The hold is decided already."
            return False
        return True

    won = await asyncio.gather(*(decide(i) for i in range(40)))
    assert sum(won) == 1
    winner = won.index(True)
    found = await holds.get(database, "race")
    assert found is not None
    assert found.review == a_review(by=f"reviewer-{winner}")
    assert found.status is HoldStatus.RESUMING
    assert [r.kind for r in await records_of(database, "race")] == ["tested", f"decided-{winner}"]
    released = holds.resolve("race", version=1, status=HoldStatus.RELEASED)
    both = (put(journal, "race", released, "released"), put(other, "race", released, "released"))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [ConflictError]
    assert [r.kind for r in await records_of(database, "race")].count("released") == 1
    await asyncio.to_thread(other.close)


@pytest.mark.parametrize(
    ("version", "digest", "told"),
    [(2, holds.digest_of("Take one tablet."), "has changed"), (1, holds.digest_of("other"), "has changed")],
)
async def test_a_decision_on_another_text_is_refused(
    database: Database, journal: Journal, version: int, digest: str, told: str
) -> None:
    round_id = f"other-{version}"
    await put(journal, round_id, holds.opened(a_hold(round_id)))
    with pytest.raises(ConflictError, match=told):
        await put(journal, round_id, holds.decide(round_id, a_review(), expected_version=version, draft_digest=digest))
    found = await holds.get(database, round_id)
    assert found == a_hold(round_id)


async def test_a_decision_on_a_round_that_is_not_held_is_refused(journal: Journal) -> None:
    with pytest.raises(ConflictError, match="not held"):
        await put(journal, "none", decision(a_hold("none")))


async def test_a_redraft_is_held_again_under_the_next_version(database: Database, journal: Journal) -> None:
    hold = a_hold("again")
    await put(journal, "again", holds.opened(hold))
    redraft = holds.hold_again(
        replace(hold, draft="New.", draft_digest=holds.digest_of("New."), findings=(), due_at=None), version=1
    )
    with pytest.raises(ConflictError):
        await put(journal, "again", redraft)
    await put(journal, "again", decision(hold, a_review(Verdict.REDRAFT)))
    await put(journal, "again", redraft)
    with pytest.raises(ConflictError, match="moved on"):
        await put(journal, "again", redraft)
    found = await holds.get(database, "again")
    assert found is not None
    assert (found.status, found.version, found.draft, found.review) == (HoldStatus.PENDING, 2, "New.", None)
    with pytest.raises(ConflictError, match="has changed"):
        await put(journal, "again", decision(hold))
    await put(journal, "again", decision(found))
    with pytest.raises(ConflictError):
        await put(journal, "again", holds.resolve("again", version=1, status=HoldStatus.RELEASED))
    await put(journal, "again", holds.resolve("again", version=2, status=HoldStatus.RELEASED))
    ended = await holds.get(database, "again")
    assert ended is not None
    assert ended.status is HoldStatus.RELEASED
    assert ended.review == a_review()


async def test_holds_that_nobody_resumed_and_overdue_ones_are_found(database: Database, journal: Journal) -> None:
    for round_id in ("stuck", "due", "never"):
        hold = a_hold(round_id, due_at=None) if round_id == "never" else a_hold(round_id)
        await put(journal, round_id, holds.opened(hold))
    await put(journal, "stuck", decision(a_hold("stuck")))
    names = {h.round_id for h in await holds.stuck(database, before=AT + timedelta(minutes=2))}
    assert "stuck" in names
    assert await holds.stuck(database, before=AT) == []
    assert "due" in {h.round_id for h in await holds.overdue(database, AT + timedelta(minutes=30))}
    assert await holds.overdue(database, AT + timedelta(minutes=29)) == []
    assert await holds.count(database) == len(await holds.find(database))
