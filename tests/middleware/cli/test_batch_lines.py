"""Lines in and results out, without any round: what is a bad line, what an earlier run has left, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.middleware.cli.batch import in_order
from wardround.middleware.cli.batch_files import Line, opened_output, read_done, read_lines
from wardround.middleware.cli.judging import Result, failed, parse_request
from wardround.policies.errors import InputError, StoreError


def lines_of(*texts: bytes) -> list[Line]:
    return list(read_lines(texts))


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (b'{"id": "a", "messages": []}', None),
        (b'{"id": 7, "category": "dose", "expect": {}, "rationale": "r", "twin": null}', None),
        (b'{"id": "a", "note": 1, "source": 2, "evidence_grade": 3}', None),
        (b"{", "not valid JSON"),
        (b"[1]", "expected a JSON object"),
        (b'"text"', "expected a JSON object"),
        (b'{"id": "a", "langauge": "en"}', "did you mean 'language'"),
        (b'{"id": "a", "message": []}', "did you mean 'messages'"),
        (b'{"id": "a", "patients": {}}', "did you mean 'patient'"),
        (b'{"id": "a", "Draft": "x"}', "did you mean 'draft'"),
    ],
)
def test_extra_keys_ride_along_and_misspelt_ones_do_not(text: bytes, mistake: str | None) -> None:
    (line,) = lines_of(text)
    assert (line.mistake is None) == (mistake is None)
    assert mistake is None or mistake in str(line.mistake)


def test_blank_lines_are_no_lines_and_count_for_the_number() -> None:
    assert [line.number for line in lines_of(b"\n", b'{"id": 1}\n', b"  \n", b"oops")] == [2, 4]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "messages: expected a list"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "x"}], "draft": 3}, "draft: expected a string or null"),
        ({"messages": [{"role": "user", "content": "x"}], "patient": {"age_year": 3}}, "did you mean 'age_years'"),
        ({"messages": [{"role": "user", "content": "x"}], "audience": "nurse"}, "audience"),
        ({"messages": [{"role": "user", "content": "x"}], "evidence": [{"id": "a"}]}, "evidence.0.text"),
    ],
)
def test_a_wrong_field_is_named_as_in_the_line(raw: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_request(raw)
    assert said in str(caught.value)
    assert not str(caught.value).startswith("wardround.")


def test_null_means_unknown() -> None:
    request = parse_request({
        "messages": [{"role": "user", "content": "x"}],
        "draft": None, "audience": None, "language": None, "patient": None, "evidence": None,
    })  # fmt: skip
    assert (request.draft, request.audience, request.patient, request.evidence) == (None, None, None, None)


def result_line(line_id: object) -> bytes:
    return orjson.dumps(failed(line_id, "e")) + b"\n"


@given(ids=st.lists(st.one_of(st.text(), st.integers(0, 9), st.none()), max_size=5), cut=st.integers(0, 400))
def test_a_result_file_cut_anywhere_is_taken_up_at_a_whole_line(
    tmp_path_factory: pytest.TempPathFactory, ids: list[object], cut: int
) -> None:
    path = tmp_path_factory.mktemp("batch") / "out.jsonl"
    whole = b"".join(result_line(i) for i in ids)
    path.write_bytes(whole[:cut])
    done = read_done(path)
    assert list(done.ids) == ids[: len(done.ids)]
    with opened_output(path, done.size) as target:
        target.writelines(result_line(i) for i in ids[len(done.ids) :])
    assert path.read_bytes() == whole


def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "precious.jsonl"
    path.write_text('{"id": 1}\n')
    with pytest.raises(InputError, match=r"precious.jsonl:1: not a batch result"):
        read_done(path)


def numbered(count: int) -> list[Line]:
    return [Line(number, number, {}) for number in range(count)]


async def test_results_keep_the_order_of_lines_and_the_bound() -> None:
    running = most = 0

    async def judge(line: Line) -> Result:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range((7 * line.number) % 5):
            await asyncio.sleep(0)
        running -= 1
        return failed(line.id, "e")

    results = [r["id"] async for r in in_order(numbered(40), judge, concurrency=3)]
    assert results == list(range(40))
    assert most == 3


async def test_lines_are_read_no_further_than_needed() -> None:
    read = 0

    def counted() -> Iterator[Line]:
        nonlocal read
        for line in numbered(1000):
            read += 1
            yield line

    async def judge(line: Line) -> Result:
        return failed(line.id, "e")

    results = in_order(counted(), judge, concurrency=2)
    await anext(results)
    await results.aclose()
    assert read <= 10


async def test_a_dead_database_ends_the_run_behind_what_was_finished() -> None:
    async def judge(line: Line) -> Result:
        if line.number == 3:
            raise StoreError("gone")
        return failed(line.id, "e")

    seen: list[object] = []
    with pytest.raises(StoreError):
        async for result in in_order(numbered(9), judge, concurrency=2):
            seen.append(result["id"])
    assert seen == [0, 1, 2]
