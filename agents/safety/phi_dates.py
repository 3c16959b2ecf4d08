"""Dates that belong to a person, dates of birth, and ages over 89 (Safe Harbor keeps the year alone)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from .detector import Reading
from .phi_lexicon import any_of, lexicon
from .phi_patterns import Hit

_NUMERIC = re.compile(
    r"(?<![\w./-])(?:(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{1,2})([-/.])(\d{1,2})\6(\d{4}|\d{2}))(?![\w/-]|\.\d)"
)
_SHORT = re.compile(r"(?<![\w./-])(\d{1,2})/(\d{1,2})(?![\w/%-]|\.\d)")
_ZH = re.compile(r"\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日")
_NINETY = re.compile(r"(?<![\w.])(?:9\d|1[0-2]\d)(?!\d|[.]\d)")
_YEARS = re.compile(r"[ -]?(?:year|yr|y/?o\b|años|ans\b|jahre|anos\b|岁)[\w-]{0,10}(?: old)?")
_SEX = re.compile(
    r"(?:[ -]?y/?o?[ ]?)?[mf](?=[,.;:]?\s(?:with|w/|c/o|s/p|pod|chf|copd|here|for|on|admitted|presents)|\s?[,;])"
    r"|[ -]y/?o?[ ]?[mf](?!\w)|[ -](?:male|female|woman|man|lady)(?!\w)"
)
"""A sex right behind the number, as handovers write it."""
_SAID = re.compile(
    r"(?<!\w)(?:she|he|i|who|mum|mom|mama|mother|dad|father|nan|gran|grandma|grandmother|grandpa|grandfather|aunt|uncle)"
    r"(?:'s|'m|\sis|\sam|\swas|\sturned|\sturns|\sdied at|,)?\s$|(?<!\w)(?:alive|died|dead) at\s$"
)
"""What stands before an age that is told without "years"."""
_MEASURE = re.compile(
    r"\s?(?:%|/|°|percent|per\b|mg|mcg|kg|g\b|lb|pounds|cm|mm|m?mol|bpm|over|on\b|units?|beats|degrees|hours|days|weeks"
    r"|minutes|min\b|times|ml|l\b|k\b|sat|systolic|diastolic|sure\b|c\b|f\b(?!\s(?:with|w/|here|for|admitted|presents)|,))"
)
"""What stands behind a number that is no age."""
_MEASURED = re.compile(
    r"(?:fever|temp(?:erature)?|above|over|below|under|walk\w*|sats?|spo2|oxygen|bp|pressure|pulse|heart rate|hr"
    r"|weigh\w*|glucose|sugar|level|sodium)\b[^.;]{0,16}$"
)
"""What stands before a number that is measured."""
_YEAR = re.compile(r"(?:19|20)\d\d")


@cache
def _worded() -> re.Pattern[str]:
    months = any_of(set(lexicon().months))
    year = r"(?:(?:,|\s+de|\s+del)?[\s-]{1,2}((?:19|20)\d{2})(?!\w))?"
    day = r"(\d{1,2})(?:st|nd|rd|th|er|\.|º)?"
    return re.compile(
        rf"(?<![\w.])(?:({months})\.?[\s-]{{1,2}}{day}(?![\w%:]|[.,]\d|\s?(?:mg|ml|pm|am|units?)\b){year}"
        rf"|{day}[\s-]{{1,2}}(?:de\s+|of\s+)?({months})(?!\w)\.?{year})"
    )


@cache
def _month_year() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.]){any_of(set(lexicon().months))}\.?\s(?:de\s|of\s)?(?:19|20)\d{{2}}(?!\w)")


def _modal(where: Reading, m: re.Match[str]) -> bool:
    """`may` and `march` written small are verbs, unless a year follows or nothing has capitals."""
    group = 1 if m.group(1) else 5
    small = where.text[m.start(group)].islower() and m.group(group) in {"may", "march", "mar", "mars"}
    return small and not (m.group(3) or m.group(6)) and not where.text.islower()


@cache
def _contexts() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    words = lexicon()
    birth, document, care = (any_of(w) for w in (words.birth_cues, words.document_cues, words.care_cues))
    return tuple(re.compile(rf"(?<!\w){w}(?!\w)") for w in (birth, document, care))  # type: ignore[return-value]  # three


def dates(where: Reading) -> Iterator[Hit]:
    """Days of a calendar, with year or without, that no document's edition explains; ages over 89."""
    text = where.folded
    for m in _NUMERIC.finditer(text):
        if _valid_numeric(m):
            yield from _dated(where, m.start(), m.end())
    for m in _worded().finditer(text):
        day = int(m.group(2) or m.group(4))
        if 1 <= day <= 31 and not _modal(where, m):
            yield from _dated(where, m.start(), m.end())
    for m in _month_year().finditer(text) if _YEAR.search(text) else ():
        if _near(where, m.start(), 2):
            yield Hit("date", m.start(), m.end(), 0.6, "phi.date.month")
    for m in _SHORT.finditer(text):
        if _valid_short(m) and (_near(where, m.start(), 0) or _near(where, m.start(), 2)):
            yield from _dated(where, m.start(), m.end())
    for m in _ZH.finditer(text):
        yield from _dated(where, m.start(), m.end())
    yield from _ages(text)


