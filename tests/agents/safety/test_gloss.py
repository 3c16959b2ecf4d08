"""The gloss: idioms keep their sense, danger keeps its words, English is left as it is, places lead back."""

from __future__ import annotations

import time
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.safety import gloss as glossing
from wardround.agents.safety.gloss import LANGUAGES, Gloss, gloss, language_of, words_of
from wardround.policies.errors import WardroundError

SAID: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("es", "Quiero quitarme la vida", ("kill myself", "take my life", "end my life")),
    ("fr", "Je veux me suicider ce soir", ("suicide", "kill myself")),
    ("de", "Ich will mich umbringen", ("kill",)),
    ("pt", "Quero me matar hoje", ("kill",)),
    ("zh", "我想自杀", ("suicide", "kill myself")),
    ("hi", "मैं आत्महत्या करना चाहता हूँ", ("suicide",)),
    ("es", "Me duele el pecho", ("chest",)),
    ("fr", "J'ai mal à la poitrine", ("chest",)),
    ("de", "Ich habe starke Brustschmerzen", ("chest",)),
    ("pt", "Estou com dor no peito", ("chest",)),
    ("zh", "我胸口很痛", ("chest",)),
    ("hi", "सीने में बहुत दर्द है", ("chest",)),
)
IDIOMS = (
    ("es", "Me muero de hambre, ¿qué puedo comer?", "hungry"),
    ("fr", "Je suis mort de rire avec ma sœur", "laugh"),
    ("pt", "Estou morrendo de fome depois do treino", "hungry"),
    ("zh", "今天上班真的累死了", "tired"),
)


@pytest.mark.parametrize(("language", "text", "senses"), SAID, ids=lambda x: x if isinstance(x, str) else "")
def test_what_is_said_is_said_in_the_gloss(language: str, text: str, senses: tuple[str, ...]) -> None:
    found = gloss(text)
    assert language_of(text) == language
    assert found is not None and any(s in found.text for s in senses), found


@pytest.mark.parametrize(("language", "text", "sense"), IDIOMS, ids=[i[0] for i in IDIOMS])
def test_an_idiom_is_glossed_by_what_it_means(language: str, text: str, sense: str) -> None:
    found = gloss(text)
    assert language_of(text) == language
    assert found is not None and sense in found.text, found


@pytest.mark.parametrize("text", ["", "ok", "kms", "My chest hurts and I cannot breathe.", "12,5 mg", "<b>note</b>"])
def test_english_and_what_is_no_language_are_left_as_they_are(text: str) -> None:
    assert gloss(text) is None


@pytest.mark.parametrize("text", ["胸痛はありません、ありがとうございます。", "가슴이 아파요 병원에 가야 하나요"])
def test_a_neighbour_in_script_is_left_to_the_rules(text: str) -> None:
    assert gloss(text) is None


def test_letters_with_separate_accents_are_the_same_letters() -> None:
    text = "No puedo más, quiero quitarme la vida, mañana ya no estaré"
    composed, apart = gloss(text), gloss(normalize("NFD", text))
    assert composed is not None and apart is not None and composed.text == apart.text


def test_another_language_behind_a_long_english_beginning_is_glossed() -> None:
    text = "My doctor asked me to write down what I take and how I sleep. " * 6 + "Quiero quitarme la vida esta noche."
    found = gloss(text)
    assert found is not None
    assert "life" in found.text or "kill" in found.text


def test_a_piece_of_a_gloss_leads_back_to_what_it_stands_for() -> None:
    text = "Hola. Quiero quitarme la vida esta noche."
    found = gloss(text)
    assert found is not None
    at = found.text.index("life") if "life" in found.text else found.text.index("kill")
    start, end = found.original(at, at + 4)
    assert text[start:end] in {"vida", "quitarme la vida", "quitarme"}


@given(st.sampled_from([text for _, text, _ in SAID] + [""]), st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_has_a_gloss_within_its_bounds_or_none(begin: str, rest: str) -> None:
    text = begin + rest
    found = gloss(text)
    if found is not None:
        assert all(0 <= a <= b <= len(found.text) and 0 <= c <= d <= len(text) for a, b, c, d in found.places)


@pytest.mark.parametrize("text", ["痛" * 500_000, "dolor " * 170_000, "ज" * 1_000_000, "a" * 1_000_000], ids=len)
def test_a_megabyte_is_glossed_within_bounds(text: str) -> None:
    begun = time.perf_counter()
    gloss(text)
    assert time.perf_counter() - begun < 3


@pytest.mark.parametrize("odd", ["\u093c", "\u0301\u0301", "\u200d", "ﬁ", "İ", "\ud800"])
def test_odd_characters_are_no_trouble(odd: str) -> None:
    for _, text, _ in SAID:
        assert gloss(f"{text} {odd} {odd}{text}") is not None


def test_a_gloss_of_nothing_leads_back_to_nothing() -> None:
    assert Gloss("", ()).original(0, 5) == (0, 0)


@pytest.mark.parametrize("language", (*LANGUAGES, "hi_latn"))
def test_every_list_is_well_formed_and_holds_what_it_should(language: str) -> None:
    assert len(words_of(language).senses) > (400 if language == "hi_latn" else 2000)


def test_a_list_with_a_line_that_is_no_entry_is_refused_by_file_and_line(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "gloss"
    folder.mkdir()
    (folder / "xx.tsv").write_text("# source\nword without sense\n", encoding="utf-8")
    monkeypatch.setattr(glossing, "DATA", Path(str(tmp_path)))
    with pytest.raises(WardroundError, match=r"xx\.tsv:2"):
        words_of("xx")
