"""How long ago something was, as a sentence says it: `five days ago`, `last night`, `hace dos semanas`."""

from __future__ import annotations

import re
from functools import cache

from .quantities import lexer

_HOUR, _DAY, _WEEK, _MONTH, _YEAR = 1 / 24, 1.0, 7.0, 30.0, 365.0
_WORDS = {
    "today": 0, "this morning": 0.3, "yesterday": 1, "last night": 0.7, "last week": 7, "last month": 30,
    "last year": 365, "hoy": 0, "ayer": 1, "anoche": 0.7, "la semana pasada": 7, "el mes pasado": 30,
    "aujourd'hui": 0, "hier": 1,
    "hier soir": 0.7, "la semaine derniere": 7, "le mois dernier": 30, "heute": 0, "gestern": 1, "gestern abend": 0.7,
    "letzte woche": 7, "letzten monat": 30, "hoje": 0, "ontem": 1, "semana passada": 7, "mes passado": 30, "oggi": 0,
    "ieri": 1, "ieri sera": 0.7, "la settimana scorsa": 7, "il mese scorso": 30, "\u4eca\u5929": 0, "\u6628\u5929": 1,
    "\u6628\u665a": 0.7, "\u4e0a\u5468": 7, "\u4e0a\u4e2a\u6708": 30, "years ago": 730,
    "months ago": 60, "long ago": 365, "hace anos": 730, "hace meses": 60, "vor jahren": 730, "anni fa": 730,
    "il y a des annees": 730, "ha anos": 730, "\u591a\u5e74\u524d": 730, "\u51e0\u5e74\u524d": 730,
    "\u0906\u091c": 0, "\u0915\u0932": 1,
}  # fmt: skip
_LONGER = re.compile(
    r"(?:(?P<month>months?|mes(?:es)?|mois|monat(?:en|e)?|mes[ei]|\u4e2a\u6708|\u092e\u0939\u0940\u0928\u0947)|"
    r"(?P<year>years?|anos?|ans?|jahr(?:en|e)?|ann[oi]|\u5e74|\u0938\u093e\u0932))"
)


def days_since(folded: str, low: int, high: int) -> float | None:
    """Days that a stretch of folded text says have passed; None where it says nothing."""
    row = lexer().read(folded, low, high)
    found = _span().search(row.codes)
    if found is not None:
        unit = _HOUR if found.group("hours") else _DAY if found.group("days") else _WEEK
        number: float = row.value(found.start("n"), "number")
        return number * unit
    text = folded[low:high]
    for position, token in enumerate(row.tokens):
        if token is not None and "number" in token.kinds:
            longer = _LONGER.match(folded[token.end : high].lstrip())
            if longer is not None:
                amount: float = row.value(position, "number")
                return amount * (_MONTH if longer.group("month") else _YEAR)
    named = [days for word, days in _WORDS.items() if re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text)]
    return float(min(named)) if named else None


@cache
def _span() -> re.Pattern[str]:
    return lexer().pattern("(?P<n><number>)-?(?:(?P<hours><hours>)|(?P<days><days>)|(?P<weeks><weeks>))")
