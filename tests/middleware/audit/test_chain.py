"""Sealing and verifying: whatever is done to a stream is named, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.middleware.audit import GENESIS, Event, Head, Problem, Record, Trouble, digest, seal, verify

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
START = Head("rounds", 0, GENESIS)


def stream_of(length: int, *, stream: str = "rounds") -> tuple[list[Record], Head]:
    kinds = ("opened", "decided", "released")
    events = [
        Event(f"round-{i // 3}", kinds[i % 3], AT + timedelta(seconds=i), {"n": i, "text": "wörd"})
        for i in range(length)
    ]
    records = list(seal(Head(stream, 0, GENESIS), events))
    return records, Head(stream, length, records[-1].hash if records else GENESIS)


def named(problems: list[Problem]) -> set[int]:
    return {seq for problem in problems for seq in range(problem.seq, problem.last_seq + 1)}


def test_an_untouched_stream_has_no_problem() -> None:
    records, head = stream_of(7)
    assert list(verify(records, head)) == []
    assert list(verify([], START)) == []


def test_sealing_in_parts_gives_the_same_chain_as_sealing_at_once() -> None:
    whole, head = stream_of(6)
    events = [Event(r.round_id, r.kind, r.at, r.data) for r in whole]
    first = seal(START, events[:2])
    rest = seal(Head("rounds", 2, first[-1].hash), events[2:])
    assert [*first, *rest] == whole
    assert rest[-1].hash == head.hash


FLIPS = ("stream", "seq", "round_id", "kind", "at_us", "payload", "prev_hash", "hash")


def flipped(record: Record, column: str, position: int, bit: int) -> Record:
    fields: list[str | int | bytes] = list(record)
    index = record._fields.index(column)
    match fields[index]:
        case int(number):
            fields[index] = number ^ (1 << (position * 8 + bit) % 62)
        case str(text):
            position %= len(text)
            fields[index] = text[:position] + chr(ord(text[position]) ^ (1 << bit % 7)) + text[position + 1 :]
        case bytes(raw):
            position %= len(raw)
            fields[index] = raw[:position] + bytes([raw[position] ^ (1 << bit)]) + raw[position + 1 :]
    return Record._make(fields)


@settings(max_examples=400, deadline=None)
@given(st.data(), st.integers(2, 12), st.sampled_from(FLIPS), st.integers(0, 60), st.integers(0, 7))
def test_any_flipped_bit_of_any_column_names_that_record_alone(
    data: st.DataObject, length: int, column: str, position: int, bit: int
) -> None:
    records, head = stream_of(length)
    victim = data.draw(st.integers(0, length - 1))
    damaged = flipped(records[victim], column, position, bit)
    records[victim] = damaged
    problems = list(verify(sorted(records, key=lambda r: r.seq), head))
    assert problems
    allowed = {victim + 1, damaged.seq}
    assert victim + 1 in named(problems)
    assert named(problems) <= allowed


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(2, 15))
def test_deleted_records_are_named_and_no_others(data: st.DataObject, length: int) -> None:
    records, head = stream_of(length)
    gone = data.draw(st.sets(st.integers(1, length), min_size=1))
    problems = list(verify([r for r in records if r.seq not in gone], head))
    assert named(problems) == gone
    tail = {seq for seq in gone if all(later in gone for later in range(seq, length + 1))}
    assert {p.trouble for p in problems} == ({Trouble.TRUNCATED} if tail else set()) | (
        {Trouble.MISSING} if gone - tail else set()
    )


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(2, 15))
def test_two_records_swapped_in_place_are_noticed(data: st.DataObject, length: int) -> None:
    records, head = stream_of(length)
    i, j = sorted(data.draw(st.sets(st.integers(0, length - 1), min_size=2, max_size=2)))
    records[i], records[j] = records[j], records[i]
    problems = list(verify(records, head))
    assert problems
    assert {p.trouble for p in problems} == {Trouble.REORDERED}
    assert named(problems) <= set(range(i + 1, j + 2))


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(2, 12))
def test_two_records_that_trade_numbers_are_both_named(data: st.DataObject, length: int) -> None:
    records, head = stream_of(length)
    i, j = sorted(data.draw(st.sets(st.integers(0, length - 1), min_size=2, max_size=2)))
    records[i], records[j] = records[j]._replace(seq=i + 1), records[i]._replace(seq=j + 1)
    assert named(list(verify(records, head))) == {i + 1, j + 1}


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(2, 12), st.booleans())
def test_a_forged_record_with_a_fitting_hash_is_named(data: st.DataObject, length: int, relinked: bool) -> None:
    records, head = stream_of(length)
    victim = data.draw(st.integers(0, length - 1))
    forged = records[victim]._replace(
        payload=b'{"n":666}', prev_hash=bytes(32) if relinked else records[victim].prev_hash
    )
    records[victim] = forged._replace(hash=digest(forged))
    problems = list(verify(records, head))
    assert victim + 1 in named(problems)
    assert named(problems) <= ({victim, victim + 1} if relinked else {victim + 1})


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(1, 12))
def test_an_added_record_is_named(data: st.DataObject, length: int) -> None:
    records, head = stream_of(length)
    after = data.draw(st.integers(0, length - 1))
    added = data.draw(st.sampled_from(records))
    records.insert(after + 1, added)
    problems = list(verify(records, head))
    assert (Trouble.INSERTED, added.seq) in {(p.trouble, p.seq) for p in problems}
    if added.seq <= after + 1:
        assert len(problems) == 1


def test_records_behind_the_head_and_of_another_stream_are_named() -> None:
    records, head = stream_of(5)
    other, _ = stream_of(3, stream="other")
    rolled_back = Head("rounds", 3, records[2].hash)
    assert named(list(verify(records, rolled_back))) == {4, 5}
    problems = list(verify([records[0], other[1], *records[1:]], head))
    assert [(p.trouble, p.seq) for p in problems] == [(Trouble.INSERTED, 2)]


@pytest.mark.parametrize(
    ("head", "trouble", "seq"),
    [
        (None, Trouble.HEAD, 4),
        (Head("rounds", 4, bytes(31) + b"x"), Trouble.CHANGED, 4),
        (Head("rounds", 6, bytes(32)), Trouble.TRUNCATED, 5),
    ],
)
def test_a_lost_or_changed_head_is_named(head: Head | None, trouble: Trouble, seq: int) -> None:
    records, _ = stream_of(4)
    assert [(p.trouble, p.seq) for p in verify(records, head)] == [(trouble, seq)]


def test_verification_goes_on_after_the_first_problem() -> None:
    records, head = stream_of(20)
    del records[15]
    for i in (2, 7, 11):
        records[i] = records[i]._replace(kind="other")
    assert named(list(verify(records, head))) == {3, 8, 12, 16}


def test_fields_cannot_flow_into_each_other() -> None:
    [record] = seal(START, [Event("ab", "c", AT, {})])
    moved = record._replace(round_id="a", kind="bc")
    assert digest(moved) != record.hash


def test_messages_are_one_line_without_payload() -> None:
    records, head = stream_of(3)
    records[1] = records[1]._replace(payload=b'{"secret":"x"}')
    [problem] = verify(records, head)
    assert problem.message == "Record 2 of stream 'rounds' was changed: its content does not match its hash."
    assert problem.round_id == "round-0"
