"""Doses in words: strength, unit, volume, tablets, frequency, per kilogram; and what a day adds up to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .quantities import Row, lexer

_MG: Mapping[str, float] = {"ng": 1e-6, "mcg": 1e-3, "mg": 1.0, "g": 1e3}
_ML: Mapping[str, float] = {"ml": 1.0, "tsp": 5.0, "tbsp": 15.0}
_NEAR = 5
"""Codes between a strength and the number of tablets."""


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
    computed_mg: float | None = None
    """What volume and concentration give, where the text also states the amount itself."""
    trailing_zero: bool = False
    """Written as `5.0 mg`, which is easily read as 50 mg."""
    naked_point: bool = False
    """Written as `.5 mg`, which is easily read as 5 mg."""


@dataclass(frozen=True)
class _Shapes:
    """Patterns over the codes of `quantities`."""

    strength: re.Pattern[str]
    """`250 mg/5 mL`, `20 mg per mL`."""
    rate: re.Pattern[str]
    """`5 mcg/kg/min`."""
    mass: re.Pattern[str]
    """`5-10 mg/kg/day`."""
    volume: re.Pattern[str]
    tablets_before: re.Pattern[str]
    """Directly before a strength: `2 x`, `two`."""
    tablets: re.Pattern[str]
    """`2 tablets`."""
    every: re.Pattern[str]
    times: re.Pattern[str]
    times_after: re.Pattern[str]
    """The other way round, as Chinese and Hindi put it."""
    daily: re.Pattern[str]
    most: re.Pattern[str]
    """`no more than 5 doses in 24 hours`."""
    rare: re.Pattern[str]
    scheme: re.Pattern[str]
    """Tablets at morning, noon, evening and night: `1-0-1`."""


@cache
def _shapes() -> _Shapes:
    of = lexer().pattern
    amount = "(?P<n><number>)(?:(?:<to>|-)(?P<last><number>))?-?"
    period = "(?:(?P<week><weekly|weeks>)|<daily|days>)"
    return _Shapes(
        strength=of(f"{amount}(?P<u><unit>)<in_a>(?P<per><number>)?-?<volume>"),
        rate=of(f"{amount}<unit>(?:<in_a><kilo>)?<in_a><hours|minutes>"),
        mass=of(
            f"{amount}(?P<u><unit>)(?P<kg><in_a><kilo>(?:<in_a><forms>)?)?(?P<day><in_a><days>|<daily>(?=<forms>))?"
        ),
        volume=of(f"{amount}(?P<u><volume>)"),
        tablets_before=of("(?P<n><number>)<number>?(?:<forms>)?(?:<more|in_a|number>|[(])*$"),
        tablets=of("(?P<n><number>)-?<more>?<forms>"),
        every=of("<every>(?P<n><number>)(?:(?:<to>|-)<number>)?-?(?:(?P<hours><hours>)|(?P<days><days>)|<weeks>)"),
        times=of(
            "(?P<n><number>)-?(?:<times>?-?<in_a>?(?:(?P<week><weekly>)|<daily>)|"
            "(?:<times>-?<in_a>?|<in_a>)(?:(?P<week2><weeks>)|<days>))"
        ),
        times_after=of(f"<every>?{period}<in_a>?(?P<n><number>)<times>"),
        daily=of("(?P<d><daily>)"),
        most=of("(?P<n><number>)-?<forms><in_a>?(?:<number>-?<hours>|<days>|<daily>)"),
        rare=of("<weekly|monthly>"),
        scheme=of("(?P<n1><number>)-(?P<n2><number>)-(?P<n3><number>)(?:-(?P<n4><number>))?"),
    )


def parse(folded: str, low: int, high: int) -> Dose | None:
    """The first dose between two offsets of a folded text, or None."""
    row = lexer().read(folded, low, high)
    shapes = _shapes()
    strengths = list(shapes.strength.finditer(row.codes))
    taken = [m.span() for m in (*strengths, *shapes.rate.finditer(row.codes))]
    mass = next((m for m in shapes.mass.finditer(row.codes) if _free(m, taken) and _counts(row, m)), None)
    volume = next((m for m in shapes.volume.finditer(row.codes) if _free(m, taken)), None)
    per_ml = next((_per_ml(row, m) for m in strengths if row.value(m.start("u"), "unit") in _MG), None)
    by_volume = None if volume is None or per_ml is None else _millilitres(row, volume) * per_ml
    if mass is None:
        return None if volume is None or by_volume is None else _dose(row, volume, by_volume, units=False)
    unit = row.value(mass.start("u"), "unit")
    written, split = _written(folded, row, mass)
    count = split or _tablets(row, mass)
    amount = _amount(row, mass) if not split else float(written[-3:])
    single = count * amount * _MG.get(unit, 1.0)
    dose = _dose(row, mass, single, units=unit == "units")
    return Dose(
        dose.start, dose.end, dose.single_mg, dose.daily_mg, dose.per_kg, dose.weekly, dose.daily_stated, dose.units,
        None if unit == "units" else by_volume, re.fullmatch(r"\d+\.0{1,2}", written) is not None, written[0] in ".,",
    )  # fmt: skip


def says_how_often(folded: str, low: int, high: int) -> bool:
    """Whether a stretch of folded text states a frequency: `twice a day`, `every 8 hours`, `weekly`."""
    row = lexer().read(folded, low, high)
    frequency, rare = _frequency(row, 0, len(row.codes))
    return frequency is not None or rare


def _free(match: re.Match[str], taken: list[tuple[int, int]]) -> bool:
    return not any(low <= match.start() < high for low, high in taken)


def _counts(row: Row, match: re.Match[str]) -> bool:
    return row.value(match.start("u"), "unit") in {*_MG, "units"}


def _amount(row: Row, match: re.Match[str]) -> float:
    found: float = row.value(match.start("last") if match.group("last") else match.start("n"), "number")
    return found


def _per_ml(row: Row, match: re.Match[str]) -> float:
    volume: float = row.value(match.start("per"), "number") if match.group("per") else 1.0
    return _amount(row, match) * _MG[row.value(match.start("u"), "unit")] / (volume or 1.0)


def _millilitres(row: Row, match: re.Match[str]) -> float:
    return _amount(row, match) * _ML[row.value(match.start("u"), "volume")]


def _written(folded: str, row: Row, match: re.Match[str]) -> tuple[str, float]:
    """The number as written; `2 500 mg tablets` is two tablets of 500 mg, `2 500 mg` alone a thousands group."""
    token = row.tokens[match.start("last") if match.group("last") else match.start("n")]
    assert token is not None
    text = folded[token.start : token.end]
    behind = row.tokens[match.end()] if match.end() < len(row.tokens) else None
    if re.fullmatch(r"[2-9] \d{3}", text) and behind is not None and "forms" in behind.kinds:
        return text, float(text[0])
    return text, 0.0


def _tablets(row: Row, strength: re.Match[str]) -> float:
    """How many tablets of that strength at once."""
    before, after = row.codes[: strength.start()], row.codes[strength.end() :]
    if direct := _shapes().tablets_before.search(before):
        return _at_most_ten(row.value(direct.start("n"), "number"))
    near = before[-_NEAR - 2 :]
    last = list(_shapes().tablets.finditer(near))[-1:]
    first = [m for m in (_shapes().tablets.search(after),) if m is not None and m.start() <= _NEAR]
    for offset, found in ((len(before) - len(near), last), (strength.end(), first)):
        for match in found:
            return _at_most_ten(row.value(offset + match.start("n"), "number"))
    return 1.0


def _at_most_ten(count: float) -> float:
    """More than ten at once is another number: a pack, an age, a day."""
    return count if count <= 10 else 1.0


def _dose(row: Row, match: re.Match[str], single: float, *, units: bool) -> Dose:
    """How often, read behind the amount, else before it."""
    frequency, weekly = _frequency(row, match.end(), len(row.codes))
    if frequency is None and not weekly:
        frequency, weekly = _frequency(row, 0, match.start())
    groups = match.groupdict()
    per_kg, of_day = groups.get("kg") is not None, groups.get("day") is not None
    first, last = row.tokens[match.start("n")], row.tokens[match.end() - 1]
    assert first is not None and last is not None
    start, end = first.start, last.end
    if of_day or (frequency == 1 and not weekly):
        return Dose(start, end, None, single, per_kg, False, True, units)
    daily = single * frequency if frequency and not weekly else None
    return Dose(start, end, single, daily, per_kg, weekly, bool(frequency) and not weekly, units)


def _frequency(row: Row, low: int, high: int) -> tuple[float | None, bool]:
    """Times a day, and whether the text says weekly or rarer; the first statement wins, the longest of equals."""
    shapes = _shapes()
    options: list[tuple[int, int, float | None, bool]] = []
    if (found := shapes.scheme.search(row.codes, low, high)) and (times := _scheme(row, found)):
        options.append((found.start(), -found.end(), times, False))
    if found := shapes.every.search(row.codes, low, high):
        options.append((found.start(), -found.end(), *_interval(row, found)))
    for pattern in (shapes.times, shapes.times_after):
        if found := pattern.search(row.codes, low, high):
            rare = any(v is not None for k, v in found.groupdict().items() if k.startswith("week"))
            often: float | None = None if rare else row.value(found.start("n"), "number")
            options.append((found.start(), -found.end(), often, rare))
    if found := shapes.daily.search(row.codes, low, high):
        options.append((found.start(), -found.end(), row.value(found.start("d"), "daily"), False))
    if found := shapes.rare.search(row.codes, low, high):
        options.append((found.start(), -found.end(), None, True))
    if not options:
        return None, False
    _, _, often, rare = min(options, key=lambda o: (o[0], o[1], not o[3]))
    if rare or often is None:
        return None, True
    most = shapes.most.search(row.codes, low, high)
    return (often if most is None else min(often, row.value(most.start("n"), "number"))), False


def _scheme(row: Row, found: re.Match[str]) -> float | None:
    parts: list[float] = [row.value(found.start(g), "number") for g in ("n1", "n2", "n3", "n4") if found.group(g)]
    return sum(parts) if max(parts) <= 4 else None


def _interval(row: Row, found: re.Match[str]) -> tuple[float | None, bool]:
    number: float = max(1.0, row.value(found.start("n"), "number"))
    if found.group("hours"):
        return 24 / number, False
    return (1 / number, False) if found.group("days") else (None, True)
