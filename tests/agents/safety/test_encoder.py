"""The encoder: windows, vectors, the model's files, and that what it says does not depend on what it read before."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.safety.encoder import MAX_CHARS, MAX_TOKENS, MAX_WINDOWS, MODEL, Cutter, Encoder, encoder
from wardround.agents.safety.heads import heads, judge
from wardround.policies.errors import WardroundError

PROSE = "The patient was seen in clinic today. Blood pressure was 142 over 88. She takes one tablet in the morning. "
SHIPPED_MB = 40


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(MODEL / "tokenizer.json")


def test_a_text_that_grows_keeps_the_windows_it_began_with(cutter: Cutter) -> None:
    whole = PROSE * 40
    windows = cutter.windows(whole)
    for end in (len(PROSE) * 20, len(PROSE) * 31 + 17):
        part = cutter.windows(whole[:end])
        assert part[:-1] == windows[: len(part) - 1]


def test_windows_are_cut_behind_a_sentence(cutter: Cutter) -> None:
    text = PROSE * 10
    windows = cutter.windows(text)
    assert len(windows) > 2
    assert all(text[w.end - 1] == "." for w in windows)
    assert all(len(w.spans) <= MAX_TOKENS for w in windows)


@given(st.text(max_size=2000))
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_token_once_and_lie_in_the_text(text: str) -> None:
    windows = Cutter(MODEL / "tokenizer.json").windows(text)
    spans = [s for w in windows for s in w.spans]
    assert spans == sorted(spans)
    assert all(0 <= a < b <= len(text) for a, b in spans)


def test_a_very_long_text_is_read_at_its_start_and_its_end(cutter: Cutter) -> None:
    text = PROSE * 5000
    windows = cutter.windows(text)
    assert len(windows) <= MAX_WINDOWS
    assert windows[0].start == 0
    assert windows[-1].end > len(text) - 500
    assert len(text) > MAX_CHARS


def test_a_vector_does_not_depend_on_what_is_read_beside_it() -> None:
    alone = Encoder().see(["My head hurts."])[0][0][1]
    beside = Encoder().see([PROSE * 5, "My head hurts.", "Another text."])[1][0][1]
    assert (alone.vector == beside.vector).all()
    assert (alone.tags == beside.tags).all()


def test_a_window_cut_inside_a_word_is_not_taken_for_a_text_that_begins_so() -> None:
    by = Encoder()
    text = "otorhinolaryngologist " * 60
    cut = [w for w, _ in by.see([text])[0]]
    for window in cut:
        part = text[window.start : window.end]
        again, seen = by.see([part])[0][0]
        assert len(seen.tags) == len(again.spans)


def _vector(by: Encoder, text: str) -> list[float]:
    return [float(x) for x in by.see([text])[0][0][1].vector]


def test_several_threads_read_the_same() -> None:
    shared, texts = Encoder(), [f"Message number {n} about my tablets." for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(partial(_vector, shared), texts * 2))
    assert found[:40] == found[40:]
    alone = Encoder()
    assert found[:40] == [_vector(alone, t) for t in texts]


@pytest.mark.parametrize("name", ["encoder.onnx", "tokenizer.json"])
def test_a_file_that_was_altered_is_refused_by_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(WardroundError, match=f"{name} is not the file that was released"):
        Encoder(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WardroundError, match="encoder.onnx cannot be read"):
        Encoder(tmp_path)


def test_the_heads_belong_to_the_encoder_that_is_shipped() -> None:
    from wardround.agents.weights import digest

    assert heads().encoder == digest(MODEL / "encoder.onnx")


def test_what_is_shipped_stays_below_its_limit() -> None:
    assert sum(f.stat().st_size for f in MODEL.iterdir()) < SHIPPED_MB * 1_000_000


def test_another_script_is_left_to_the_rules() -> None:
    assert judge("harmful", "Σήμερα νιώθω καλά και πήγα μια βόλτα στο πάρκο με τον σκύλο μου." * 2).probability < 0.5


@pytest.mark.parametrize("text", ["", " ", "\x00\x01\x02", "\ud800", "🦠" * 50, "a" * 100_000, "\u200b" * 1000])
def test_odd_texts_have_a_probability_too(text: str) -> None:
    assert 0 <= judge("injection", text).probability <= 1


@pytest.mark.parametrize("text", ["x" * 1_000_000, "ab " * 333_000, "¿" * 1_000_000, PROSE * 10_000], ids=len)
def test_a_megabyte_is_read_within_bounds(text: str) -> None:
    begun = time.perf_counter()
    encoder().see([text])
    assert time.perf_counter() - begun < 15
