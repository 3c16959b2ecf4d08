"""Notes filled with made-up identifiers: the places are those of the values, and every machine makes the same."""

from __future__ import annotations

import pytest

from wardround.alignment.finetune import TAGS
from wardround.alignment.identifiers import Template, examples, filled
from wardround.policies.errors import WardroundError


def test_places_are_those_of_the_values() -> None:
    text = "Seen: {first} {last} ({LAST}, {full_low}), MRN {mrn}, on {date} by Dr. {doctor}."
    made = filled(Template(language="en", text=text), 0)
    values = [made.text[a:b] for a, b, _ in made.spans]
    assert len(values) == 7
    first, last, capitals, low, *_ = values
    assert capitals == last.upper()
    assert low.startswith(first.lower()) and low.endswith(last.lower())
    assert [kind for *_, kind in made.spans] == ["name", "name", "name", "name", "identifier", "date", "name"]


def test_the_same_slot_is_the_same_value_and_a_second_person_another() -> None:
    made = filled(Template(language="en", text="{full}|{full}|{full2}"), 1)
    one, again, other = made.text.split("|")
    assert one == again != other


def test_an_age_stays_with_the_rules() -> None:
    assert filled(Template(language="en", text="aged {age90}"), 0).spans == ()


def test_an_unknown_slot_is_named() -> None:
    with pytest.raises(WardroundError, match="unknown slot 'shoe_size'"):
        filled(Template(language="en", text="{shoe_size}"), 0)


def test_every_note_can_be_filled_the_same_each_time_and_names_only_known_tags() -> None:
    first, second = list(examples()), list(examples())
    assert first == second
    assert {kind for e in first for *_, kind in e.spans} <= set(TAGS)
    assert {e.language for e in first} == {"en", "es", "fr", "de", "pt"}
    assert not any("{" in e.text and "}" in e.text for e in first)
    assert sum(not e.spans for e in first) > 150
