"""Scope: topics that this deployment does not cover. None are excluded unless the deployment names some."""

from __future__ import annotations

from collections.abc import Sequence

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from .detector import finding, reading, span_of
from .lexicon import Hit, Words, compile_concepts, read_words


class ScopeDetector:
    """Requests about topics that the deployment excludes, given as words or short phrases ("veterinary", "taxes")."""

    name = "scope"
    kind = FindingKind.OUT_OF_SCOPE

    def __init__(self, topics: Sequence[str] = ()) -> None:
        self._automaton = compile_concepts({topic: [topic] for topic in topics}) if topics else None

    def screen(self, case: Case) -> Sequence[Finding]:
        """The last user message against the excluded topics."""
        if self._automaton is None:
            return []
        words = read_words(case.request.text)
        where = reading("request", case.request.text)
        found: dict[str, Finding] = {}
        for end, (length, topics) in self._automaton.iter(words.joined):
            hit = _hit(words, end, length)
            for topic in topics:
                found[topic] = finding(
                    FindingKind.OUT_OF_SCOPE,
                    Severity.MODERATE,
                    "The request is about a topic that this deployment does not cover.",
                    subjects=(topic.lower(),),
                    span=span_of(where, *words.chars(hit)),
                    code="scope.excluded-topic",
                )
        return list(found.values())

    def check(self, case: Case) -> Sequence[Finding]:
        """Nothing: what was asked decides."""
        del case
        return []


def _hit(words: Words, end: int, length: int) -> Hit:
    return Hit(words.index[end - length + 2], words.index[end + 1])
