"""Pairs that teach the claim verifier: flips, questions turned round, the project's own claims."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from wardround.alignment.corpus import FOLDER
from wardround.alignment.flips import flip, reword
from wardround.alignment.pairs import Pair, stated
from wardround.alignment.verdicts import CONTRADICTED, UNSUPPORTED
from wardround.alignment.verifier import STAGES, shared_out


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - order of words, no secret


SENTENCE = "Patients given 500 mg twice daily for 6 weeks did not show increased mortality in most hospitals."


@pytest.mark.parametrize("kind", ["number", "unit", "negation", "direction", "certainty"])
def test_a_flip_changes_the_sentence_in_the_respect_that_was_asked(kind: str) -> None:
    changed = flip(SENTENCE, seeded(1), [kind])
    assert changed is not None and changed.kind == kind and changed.text != SENTENCE
    assert changed.label == (UNSUPPORTED if kind == "certainty" else CONTRADICTED)


def test_a_sentence_without_the_respect_is_left_alone() -> None:
    assert flip("Tea.", seeded(1), ["number", "unit"]) is None


def test_the_same_seed_flips_and_rewords_alike() -> None:
    assert flip(SENTENCE, seeded(3)) == flip(SENTENCE, seeded(3))
    assert reword(SENTENCE, seeded(3)) == reword(SENTENCE, seeded(3))


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("Is obesity associated with asthma?", "Obesity is associated with asthma."),
        ("Does aspirin reduce mortality?", "Aspirin reduce mortality."),
        ("Vitamin D and falls: can falls be prevented?", "Falls can be prevented."),
        ("What causes asthma?", None),
    ],
)
def test_a_question_becomes_the_statement_it_asks_about(question: str, statement: str | None) -> None:
    assert stated(question) == statement


def test_own_claims_name_their_evidence_and_have_all_kinds() -> None:
    paths = sorted((FOLDER / "claims").glob("*.jsonl.gz"))
    assert paths
    for path in paths:
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            group = json.loads(line)
            assert ("e" in group) != ("ref" in group), path.name
            assert group["s"] and group["r"] and all(c.strip() for key in "srn" for c in group[key]), path.name


def test_a_share_above_one_repeats_a_pair_and_one_below_leaves_some_out() -> None:
    pairs = [Pair(str(n), "e", 0, source, "train") for n in range(200) for source in ("own", "fever")]
    drawn = shared_out(pairs, STAGES[0], 1)
    own, fever = (sum(p.source == s for p in drawn) for s in ("own", "fever"))
    assert own == 400 and 40 < fever < 100
