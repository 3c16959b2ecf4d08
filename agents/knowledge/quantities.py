"""Numbers with units in a text: doses, ranges, limits, frequencies, in base units. Comparing is in `figures`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from .quantity_words import (
    BARE,
    COUNT,
    DAILY,
    DIGITS,
    FREQUENCY,
    MEASURE,
    NOT,
    NUMBERS,
    OF_WHOLE,
    PRESSURE,
    SHARES,
    TOKEN,
    adverb_words,
    between,
    code_words,
    comparators,
    number_words,
    per_words,
    period_words,
    share_words,
    starters,
    unit_words,
)

DECIMAL_COMMA = frozenset({"de", "es", "fr", "it", "nl", "pl", "pt", "ru", "tr"})
"""Languages that write the decimal mark as a comma (CLDR 45)."""
TOLERANCE = 0.02
"""Relative difference that rounding and unit conversion may leave between two statements of one value."""
CALENDAR_TOLERANCE = 0.08
"""The same for months and years, which are 28 to 31 and 365 or 366 days."""
ROUNDED_POINTS = 0.45
"""Percentage points that rounding to a whole number may take or add."""
_CALENDAR_FROM_H = 27 * 24.0


class Bound(StrEnum):
    """What a number limits."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or range with its unit."""

    dimension: str
    """`mass`, `duration`, `frequency` (times a day), `mass/kg`, `pressure`, `count tablet` …"""
    low: float
    """Lower end, base unit of the dimension (mg, mL, h, per day, mmHg, %)."""
    high: float
    """Upper end; equal to `low` for a single number."""
    bound: Bound
    """Whether the number is a limit. `at least 4 hours` is 4 to 4, at least."""
    start: int
    """First character, comparator included."""
    end: int
    """One past the last character, comparator included."""
    daily: bool = False
    """An amount for a whole day."""


def find_quantities(text: str, language: str = "en") -> tuple[Quantity, ...]:
    """Every quantity of a text, in order, never overlapping."""
    comma = language in DECIMAL_COMMA
    lowered = text.lower()
    text = lowered if len(lowered) == len(text) else text
    openers = starters()
    found: list[Quantity] = []
    done = 0
    for token in TOKEN.finditer(text):
        start = token.start()
        if start < done or not (token[0][0].isdigit() or token[0].lower() in openers):
            continue
        here = _read(text, start, comma)
        if here:
            found.extend(here)
            done = here[-1].end
    return tuple(found)


def numbers(text: str) -> Iterator[float]:
    """Every number of a text, in figures or words, without what it counts; decimal points as in English."""
    for match in NUMBERS().finditer(text.lower()):
        yield _number(match[0], comma=False)


