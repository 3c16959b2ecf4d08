"""A draft as sentences, list items and table rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardround.agents.knowledge.claims import ClaimKind, cited_labels, classify, find_claims


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One thing. Another thing.", ["One thing.", "Another thing."]),
        ("Give 2.5 mg daily. Stop then.", ["Give 2.5 mg daily.", "Stop then."]),
        ("See Dr. Who, e.g. on Monday. Then rest.", ["See Dr. Who, e.g. on Monday.", "Then rest."]),
        ("It helps. [e1] It lasts [e2].", ["It helps. [e1]", "It lasts [e2]."]),
        ("- first item\n- second item", ["first item", "second item"]),
        ("1. Take it\n2. Rest", ["Take it", "Rest"]),
        ("| drug | dose |\n|---|---|\n| a | 5 mg |", ["| drug | dose |", "| a | 5 mg |"]),
        ("每日两次。服用7天！好吗？", ["每日两次。", "服用7天！", "好吗？"]),
        ("दवा लें। आराम करें।", ["दवा लें।", "आराम करें।"]),
        ("¿Puede tomarlo? Sí, con agua.", ["¿Puede tomarlo?", "Sí, con agua."]),
        ("Nehmen Sie z. B. Wasser. Danach ruhen.", ["Nehmen Sie z. B. Wasser.", "Danach ruhen."]),
    ],
)
def test_a_text_is_cut_at_the_ends_of_its_sentences(text: str, sentences: list[str]) -> None:
    assert [c.text for c in find_claims(text)] == sentences


@given(st.text(max_size=300))
def test_claims_lie_in_order_and_repeat_the_draft_exactly(text: str) -> None:
    last = 0
    for claim in find_claims(text):
        assert last <= claim.start < claim.end <= len(text)
        assert text[claim.start : claim.end] == claim.text
        last = claim.end


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("so [e1].", ("e1",)),
        ("so [e1, e2]", ("e1", "e2")),
        ("so 【3】", ("3",)),
        ("so [^1] and [e2]", ("1", "e2")),
        ("[REDACTED] [see below]", ()),
    ],
)
def test_bracketed_labels_are_citations_and_other_brackets_are_not(text: str, labels: tuple[str, ...]) -> None:
    assert cited_labels(text) == labels


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Metformin lowers hepatic glucose output.", ClaimKind.FACT),
        ("Take one tablet in the morning.", ClaimKind.INSTRUCTION),
        ("The patient's potassium is 5.9 mmol/L.", ClaimKind.PATIENT),
        ("“Take it with food.”", ClaimKind.QUOTATION),
        ("I hope this helps!", ClaimKind.TALK),
        ("Do you feel dizzy?", ClaimKind.TALK),
    ],
)
def test_a_sentence_gets_its_class(text: str, kind: ClaimKind) -> None:
    assert classify(text) is kind
