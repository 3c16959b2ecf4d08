"""The packs as a safety officer trusts them: nothing grave passes, and what people are told is complete and promises
nothing."""

from __future__ import annotations

import re
from itertools import product

import pytest

from wardround.policies.decide import decide
from wardround.policies.finding import Action, Finding, FindingKind, Severity, Span
from wardround.policies.load import load_policy, pack_names
from wardround.policies.request import Audience
from wardround.policies.variables import DraftSource, Facts

READERS: tuple[Audience | None, ...] = (*Audience, None)
CHANNELS = ("", "request", "messages[0]", "draft", "draft[1]", "evidence[a]", "tool_call[a]")
GRAVE = (Severity.MAJOR, Severity.CONTRAINDICATED)
SOURCES: tuple[DraftSource, ...] = ("upstream", "extractive", "given", "reviewer")
OF_THE_USER = ("request", "messages[0]", "evidence[a]")
"""Where an identifier stands that the client sent itself: nothing leaves with it (`docs/policies.md` says why)."""


def found(kind: FindingKind, severity: Severity, channel: str = "draft") -> Finding:
    """A finding in a channel, without a span where the channel is empty."""
    span = Span(channel=channel, start=0, end=1) if channel else None
    return Finding(agent="a", kind=kind, severity=severity, message="m", span=span)


def action(pack: str, finding: Finding, audience: Audience | None, source: DraftSource = "given") -> Action:
    """What a pack makes of one finding."""
    draft = None if source == "none" else "x"
    return decide(load_policy(pack), Facts(text="", audience=audience, draft=draft, source=source), [finding]).action


@pytest.mark.parametrize("kind", FindingKind)
def test_no_grave_finding_of_any_kind_passes_any_reader_unseen_by_default(kind: FindingKind) -> None:
    policy = load_policy("wardround/default")
    for audience, severity, channel, source in product(READERS, GRAVE, CHANNELS, SOURCES):
        if kind is FindingKind.PHI and channel in OF_THE_USER:
            continue
        facts = Facts(text="", audience=audience, draft="x", source=source)
        decision = decide(policy, facts, [found(kind, severity, channel)])
        assert decision.action is not Action.ALLOW, (audience, severity, channel, source)


@pytest.mark.parametrize("kind", FindingKind)
def test_no_grave_finding_of_any_kind_goes_out_unchanged_to_a_patient_or_an_unknown_reader(kind: FindingKind) -> None:
    for audience, severity in product((Audience.PATIENT, None), GRAVE):
        strength = action("wardround/default", found(kind, severity), audience).strength
        assert strength >= Action.REDACT.strength, (audience, severity)


@pytest.mark.parametrize("channel", OF_THE_USER)
def test_an_identifier_that_the_client_sent_itself_stops_nothing(channel: str) -> None:
    finding = found(FindingKind.PHI, Severity.MAJOR, channel)
    assert action("wardround/default", finding, Audience.PATIENT) is Action.ALLOW


def test_an_emergency_waits_for_the_draft_because_only_a_draft_can_miss_it() -> None:
    finding = found(FindingKind.EMERGENCY, Severity.MAJOR, "request")
    assert action("wardround/default", finding, None, "none") is Action.ALLOW
    assert action("wardround/default", finding, None, "given") is Action.ESCALATE


@pytest.mark.parametrize("pack", pack_names())
def test_no_pack_lets_a_weighty_unsourced_drug_or_dose_through_to_a_patient(pack: str) -> None:
    for severity, channel in product(GRAVE, CHANNELS):
        finding = found(FindingKind.UNSOURCED_DRUG_OR_DOSE, severity, channel)
        assert action(pack, finding, Audience.PATIENT).strength >= Action.REVISE.strength
        if pack != "wardround/clinician":  # its application is for clinicians: an unnamed reader is one
            assert action(pack, finding, None).strength >= Action.REVISE.strength


@pytest.mark.parametrize("name", ["hold", "block", "crisis", "emergency"])
def test_every_message_of_the_packs_is_there_in_every_language_of_the_packs(name: str) -> None:
    texts = load_policy("wardround/default").document.messages[name]
    assert isinstance(texts, dict)
    assert set(texts) == {"en", "de", "es", "fr", "pt", "zh", "hi"}
    assert len(set(texts.values())) == len(texts)


EMERGENCY_WORDS = {"en": "emergency", "de": "Notruf", "es": "emergencia", "fr": "urgence", "pt": "emergência",
                   "zh": "急救", "hi": "आपातकालीन"}  # fmt: skip
ADDRESS = {"en": r"[Pp]lease", "de": r"[Bb]itte", "es": r"favor|Si se encuentra|Si puede", "fr": r"vous|Parlez",
           "pt": r"favor|Se puder", "zh": "请", "hi": "कृपया|न करें"}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "pt", "zh", "hi"])
def test_whoever_gets_no_answer_is_told_where_help_is_and_spoken_to_kindly(language: str) -> None:
    policy = load_policy("wardround/default")
    for name in ("hold", "block", "crisis", "emergency"):
        text = policy.message(name, language) or ""
        assert EMERGENCY_WORDS[language].lower() in text.lower() or "{resources}" in text, name
        assert re.search(ADDRESS[language], text), name
    assert "{resources}" in (policy.message("crisis", language) or "")
    assert re.search("112|120", policy.message("emergency", language) or "")


@pytest.mark.parametrize("name", ["crisis", "emergency"])
def test_a_person_in_danger_is_not_promised_that_somebody_is_looking(name: str) -> None:
    """The message is given also where another rule blocks and nobody is asked."""
    texts = load_policy("wardround/default").document.messages[name]
    assert isinstance(texts, dict)
    for text in texts.values():
        assert not re.search(r"has been told|is looking|informiert|avisado|revisa|prévenu", text)
