"""Numbers with units in a text: doses, ranges, limits, frequencies, in base units. Comparing is in `figures`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from .vocabulary import table

DECIMAL_COMMA = frozenset({"de", "es", "fr", "it", "nl", "pl", "pt", "ru", "tr"})
"""Languages that write the decimal mark as a comma (CLDR 45)."""
TOLERANCE = 0.02
"""Relative difference that rounding and unit conversion may leave between two statements of one value."""
CALENDAR_TOLERANCE = 0.08
"""The same for months and years, which are 28 to 31 and 365 or 366 days."""
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
    starters = _starters()
    found: list[Quantity] = []
    done = 0
    for token in _TOKEN.finditer(text):
        start = token.start()
        if start < done or not (token[0][0].isdigit() or token[0].lower() in starters):
            continue
        here = _read(text, start, comma)
        if here:
            found.extend(here)
            done = here[-1].end
    return tuple(found)


def _read(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    """The quantity that begins at `start`, two for a blood pressure, none where the number counts nothing known."""
    for reader in (_pressures, _frequency, _measure, _count, _bare):
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
    return size * (CALENDAR_TOLERANCE if calendar else TOLERANCE) + 1e-9


def _number(text: str, comma: bool) -> float:
    word = text.strip().lower()
    if word in _words():
        return _words()[word]
    plain = re.sub(r"[\s\u00a0\u202f']", "", word)
    if re.fullmatch(r"\d{1,3}(?:[.]\d{3})+" if comma else r"\d{1,3}(?:,\d{3})+", plain):
        return float(plain.replace(".", "").replace(",", ""))
    return float(plain.replace(",", ".") if plain.count(",") == 1 else plain.replace(",", ""))


def _measure(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    match = _MEASURE().match(text, start)
    if match is None:
        return ()
    dimension, factor = _units()[" ".join(match["unit"].lower().split())]
    if match["per"]:
        dimension = f"{dimension}/{_pers()[' '.join(match['per'].lower().split())]}"
    low, high = _ends(match, comma)
    end = match.end()
    bound, reach, behind = _bound(text, start, end) if high == low else (Bound.EXACT, start, end)
    daily = _DAILY().match(text, end) is not None
    first = match.start("low") if match["listed"] else reach
    listed = [_number(m[0], comma) for m in _DIGITS.finditer(match["listed"] or "")]
    if len(listed) == 1 and listed[0] < low and _between().search(text[:start].lower()):
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
    match = _COUNT().match(text, start)
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
    match = _PRESSURE.match(text, start)
    if match is None:
        return ()
    bound, _, _ = _bound(text, start, match.end())
    return tuple(
        Quantity(f"pressure {name}", float(match[name]), float(match[name]), bound, match.start(name), match.end(name))
        for name in ("systolic", "diastolic")
    )


def _frequency(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    match = _FREQUENCY().match(text, start)
    if match is None:
        return ()
    ends = _per_day(match, comma)
    bound, reach, behind = _bound(text, start, match.end())
    return (Quantity("frequency", min(ends), max(ends), bound, reach, behind),)


def _bare(text: str, start: int, comma: bool) -> tuple[Quantity, ...]:
    """A number or range without a unit, as of a ratio or score: `an INR of 2 to 3`. List numbers are none."""
    match = _BARE.match(text, start)
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
        value = _codes()[match["code"].lower()]
        return value, value
    if match["period"]:
        value = 1 / _periods()[match["period"].lower()]
        return value, value
    if match["interval"]:
        hours = _units()[match["hours"].lower()][1]
        first = _number(match["interval"], comma) * hours
        last = _number(match["interval_high"], comma) * hours if match["interval_high"] else first
        return 24.0 / (last or 24.0), 24.0 / (first or 24.0)
    number, high, period = (match[n + s] for n, s in zip(("n", "nh", "p"), _variant(match), strict=True))
    days = _periods()[period.lower()]
    low = _number(number, comma)
    return low / days, (_number(high, comma) if high else low) / days


def _variant(match: re.Match[str]) -> tuple[str, str, str]:
    one = "1" if match["n1"] else "2" if match["n2"] else "3"
    return one, one, one


def _bound(text: str, start: int, end: int) -> tuple[Bound, int, int]:
    """The comparator before a number or behind its unit, and where number and comparator begin and end."""
    before = text[max(0, start - 40) : start].lower()
    after = text[end : end + 20].lower()
    for bound, (lead, trail) in _comparators().items():
        if found := lead.search(before):
            if bound is Bound.AT_LEAST and _NOT.search(before[: found.start()]):
                bound = Bound.AT_MOST
            return bound, start - len(before) + found.start(), end
        if found := trail.match(after):
            return bound, start, end + found.end()
    return Bound.EXACT, start, end


def _either(words: Iterable[str], *, bounded: bool = True) -> str:
    """A pattern for any of the words, longest first; Latin ones must end where a word ends."""
    parts: list[str] = []
    for word in sorted({w.lower() for w in words}, key=lambda w: (-len(w), w)):
        body = re.escape(word).replace(r"\ ", r"\s+")
        latin = word[-1].isalpha() and ord(word[-1]) < 0x250
        parts.append(body + (r"(?![^\W\d_\u4e00-\u9fff])" if latin and bounded else ""))
    return "(?:" + "|".join(parts) + ")"


_TOKEN = re.compile(r"\d+|[\u4e00-\u9fff]|(?:[^\W\d_\u4e00-\u9fff]|[\u0900-\u0963])+")
_NOT = re.compile(r"(?:\bnot|\bnever|n.t|\bno|\bnicht|\bnão|\bpas|不)\b[^.;,:]{0,20}$")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_BARE = re.compile(
    r"(?P<low>\d+(?:[.,]\d+)?)(?:\s*(?:-|–|to|bis|a|à)\s*(?P<high>\d+(?:[.,]\d+)?))?(?=\s*(?:[.,;)]?$|[.,;)]\s))"
)
_PRESSURE = re.compile(r"(?<![\d/.])(?P<systolic>\d{2,3})\s?/\s?(?P<diastolic>\d{2,3})(?![\d/])(?=\s*(?:mm\s?hg)?)")


@cache
def _words() -> dict[str, float]:
    return {str(w).lower(): float(n) for n, words in table("quantities.yaml")["numbers"].items() for w in words}


@cache
def _units() -> dict[str, tuple[str, float]]:
    units: Any = table("quantities.yaml")["units"]
    return {
        str(word).lower(): (dimension, float(factor))
        for dimension, factors in units.items()
        for factor, words in factors.items()
        for word in words
    }


@cache
def _pers() -> dict[str, str]:
    return {str(w).lower(): str(k) for k, words in table("quantities.yaml")["per"].items() for w in words}


@cache
def _periods() -> dict[str, float]:
    return {str(w).lower(): float(n) for n, words in table("quantities.yaml")["periods"].items() for w in words}


@cache
def _codes() -> dict[str, float]:
    return {str(w).lower(): float(n) for n, words in table("quantities.yaml")["codes"].items() for w in words}


@cache
def _between() -> re.Pattern[str]:
    return re.compile(_either(table("quantities.yaml")["between"]) + r"\s*$")


@cache
def _numeral() -> str:
    """Digits with thousands and decimal marks, or a number word."""
    return r"(?:\d{1,3}(?:[,. \u00a0\u202f']\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?|" + _either(_words()) + ")"


_LEAD = r"(?<![\w.,/])(?<!\d)"
_LEAD_CJK = r"(?:(?<![A-Za-z0-9_.,/])(?<![\u00c0-\u024f\u0900-\u097f]))"


@cache
def _starters() -> frozenset[str]:
    """Words that may begin a quantity; of the periods only those that stand before the number in their language."""
    raw = table("quantities.yaml")
    words = [*_words(), *_codes(), *(w for w in _periods() if ord(w[0]) > 0x250), *raw["every"]]
    return frozenset(m[0].lower() for m in map(_TOKEN.match, words) if m is not None)


@cache
def _span() -> str:
    joiner = _either(table("quantities.yaml")["range"])
    return rf"(?P<low>{_numeral()})(?:\s*{joiner}\s*[<>≤≥]?\s*(?P<high>{_numeral()}))?"


@cache
def _MEASURE() -> re.Pattern[str]:
    per = _either(_pers())
    listed = r"(?P<listed>(?:\d+(?:[.,]\d+)?(?:,?\s+(?:or|and|o|y|ou|et|oder|und|e)|,)\s+){1,6})?"
    unit = rf"[\s\u00a0\u202f]?-?\s?(?:an?\s)?(?P<unit>{_either(_units())})(?:\s?(?P<per>{per}))?"
    return re.compile(rf"{_LEAD_CJK}{listed}{_span()}{unit}")


@cache
def _COUNT() -> re.Pattern[str]:
    joiner = _either(table("quantities.yaml")["range"])
    number = r"\d+(?:[.,]\d+)?|" + _either(w for w, n in _words().items() if n > 1)
    return re.compile(rf"{_LEAD}(?P<low>{number})(?:\s*{joiner}\s*(?P<high>{number}))?(?:\s(?P<noun>[^\W\d_]{{3,}}))")


@cache
def _DAILY() -> re.Pattern[str]:
    day = _either(w for w, n in _periods().items() if n == 1)
    return re.compile(rf"\s*(?:(?:/|in|a|per|each|every|al|por|par|pro|ao|am|每|in\s+24)\s*)?{day}")


@cache
def _FREQUENCY() -> re.Pattern[str]:
    raw = table("quantities.yaml")
    number, joiner = _numeral(), _either(raw["range"])
    times, period, every = _either(raw["times"]), _either(_periods()), _either(raw["every"], bounded=False)
    between = r"\s*(?:(?:a|per|each|every|in|al|a la|por|par|pro|am|ao|à|the|die)\s+|/)?"
    hours = _either(w for w, (d, _) in _units().items() if d == "duration")
    once = _either(raw["once_like"])
    return re.compile(
        rf"(?:{_LEAD_CJK}(?P<code>{_either(_codes())})"
        rf"|{_LEAD_CJK}{every}\s*(?P<interval>{number})(?:\s*{joiner}\s*(?P<interval_high>{number}))?\s*-?(?P<hours>{hours})"
        rf"|{_LEAD_CJK}{every}\s+(?P<period>{period})"
        rf"|{_LEAD_CJK}(?P<n1>{number})(?:\s*{joiner}\s*(?P<nh1>{number}))?\s*{times}{between}(?P<p1>{period})"
        rf"|{_LEAD_CJK}(?P<n2>{once})(?P<nh2>(?!))?{between}(?P<p2>{period})"
        rf"|(?P<p3>{period})(?:\s*में)?\s*(?P<n3>{number})(?:\s*{joiner}\s*(?P<nh3>{number}))?\s*{times})",
    )


@cache
def _comparators() -> dict[Bound, tuple[re.Pattern[str], re.Pattern[str]]]:
    raw = table("quantities.yaml")
    return {
        bound: (
            re.compile(rf"(?:^|(?<![^\W\d_])){_either(raw[key + '_before'], bounded=False)}\s*$"),
            re.compile(rf"\s*{_either(raw[key + '_after'])}"),
        )
        for bound, key in ((Bound.AT_LEAST, "at_least"), (Bound.AT_MOST, "at_most"))
    }
