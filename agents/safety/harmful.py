"""Harmful requests: what a medical assistant must not fulfil. Legitimate questions that sound alike are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from .detector import finding, reading, span_of
from .grammar import Grammar
from .lexicon import read_words


class HarmfulRequestDetector:
    """Covert drugging, diversion, poisoning, eating-disorder tips, fraud, dangerous self-treatment, discrimination.

    Reads intent, means and target together; toxicology, poison-control worries, harm reduction and lawful refills
    are not meant. Judges what was asked, so a draft that refuses does not clear it.
    """

    name = "harmful"
    kind = FindingKind.HARMFUL_REQUEST

    def screen(self, case: Case) -> Sequence[Finding]:
        """Every user message; one finding for each subject, the latest."""
        found: dict[str, Finding] = {}
        for channel, text in case.user_texts():
            scan = _grammar().scan(read_words(text))
            where = reading(channel, text)
            for match in scan.matches:
                found[match.rule.subject] = finding(
                    FindingKind.HARMFUL_REQUEST,
                    Severity(match.rule.level),
                    f"The request asks for help with {match.rule.subject}. Decline it and offer safe help.",
                    subjects=(match.rule.subject,),
                    confidence=0.85,
                    span=span_of(where, *scan.chars(match.hit)),
                    code=match.rule.id,
                )
        return list(found.values())

    def check(self, case: Case) -> Sequence[Finding]:
        """Nothing: the request was judged before the draft, and the finding stands."""
        del case
        return []


@cache
def _grammar() -> Grammar:
    return Grammar.load("harmful.yaml")
