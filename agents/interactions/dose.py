"""Doses in words: strength, unit, tablets, frequency, per kilogram, per day or per week; and what a day adds up to."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"(\d{1,3}(?:[,\u202f ]\d{3})+(?!\d)|\d+(?:[.,]\d+)?|\.\d+)"
_STRENGTH = re.compile(
    _NUMBER
    + r"(?:\s?(?:-|to|–|or)\s?"
    + _NUMBER
    + r")?\s?-?(mcg|micrograms?|ug|mg|milligrams?|miligramos?|g|grams?|gramos?|grammes?|gm|mL|ml|"
    r"units?|iu|unidades|unites|einheiten)"
    r"(?![a-z])(\s?/\s?kg|\s?per\s?(?:kg|kilo\w*))?(\s?/\s?(?:day|d\b|24\s?h)|\s?per day|\s?a day|\s?daily dose)?"
)
_CONCENTRATION = re.compile(
    r"\s?/\s?(?:h|hr|hour|min|minute)\b|\s?/\s?(?:\d+(?:\.\d+)?\s?)?ml\b|\s?per\s(?:\d+\s?)?ml\b"
)
_IN_UNITS = ("unit", "iu", "unid", "einh")
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10, "half": 0.5, "a": 1,
    "dos": 2, "deux": 2, "zwei": 2,
}  # fmt: skip
_UNITS = r"(?:tablets?|tabs?|pills?|capsules?|caps?|caplets?|comprimidos?|comprimes?|tabletten?|of the|x|of)"
_COUNT = re.compile(
    r"\b(\d{1,2}|one|two|three|four|five|six|eight|ten|half|dos|deux|zwei)\s*(?:-\s?)?" + _UNITS + r"\b"
)
_DIRECT = re.compile(r"\b([2-9]|one|two|three|four|five|six|half|dos|deux|zwei) (?:(?:x|of the|extra[- ]strength) )?$")
_EVERY = re.compile(
    r"\b(?:every|q|each|cada|toutes les|alle)\s?(\d{1,2})(?:\s?(?:-|to|–)\s?(\d{1,2}))?\s?(?:h\b|hr|"
    r"hours?|hourly|horas|heures|stunden)"
)
_TIMES = re.compile(
    r"\b(\d{1,2}|once|twice|one|two|three|four|five|six|eight|ten|una|dos|tres|une|deux|"
    r"trois)\s?(?:-|x|times?|veces|fois|mal)?\s?(?:times)?\s?(?:a|per|/|each|every|al|por|par|pro|"
    r"am)?\s?(?:-)?(day|daily|dia|jour|tag|week|weekly|semana|semaine|woche)\b"
)
_LATIN = {
    "bid": 2, "b.i.d": 2, "tid": 3, "t.i.d": 3, "qid": 4, "q.i.d": 4, "qd": 1, "od": 1, "daily": 1, "nightly": 1,
    "every day": 1, "each day": 1, "at bedtime": 1, "qhs": 1, "every morning": 1, "each morning": 1, "every evening": 1,
    "every night": 1, "each night": 1, "once daily": 1, "cada dia": 1, "al dia": 1, "par jour": 1, "taglich": 1,
    "a day": 1, "per day": 1, "day": 0, "bds": 2, "tds": 3, "qds": 4,
}  # fmt: skip
_LATIN_RE = re.compile(
    r"\b(?:" + "|".join(sorted((re.escape(k) for k in _LATIN if k != "day"), key=len, reverse=True)) + r")\b"
)
_WEEKLY = re.compile(
    r"\b(?:once (?:a|per|each|every) week|weekly|every week|each week|per week|a week|once-weekly|"
    r"one day a week|same day (?:each|every) week|semanal\w*|par semaine|wochentlich|every (?:mon|"
    r"tues|wednes|thurs|fri|satur|sun)day)\b"
)
_TIMES_VALUE = {"once": 1, "twice": 2, "una": 1, "tres": 3, "une": 1, "trois": 3, "dos": 2, "deux": 2}


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose as a text states it."""

    start: int
    end: int
    single_mg: float | None
    """One administration, the upper end of a range; None where only a daily total is given."""
    daily_mg: float | None
    """What a day adds up to; None where no frequency is given."""
    per_kg: bool
    weekly: bool
    daily_stated: bool
    """The text says how often in a day."""
    units: bool = False
    """Amounts are international units, not milligrams."""


def parse(folded: str, low: int, high: int) -> Dose | None:
    """The first dose between two offsets of a folded text, or None."""
    match = _STRENGTH.search(folded, low, high)
    while match is not None and (match.group(3).lower() == "ml" or _CONCENTRATION.match(folded, match.end())):
        match = _STRENGTH.search(folded, match.end(), high)
    if match is None:
        return None
    amount = _mg(match.group(2) or match.group(1), match.group(3))
    units = match.group(3).startswith(_IN_UNITS)
    single = amount * _count(folded, low, match, high)
    after = folded[match.end() : high]
    frequency, weekly = _frequency(after)
    if frequency is None and not weekly:
        frequency, weekly = _frequency(folded[low : match.start()])
    if match.group(5):
        return Dose(match.start(), match.end(), None, amount, bool(match.group(4)), False, True, units)
    daily = single * frequency if frequency and not weekly else None
    if frequency == 1 and not weekly:
        return Dose(match.start(), match.end(), None, single, bool(match.group(4)), False, True, units)
    stated = bool(frequency) and not weekly
    return Dose(match.start(), match.end(), single, daily, bool(match.group(4)), weekly, stated, units)


def _mg(number: str, unit: str) -> float:
    digits = number.replace("\u202f", "").replace(" ", "")
    digits = digits.replace(",", "") if re.search(r",\d{3}(?!\d)", digits) else digits.replace(",", ".")
    value = float(digits)
    if unit.startswith(_IN_UNITS):
        return value
    if unit.startswith(("mcg", "micro", "ug")):
        return value / 1000
    return value if unit.startswith(("mg", "milli", "mili")) else value * 1000


def _count(folded: str, low: int, strength: re.Match[str], high: int) -> float:
    """How many tablets of that strength at once."""
    before = folded[max(low, strength.start() - 30) : strength.start()]
    after = folded[strength.end() : min(high, strength.end() + 40)]
    if direct := _DIRECT.search(before):
        return float(_WORDS.get(direct.group(1)) or float(direct.group(1)))
    for found in (list(_COUNT.finditer(before))[-1:], list(_COUNT.finditer(after))[:1]):
        for match in found:
            word = match.group(1)
            return float(_WORDS.get(word) or float(word))
    return 1.0


def _frequency(text: str) -> tuple[float | None, bool]:
    """Times a day, and whether the text says weekly; the first statement wins."""
    options: list[tuple[int, float | None, bool]] = []
    if found := _EVERY.search(text):
        options.append((found.start(), 24 / max(1, int(found.group(1))), False))
    if found := _TIMES.search(text):
        word = found.group(1)
        value = float(word) if word.isdigit() else float(_TIMES_VALUE.get(word) or _WORDS.get(word) or 1)
        weekly = found.group(2)[:2] in {"we", "se", "wo"}
        options.append((found.start(), float(value), weekly))
    if found := _LATIN_RE.search(text):
        options.append((found.start(), float(_LATIN[found.group()]), False))
    if found := _WEEKLY.search(text):
        options.append((found.start(), None, True))
    if not options:
        return None, False
    _, times, every_week = min(options, key=lambda o: (o[0], not o[2]))
    return (None, True) if every_week else (times, False)
