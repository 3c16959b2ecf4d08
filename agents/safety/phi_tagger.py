"""Identifiers that the encoder's tagger sees in running text: names, places, organisations, dates, numbers.

What it sees stays below the confidence that holds an answer by itself: it widens what is recorded, pseudonymised and
redacted, and supports an identifier that a rule found nearby.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .detector import Reading
from .encoder import encoder
from .heads import MAX_UNKNOWN, Tagger, heads
from .phi_lexicon import family_names, known_words, lexicon
from .phi_patterns import Hit

SUBJECTS = {
    "name": "name", "place": "place", "organisation": "organisation", "date": "date", "identifier": "identifier",
}  # fmt: skip
"""Tag to subject."""
MOST = 0.69
"""Highest confidence of a hit: below the one from which a name counts by itself (`phi.SURE`)."""
_GAPS = frozenset(" \t\n.,-/'’:()#&º°")
MAX_GAP = 3
"""Characters between two tokens of one identifier."""
SURE_NAME = 0.97
"""Probability from which a word of everyday prose may be a name."""
MAX_ACRONYM = 4
"""Letters of a word in capitals that is rather a test or a degree than a name."""
_DEGREES = frozenset("md do rn np pa aprn arnp lpn cnm phd msw lcsw facs jr fr maj det thx cheers".split())
_WORD = re.compile(r"[^\s,;:()\[\]{}\"]+")
_CODE = re.compile(r"\d{4}|\d[ -]\d")
_DATED = re.compile(r"\d\s?[/.-]\s?\d|\d(?:st|nd|rd|th)\b|\d{4}")
_CLOCK = re.compile(r"(?:at\s)?\d{1,4}(?:[:.]\d\d)?\s?(?:am|pm|a\.m\.?|p\.m\.?|h|hrs?|uhr)?", re.IGNORECASE)


class _Token(NamedTuple):
    start: int
    end: int
    tag: str
    probability: float


def tagged(where: Reading) -> list[Hit]:
    """Identifiers that the tagger sees, in their order; none where the model has no tagger."""
    tagger = heads().tagger
    if tagger is None:
        return []
    return [hit for run in _runs(where.text, _tokens(where.text, tagger)) if (hit := _hit(where, run))]


def _tokens(text: str, tagger: Tagger) -> Iterator[_Token]:
    """Tokens that are rather something than nothing."""
    for window, seen in encoder().see([text])[0]:
        if window.unknown > MAX_UNKNOWN:
            continue
        for (start, end), scores in zip(window.spans, seen.tags, strict=True):
            powers = [math.exp(float(s) - float(scores.max())) for s in scores]
            something = 1 - powers[0] / sum(powers)
            tag = tagger.tags[max(range(1, len(powers)), key=powers.__getitem__)]
            if something >= tagger.sure[tag]:
                yield _Token(start, end, tag, something)


def _runs(text: str, tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Neighbouring tokens of one kind; a gap may hold spaces and the marks that stand inside names and addresses."""
    run: list[_Token] = []
    for token in tokens:
        if run and not _joined(text, run[-1], token):
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _joined(text: str, before: _Token, token: _Token) -> bool:
    gap = text[before.end : token.start]
    return len(gap) <= MAX_GAP and all(c in _GAPS for c in gap) and (not gap or before.tag == token.tag)


def _without_titles(where: Reading, start: int, end: int) -> tuple[int, int]:
    """The part behind titles and before degrees: "Mr" and "MD" name nobody."""
    titles = lexicon().titles | lexicon().clinician_titles
    words = [m.span() for m in _WORD.finditer(where.folded, start, end)]

    def plain(span: tuple[int, int]) -> str:
        return where.folded[slice(*span)].replace(".", "")

    def degree(span: tuple[int, int]) -> bool:
        behind_comma = where.text[: span[0]].rstrip().endswith(",")
        return plain(span) in _DEGREES and (behind_comma or where.text[slice(*span)].replace(".", "").isupper())

    while words and (plain(words[0]) in titles or (len(words) == 1 and plain(words[0]) in _DEGREES)):
        words.pop(0)
    while len(words) > 1 and degree(words[-1]):
        words.pop()
    return (words[0][0], words[-1][1]) if words else (end, end)


def _may_be(tag: str, where: Reading, start: int, end: int) -> bool:
    """Whether what the tagger saw can be what it says: no acronym, no clock, no bare word of everyday prose."""
    text, words = where.text[start:end], where.folded[start:end].replace("-", " ").replace(".", " ").split()
    digits, small = any(c.isdigit() for c in text), where.text.islower()
    match tag:
        case "date":
            return not _CLOCK.fullmatch(text) and (_DATED.search(text) is not None or _names_a_month(words))
        case "identifier":
            return digits or "@" in text or "." in text
        case "place" | "organisation" | "name":
            known = all(w in known_words() for w in words)
            acronym = len(text) <= MAX_ACRONYM and text.isupper() and text.isalpha() and words[0] not in family_names()
            written = tag == "name" or small or any(c.isupper() for c in text) or _CODE.search(text) is not None
            return not known and not acronym and written
        case _:
            return True


def _called(where: Reading, start: int, end: int, sure: float) -> bool:
    """Whether everyday words are a name here ("Wife Hope phoned"): capitals inside a sentence, and a sure tagger."""
    text, before = where.text[start:end], where.text[:start].rstrip()
    inside = bool(before) and before[-1] not in ".!?\n:;•-"
    written = text[:1].isupper() and not text.isupper() and not where.text.isupper()
    return inside and written and sure >= SURE_NAME


def _names_a_month(words: Sequence[str]) -> bool:
    return len(words) > 1 and any(w in lexicon().months for w in words)


def _hit(where: Reading, run: list[_Token]) -> Hit | None:
    text, (start, end) = where.text, (run[0].start, run[-1].end)
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    while start < end and not text[start].isalnum() and text[start] not in "+(":
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    tag = max(run, key=lambda t: t.probability).tag
    start, end = _without_titles(where, start, end)
    sure = sum(t.probability for t in run) / len(run)
    if start >= end or not (_may_be(tag, where, start, end) or (tag == "name" and _called(where, start, end, sure))):
        return None
    return Hit(SUBJECTS[tag], start, end, round(min(MOST, sure), 3), f"phi.tagger.{tag}")
