"""What a person in a crisis is told: the places of their own country, or the emergency number where none is known."""

from __future__ import annotations

import pytest

from wardround.agents.release import RESOURCES, told
from wardround.agents.safety.resources import crisis_resources, written_out
from wardround.policies.decision import Decision
from wardround.policies.finding import Action
from wardround.policies.load import load_policy

LANGUAGES = ("en", "de", "es", "fr", "pt", "zh", "hi")
PLACES = {
    "en-US": ("988", "911"), "en-GB": ("116 123", "999"), "de-AT": ("142", "144"), "fr-FR": ("3114", "15"),
    "es-ES": ("024", "112"), "pt-BR": ("188", "192"), "zh-CN": ("12356", "120"), "hi-IN": ("14416", "112"),
}  # fmt: skip


def _told(locale: str) -> str:
    text = load_policy("wardround/default").message("crisis", locale)
    decision = Decision.model_construct(action=Action.ESCALATE, message=text)
    return told(decision, locale).message or ""


@pytest.mark.parametrize("locale", PLACES)
def test_a_country_gets_its_own_lines_and_number(locale: str) -> None:
    message = _told(locale)
    assert RESOURCES not in message
    assert all(number in message for number in PLACES[locale])
    assert 1 <= len(crisis_resources(locale)) <= 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_without_a_country_gets_emergency_numbers_in_that_language(language: str) -> None:
    message = _told(language)
    assert RESOURCES not in message
    assert any(number in message for number in ("112", "911", "120"))
    assert written_out(language) in message


def test_a_message_without_a_place_for_resources_stays_as_it_is() -> None:
    decision = Decision.model_construct(action=Action.BLOCK, message="No.")
    assert told(decision, "en-GB") is decision
    silent = Decision.model_construct(action=Action.ALLOW, message=None)
    assert told(silent, "en") is silent
