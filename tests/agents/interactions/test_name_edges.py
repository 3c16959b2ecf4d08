"""Where a name begins and ends, and what else may stand on it: scripts, compounds, salts, forms, strengths."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.interactions.agent import tables

COMMON = ("warfarin", "metformin", "lisinopril", "sertraline", "clarithromycin", "simvastatin", "levothyroxine")


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Ich nehme Warfarintabletten", ["warfarin"]), ("metformin500 twice daily", ["metformin"]),
        ("我每天吃二甲双胍和华法林", ["metformin", "warfarin"]), ("मैं वारफेरिन लेता हूँ", ["warfarin"]),
        ("my lisinopril's dose", ["lisinopril"]),
    ],
)  # fmt: skip
def test_a_name_is_found_at_the_edges_of_its_script(text: str, ingredients: list[str]) -> None:
    assert [i for m in tables().finder.find(text) for i in m.ingredients] == ingredients


@pytest.mark.parametrize(
    ("name", "ingredients"),
    [
        ("metformin hydrochloride 500 mg tablet", {"metformin"}), ("Warfarin sodium", {"warfarin"}),
        ("lisinopril-HCTZ", {"lisinopril", "hydrochlorothiazide"}),
        ("amlodipine/valsartan", {"amlodipine", "valsartan"}),
        ("hydrochlorothiazide-losartan", {"hydrochlorothiazide", "losartan"}),
    ],
)  # fmt: skip
def test_salts_forms_strengths_and_unlisted_combinations_resolve(name: str, ingredients: set[str]) -> None:
    assert set(tables().vocabulary.resolve(name)) == ingredients


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(COMMON),
    change=st.sampled_from([str.lower, str.upper, str.title]),
    around=st.sampled_from(["{}", "({})", "{},", '"{}"', "{}.", "{}'s", "*{}*", "{};", "- {}"]),
)
def test_case_and_punctuation_never_change_what_a_name_means(name: str, change: object, around: str) -> None:
    shown = change(name) if callable(change) else name
    found = tables().finder.find(f"I take {around.format(shown)} every day")
    assert [m.ingredients for m in found] == [(name,)]
