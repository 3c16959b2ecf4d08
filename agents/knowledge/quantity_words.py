"""Words and patterns by which quantities are found, in the languages that are checked. What they mean: `quantities`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from .vocabulary import table


def _either(words: Iterable[str], *, bounded: bool = True) -> str:
    """A pattern for any of the words, longest first; Latin ones must end where a word ends."""
    latin: list[str] = []
    others: list[str] = []
    for word in sorted({w.lower() for w in words}, key=lambda w: (-len(w), w)):
        body = re.escape(word).replace(r"\ ", r"\s+")
        (latin if bounded and word[-1].isalpha() and ord(word[-1]) < 0x250 else others).append(body)
    parts = [rf"(?:{'|'.join(latin)})(?![^\W\d_\u4e00-\u9fff])"] if latin else []
    return f"(?:{'|'.join((*parts, *others))})"


TOKEN = re.compile(r"\d+|[\u4e00-\u9fff]|(?:[^\W\d_\u4e00-\u9fff]|[\u0900-\u0963])+")
NOT = re.compile(r"(?:\bnot|\bnever|n.t|\bno|\bnicht|\bnão|\bpas|不)\b[^.;,:]{0,20}$")
DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_ENGLISH_UNITS = frozenset("one two three four five six seven eight nine".split())
BARE = re.compile(
    r"(?P<low>\d+(?:[.,]\d+)?)(?:\s*(?:-|–|to|bis|a|à)\s*(?P<high>\d+(?:[.,]\d+)?))?(?=\s*(?:[.,;)]?$|[.,;)]\s))"
)
PRESSURE = re.compile(r"(?<![\d/.])(?P<systolic>\d{2,3})\s?/\s?(?P<diastolic>\d{2,3})(?![\d/])(?=\s*(?:mm\s?hg)?)")


@cache
def number_words() -> dict[str, float]:
    """Number words to their values."""
    raw = table("quantities.yaml")
    words = {str(w).lower(): float(n) for n, words in raw["numbers"].items() for w in words}
    units = [w for w, n in words.items() if 1 <= n <= 9 and w in _ENGLISH_UNITS]
    return words | {f"{ten}-{one}": words[ten] + words[one] for ten in raw["tens"] for one in units}


@cache
def NUMBERS() -> re.Pattern[str]:
    """Any number."""
    return re.compile(rf"{_LEAD_CJK}(?<!\*){_numeral()}")


@cache
def share_words() -> dict[str, float]:
    """Names of shares, as percent."""
    return {str(w).lower(): float(n) for n, words in table("quantities.yaml")["shares"].items() for w in words}


@cache
def adverb_words() -> dict[str, float]:
    """Adverbs of interval behind a number, in hours."""
    return {str(w).lower(): float(n) for w, n in table("quantities.yaml")["hourly"].items()}


@cache
def SHARES() -> re.Pattern[str]:
    """A named share of a whole."""
    return re.compile(rf"{_LEAD_CJK}{_either(share_words())}")


@cache
def OF_WHOLE() -> re.Pattern[str]:
    """A number of another number."""
    joined, number = _either(table("quantities.yaml")["of_whole"]), _numeral()
    return re.compile(
        rf"{_LEAD_CJK}(?P<part>{number})\s+(?:{joined}|of(?=\s\d)(?<=\d of))\s+(?P<whole>{number})"
        r"(?![.,]?\d|\s?%)(?!\w)"
    )


@cache
def unit_words() -> dict[str, tuple[str, float]]:
    """Spellings of units to dimension and factor."""
    units: Any = table("quantities.yaml")["units"]
    return {
        str(word).lower(): (dimension, float(factor))
        for dimension, factors in units.items()
        for factor, words in factors.items()
        for word in words
    }


@cache
def per_words() -> dict[str, str]:
    """What a unit is divided by."""
    return {str(w).lower(): str(k) for k, words in table("quantities.yaml")["per"].items() for w in words}


@cache
def period_words() -> dict[str, float]:
    """Words of a period to its days."""
    return {str(w).lower(): float(n) for n, words in table("quantities.yaml")["periods"].items() for w in words}


@cache
def code_words() -> dict[str, float]:
    """Prescribing shorthand to times a day."""
    return {str(w).lower(): float(n) for n, words in table("quantities.yaml")["codes"].items() for w in words}


@cache
def between() -> re.Pattern[str]:
    """The words before the lower end of a range in two parts."""
    return re.compile(_either(table("quantities.yaml")["between"]) + r"\s*$")


@cache
def _numeral() -> str:
    """Digits with thousands and decimal marks, or a number word."""
    words = _either(number_words())
    return (
        rf"(?:(?:\d+|{words})\s+and\s+a\s+half\b|"
        + r"\d{1,3}(?:[,. \u00a0\u202f']\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?|"
        + words
        + ")"
    )


_LEAD = r"(?<![\w.,/])(?<!\d)"
_LEAD_CJK = r"(?:(?<![A-Za-z0-9_.,/])(?<![\u00c0-\u024f\u0900-\u097f]))"


@cache
def starters() -> frozenset[str]:
    """Words that may begin a quantity; of the periods only those that stand before the number in their language."""
    raw = table("quantities.yaml")
    words = [
        *number_words(),
        *code_words(),
        *share_words(),
        *(w for w in period_words() if ord(w[0]) > 0x250),
        *raw["every"],
    ]
    return frozenset(m[0].lower() for m in map(TOKEN.match, words) if m is not None)


@cache
def _span() -> str:
    joiner = _either(table("quantities.yaml")["range"])
    return rf"(?P<low>{_numeral()})(?:\s*{joiner}\s*[<>≤≥]?\s*(?P<high>{_numeral()}))?"


@cache
def MEASURE() -> re.Pattern[str]:
    """A number or range with a unit."""
    per = _either(per_words())
    listed = r"(?P<listed>(?:\d+(?:[.,]\d+)?(?:,?\s+(?:or|and|o|y|ou|et|oder|und|e)|,)\s+){1,6})?"
    unit = rf"[\s\u00a0\u202f]?-?\s?(?:an?\s)?(?P<unit>{_either(unit_words())})(?:\s?(?P<per>{per}))?"
    return re.compile(rf"{_LEAD_CJK}{listed}{_span()}{unit}")


@cache
def COUNT() -> re.Pattern[str]:
    """A number with the word it counts."""
    joiner = _either(table("quantities.yaml")["range"])
    number = r"\d+(?:[.,]\d+)?|" + _either(w for w, n in number_words().items() if n > 1)
    noun = r"(?!(?:and|the|for|with|out|but)\b)(?P<noun>[^\W\d_]{3,})"
    return re.compile(rf"{_LEAD}(?P<low>{number})(?:\s*{joiner}\s*(?P<high>{number}))?(?:\s{noun})")


@cache
def DAILY() -> re.Pattern[str]:
    """Behind an amount: for a whole day."""
    day = _either(w for w, n in period_words().items() if n == 1)
    return re.compile(rf"\s*(?:(?:/|in|a|per|each|every|al|por|par|pro|ao|am|每|in\s+24)\s*)?{day}")


@cache
def FREQUENCY() -> re.Pattern[str]:
    """How often."""
    raw = table("quantities.yaml")
    number, joiner = _numeral(), _either(raw["range"])
    times, period, every = _either(raw["times"]), _either(period_words()), _either(raw["every"], bounded=False)
    between = r"\s*(?:(?:a|per|each|every|in|al|a la|por|par|pro|am|ao|à|the|die)\s+|/)?"
    hours = _either(w for w, (d, _) in unit_words().items() if d == "duration")
    once = _either(raw["once_like"])
    return re.compile(
        rf"(?:{_LEAD_CJK}(?P<code>{_either(code_words())})"
        rf"|{_LEAD_CJK}(?P<apart>{number})(?:-|(?<=\d)\s(?=hourly))(?P<adverb>{_either(adverb_words())})"
        rf"|{_LEAD_CJK}{every}\s*(?P<interval>{number})(?:\s*{joiner}\s*(?P<interval_high>{number}))?\s*-?(?P<hours>{hours})"
        rf"|{_LEAD_CJK}{every}\s+(?P<period>{period})"
        rf"|{_LEAD_CJK}(?P<n1>{number})(?:\s*{joiner}\s*(?P<nh1>{number}))?\s*{times}{between}(?P<p1>{period})"
        rf"|{_LEAD_CJK}(?P<n2>{once})(?P<nh2>(?!))?{between}(?P<p2>{period})"
        rf"|(?P<p3>{period})(?:\s*में)?\s*(?P<n3>{number})(?:\s*{joiner}\s*(?P<nh3>{number}))?\s*{times})",
    )


@cache
def comparators() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    """What stands before and behind a number that is a limit."""
    raw = table("quantities.yaml")
    return {
        key: (
            re.compile(rf"(?:^|(?<![^\W\d_])){_either(raw[key + '_before'], bounded=False)}\s*$"),
            re.compile(rf"\s*{_either(raw[key + '_after'])}"),
        )
        for key in ("at_least", "at_most")
    }
