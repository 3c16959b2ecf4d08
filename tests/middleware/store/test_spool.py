"""The spool: complete or absent, handed over once, and a file that cannot be read keeps no other waiting."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wardround.middleware.audit.record import Event
from wardround.middleware.store import rounds as round_table
from wardround.middleware.store.database import Database
from wardround.middleware.store.journal import Journal
from wardround.middleware.store.rounds import Round, RoundStatus
from wardround.middleware.store.spool import Spool
from wardround.policies.errors import StoreError
from wardround.policies.finding import Action

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def _round(name: str) -> Round:
    return Round(
        round_id=name, application="app", policy="p", policy_digest="d", opened_at=NOW, closed_at=NOW,
        status=RoundStatus.BLOCKED, action=Action.ESCALATE, answer={"message": "Call 112."},
    )  # fmt: skip


def _events(name: str) -> list[Event]:
    return [Event(name, "spooled", NOW, {"why": "the database was away"}), Event(name, "blocked", NOW, {"n": 1})]


async def test_what_was_kept_is_handed_over_once_and_whole(database_url: str, tmp_path: Path) -> None:
    database = Database.open(url=database_url)
    journal = Journal(database)
    spool = Spool(tmp_path / "spool")
    for name in ("rd_b", "rd_a"):
        spool.keep(_round(name), _events(name))
    assert [p.stem for p in spool.waiting()] == ["rd_a", "rd_b"]
    assert await spool.hand_over(journal, deadline_s=10) == 2
    assert await spool.hand_over(journal, deadline_s=10) == 0
    row = await round_table.get(database, "rd_a")
    assert row == _round("rd_a")
    journal.close()
    database.close()


async def test_a_file_that_cannot_be_read_keeps_no_other_waiting(database_url: str, tmp_path: Path) -> None:
    database = Database.open(url=database_url)
    journal = Journal(database)
    spool = Spool(tmp_path)
    spool.keep(_round("rd_c"), _events("rd_c"))
    (tmp_path / "rd_aa.json").write_bytes(b'{"round": ')
    assert await spool.hand_over(journal, deadline_s=10) == 1
    assert [p.stem for p in spool.waiting()] == ["rd_aa"]
    journal.close()
    database.close()


def test_a_half_written_file_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "rd_x.part").write_bytes(b"{")
    assert Spool(tmp_path).waiting() == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        Spool(tmp_path / "spool").keep(_round("rd_d"), _events("rd_d"))


def test_a_path_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        Spool(tmp_path / "spool").keep(_round("rd_e"), _events("rd_e"))
