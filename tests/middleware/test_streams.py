"""Many streams at once: each gets its own text only, every frame is whole, nothing leaves unchecked."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.sentences import last_boundary
from wardround.agents.state import Choice, Draft, Outcome, Status
from wardround.middleware.wire.stream import StreamSink
from wardround.policies.finding import Action

Start = Callable[..., str]
STREAMS = 200


async def _one(session: aiohttp.ClientSession, url: str, text: str) -> tuple[str, list[dict[str, Any]], bytes]:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": text}]}
    async with session.post(f"{url}/chat/completions", json=body) as answer:
        assert answer.status == 200
        raw = await answer.read()
    frames = [f for f in raw.split(b"\n\n") if f and not f.startswith(b":")]
    chunks = [json.loads(f.removeprefix(b"data: ")) for f in frames if f != b"data: [DONE]"]
    said = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
    return said, chunks, raw


def test_two_hundred_streams_never_mix_and_never_leak(upstream: Any, start_proxy: Start) -> None:
    upstream.seed = 11
    upstream.token_s = 0.001
    url = start_proxy(upstream_url=upstream.url)
    dice = random.Random(5)  # noqa: S311 - which streams are dangerous
    texts: list[tuple[str, bool]] = []
    for i in range(STREAMS):
        tag = f"T{i:03d}T"
        danger = dice.random() < 0.4
        sentences = [f"Sentence {j} of {tag} is harmless, él también." for j in range(dice.randint(2, 6))]
        if danger:
            sentences.insert(dice.randint(0, len(sentences)), f"Take NITRATE with {tag}.")
        texts.append((" ".join(sentences), danger))

    async def run() -> list[tuple[str, list[dict[str, Any]], bytes]]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120)) as session:
            return await asyncio.gather(*(_one(session, url, text) for text, _ in texts))

    for i, ((said, chunks, raw), (text, danger)) in enumerate(zip(asyncio.run(run()), texts, strict=True)):
        assert set(re.findall(r"T(\d{3})T", said)) <= {f"{i:03d}"}
        assert raw.endswith(b"data: [DONE]\n\n")
        about = chunks[-1]["wardround"]
        if danger:
            assert "NITRATE" not in said
            assert about["status"] == "pending_review"
            safe = text[: text.index("Take NITRATE")]
            assert safe.startswith(said.rpartition("\n\n")[0])
        else:
            assert said == text
            assert about["status"] == "released"


async def _nothing(choice: int, upto: int, text: str, findings: Sequence[Any]) -> None:
    return None


def _chunks(text: str, cuts: Sequence[int]) -> list[Mapping[str, Any]]:
    edges = [0, *sorted(c % (len(text) + 1) for c in cuts), len(text)]
    parts = [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    chunks: list[Mapping[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": p}}]} for p in parts]
    return [*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]


async def _read(sink: StreamSink) -> str:
    said = ""
    async for frame in sink.frames():
        if frame.startswith(b"data: {"):
            for choice in json.loads(frame[6:])["choices"]:
                said += choice["delta"].get("content") or ""
    return said


@given(
    text=st.text(alphabet="ab. é中\n!", min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
    releases=st.lists(st.integers(0, 60), max_size=6),
)
@settings(max_examples=150, deadline=None)
async def test_whatever_the_cuts_and_releases_the_text_arrives_whole_and_in_order(
    text: str, cuts: list[int], releases: list[int]
) -> None:
    sink = StreamSink(_nothing, 5.0)
    for chunk in _chunks(text, cuts):
        sink.keep(chunk)
    for upto in sorted(r % (len(text) + 1) for r in releases):
        await sink.release(0, upto, None, ())
    draft = Draft(0, "upstream", (Choice(index=0, text=text),), "m", {"choices": [{}]})
    sink.finish(draft, Outcome(Status.RELEASED, Action.ALLOW, (None,)), "m", {"round_id": "rd_x"})

    assert await _read(sink) == text


@given(
    text=st.text(alphabet="ab. é\n!", min_size=2, max_size=60),
    upto=st.integers(1, 60),
    cuts=st.lists(st.integers(0, 60)),
)
@settings(max_examples=100, deadline=None)
async def test_nothing_past_the_release_leaves_a_blocked_stream(text: str, upto: int, cuts: list[int]) -> None:
    end = upto % len(text)
    sink = StreamSink(_nothing, 5.0)
    for chunk in _chunks(text, cuts):
        sink.keep(chunk)
    await sink.release(0, end, None, ())
    sink.finish(None, Outcome(Status.BLOCKED, Action.BLOCK, (), "§"), "m", {"round_id": "rd_x"})

    assert (await _read(sink)).removesuffix("§").removesuffix("\n\n") in {text[:end], text[:end].removesuffix("\n\n")}


async def test_a_silent_stream_is_kept_alive_by_comments() -> None:
    sink = StreamSink(_nothing, 0.01)
    first = await anext(sink.frames())

    assert first == b": keep-alive\n\n"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Take it today. Then", 14),
        ("Take it today.", 14),
        ("Take 0.", 0),
        ("Take 0.5 mg", 0),
        ("See e.g.", 0),
        ("One.\nTwo", 5),
        ("多喝水。然后", 4),
        ("¿Bien? Sí", 6),
        ('He said "rest." Then', 15),
        ("no end here", 0),
    ],
)
def test_a_sentence_ends_where_a_reader_would_say(text: str, end: int) -> None:
    assert last_boundary(text, 0) == end
