"""The doses that a text states, and whose each is. Whether they are right is judged elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from .dose import Dose, parse
from .mentions import Mention
from .prescribed import REACH, doses_of, parse_frequency_after
from .quantities import number
from .stance import Reading, Sentence

_BEFORE = 60
"""Characters before a drug in which its route may be told."""
_CONCENTRATION = re.compile(
    r"\s?(?:/|per |por |par |pro )\s?(?:d?l\b|(?:deci)?lit|m[23\u00b2\u00b3]|mmol|100 ?m?l)|\s?%|"
    r"/(?:分?升|\u0932\u0940\u091f\u0930)"
)
"""Behind an amount: a laboratory value, or what skin or blood is given per square metre."""
_PARTS = re.compile(
    r"(?<![\d.,/])(\d+(?:[.,]\d+)?)(?: ?m?c?g)?"
    r"(?: ?[/+-] ?(\d+(?:[.,]\d+)?))(?: ?m?c?g)?(?: ?[/+-] ?(\d+(?:[.,]\d+)?))? ?"
    r"(?:mg|milligram\w*|毫克|\u092e\u093f\u0932\u0940\u0917\u094d\u0930\u093e\u092e)"
)
"""Strengths of a combination: `20/12.5 mg`, `500 mg/125 mg`."""
_ADJOINED = re.compile(r"\s?[/+&-]\s?")
"""Between the names of one product."""
_LEADS = re.compile(r"\s(?:(?:oral|iv|single|dose|sachets?|tablets?|capsules?)\s){0,2}(?:(?:of|de|von|di)\s)?")
"""Between an amount and the name behind it, where nothing else stands."""
_FOLLOWS = re.compile(r"[\s,:(]*")
"""Between a name and the amount behind it, where nothing else stands."""
_PARTS_REACH = 25
"""Characters between the name of a combination and its strengths."""


class Stated(NamedTuple):
    """A dose and whose it is."""

    dose: Dose
    ingredients: tuple[str, ...]
    around: str
    parts: tuple[float, ...] = ()
    """What a tablet of a combination holds of each, as the text writes it."""


def stated_doses(reading: Reading) -> Iterator[Stated]:
    """Doses in order: those of combinations first told apart, then each sentence from left to right."""
    joined = list(_joined(reading))
    for sentence in reading.sentences:
        taken = [j for j in joined if sentence.start <= j.dose.start < sentence.end]
        found = [*taken, *_leading(reading, sentence, taken)]
        found.extend(_owned(reading, sentence, tuple(found)))
        found.extend(_further(reading, sentence, found))
        yield from sorted(found, key=lambda s: s.dose.start)


def _joined(reading: Reading) -> Iterator[Stated]:
    """`lisinopril/hydrochlorothiazide 20/12.5 mg twice daily`."""
    for match in _PARTS.finditer(reading.folded):
        row = _product(reading, match.start())
        names = sorted({i for m in row if m.name.class_id is None for i in m.ingredients})
        parts = tuple(number(p) for p in match.groups() if p)
        if len(names) != len(parts) or len(names) < 2:
            continue
        rest = f"{parts[0]} mg" + reading.folded[match.end() : _end(reading, match.end())]
        dose = parse(rest, 0, len(rest))
        if dose is not None and dose.start == 0:
            placed = replace(dose, start=match.start(), end=match.end())
            yield Stated(placed, tuple(names), _around(reading, row[0].start, match.end()), parts)


def _product(reading: Reading, at: int) -> list[Mention]:
    """The names of one product that end shortly before an offset."""
    row: list[Mention] = []
    for mention in reversed([m for m in reading.mentions if m.end <= at]):
        if row and not _ADJOINED.fullmatch(reading.folded, mention.end, row[0].start):
            break
        if not row and at - mention.end > _PARTS_REACH:
            break
        row.insert(0, mention)
    return row


def _leading(reading: Reading, sentence: Sentence, taken: Sequence[Stated]) -> Iterator[Stated]:
    """`300 mg nirmatrelvir with 100 mg ritonavir`: amounts directly before a name, and not directly behind another."""
    low = sentence.start
    for place, mention in enumerate(sentence.mentions):
        dose = parse(reading.folded, low, mention.start)
        behind = place > 0 and dose is not None and _FOLLOWS.fullmatch(reading.folded, low, dose.start)
        low = mention.end
        if dose is None or behind or mention.name.class_id is not None or not _free(dose, taken):
            continue
        if _LEADS.fullmatch(reading.folded, dose.end, mention.start) and not _is_level(reading, dose):
            told = parse_frequency_after(reading, dose, mention, _end(reading, mention.end))
            yield Stated(told, tuple(sorted(mention.ingredients)), _around(reading, dose.start, mention.end))


def _owned(reading: Reading, sentence: Sentence, taken: Sequence[Stated]) -> Iterator[Stated]:
    """The dose of each drug that is named."""
    seen: set[int] = set()
    for mention in sentence.mentions:
        if mention.name.class_id is not None or (dose := doses_of(reading, mention)) is None:
            continue
        if dose.start not in seen and _free(dose, taken) and not _is_level(reading, dose):
            seen.add(dose.start)
            yield Stated(dose, tuple(sorted(mention.ingredients)), _around(reading, mention.start, mention.end))


def _further(reading: Reading, sentence: Sentence, found: Iterable[Stated]) -> Iterator[Stated]:
    """All other amounts of a sentence: of the drug named last in it, else of the only one that was talked of."""
    taken = list(found)
    at = sentence.start
    while at < sentence.end:
        ahead = [m.start for m in sentence.mentions if m.start > at]
        high = min(ahead, default=sentence.end)
        dose = parse(reading.folded, at, high)
        if dose is None:
            at = high
            continue
        at = dose.end
        if _free(dose, taken) and not _is_level(reading, dose):
            owner = _owner(reading, sentence, dose)
            begin = dose.start if owner is None else max(sentence.start, owner.start)
            ingredients = () if owner is None else tuple(sorted(owner.ingredients))
            yield Stated(dose, ingredients, _around(reading, begin, dose.end))


def _owner(reading: Reading, sentence: Sentence, dose: Dose) -> Mention | None:
    before = [m for m in sentence.mentions if m.end <= dose.start]
    if before:
        return before[-1] if before[-1].name.class_id is None else None
    if sentence.mentions:
        return None
    named = [m for m in reading.mentions if m.name.class_id is None]
    earlier = [s.mentions for s in reading.sentences if s.end <= sentence.start and s.mentions]
    for group in (named, earlier[-1] if earlier else []):
        if len({m.ingredients for m in group}) == 1 and group[0].name.class_id is None:
            return group[0]
    return None


def _free(dose: Dose, taken: Iterable[Stated]) -> bool:
    return not any(t.dose.start < dose.end and dose.start < t.dose.end for t in taken)


def _is_level(reading: Reading, dose: Dose) -> bool:
    """`100 mg/dL` is measured, not taken."""
    found = _CONCENTRATION.match(reading.folded, dose.end)
    return found is not None and "m2" not in found.group() and "\u00b2" not in found.group()


def _around(reading: Reading, start: int, end: int) -> str:
    return reading.folded[max(0, start - _BEFORE) : end + REACH]


def _end(reading: Reading, at: int) -> int:
    """Where what is said behind an offset ends: with the sentence, or at the next drug."""
    sentence = next((s.end for s in reading.sentences if s.start <= at <= s.end), len(reading.folded))
    return min((m.start for m in reading.mentions if m.start >= at), default=sentence)


def is_measured(folded: str, end: int) -> bool:
    """Behind an amount: per litre or per cent, as what is measured, or per square metre."""
    return _CONCENTRATION.match(folded, end) is not None
