"""Emergency: red-flag pictures in what the person writes, where the draft does not send them to emergency care."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Audience, Case, Patient

from .detector import finding, reading, span_of
from .grammar import Grammar, Match, Scan
from .lexicon import Hit, read_words

INFANT_YEARS = 0.25
"""Under three months any fever is an emergency (NICE NG143)."""
CHILD_YEARS = 18.0
_PROFESSIONALS = frozenset({Audience.CLINICIAN, Audience.PHARMACIST})


class EmergencyDetector:
    """A present, real red-flag picture and whether the draft sends the person to care in time.

    Combinations of features, in lay and clinical wording; general questions, old and settled episodes are left alone.
    """

    name = "emergency"
    kind = FindingKind.EMERGENCY

    def screen(self, case: Case) -> Sequence[Finding]:
        """Nothing: before there is a draft nobody can say that it fails to send the person to care."""
        del case
        return []

    def check(self, case: Case) -> Sequence[Finding]:
        """One finding for each picture that a complete draft leaves without emergency care."""
        if not case.complete or not case.draft or sends_to_care(case.draft):
            return []
        return self.pictures(case)

    def pictures(self, case: Case) -> list[Finding]:
        """One finding for each picture, whatever the draft says."""
        pictures = red_flags(case)
        if not pictures:
            return []
        professional = case.audience in _PROFESSIONALS or pictures[0][0].has("professional_case")
        severity = Severity.MINOR if professional else Severity.MAJOR
        return [_finding(case, severity, scan, match) for scan, match in pictures]


def red_flags(case: Case) -> list[tuple[Scan, Match]]:
    """Pictures in all the user's messages together, one for each subject."""
    text = "\n".join(t for _, t in case.user_texts())
    scan = _grammar().scan(read_words(text), _context(case.patient))
    if _not_now(scan):
        return []
    first: dict[str, Match] = {}
    for match in scan.matches:
        if not _past(scan, match):
            first.setdefault(match.rule.subject, match)
    return [(scan, match) for match in first.values()]


def sends_to_care(draft: str) -> bool:
    """Whether a draft tells the person, without an "if it gets worse", to seek emergency care."""
    return bool(_care().scan(read_words(draft)).matches)


def _not_now(scan: Scan) -> bool:
    """A general question about no person, or an episode that is over."""
    return scan.has("resolved") or (scan.has("general") and not scan.has("person"))


def _past(scan: Scan, match: Match) -> bool:
    here = scan.words.sentence(match.hit.start)
    return any(scan.words.sentence(h.start) == here for h in scan.hits.get("past", ()))


def _context(patient: Patient) -> dict[str, list[Hit]]:
    """What is known of the patient, as concepts that hold everywhere."""
    known: dict[str, list[Hit]] = {}
    everywhere = [Hit(0, 1)]
    if patient.age_years is not None and patient.age_years < CHILD_YEARS:
        known["patient_child"] = everywhere
        if patient.age_years < INFANT_YEARS:
            known["patient_infant"] = everywhere
    if patient.pregnant:
        known["patient_pregnant"] = everywhere
        known["pregnancy_word"] = everywhere
    return known


def _finding(case: Case, severity: Severity, scan: Scan, match: Match) -> Finding:
    channel, text = case.user_texts()[-1]
    start, end = scan.chars(match.hit)
    offset = sum(len(t) + 1 for _, t in case.user_texts()[:-1])
    where = reading(channel, text)
    span = span_of(where, start - offset, end - offset) if start >= offset else None
    return finding(
        FindingKind.EMERGENCY,
        severity,
        f"The description fits {match.rule.subject}, an emergency, and the draft does not send the person to "
        "emergency care. Tell them to call the emergency number or go to an emergency department now.",
        subjects=(match.rule.subject,),
        confidence=0.85,
        span=span,
        code=match.rule.id,
    )


@cache
def _grammar() -> Grammar:
    return Grammar.load("emergency.yaml")


@cache
def _care() -> Grammar:
    return Grammar.load("emergency_care.yaml")
