"""Slips of spelling: the meant drug is found, ordinary words stay ordinary, look-alike drugs are never swapped."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wardround.agents.interactions.agent import tables
from wardround.agents.interactions.importers.lookalikes import lookalikes, words_of
from wardround.agents.interactions.spelling import Speller


@cache
def _speller() -> Speller:
    vocabulary = tables().vocabulary
    return Speller(vocabulary.names, vocabulary.ordinary, vocabulary.lookalikes)


@pytest.fixture
def speller() -> Speller:
    return _speller()


@pytest.mark.parametrize(
    ("word", "ingredient"),
    [
        ("warfrin", "warfarin"), ("ibuprofin", "ibuprofen"), ("viagara", "sildenafil"), ("amoxacillin", "amoxicillin"),
        ("hydroclorothiazide", "hydrochlorothiazide"), ("lisinipril", "lisinopril"), ("metropolol", "metoprolol"),
        ("gabapenten", "gabapentin"), ("acetominophen", "acetaminophen"), ("azithromicin", "azithromycin"),
        ("clonopin", "clonazepam"), ("benedryl", "diphenhydramine"), ("cumadin", "warfarin"),
        ("trazadone", "trazodone"),
        ("hydroxizine", "hydroxyzine"), ("hydralizine", "hydralazine"),
    ],
)  # fmt: skip
def test_a_slip_is_read_as_the_drug_that_was_meant(speller: Speller, word: str, ingredient: str) -> None:
    found = speller.find(word)
    assert found is not None and found[0].ingredients == (ingredient,)


def test_a_real_name_is_never_changed_into_another(speller: Speller) -> None:
    assert [n for n in tables().vocabulary.names if speller.find(n) is not None] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_ordinary_word_is_read_as_a_drug(speller: Speller, language: str) -> None:
    found = lookalikes(speller, words_of(language))
    assert found == set(), "run python -m wardround.agents.interactions.importers.lookalikes"


@pytest.mark.parametrize("text", ["Aspiring actors take care.", "Ms Almita was here.", "The atrophin gene."])
def test_other_words_stay_what_they_are(text: str) -> None:
    assert [m for m in tables().finder.find(text) if m.name.ingredients != ("atropine",)] == []


def test_a_short_slip_needs_a_dose_or_a_verb_of_taking() -> None:
    finder = tables().finder
    assert finder.find("I take warfrin") and not finder.find("warfrin")
    assert finder.find("warfrin", listed=True)
    assert [m.exact for m in finder.find("I take warfrin and aspirin")] == [False, True]


COMMON = ("metformin", "atorvastatin", "clarithromycin", "levetiracetam", "hydroxychloroquine", "sertraline")


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(COMMON), position=st.integers(1, 20), letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_one_wrong_letter_never_leads_to_another_drug(name: str, position: int, letter: str) -> None:
    assume(position < len(name) and name[position] != letter)
    found = _speller().find(name[:position] + letter + name[position + 1 :])
    assert found is None or found[0].ingredients == (name,)