def _ages(text: str) -> Iterator[Hit]:
    for m in _NINETY.finditer(text):
        before = text[max(0, m.start() - 24) : m.start()]
        if (years := _YEARS.match(text, m.end())) is not None:
            yield Hit("age", m.start(), years.end(), 0.8, "phi.age-over-89")
        elif before.rstrip(" :").endswith(("age", "aged")):
            yield Hit("age", m.start(), m.end(), 0.8, "phi.age-over-89")
        elif _MEASURED.search(before) or _MEASURE.match(text, m.end()):
            continue
        elif _SEX.match(text, m.end()):
            yield Hit("age", m.start(), m.end(), 0.8, "phi.age-over-89")
        elif _SAID.search(before):
            yield Hit("age", m.start(), m.end(), 0.7, "phi.age-over-89")


def day_keys(text: str) -> frozenset[tuple[int, int]]:
    """Every (month, day) that a folded text may name, both orders where the writing leaves it open."""
    months = lexicon().months
    keys: set[tuple[int, int]] = set()
    for m in _NUMERIC.finditer(text):
        a, b = (int(m.group(3)), int(m.group(4))) if m.group(1) else (int(m.group(5)), int(m.group(7)))
        keys |= {(a, b), (b, a)}
    for m in _SHORT.finditer(text):
        keys |= {(int(m.group(1)), int(m.group(2))), (int(m.group(2)), int(m.group(1)))}
    for m in _worded().finditer(text):
        keys.add((months[m.group(1) or m.group(5)], int(m.group(2) or m.group(4))))
    return frozenset(keys)


def about_care(where: Reading, start: int) -> bool:
    """Whether the words before a date speak of somebody's care."""
    return _near(where, start, 2)


def _dated(where: Reading, start: int, end: int) -> Iterator[Hit]:
    end -= where.folded[end - 1] == "."
    if _near(where, start, 0):
        yield Hit("date of birth", start, end, 0.95, "phi.date-of-birth")
    elif _near(where, start, 2):
        yield Hit("date", start, end, 0.85, "phi.date")
    elif not _near(where, start, 1) and not _document_after(where, end):
        yield Hit("date", start, end, 0.6, "phi.date")


def _near(where: Reading, start: int, context: int) -> bool:
    """Whether a word of birth (0), documents (1) or care (2) stands shortly before, in the same sentence."""
    begin = max(0, start - (30 if context == 0 else 70), where.folded.rfind("\n", 0, start - 1))
    cue = None
    for m in _contexts()[context].finditer(where.folded, begin, start):
        cue = m
    return cue is not None and (context != 2 or not _contexts()[1].search(where.folded, begin, start))


def _document_after(where: Reading, end: int) -> bool:
    return _contexts()[1].search(where.folded, end, end + 30) is not None


def _valid_numeric(m: re.Match[str]) -> bool:
    if m.group(1):
        year, a, b = int(m.group(1)), int(m.group(3)), int(m.group(4))
    else:
        year, a, b = int(m.group(8)), int(m.group(5)), int(m.group(7))
    plausible = 1880 <= year <= 2100 or year < 100
    return plausible and 1 <= min(a, b) <= 12 and 1 <= max(a, b) <= 31


def _valid_short(m: re.Match[str]) -> bool:
    a, b = int(m.group(1)), int(m.group(2))
    return 1 <= a <= 12 and 1 <= b <= 31 and not (a <= b and b in {5, 10})
