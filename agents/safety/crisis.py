"""Crisis: suicide, self-harm, abuse, psychosis. What answer a crisis gets lives in the policy and in `resources`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Audience, Case

from .detector import Reading, draft_readings, finding, reading, span_of
from .grammar import Grammar, Match, Scan
from .lexicon import read_words

TIERS: tuple[str, ...] = ("low", "moderate", "high", "imminent")
"""Urgency, in the order of the C-SSRS screener (Posner 2011); a reading of words, never a score."""
SEVERITIES: dict[str, Severity] = dict(zip(TIERS, Severity, strict=True))
"""Tier to severity."""
CONFIDENCE = {"low": 0.5, "moderate": 0.75, "high": 0.9, "imminent": 0.95}
"""An estimate by tier, not calibrated: the order is meant, not the figure."""
_ADVICE = {
    "low": "Ask how the person is and name a crisis line.",
    "moderate": "Answer with crisis resources and have a person read it.",
    "high": "Answer with crisis resources at once and page the on-call queue.",
    "imminent": "Answer with the emergency number and crisis resources now and page the on-call queue.",
}
_PROFESSIONALS = frozenset({Audience.CLINICIAN, Audience.PHARMACIST})


class CrisisDetector:
    """Signs that the writer, or someone close to them, is in danger; and drafts that break safe-messaging rules.

    Promises that a retraction in a later turn does not clear an earlier sign. Does not diagnose and is no score.
    """

    name = "crisis"
    kind = FindingKind.CRISIS

    def screen(self, case: Case) -> Sequence[Finding]:
        """Every user message, the strongest sign for each subject."""
        best: dict[str, tuple[str, Reading, Scan, Match]] = {}
        for channel, text in case.user_texts():
            where = reading(channel, text)
            scan = _grammar().scan(read_words(where.text))
            for tier, match in _signs(scan, professional=case.audience in _PROFESSIONALS):
                held = best.get(match.rule.subject)
                if held is None or TIERS.index(tier) >= TIERS.index(held[0]):
                    best[match.rule.subject] = (tier, where, scan, match)
        return [_finding(*entry) for entry in best.values()]

    def check(self, case: Case) -> Sequence[Finding]:
        """The draft against the rules of safe messaging: no method, no promise of secrecy, no glorifying."""
        return [
            finding(
                FindingKind.CRISIS,
                SEVERITIES[match.rule.level],
                f"The draft breaks a safe-messaging rule: {match.rule.subject}. It must not go out like this.",
                subjects=("unsafe messaging", match.rule.subject),
                span=span_of(where, *scan.chars(match.hit)),
                code=match.rule.id,
            )
            for where in draft_readings(case)
            for scan in (_messaging().scan(read_words(where.text)),)
            for match in scan.matches[:1]
        ]


def _signs(scan: Scan, *, professional: bool) -> Iterable[tuple[str, Match]]:
    """Tiers of the rules that speak, lowered or dropped by what the rest of the text says."""
    if professional and scan.has("clinical", "patient_word"):
        return
    for match in scan.matches:
        tier = _tier(scan, match)
        if tier:
            yield tier, match


def _tier(scan: Scan, match: Match) -> str:
    """The rule's tier; long ago lowers it by one, long ago and well now drops it."""
    level = match.rule.level
    here = scan.words.sentence(match.hit.start)
    if not any(scan.words.sentence(h.start) == here for h in scan.hits.get("past", ())):
        return level
    if scan.has("better_now"):
        return ""
    return TIERS[max(0, TIERS.index(level) - 1)]


def _finding(tier: str, where: Reading, scan: Scan, match: Match) -> Finding:
    return finding(
        FindingKind.CRISIS,
        SEVERITIES[tier],
        f"Signs of {match.rule.subject}, tier {tier}. {_ADVICE[tier]}",
        subjects=(match.rule.subject,),
        confidence=CONFIDENCE[tier],
        span=span_of(where, *scan.chars(match.hit)),
        code=match.rule.id,
    )


@cache
def _grammar() -> Grammar:
    return Grammar.load("crisis.yaml")


@cache
def _messaging() -> Grammar:
    return Grammar.load("crisis_messaging.yaml")
