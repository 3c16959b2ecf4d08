"""The project's own training text: readable, balanced in languages, without repeats, split without leaks."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from wardround.alignment import corpus
from wardround.alignment.examples import HEADS, Example, without_repeats


@pytest.mark.parametrize("name", corpus.names())
def test_a_file_belongs_to_a_head_and_gives_the_same_texts_each_time(name: str) -> None:
    assert name.split(".")[0] in {*HEADS, "task"}
    first, second = list(corpus.examples(name)), list(corpus.examples(name))
    assert first == second and first
    assert not [e.text for e in first if not e.text.strip() or re.search(r"\{[A-Za-z_]\w*\}", e.text)]


@pytest.mark.parametrize("head", HEADS)
def test_both_labels_are_written_for_every_head(head: str) -> None:
    labels = Counter(e.labels[head] for n in corpus.names() if n.split(".")[0] == head for e in corpus.examples(n))
    assert labels[0] >= 100 and labels[1] >= 100


def test_texts_of_one_template_stay_on_one_side_of_the_split() -> None:
    sides: dict[str, set[str]] = {}
    for name in corpus.names():
        for example in corpus.examples(name):
            sides.setdefault(example.key, set()).add(example.part)
    assert all(len(parts) == 1 for parts in sides.values())
    assert {"train", "measure"} == set().union(*sides.values())


def test_a_text_is_kept_once_whatever_its_case_and_spaces() -> None:
    texts = ("One text", "one  text", "Another", "")
    assert [e.text for e in without_repeats(Example(t, {}, "x") for t in texts)] == ["One text", "Another"]
