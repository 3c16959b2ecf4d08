"""Events, and records as lines."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.middleware.audit import GENESIS, Event, Head, Record, head_line, read_line, record_line, seal, verify
from wardround.policies.errors import AuditError

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children, max_size=3)
    ),
    max_leaves=8,
)


def test_an_event_keeps_its_data_as_it_was() -> None:
    data: dict[str, object] = {"b": 1, "a": [1]}
    event = Event("r", "opened", AT, data)
    data["b"] = 2
    assert event.payload == b'{"a":[1],"b":1}'


@pytest.mark.parametrize(
    ("round_id", "kind", "at", "data"),
    [
        ("r", "k", AT.replace(tzinfo=None), {}),
        ("", "k", AT, {}),
        ("r\0", "k", AT, {}),
        ("r", "\ud800", AT, {}),
        ("r", "k", AT, {"x": object()}),
        ("r", "k", AT, {"x": "\ud800"}),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused(
    round_id: str, kind: str, at: datetime, data: dict[str, object]
) -> None:
    with pytest.raises(AuditError):
        Event(round_id, kind, at, data)


def test_a_record_tells_its_time_and_data() -> None:
    [record] = seal(Head("rounds", 0, GENESIS), [Event("r", "opened", AT, {"x": 1})])
    assert record.at == AT
    assert record.data == {"x": 1}


def test_a_damaged_record_is_told_as_such() -> None:
    [record] = seal(Head("rounds", 0, GENESIS), [Event("r", "opened", AT, {"x": 1})])
    damaged = (record._replace(at_us=2**62), record._replace(payload=b"\xff"), record._replace(payload=b"[]"))
    for one in damaged:
        with pytest.raises(AuditError):
            _ = (one.at, one.data)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=3), max_size=4))
def test_export_and_reading_give_the_same_chain(payloads: list[dict[str, object]]) -> None:
    records = seal(Head("rounds", 0, GENESIS), [Event("r", "k", AT, payload) for payload in payloads])
    head = Head("rounds", len(records), records[-1].hash if records else GENESIS)
    lines = [record_line(record) for record in records]
    assert all(b"\n" not in line for line in lines)
    back = [found for line in lines if isinstance(found := read_line(line), Record)]
    assert back == list(records)
    assert read_line(head_line(head)) == head
    assert list(verify(back, head)) == []


def test_a_payload_that_is_no_text_survives_the_export() -> None:
    [record] = seal(Head("rounds", 0, GENESIS), [Event("r", "k", AT, {})])
    for payload in (b"\xff\x00", b"", b"{ }"):
        assert read_line(record_line(record._replace(payload=payload))) == record._replace(payload=payload)


@pytest.mark.parametrize("line", [b"", b"{}", b"[1]", b"\xff", b'{"head":"x","seq":1,"hash":"zz"}', b'{"head":1}'])
def test_a_line_that_is_neither_record_nor_head_is_refused(line: bytes) -> None:
    with pytest.raises(AuditError):
        read_line(line)
