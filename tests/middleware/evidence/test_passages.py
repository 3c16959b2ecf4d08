"""Passages: never across a heading, whole sentences, lists with lead-ins, rows under their header, no word lost."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardround.middleware.evidence import About, Block, BlockKind, Document, cut

H, P, L, R = BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.LIST_ITEM, BlockKind.TABLE_ROW
SENTENCE = "Renal function must be checked before treatment starts and once a year."


def made(*blocks: Block) -> Document:
    return Document("key", About("Title"), blocks)


def test_a_passage_names_its_place() -> None:
    passages = cut(
        made(
            Block(P, "Before any heading."),
            Block(H, "Dosage", 1, page=11),
            Block(P, "For all.", page=11),
            Block(H, "Renal impairment", 2, page=12),
            Block(P, "Halve it.", page=12),
            Block(H, "Overdose", 1, page=13),
            Block(H, "Do not use in pregnancy", 2, page=13),
            Block(H, "Storage", 1),
            Block(P, "Keep cool."),
        )
    )
    assert [(p.ordinal, p.text, p.locator) for p in passages] == [
        (1, "Before any heading.", "passage 1"),
        (2, "For all.", "Dosage, p. 11"),
        (3, "Halve it.", "Dosage > Renal impairment, p. 12"),
        (4, "Do not use in pregnancy", "Overdose > Do not use in pregnancy, p. 13"),
        (5, "Keep cool.", "Storage"),
    ]


def test_small_neighbours_are_joined_and_long_texts_cut_at_sentences() -> None:
    passages = cut(
        made(*[Block(P, SENTENCE) for _ in range(4)], Block(H, "Next", 1), Block(P, " ".join([SENTENCE] * 60)))
    )
    assert passages[0].text == "\n".join([SENTENCE] * 4)
    assert len(passages) > 4
    for passage in passages[1:]:
        assert passage.headings == ("Next",)
        assert 400 <= len(passage.text) <= 1500
        assert passage.text.startswith("Renal")
        assert passage.text.endswith("year.")


def test_a_list_keeps_its_lead_in() -> None:
    items = [Block(L, f"{n} {SENTENCE}") for n in range(40)]
    passages = cut(made(Block(P, " ".join([SENTENCE] * 5) + " Not in patients with:"), *items))
    with_items = [p for p in passages if "\n" in p.text]
    assert len(with_items) > 3
    for passage in with_items:
        lines = passage.text.split("\n")
        lead = next(n for n, line in enumerate(lines) if line.endswith("Not in patients with:"))
        assert lead + 1 < len(lines)
        assert all(line.endswith("year.") for line in lines[lead + 1 :])
    assert not any(p.text == "Not in patients with:" for p in passages)


def test_rows_stand_under_their_header_and_caption() -> None:
    rows = [Block(R, f"drug{n} | {SENTENCE}", header="Drug | Advice") for n in range(30)]
    passages = cut(made(Block(H, "Doses", 1), Block(P, "Table 2. Doses in children"), *rows, Block(P, "Afterwards.")))
    assert passages[0].text == "Table 2. Doses in children"
    assert passages[-1].text == "Afterwards."
    assert passages[-1].headings == ("Doses",)
    for passage in passages[1:-1]:
        lines = passage.text.split("\n")
        assert lines[0] == "Drug | Advice"
        assert all(line.startswith("drug") and line.endswith("year.") for line in lines[1:])
        assert passage.headings == ("Doses", "Table 2. Doses in children")


def test_the_words_before_a_list_are_no_caption_of_a_table_behind_it() -> None:
    row = Block(R, "abc | 5 mg", header="Drug | Dose")
    assert cut(made(Block(P, "Contraindicated with:"), Block(L, "one"), row))[-1].headings == ()
    assert cut(made(Block(P, "Usual doses:"), row))[-1].headings == ("Usual doses",)
    assert cut(made(Block(P, "Monitor renal function."), row))[-1].headings == ()


@pytest.mark.parametrize(
    ("block", "beginning"),
    [
        (Block(P, "word " * 1000), "word word"),
        (Block(R, "cell | " + "word " * 1000, header="A | B"), "A | B\n"),
        (Block(R, "cell | 5 mg", header="long " * 300), "long long"),
        (Block(P, "x" * 4000), "xxx"),
        (Block(H, "long heading " * 60, 1), "long heading"),
    ],
)
def test_what_is_too_long_is_cut_between_words(block: Block, beginning: str) -> None:
    passages = cut(made(block))
    assert all(p.text.startswith(beginning) and len(p.text) <= 1500 for p in passages)
    assert (
        all(set(p.text.split()) <= {*block.text.split(), *"A | B".split(), "long"} for p in passages)
        or "x" in block.text
    )


def test_unseen_characters_are_removed() -> None:
    hidden = "Take\u200b 5\u00a0mg\x00 \ufeffda\u00adily\U000e0041\u202e.\n\tAlways"
    (passage,) = cut(made(Block(P, hidden), Block(P, "\u200b \x07")))
    assert passage.text == "Take 5 mg daily. Always"


def test_sentence_ends_are_those_of_claims() -> None:
    text = "Give 2.5 mg, e.g. with food, as Dr. Smith advised. "
    for passage in cut(made(Block(P, text * 60))):
        assert passage.text.endswith("advised.")


WORDS = st.text(st.sampled_from("abcÄß字1.5%-|:#>*?!()\u200b\x01 \n\t…。"), max_size=30)
TEXTS = st.one_of(WORDS, WORDS.map(lambda word: f"{word} " * 80))
BLOCKS = st.builds(
    Block,
    st.sampled_from(BlockKind),
    TEXTS,
    st.integers(0, 6),
    st.none() | st.integers(1, 9),
    st.none() | st.sampled_from(["Drug | Dose", "x " * 700, " "]),
)


def letters(texts: Iterable[str]) -> str:
    return "".join("".join(texts).replace("\u200b", "").replace("\x01", "").split())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BLOCKS, max_size=8))
def test_no_word_is_lost_whatever_the_document(blocks: list[Block]) -> None:
    document = made(*blocks)
    passages = cut(document)
    assert passages == cut(document)
    assert [p.ordinal for p in passages] == list(range(1, len(passages) + 1))
    assert all(p.text.strip() and len(p.text) <= 1500 for p in passages)
    said = iter(letters(p.text for p in passages))
    headings = {letters([h]) for p in passages for h in (*p.headings, p.text)}
    for block in blocks:
        text = letters([block.text])
        if block.kind is H and text in headings:
            continue
        assert all(character in said for character in text)
