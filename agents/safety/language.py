"""Language detector: a request or draft in a language this deployment does not cover, or an answer in another one."""

from __future__ import annotations

from collections.abc import Sequence

from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from ..language import detect_language
from .detector import Reading, draft_readings, finding, request_reading, span_of

SUPPORTED = frozenset({"en", "es", "fr", "de", "pt", "it", "zh", "hi"})
"""Languages that the detectors read (ISO 639-1)."""
MIN_CONFIDENCE = 0.7
"""Below it a language is not told."""
MIN_LETTERS = 20
"""Fewer letters tell no language; ideographs count three."""
NEIGHBOURS = {"gl": "es", "ca": "es", "ast": "es", "oc": "fr", "lb": "de", "nds": "de", "als": "de", "mr": "hi"}
"""Languages that short texts of a supported neighbour are taken for; the probability asked of them is higher."""
NEIGHBOUR_CONFIDENCE = 0.9


class LanguageDetector:
    """Unsupported languages, and a draft in another language than was asked for."""

    name = "language"
    kind = FindingKind.LANGUAGE

    def screen(self, case: Case) -> Sequence[Finding]:
        """The request's language."""
        return _unsupported(request_reading(case))

    def check(self, case: Case) -> Sequence[Finding]:
        """The draft's language, by itself and against the one that was asked for."""
        drafts = [r for r in draft_readings(case) if r.channel == case.draft_channel]
        if not drafts:
            return []
        return _unsupported(drafts[0]) or _other_than_asked(drafts[0], case)


def _unsupported(where: Reading) -> list[Finding]:
    told = _told(where.text)
    if told is None or told[0] in SUPPORTED:
        return []
    message = f"Written in a language ({told[0]}) that the safety checks do not cover. A person has to read it."
    return [_finding(where, told, message, "language.unsupported")]


def _other_than_asked(draft: Reading, case: Case) -> list[Finding]:
    asked = (case.request.language or "").split("-")[0].lower() or _language_of(request_reading(case).text)
    told = _told(draft.text)
    if not asked or asked == "und" or told is None or told[0] == asked:
        return []
    if case.request.language is None and _names_a_language(request_reading(case)):
        return []
    message = f"The answer is in another language ({told[0]}) than was asked for ({asked})."
    return [_finding(draft, told, message, "language.other-than-asked")]


def _finding(where: Reading, told: tuple[str, float], message: str, code: str) -> Finding:
    return finding(
        FindingKind.LANGUAGE,
        Severity.MODERATE,
        message,
        subjects=(told[0],),
        confidence=told[1],
        span=span_of(where, 0, len(where.text)),
        code=code,
    )


def _language_of(text: str) -> str:
    told = _told(text)
    return told[0] if told else ""


def _told(text: str) -> tuple[str, float] | None:
    """Language and probability where the text is long enough and the model sure enough, else None."""
    if _letters(text) < MIN_LETTERS:
        return None
    code, confidence = detect_language(text.lower() if text.isupper() else text)
    if code in NEIGHBOURS and confidence < NEIGHBOUR_CONFIDENCE:
        code = NEIGHBOURS[code]
    return (code, confidence) if confidence > MIN_CONFIDENCE else None


def _letters(text: str) -> int:
    """Letters of the beginning; one ideograph says about as much as three letters."""
    sample = text[:200]
    return sum((3 if "\u3040" <= c <= "\u9fff" else 1) for c in sample if c.isalpha())


_LANGUAGE_WORDS = (
    "translat", "tradu", "übersetz", "翻译", "अनुवाद", "interpret", "in english", "in spanish", "in french", "in german",
    "in portuguese", "in chinese", "in mandarin", "in hindi", "in italian", "spanish", "french", "german", "portuguese",
    "chinese", "mandarin", "hindi", "italian", "english", "inglés", "ingles", "español", "anglais", "englisch", "英文",
    "中文", "अंग्रेज़ी",
)  # fmt: skip


def _names_a_language(request: Reading) -> bool:
    """The request itself speaks of a language or a translation, so another one may well be wanted."""
    return any(word in request.folded for word in _LANGUAGE_WORDS)
