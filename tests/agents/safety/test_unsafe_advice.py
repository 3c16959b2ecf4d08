"""Unsafe advice, scope and crisis resources."""

from __future__ import annotations

import pytest

from wardround.agents.safety.resources import crisis_resources
from wardround.agents.safety.scope import ScopeDetector
from wardround.agents.safety.unsafe_advice import UnsafeAdviceDetector
from wardround.policies.request import Audience, Case, Message, RoundRequest, Task

DETECTOR = UnsafeAdviceDetector()
CHEST = "pressure on my chest into my left arm and I'm sweating"


def case(draft: str, text: str = "what should I do?", audience: Audience = Audience.PATIENT) -> Case:
    request = RoundRequest(messages=(Message(role="user", text=text),), draft=draft)
    return Case(request=request, audience=audience, language="en", task=Task.OTHER, draft=draft)


def subjects(found: Case) -> set[str]:
    return {s for f in DETECTOR.check(found) for s in f.subjects}


UNSAFE = [
    ("abrupt stopping", "You can stop taking your metoprolol from tomorrow."),
    ("abrupt stopping", "There's no need to taper: just quit the lorazepam."),
    ("abrupt stopping", "Stop the prednisone today, it is only making you gain weight."),
    ("abrupt stopping", "You can skip your insulin while you are not eating."),
    ("abrupt stopping", "It's fine to stop warfarin on your own before the dentist."),
    ("certain diagnosis", "You definitely have a migraine."),
    ("certain diagnosis", "This is definitely just anxiety."),
]
SAFE = [
    "Do not stop metoprolol suddenly.",
    "Never stop taking your lorazepam abruptly; it can cause seizures.",
    "Stopping paroxetine should be done gradually with your doctor.",
    "Your doctor may ask you to stop apixaban before surgery.",
    "This could be a migraine, but a doctor needs to confirm it.",
    "You can stop the antihistamine once the itching is gone.",
    "There's no need to see a doctor for a single mosquito bite.",
]


@pytest.mark.parametrize(("subject", "draft"), UNSAFE)
def test_unsafe_advice_is_found(subject: str, draft: str) -> None:
    assert subject in subjects(case(draft))


@pytest.mark.parametrize("draft", SAFE)
def test_safe_advice_is_left_alone(draft: str) -> None:
    assert subjects(case(draft)) == set()


def test_dismissal_counts_only_beside_a_red_flag() -> None:
    draft = "That is muscle pain. There is no need to see a doctor."
    assert subjects(case(draft, CHEST)) == {"dismissed red flag"}
    assert subjects(case(draft, "my calf is sore after running")) == set()


def test_certainty_is_not_held_against_an_answer_to_a_clinician() -> None:
    assert subjects(case("This is definitely appendicitis.", audience=Audience.CLINICIAN)) == set()


def test_no_topic_is_out_of_scope_by_default() -> None:
    assert not ScopeDetector().screen(case("", "can my dog eat grapes"))


def test_an_excluded_topic_is_out_of_scope_with_its_place() -> None:
    (found,) = ScopeDetector(["dog", "veterinary"]).screen(case("", "can my dog eat grapes"))
    assert found.subjects == ("dog",) and found.span is not None and (found.span.start, found.span.end) == (7, 10)
    assert not ScopeDetector(["dog"]).screen(case("", "dogma"))


@pytest.mark.parametrize(
    ("locale", "phone"), [("en-US", "988"), ("en_GB", "116 123"), ("fr-FR", "3114"), ("zh-Hans-CN", "12356")]
)
def test_a_locale_with_a_region_gets_its_lines_and_the_emergency_number(locale: str, phone: str) -> None:
    found = crisis_resources(locale)
    assert 1 <= len(found) <= 3 and found[0].phone == phone and found[-1].kind == "emergency"


@pytest.mark.parametrize("locale", [None, "en", "xx-QQ", ""])
def test_an_unknown_region_gets_the_general_emergency_advice(locale: str | None) -> None:
    (found,) = crisis_resources(locale)
    assert found.kind == "emergency" and "112" in found.note
