"""Sentences left out, marked and cited: what goes, what stays, and that nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardround.agents.citing import Cited, cite, markers
from wardround.agents.layout import lay_out
from wardround.agents.ports import Support
from wardround.agents.release import closing
from wardround.agents.state import Sent
from wardround.agents.wording import Asked, Cut, Identifier, Worked, applied, moved, work
from wardround.policies.finding import Citation, How, Span

MARK = "(Unchecked.)"


def asked(text: str, *parts: str, how: How = "drop", identifiers: tuple[str, ...] = ()) -> Asked:
    cuts = tuple(Cut(text.index(p), text.index(p) + len(p), how) for p in parts)
    return Asked(cuts, tuple(Identifier(text.index(i), text.index(i) + len(i), "name") for i in identifiers), MARK)


def worked(text: str, what: Asked, sent: Sent | None = None) -> Worked:
    found = work(lay_out(text), what, sent or Sent(0, 0, ""))
    assert found is not None
    return found


def without(text: str, *parts: str, how: How = "drop", identifiers: tuple[str, ...] = ()) -> str:
    return applied(text, worked(text, asked(text, *parts, how=how, identifiers=identifiers)).edits)


DROPPED: list[tuple[str, str, tuple[str, ...], str]] = [
    ("a sentence in the middle", "Rest well. Take ten. Drink water.", ("Take ten",), "Rest well. Drink water."),
    ("the first one", "Take ten. Drink water.", ("ten",), "Drink water."),
    ("the last one", "Drink water. Take ten.", ("ten",), "Drink water."),
    ("a span that ends inside a word", "Drink water. Take ten today.", ("e te",), "Drink water."),
    ("a span over two sentences", "One is. Two is. Three is. Four is.", ("is. Three",), "One is. Four is."),
    ("an abbreviation ends nothing", "Take approx. 5 mg daily. Rest.", ("5 mg",), "Rest."),
    ("a decimal point ends nothing", "Take 2.5 mg. Rest well.", ("2",), "Rest well."),
    ("a paragraph with its blank line", "Rest well.\n\nTake ten.\n\nDrink.", ("ten",), "Rest well.\n\nDrink."),
    ("the wider gap stays", "Rest well.\n\nTake ten.\nDrink.", ("ten",), "Rest well.\n\nDrink."),
    ("a bullet", "Do this.\n- Rest\n- Take ten\n- Drink", ("ten",), "Do this.\n- Rest\n- Drink"),
    ("a sentence behind a bullet", "- Take ten. Rest well.\n- Drink", ("ten",), "- Rest well.\n- Drink"),
    ("numbers close up", "1. Rest\n2. Take ten\n3. Drink\n4. Sleep", ("ten",), "1. Rest\n2. Drink\n3. Sleep"),
    ("numbers that do not count stay", "1. Rest\n1. Take ten\n1. Drink", ("ten",), "1. Rest\n1. Drink"),
    ("the first number", "3) Take ten\n4) Rest", ("ten",), "3) Rest"),
    ("a nested item goes with its own", "1. Take ten\n   - at night\n2. Rest", ("ten",), "1. Rest"),
    (
        "an emptied lead-in",
        "Rest.\nSide effects include:\n- rash\n- fever\n\nDrink.",
        ("rash", "fever"),
        "Rest.\n\nDrink.",
    ),
    ("a lead-in with one left", "Effects:\n- rash\n- fever", ("rash",), "Effects:\n- fever"),
    (
        "what a lead-in says goes with it",
        "Rest.\n\nNever take:\n- this\n- that\n\nDrink.",
        ("Never",),
        "Rest.\n\nDrink.",
    ),
    ("an emptied heading", "# A\nRest.\n\n## B\nTake ten.\n\n## C\nDrink.", ("ten",), "# A\nRest.\n\n## C\nDrink."),
    ("an emptied heading in bold", "**A**\nRest.\n\n**B**\nTake ten.", ("ten",), "**A**\nRest."),
    ("a table row", "| a | b |\n|---|---|\n| x | ten |\n| y | 2 |", ("ten",), "| a | b |\n|---|---|\n| y | 2 |"),
    ("an emptied table", "Rest.\n\n| a | b |\n|---|---|\n| x | ten |\n\nDrink.", ("ten",), "Rest.\n\nDrink."),
    ("a fenced block", "Rest.\n```\nten. 10.\n\nmore\n```\nDrink.", ("more",), "Rest.\nDrink."),
    ("a quotation", "> Take ten. Rest.\n> Drink.", ("ten",), "> Rest.\n> Drink."),
    ("bold over two sentences", "**Rest well. Take ten.** Drink.", ("ten",), "**Rest well.** Drink."),
    ("opening bold", "**Take ten. Rest well.** Drink.", ("ten",), "**Rest well.** Drink."),
    ("the same sentence again", "Take ten. Rest. TAKE ten!", ("Take ten",), "Rest."),
    ("Chinese", "多喝水。每天吃十片。好好休息。", ("十片",), "多喝水。好好休息。"),
    ("a label behind the full stop", "Take ten. [e1] Drink water.", ("ten",), "Drink water."),
    ("everything", "Take ten.", ("ten",), ""),
]


@pytest.mark.parametrize(("text", "parts", "left"), [row[1:] for row in DROPPED], ids=[row[0] for row in DROPPED])
def test_what_is_left_out_closes_up(text: str, parts: tuple[str, ...], left: str) -> None:
    assert without(text, *parts).strip() == left


MARKED: list[tuple[str, str, tuple[str, ...], str]] = [
    ("behind its sentence", "Take ten. Drink.", ("ten",), f"Take ten. {MARK} Drink."),
    ("once for several findings", "Take ten now. Drink.", ("ten", "now"), f"Take ten now. {MARK} Drink."),
    ("before the line break", "- Take ten\n- Drink", ("ten",), f"- Take ten {MARK}\n- Drink"),
    (
        "inside the last cell",
        "| a | b |\n|---|---|\n| x | ten |",
        ("ten",),
        f"| a | b |\n|---|---|\n| x | ten {MARK} |",
    ),
]


@pytest.mark.parametrize(("text", "parts", "left"), [row[1:] for row in MARKED], ids=[row[0] for row in MARKED])
def test_a_softened_sentence_stays_with_a_remark_behind_it(text: str, parts: tuple[str, ...], left: str) -> None:
    assert without(text, *parts, how="soften") == left


def test_leaving_out_wins_over_marking() -> None:
    text = "Take ten now. Drink."
    both = Asked((Cut(0, 4, "soften"), Cut(5, 8, "drop")), (), MARK)
    assert applied(text, worked(text, both).edits) == "Drink."


def test_an_identifier_in_a_sentence_that_goes_goes_with_it_and_one_across_is_replaced_where_it_stays() -> None:
    text = "Ask Ann Lee. Take ten. Ring Bo Dahl."
    assert without(text, "ten", identifiers=("Ann Lee", "Bo Dahl")) == "Ask [name]. Ring [name]."
    assert without(text, "Ann", identifiers=("Ann Lee",)) == "Take ten. Ring Bo Dahl."
    assert without(text, "ten", identifiers=("ten. Ring Bo",)) == "Ask Ann Lee. [name] Dahl."


@pytest.mark.parametrize("span", [(40, 50), (13, 13)])
def test_a_span_outside_the_text_cannot_be_worked(span: tuple[int, int]) -> None:
    assert work(lay_out("Drink. Rest."), Asked((Cut(*span, "drop"),))) is None


def test_a_sentence_that_has_left_cannot_be_taken_back() -> None:
    text = "Take ten. Drink water."
    assert worked(text, asked(text, "ten"), Sent(0, 9, "Take ten.")).late
    assert not worked(text, asked(text, "water"), Sent(0, 9, "Take ten.")).late


def test_a_place_is_found_again_in_what_goes_out() -> None:
    text = "Rest well. Take ten. Drink Ann's water."
    done = worked(text, asked(text, "ten", identifiers=("Ann",)))
    out = applied(text, done.edits)
    begin, end = text.index("Drink"), len(text)
    place = moved(done.edits, begin, end)
    assert place is not None
    assert out[slice(*place)] == "Drink [name]'s water."
    assert moved(done.edits, text.index("Take"), text.index("Drink") - 1) is None


def test_the_note_closes_the_text_as_a_paragraph_of_its_own() -> None:
    assert applied("Rest.\n", [closing("Rest.\n", (), "Note.")]) == "Rest.\n\nNote."
    assert applied("Rest.", [closing("Rest.", (), "Note.")]) == "Rest.\n\nNote."


SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SENTENCES = st.lists(
    st.tuples(st.sampled_from(["", "- ", "1. ", "## ", "> "]), st.integers(0, 9), st.sampled_from([" ", "\n", "\n\n"])),
    min_size=1,
    max_size=12,
)


def _text(rows: list[tuple[str, int, str]]) -> tuple[str, list[str]]:
    """A text and its sentences; a bullet stands only where a line begins."""
    text, said = "", list[str]()
    for n, (bullet, size, gap) in enumerate(rows):
        sentence = f"Sentence{n}{'word' * (size % 3)} number {'long ' * size}ends{n}here."
        text += (bullet if not text or text.endswith("\n") else "") + sentence + gap
        said.append(sentence)
    return text, said


@SLOWLY
@given(rows=SENTENCES, chosen=st.sets(st.integers(0, 11)), inside=st.integers(0, 8))
def test_no_sentence_that_was_left_out_survives_and_every_other_stays(
    rows: list[tuple[str, int, str]], chosen: set[int], inside: int
) -> None:
    text, said = _text(rows)
    places = [text.index(s) + min(inside, len(s) - 2) for i, s in enumerate(said) if i in chosen]
    done = worked(text, Asked(tuple(Cut(p, p + 1, "drop") for p in places)))
    out = applied(text, done.edits)
    layout = lay_out(text)
    kept = [text[u.start : u.end] for i, u in enumerate(layout.units) if i not in done.gone]
    for sentence in (s for i, s in enumerate(said) if i in chosen):
        assert sentence not in out
    assert re.sub(r"[\s\d.>#-]+", "", out) == re.sub(r"[\s\d.>#-]+", "", "".join(kept))


@SLOWLY
@given(rows=SENTENCES, chosen=st.sets(st.integers(0, 11)), how=st.sampled_from(["drop", "soften"]))
def test_a_text_worked_sentence_by_sentence_comes_out_as_the_whole(
    rows: list[tuple[str, int, str]], chosen: set[int], how: How
) -> None:
    text, said = _text([(b if b != "## " else "", n, gap) for b, n, gap in rows])
    cuts = tuple(Cut(text.index(s), text.index(s) + 3, how) for i, s in enumerate(said) if i in chosen)
    whole = applied(text, worked(text, Asked(cuts, (), MARK)).edits)
    sent = Sent(0, 0, "")
    for unit in lay_out(text).units:
        part = text[: unit.end]
        seen = Asked(tuple(c for c in cuts if c.start < unit.end), (), MARK)
        layout = lay_out(part)
        done = work(layout, seen, sent)
        assert done is not None
        assert not done.late
        upto = min(unit.end, layout.open_from(done.gone))
        if upto > sent.upto:
            edits = tuple(e for e in done.edits if e.end <= upto)
            fresh = applied(part, edits, start=sent.upto, end=upto)
            sent = Sent(0, upto, sent.text + fresh, (*sent.edits, *edits))
    last = worked(text, Asked(cuts, (), MARK), sent)
    assert not last.late
    assert sent.text + applied(text, last.edits, start=sent.upto) == whole


def support(text: str, part: str, *sources: str) -> Support:
    at = text.index(part)
    span = Span(channel="draft", start=at, end=at + len(part))
    return Support(span, tuple(Citation(source=s, locator="p. 1", edition="2024") for s in sources), 0.9)


def cited(text: str, *supported: Support) -> str:
    numbers = markers(supported)
    marks, listed = cite(text, Cited(supported, numbers, ("e1", "e2"), "Sources"), ())
    return applied(text, [*marks, closing(text, (), listed)] if listed else marks)


def test_a_passage_has_one_number_in_the_order_of_first_mention() -> None:
    text = "Rest well. Drink."
    both = (support(text, "Rest well.", "b"), support(text, "Drink.", "a", "b"))
    assert markers(both) == {("b", "p. 1"): 1, ("a", "p. 1"): 2}
    assert cited(text, *both) == ("Rest well. [1] Drink. [1][2]\n\nSources\n- [1] b, p. 1, 2024\n- [2] a, p. 1, 2024")


@pytest.mark.parametrize(
    ("text", "part", "source", "marked"),
    [
        ("Rest well.\nDrink.", "Rest well.\n", "b", "Rest well. [1]\nDrink."),
        ("Rest well [e1]. Drink.", "Rest well [e1].", "e1", "Rest well [e1]. Drink."),
        ("Rest well. [e1] Drink.", "Rest well.", "e1", "Rest well. [e1] Drink."),
        ("Rest well [e2]. Drink.", "Rest well [e2].", "e1", "Rest well [e2]. [1] Drink."),
        ("Rest well [2]. Drink.", "Rest well [2].", "e2", "Rest well [1]. Drink."),
        ("| a | b |\n|--|--|\n| rest | well |", "| rest | well |", "b", "| a | b |\n|--|--|\n| rest | well [1] |"),
        ("好好休息。多喝水。", "好好休息。", "b", "好好休息。 [1]多喝水。"),
    ],
)
def test_a_mark_stands_behind_the_claim_and_not_where_the_draft_cites(
    text: str, part: str, source: str, marked: str
) -> None:
    assert cited(text, support(text, part, source)).partition("\n\nSources")[0] == marked


def test_a_claim_that_was_left_out_is_not_cited() -> None:
    text = "Take ten. Drink."
    edits = worked(text, asked(text, "ten")).edits
    one = support(text, "Take ten.", "b")
    assert cite(text, Cited((one,), markers([one]), (), "Sources"), edits) == ((), "")
