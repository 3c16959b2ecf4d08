"""The hash chain: sealing events into records, and naming what was done to records afterwards.

Promises: a record changed, removed, moved or added without rewriting every later record and the head is named.
Does not promise: that a writer who rewrites the whole rest of a stream with its head is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from .record import GENESIS, Event, Head, Record, digest, microseconds


class Trouble(StrEnum):
    """What was done to a record."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    INSERTED = "inserted"
    TRUNCATED = "truncated"
    HEAD = "head"


class Problem(NamedTuple):
    """One damaged record, or one unbroken run of missing ones."""

    trouble: Trouble
    """What was done."""
    stream: str
    """Where."""
    seq: int
    """Number of the record; the first one of a run."""
    last_seq: int
    """The last one of a run; else `seq`."""
    round_id: str | None
    """The round it belongs to, as far as the record can be read."""
    message: str
    """One sentence for a person."""


def seal(head: Head, events: Iterable[Event]) -> tuple[Record, ...]:
    """Chain events to the end of a stream; the last record's number and hash are the new head."""
    records: list[Record] = []
    stream, seq, previous = head
    for event in events:
        seq += 1
        bare = Record(stream, seq, event.round_id, event.kind, microseconds(event.at), event.payload, previous, GENESIS)
        previous = digest(bare)
        records.append(bare._replace(hash=previous))
    return tuple(records)


def verify(records: Iterable[Record], head: Head | None, *, stream: str | None = None) -> Iterator[Problem]:
    """Name everything that is wrong with one stream, reading its records once, in the order they are kept.

    1. A record's own hash must match its content, else it was changed.
    2. Its number must be the next one: a jump is a gap, a number of a gap was moved, any other was added.
    3. Its predecessor's hash must be the one it names, else the predecessor was rewritten.
    4. At the end the gaps are missing records, and the head must name the last record.

    `head` is None where the stream has none; `stream` then names it.
    """
    walk = _Walk(head, stream if head is None else head.stream)
    for record in records:
        yield from walk.step(record)
    yield from walk.finish()


@dataclass(frozen=True, slots=True)
class _Gap:
    """Numbers not seen yet, with what both neighbours say of the hashes at its rims; None where one is not to be
    trusted."""

    first: int
    last: int
    left: bytes | None
    right: bytes | None


class _Walk:
    """Where a verification stands. Memory grows with the number of gaps only."""

    def __init__(self, head: Head | None, stream: str | None) -> None:
        self._head = head
        self._stream = stream
        self._next = 1
        self._tail: bytes | None = GENESIS
        self._tail_round: str | None = None
        self._gaps: list[_Gap] = []

    def step(self, record: Record) -> Iterator[Problem]:
        if self._stream is None:
            self._stream = record.stream
        intact = digest(record) == record.hash  # 1
        if record.stream != self._stream and intact:
            yield self._about(record, Trouble.INSERTED, f"belongs to stream '{record.stream}'")
            return
        if not intact:
            yield self._about(record, Trouble.CHANGED, "was changed: its content does not match its hash")
        names, is_hash = (record.prev_hash, record.hash) if intact else (None, None)
        yield from self._place(record, names, is_hash)  # 2

    def _place(self, record: Record, names: bytes | None, is_hash: bytes | None) -> Iterator[Problem]:
        seq = record.seq
        if seq < 1 or (self._head is not None and seq > self._head.seq):
            yield self._about(record, Trouble.INSERTED, "lies outside the stream that the head describes")
        elif seq < self._next:
            yield from self._place_late(record, names, is_hash)
        else:
            if seq > self._next:
                self._gaps.append(_Gap(self._next, seq - 1, self._tail, names))
            else:
                yield from self._link(seq, self._tail, names, self._tail_round)  # 3
            self._next, self._tail, self._tail_round = seq + 1, is_hash, record.round_id

    def _place_late(self, record: Record, names: bytes | None, is_hash: bytes | None) -> Iterator[Problem]:
        for i, gap in enumerate(self._gaps):
            if gap.first <= record.seq <= gap.last:
                yield self._about(record, Trouble.REORDERED, "stands behind a later one")
                before = replace(gap, last=record.seq - 1, right=names)
                after = replace(gap, first=record.seq + 1, left=is_hash)
                self._gaps[i : i + 1] = [part for part in (before, after) if part.first <= part.last]
                for part in (before, after):
                    if part.first > part.last:
                        yield from self._link(part.first, part.left, part.right, None)
                return
        yield self._about(record, Trouble.INSERTED, "was added: its number is taken already")

    def _link(self, seq: int, left: bytes | None, right: bytes | None, left_round: str | None) -> Iterator[Problem]:
        """Compare the hash of record `seq - 1` with what record `seq` says of it."""
        if left is None or right is None or left == right:
            return
        if seq == 1:
            yield self._at(Trouble.CHANGED, 1, "was rewritten: it does not begin the stream")
        else:
            what = f"was rewritten: record {seq} names another hash for it"
            yield self._at(Trouble.CHANGED, seq - 1, what, round_id=left_round)

    def finish(self) -> Iterator[Problem]:  # 4
        for gap in self._gaps:
            yield self._run(Trouble.MISSING, gap.first, gap.last, "missing")
        head = self._head
        if head is None:
            if self._next > 1:
                yield self._at(Trouble.HEAD, self._next - 1, "is the last one found, but the stream has no head")
        elif self._next <= head.seq:
            yield self._run(Trouble.TRUNCATED, self._next, head.seq, "cut off at the end")
        elif self._tail is not None and self._tail != head.hash:
            what = "was rewritten: the head names another hash for it" if head.seq else "is named by a changed head"
            trouble = Trouble.CHANGED if head.seq else Trouble.HEAD
            yield self._at(trouble, head.seq, what, round_id=self._tail_round)

    def _about(self, record: Record, trouble: Trouble, what: str) -> Problem:
        return self._at(trouble, record.seq, what, round_id=record.round_id)

    def _at(self, trouble: Trouble, seq: int, what: str, *, round_id: str | None = None) -> Problem:
        stream = self._stream or ""
        return Problem(trouble, stream, seq, seq, round_id, f"Record {seq} of stream '{stream}' {what}.")

    def _run(self, trouble: Trouble, first: int, last: int, what: str) -> Problem:
        stream = self._stream or ""
        subject = f"Record {first} is" if first == last else f"Records {first} to {last} are"
        return Problem(trouble, stream, first, last, None, f"{subject} {what} in stream '{stream}'.")
