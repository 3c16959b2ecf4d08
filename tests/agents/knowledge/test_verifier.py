"""The network beside the exact checks: what it is given, how its word is weighed, what an altered file leads to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.agents.knowledge.entail import Cause, Label, Verdict, judge
from wardround.agents.knowledge.pairing import MAX_TOKENS, Pairer
from wardround.agents.knowledge.retrieve import compile_texts
from wardround.agents.knowledge.statement import compile_statement
from wardround.agents.knowledge.verifier import MODEL, Scores, Verifier, verifier
from wardround.agents.knowledge.weighing import exact_only, features, label_of, shares, weigh, weights
from wardround.agents.knowledge.windows import WINDOW_WORDS, Window, windows
from wardround.agents.weights import digest
from wardround.policies.errors import WardroundError

YES, NO, SILENT = Scores(4.0, -2.0, -2.0), Scores(-2.0, 4.0, -2.0), Scores(-2.0, -2.0, 4.0)
TOPICS = ("apples", "bridges", "candles", "deserts", "engines", "forests", "glaciers", "harbours", "islands", "jungles")
LONG = " ".join(f"{a.title()} and {b} are described in this chapter at some length." for a in TOPICS for b in TOPICS)


def test_the_same_pair_gets_the_same_scores_alone_and_beside_others() -> None:
    pair = ("Aspirin thins the blood.", "Aspirin inhibits the clumping of platelets.")
    alone = Verifier().read([pair])
    beside = Verifier().read([("Other", "Text of another length, longer than the first."), pair])
    assert alone[0] == beside[1]


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    with (folder / "verifier.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(WardroundError, match="not the file that was released"):
        Verifier(folder)


def test_the_weights_belong_to_the_network_beside_them() -> None:
    assert weights().verifier == digest(MODEL / "verifier.onnx")


def test_marks_tell_which_words_and_numbers_stand_on_both_sides() -> None:
    paired = Pairer(MODEL / "tokenizer.json").pair("take 500 mg twice", "Take 250 mg, 2 times")
    told = dict(zip(paired.ids, paired.marks, strict=True))
    words = [m for i, m in enumerate(paired.marks) if paired.types[i] == 0 and any(m)]
    assert (1.0, 0.0, 0.0) in words, "take and mg"
    assert (0.0, 0.0, 1.0) in words, "500 does not stand there"
    assert (1.0, 1.0, 0.0) in words, "twice is 2"
    assert len(told) <= len(paired.ids)


@given(st.text(max_size=400), st.text(max_size=3_000))
def test_any_two_texts_make_an_input_that_fits(claim: str, evidence: str) -> None:
    paired = _pairer().pair(claim, evidence)
    assert len(paired.ids) == len(paired.types) == len(paired.marks) <= MAX_TOKENS


def _pairer() -> Pairer:
    return _PAIRER


_PAIRER = Pairer(MODEL / "tokenizer.json")


def test_a_short_passage_is_read_whole_and_a_long_one_where_it_speaks_of_the_claim() -> None:
    claim = compile_statement("Glaciers and harbours stand side by side.", "en")
    short, long = compile_texts("s", "Rivers flow. Stones lie.", "en"), compile_texts("l", LONG, "en")
    assert [w.text for w in windows(claim, [short], most=3)] == ["Rivers flow. Stones lie."]
    best = windows(claim, [short, long], most=2)[0]
    assert best.passage.id == "l" and "Glaciers and harbours" in best.text and len(best.text.split()) <= WINDOW_WORDS


@given(st.lists(st.text(alphabet="abc de.", max_size=80), max_size=5), st.integers(1, 4))
def test_no_stretch_is_read_twice(texts: list[str], most: int) -> None:
    passages = [compile_texts(str(n), t, "en") for n, t in enumerate(texts)]
    found = windows(compile_statement("a bc de", "en"), passages, most=most)
    assert len(found) <= most
    assert found == windows(compile_statement("a bc de", "en"), passages, most=most)


def _weigh(claim: str, evidence: str, scores: Scores) -> Label:
    statement, passage = compile_statement(claim, "en"), compile_texts("e", evidence, "en")
    read = [(Window(passage, evidence, 1.0), scores)]
    return weigh(statement, judge(statement, [passage]), read).verdict.label


@pytest.mark.parametrize(
    ("scores", "label"), [(YES, Label.SUPPORTED), (NO, Label.CONTRADICTED), (SILENT, Label.NOT_FOUND)]
)
def test_a_clear_word_of_the_network_decides_where_the_exact_checks_are_silent(scores: Scores, label: Label) -> None:
    assert _weigh("Walking is good for the heart.", "Regular strolls strengthen cardiac muscle.", scores) is label


def test_a_claim_whose_figure_stands_nowhere_is_never_supported() -> None:
    assert _weigh("Walking 45 minutes helps.", "Walking helps the heart.", YES) is not Label.SUPPORTED
    assert _weigh("Walking 45 minutes helps.", "Walking 45 minutes helps the heart.", YES) is Label.SUPPORTED


def test_another_figure_for_the_same_thing_is_a_contradiction_whatever_the_network_says() -> None:
    claim, evidence = "The starting dose of ramipril is 10 mg.", "The starting dose of ramipril is 2.5 mg."
    statement, passage = compile_statement(claim, "en"), compile_texts("e", evidence, "en")
    told = weigh(statement, judge(statement, [passage]), [(Window(passage, evidence, 1.0), SILENT)])
    assert (told.verdict.label, told.verdict.cause) == (Label.CONTRADICTED, Cause.QUANTITY)


def test_probabilities_add_up_to_one() -> None:
    statement, passage = compile_statement("Tea is healthy.", "en"), compile_texts("e", "Tea is a drink.", "en")
    for scores in (YES, NO, SILENT):
        told = shares(
            features(statement, judge(statement, [passage]), [(Window(passage, "x", 0.0), scores)]), weights()
        )
        assert sum(told.values()) == pytest.approx(1.0)


def test_without_the_network_the_exact_verdict_stands() -> None:
    for label in Label:
        assert exact_only(Verdict(label, 0.8)).verdict.label is label


def test_a_missing_figure_takes_support_away() -> None:
    by = weights()
    assert label_of(0.99, 0.0, missing=False, by=by) is Label.SUPPORTED
    assert label_of(0.99, 0.0, missing=True, by=by) is Label.NOT_FOUND


def test_the_network_is_loaded_once() -> None:
    assert verifier() is verifier()
