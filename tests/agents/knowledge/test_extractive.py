"""Answers out of the supplied evidence alone."""

from __future__ import annotations

from wardround.agents.knowledge.extractive import PREAMBLE, extract_answer
from wardround.policies.request import Evidence

SHELF = (
    Evidence(id="e1", text="Alendronate is taken on an empty stomach. Stay upright for 30 minutes after alendronate."),
    Evidence(id="e2", text="Recheck bone density after two years."),
)


def test_the_fitting_sentences_are_quoted_with_their_passage() -> None:
    answer = extract_answer("How long must I stay upright after alendronate?", SHELF)
    assert answer is not None
    assert answer.startswith(PREAMBLE)
    assert "Stay upright for 30 minutes after alendronate. [e1]" in answer
    assert "bone density" not in answer


def test_nothing_is_answered_where_nothing_fits() -> None:
    assert extract_answer("Is it going to rain in Lisbon?", SHELF) is None
    assert extract_answer("How long must I stay upright after alendronate?", ()) is None
    assert extract_answer("", SHELF) is None


def test_brand_and_generic_name_are_one() -> None:
    answer = extract_answer("How do I take fosamax?", SHELF)
    assert answer is not None
    assert "[e1]" in answer
