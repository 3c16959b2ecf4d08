"""Rounds that had to be answered while the database was away: kept durably in files, handed over when it is back.

Only a person in danger is answered so, with the policy's own words and never with a model's. A file is complete or
absent: it is written beside its place, forced to disk and renamed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from wardround.policies.errors import StoreError
from wardround.policies.finding import Action

from ..audit.record import Event
from . import rounds as round_table
from .journal import Journal
from .rounds import Round, RoundStatus

_log = logging.getLogger(__name__)


class Spool:
    """A folder with one file for each round that waits for the database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, round: Round, events: Sequence[Event]) -> None:
        """Write one round; it is on disk when this returns. Raises `StoreError` where it cannot be written. Blocks."""
        told = {
            "round": asdict(round),
            "events": [{"kind": e.kind, "at": e.at, "data": orjson.loads(e.payload)} for e in events],
        }
        path = self._folder / f"{round.round_id}.json"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path.with_suffix(".part"), orjson.dumps(told))
            path.with_suffix(".part").rename(path)
            _sync(self._folder)
        except OSError as error:
            raise StoreError(f"The spool {self._folder} cannot be written: {error.strerror}.") from error

    def waiting(self) -> tuple[Path, ...]:
        """Files to hand over, oldest round first."""
        return tuple(sorted(self._folder.glob("rd_*.json"))) if self._folder.is_dir() else ()

    async def hand_over(self, journal: Journal, *, deadline_s: float) -> int:
        """Write what waits to the journal and remove each file once it is durable; how many. Raises `StoreError`.

        A file that cannot be read stays where it is and is told in the log: it must not keep the others waiting.
        """
        done = 0
        for path in self.waiting():
            try:
                round, events = _read(path)
            except StoreError as error:
                _log.error("%s", error)
                continue
            await journal.append(events, round_table.closed(round), deadline_s=deadline_s)
            path.unlink(missing_ok=True)
            done += 1
        return done


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> tuple[Round, tuple[Event, ...]]:
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
        about: dict[str, Any] = told["round"]
        for name in ("opened_at", "closed_at"):
            about[name] = None if about[name] is None else datetime.fromisoformat(about[name])
        about["status"] = RoundStatus(about["status"])
        about["action"] = None if about["action"] is None else Action(about["action"])
        round = Round(**about)
        events = tuple(
            Event(round.round_id, e["kind"], datetime.fromisoformat(e["at"]), e["data"]) for e in told["events"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} in the spool cannot be read: {type(error).__name__}.") from error
    return round, events
