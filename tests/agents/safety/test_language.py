"""Language detector: unsupported languages, and an answer in another language than was asked for."""

from __future__ import annotations

import pytest

from wardround.agents.language import detect_language
from wardround.agents.safety.language import LanguageDetector
from wardround.policies.request import Case, Message, RoundRequest, Task


def _case(text: str, draft: str | None = None, language: str | None = None) -> Case:
    request = RoundRequest(messages=(Message(role="user", text=text),), language=language)
    return Case(request=request, audience=None, language="en", task=Task.OTHER, draft=draft)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Can I take this medicine with food?", "en"),
        ("¿Puedo tomar este medicamento con la comida?", "es"),
        ("Puis-je prendre ce médicament avec de la nourriture ?", "fr"),
        ("Kann ich dieses Medikament mit dem Essen einnehmen?", "de"),
        ("Posso tomar este remédio junto com a comida?", "pt"),
        ("我可以和食物一起吃这种药吗？", "zh"),
        ("क्या मैं यह दवा खाने के साथ ले सकता हूँ?", "hi"),
        ("", "und"),
        ("12/80 !!", "und"),
    ],
)
def test_a_language_is_told(text: str, code: str) -> None:
    assert detect_language(text)[0] == code


@pytest.mark.parametrize(
    "text",
    [
        "Czy mogę przyjmować ten lek razem z jedzeniem, panie doktorze?",
        "Kan jag ta den här medicinen tillsammans med mat?",
    ],
)
def test_an_unsupported_language_is_a_finding(text: str) -> None:
    (found,) = LanguageDetector().screen(_case(text))
    assert found.code == "language.unsupported"


@pytest.mark.parametrize(
    "text",
    [
        "pt 70M CAP d3 on CTX/azithro, 2L NC, WBC 11",
        "metformin 500 bid",
        "SOB CP x2d",
        "ok",
        "¿Puedo comer antes de la cirugía?",
    ],
)
def test_shorthand_and_supported_languages_are_no_finding(text: str) -> None:
    assert not LanguageDetector().screen(_case(text))


def test_an_answer_in_another_language_than_asked_is_a_finding() -> None:
    text = "¿Puedo tomar este medicamento con la comida del mediodía?"
    english = "Yes, you can take this medicine with your lunch if your stomach feels upset."
    (found,) = LanguageDetector().check(_case(text, english))
    assert found.code == "language.other-than-asked" and found.subjects == ("en",)
    assert LanguageDetector().check(_case("Hello there, how should I take it?", english, "de"))
    assert not LanguageDetector().check(_case("Hello there, how should I take it?", english, "en-US"))


def test_a_translation_that_was_asked_for_is_no_finding() -> None:
    draft = "Tome una tableta cada mañana con un vaso lleno de agua."
    assert not LanguageDetector().check(_case("Translate to Spanish: take one tablet each morning with water", draft))
