"""Unsafe advice in a draft: stopping essential drugs at once, diagnosing with certainty, dismissing a red flag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Audience, Case

from .detector import draft_readings, finding, span_of
from .emergency import red_flags
from .grammar import Grammar, Match, Scan
from .lexicon import read_words

_ADVICE = {
    "abrupt stopping": "The draft tells the reader to stop an essential medicine without a taper or the prescriber.",
    "certain diagnosis": "The draft gives a patient a diagnosis as certain. Say what it may be and who can confirm it.",
    "dismissed red flag": "The draft plays down a red flag or talks the reader out of care. Send them to care instead.",
}


class UnsafeAdviceDetector:
    """Advice that must not reach a reader as it stands. "Do not stop it abruptly" is no such advice."""

    name = "unsafe_advice"
    kind = FindingKind.UNSAFE_ADVICE

    def screen(self, case: Case) -> Sequence[Finding]:
        """Nothing: advice is in drafts."""
        del case
        return []

    def check(self, case: Case) -> Sequence[Finding]:
        """The draft, one finding for each subject."""
        found: dict[str, Finding] = {}
        for where in draft_readings(case):
            scan = _grammar().scan(read_words(where.text))
            for match, severity in _judged(case, scan):
                subject = match.rule.subject
                found.setdefault(
                    subject,
                    finding(
                        FindingKind.UNSAFE_ADVICE,
                        severity,
                        _ADVICE[subject],
                        subjects=(subject,),
                        confidence=0.8,
                        span=span_of(where, *scan.chars(match.hit)),
                        code=match.rule.id,
                    ),
                )
        return list(found.values())


def _judged(case: Case, scan: Scan) -> Iterable[tuple[Match, Severity]]:
    """Rules that speak in this case: certainty is for patients to be spared, dismissal needs a red flag."""
    for match in scan.matches:
        match match.rule.subject:
            case "dismissed red flag":
                if red_flags(case):
                    yield match, Severity.MAJOR
            case "certain diagnosis":
                if case.audience not in (Audience.CLINICIAN, Audience.PHARMACIST):
                    yield match, Severity.MODERATE
            case _:
                yield match, Severity(match.rule.level)


@cache
def _grammar() -> Grammar:
    return Grammar.load("unsafe_advice.yaml")
