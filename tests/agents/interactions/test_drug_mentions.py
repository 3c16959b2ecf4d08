"""Names in running text: what is a drug, what only looks like one, and what is said of it."""

from __future__ import annotations

import pytest

from wardround.agents.interactions.agent import tables
from wardround.agents.interactions.dose import parse
from wardround.agents.interactions.folding import fold
from wardround.agents.interactions.stance import Stance, Status, read
from wardround.agents.interactions.statuses import request_status


def _found(text: str) -> list[str]:
    return [text[m.start : m.end] for m in tables().finder.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She takes Tylenol and St. John's wort.", ["Tylenol", "St. John's wort"]),
        ("Paracétamol ou ibuprofène ?", ["Paracétamol", "ibuprofène"]),
        ("MTX 15 mg weekly with HCTZ", ["MTX", "HCTZ"]),
        ("lisinopril-HCTZ 20/12.5", ["lisinopril-HCTZ"]),
        ("an SSRI or NSAIDs", ["SSRI", "NSAIDs"]),
        ("Warfarin\u2019s effect", ["Warfarin"]),
        ("metformin,insulin glargine;statins", ["metformin", "insulin glargine", "statins"]),
    ],
)
def test_a_drug_is_found_by_any_of_its_names(text: str, expected: list[str]) -> None:
    assert _found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "We aim to act today, one a day.",
        "Her potassium was 4.1 and calcium normal.",
        "Drink plenty of water; I was drinking juice.",
        "Ella went to the sonata with Molly.",
        "The ace of spades and an iron will.",
        "He is a pop star with T2 DM.",
        "The sertralinelike effect of notwarfarinoid things.",
    ],
)
def test_ordinary_words_stay_ordinary(text: str) -> None:
    assert _found(text) == []


def _stances(text: str) -> dict[str, Stance]:
    known = tables()
    seen = read("draft", text, known.finder, known.cues["en"])
    return {text[m.start : m.end]: s for m, s in zip(seen.mentions, seen.stances, strict=True)}


@pytest.mark.parametrize(
    ("text", "name", "stance"),
    [
        ("Take ibuprofen with food.", "ibuprofen", Stance.FOR),
        ("Avoid ibuprofen.", "ibuprofen", Stance.AGAINST),
        ("Do not take ibuprofen.", "ibuprofen", Stance.AGAINST),
        ("Please don't take ibuprofen or naproxen.", "naproxen", Stance.AGAINST),
        ("Ibuprofen should be avoided.", "Ibuprofen", Stance.AGAINST),
        ("Ibuprofen, an anti-inflammatory, is not recommended.", "Ibuprofen", Stance.AGAINST),
        ("Taking ibuprofen with warfarin is dangerous.", "ibuprofen", Stance.AGAINST),
        ("Use acetaminophen instead of ibuprofen.", "ibuprofen", Stance.AGAINST),
        ("Use acetaminophen instead of ibuprofen.", "acetaminophen", Stance.FOR),
        ("Don't stop your lisinopril.", "lisinopril", Stance.FOR),
        ("There is no need to avoid ibuprofen.", "ibuprofen", Stance.FOR),
        ("Avoid taking ibuprofen.", "ibuprofen", Stance.AGAINST),
        ("Do not take ibuprofen with warfarin.", "warfarin", Stance.OPEN),
        ("Stop ibuprofen if you notice black stools.", "ibuprofen", Stance.OPEN),
        ("Ibuprofen is an anti-inflammatory.", "Ibuprofen", Stance.OPEN),
        ("Stop aspirin and start clopidogrel.", "clopidogrel", Stance.FOR),
    ],
)
def test_the_stance_of_a_draft_is_read_per_drug(text: str, name: str, stance: Stance) -> None:
    assert _stances(text)[name] is stance


@pytest.mark.parametrize(
    ("text", "name", "status"),
    [
        ("Can I take ibuprofen with my warfarin?", "ibuprofen", Status.ASKED),
        ("Can I take ibuprofen with my warfarin?", "warfarin", Status.TAKEN),
        ("I'm on sertraline. Should I add tramadol?", "sertraline", Status.TAKEN),
        ("I'm on sertraline. Should I add tramadol?", "tramadol", Status.ASKED),
        ("I stopped fluoxetine last year.", "fluoxetine", Status.STOPPED),
        ("I'm allergic to penicillin.", "penicillin", Status.ALLERGIC),
        ("I have a codeine allergy.", "codeine", Status.ALLERGIC),
        ("My husband takes warfarin.", "warfarin", Status.OTHER),
    ],
)
def test_the_status_in_a_request_is_read_per_drug(text: str, name: str, status: Status) -> None:
    known = tables()
    seen = read("request", text, known.finder, known.cues["en"])
    got = {text[m.start : m.end]: s for m, s in zip(seen.mentions, request_status(seen), strict=True)}
    assert got[name] is status


@pytest.mark.parametrize(
    ("text", "single", "daily", "weekly"),
    [
        ("500 mg three times a day", 500, 1500, False),
        ("1 g every 6 hours", 1000, 4000, False),
        ("two 500 mg tablets twice daily", 1000, 2000, False),
        ("250 mcg daily", None, 0.25, False),
        ("15 mg once a week", 15, None, True),
        ("400-800 mg q8h", 800, 2400, False),
        ("1,000 mg bid", 1000, 2000, False),
        ("0.125 mg per day", None, 0.125, False),
        ("1 mg/mL, give 0.3 mg", 0.3, None, False),
    ],
)
def test_a_dose_is_read_as_written(text: str, single: float | None, daily: float | None, weekly: bool) -> None:
    dose = parse(fold(text), 0, len(text))
    assert dose is not None
    assert (dose.single_mg, dose.daily_mg, dose.weekly) == (single, daily, weekly)


def test_folding_never_changes_the_length() -> None:
    text = "É\u0130ß\ufb01\u2019\u00b5g Ibuprofène \u5bf9\u4e59"
    assert len(fold(text)) == len(text)