def _read(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    """The quantity that begins at `start`, two for a blood pressure, none where the number counts nothing known."""
    for reader in (_pressures, _share, _frequency, _measure, _count, _bare):
        here = reader(text, start, comma)
        if here:
            return here
    return ()


def agree(claim: Quantity, source: Quantity) -> bool:
    """Whether `claim` says nothing else than `source`: equal, inside its range, or within its limit.

    A statistic may be told as a limit that holds (`more than 20%` of 26%); a dose or a time may not.
    """
    if claim.dimension != source.dimension:
        return False
    limits = claim.bound is not Bound.EXACT, source.bound is not Bound.EXACT
    if all(limits):
        return claim.bound is source.bound and _near(claim, claim.low, source.low)
    if limits[0]:
        if claim.dimension == "percent" or claim.dimension.startswith(("bare", "count")):
            return source.low >= claim.low if claim.bound is Bound.AT_LEAST else source.high <= claim.high
        return _near(claim, claim.low, source.low) or _near(claim, claim.low, source.high)
    slack = _slack(claim, max(abs(source.high), abs(claim.high)))
    if source.bound is Bound.AT_LEAST:
        return claim.low >= source.low - slack
    if source.bound is Bound.AT_MOST:
        return claim.high <= source.high + slack
    return claim.low >= source.low - slack and claim.high <= source.high + slack


def same_value(one: Quantity, other: Quantity) -> bool:
    """Whether the numbers are the same, whatever they limit."""
    return one.dimension == other.dimension and _near(one, one.low, other.low) and _near(one, one.high, other.high)


def _near(quantity: Quantity, one: float, other: float) -> bool:
    return abs(one - other) <= _slack(quantity, max(abs(one), abs(other)))


def _slack(quantity: Quantity, size: float) -> float:
    calendar = quantity.dimension == "duration" and size >= _CALENDAR_FROM_H
    rounded = ROUNDED_POINTS if quantity.dimension == "percent" and size >= 3 else 0.0
    return max(rounded, size * (CALENDAR_TOLERANCE if calendar else TOLERANCE)) + 1e-9


def _number(text: str, comma: bool) -> float:
    word = text.strip().lower()
    head, half, _ = word.partition(" and a half")
    if half:
        return _number(head, comma) + 0.5
    if word in number_words():
        return number_words()[word]
    plain = re.sub(r"[\s\u00a0\u202f']", "", word)
    if re.fullmatch(r"\d{1,3}(?:[.]\d{3})+" if comma else r"\d{1,3}(?:,\d{3})+", plain):
        return float(plain.replace(".", "").replace(",", ""))
    marks = [c for c in plain if c in ",."]
    if len(marks) < 2:
        return float(plain.replace(",", "."))
    whole, _, part = plain.rpartition(marks[-1])
    digits = re.sub(r"[.,]", "", whole)
    return float(digits + part if len(set(marks)) == 1 and len(part) == 3 else f"{digits}.{part}")


def _measure(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    match = MEASURE().match(text, start)
    if match is None:
        return ()
    dimension, factor = unit_words()[" ".join(match["unit"].lower().split())]
    if match["per"]:
        dimension = f"{dimension}/{per_words()[' '.join(match['per'].lower().split())]}"
    low, high = _ends(match, comma)
    end = match.end()
    bound, reach, behind = _bound(text, start, end) if high == low else (Bound.EXACT, start, end)
    daily = DAILY().match(text, end) is not None
    first = match.start("low") if match["listed"] else reach
    listed = [_number(m[0], comma) for m in DIGITS.finditer(match["listed"] or "")]
    if len(listed) == 1 and listed[0] < low and between().search(text[:start].lower()):
        low, first, listed = listed[0], start, []
    last = Quantity(dimension, low * factor, high * factor, bound, first, behind, daily)
    others = (Quantity(dimension, n * factor, n * factor, Bound.EXACT, start, first, daily) for n in listed)
    return (*others, last)


def _ends(match: re.Match[str], comma: bool) -> tuple[float, float]:
    low = _number(match["low"], comma)
    high = _number(match["high"], comma) if match["high"] else low
    return low, max(low, high)


def _count(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    """A bare number with the word it counts: `2 tablets`."""
    match = COUNT().match(text, start)
    if match is None or (len(match["low"]) == 4 and match["low"][:2] in {"19", "20"}):
        return ()
    low, high = _ends(match, comma)
    end = match.end("high") if match["high"] else match.end("low")
    noun = match["noun"].lower()
    dimension = f"count {noun[:-1] if noun.endswith('s') else noun}"
    bound, reach, behind = _bound(text, start, end) if high == low else (Bound.EXACT, start, end)
    return (Quantity(dimension, low, high, bound, reach, behind),)


def _pressures(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    del comma
    match = PRESSURE.match(text, start)
    if match is None:
        return ()
    bound, _, _ = _bound(text, start, match.end())
    return tuple(
        Quantity(f"pressure {name}", float(match[name]), float(match[name]), bound, match.start(name), match.end(name))
        for name in ("systolic", "diastolic")
    )


def _share(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    """A part of a whole as percent: `one in five`, `23 of 115`, `a fifth of`."""
    named = SHARES().match(text, start)
    if named is not None:
        value = share_words()[" ".join(named[0].split())]
        return (Quantity("percent", value, value, Bound.EXACT, start, named.end()),)
    match = OF_WHOLE().match(text, start)
    if match is None or MEASURE().match(text, match.start("whole")) is not None:
        return ()
    part, whole = _number(match["part"], comma), _number(match["whole"], comma)
    if not 0 < part < whole:
        return ()
    bound, reach, behind = _bound(text, start, match.end())
    return (Quantity("percent", 100 * part / whole, 100 * part / whole, bound, reach, behind),)


def _frequency(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    match = FREQUENCY().match(text, start)
    if match is None:
        return ()
    ends = _per_day(match, comma)
    bound, reach, behind = _bound(text, start, match.end())
    return (Quantity("frequency", min(ends), max(ends), bound, reach, behind),)


def _bare(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    """A number or range without a unit, as of a ratio or score: `an INR of 2 to 3`. List numbers are none."""
    match = BARE.match(text, start)
    if match is None or not text[max(0, start - 3) : start].strip(" \t(*-"):
        return ()
    low, high = _ends(match, comma)
    if high == low and match["low"].isdigit():
        return ()
    bound, reach, behind = _bound(text, start, match.end()) if high == low else (Bound.EXACT, start, match.end())
    return (Quantity("bare", low, high, bound, reach, behind),)


def _per_day(match: re.Match[str], comma: bool) -> tuple[float, float]:
    """Times a day, lower and upper, of one match of the frequency pattern."""
    if match["code"]:
        value = code_words()[match["code"].lower()]
        return value, value
    if match["period"]:
        value = 1 / period_words()[match["period"].lower()]
        return value, value
    if match["adverb"]:
        value = 24.0 / (_number(match["apart"], comma) * adverb_words()[match["adverb"].lower()])
        return value, value
    if match["interval"]:
        hours = unit_words()[match["hours"].lower()][1]
        first = _number(match["interval"], comma) * hours
        last = _number(match["interval_high"], comma) * hours if match["interval_high"] else first
        return 24.0 / (last or 24.0), 24.0 / (first or 24.0)
    number, high, period = (match[n + s] for n, s in zip(("n", "nh", "p"), _variant(match), strict=True))
    days = period_words()[period.lower()]
    low = _number(number, comma)
    return low / days, (_number(high, comma) if high else low) / days


def _variant(match: re.Match[str]) -> tuple[str, str, str]:
    one = "1" if match["n1"] else "2" if match["n2"] else "3"
    return one, one, one


def _bound(text: str, start: int, end: int) -> tuple[Bound, int, int]:
    """The comparator before a number or behind its unit, and where number and comparator begin and end."""
    before = text[max(0, start - 40) : start].lower()
    after = text[end : end + 20].lower()
    for name, (lead, trail) in comparators().items():
        bound = Bound(name)
        if found := lead.search(before):
            if bound is Bound.AT_LEAST and NOT.search(before[: found.start()]):
                bound = Bound.AT_MOST
            return bound, start - len(before) + found.start(), end
        if found := trail.match(after):
            return bound, start, end + found.end()
    return Bound.EXACT, start, end
