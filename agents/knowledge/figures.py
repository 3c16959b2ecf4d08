"""Quantities of a sentence against those of the evidence: same thing, other number. Reading is in `quantities`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from .quantities import Bound, Quantity, agree, numbers, same_value
from .retrieve import Passage
from .statement import Statement, Token, weight

ALIGNED = 0.5
"""Share of the sentence's words that the evidence sentence must have before another number is a contradiction."""
ALIGNED_CITED = 0.3
"""The same where the draft itself names the passage."""
ALIGNED_KNOWN = 0.75
"""The same where the number stands in the request or the record, and may be quoted from there."""
NEAR = 4
"""Content words on each side that tell what a number is said of."""
_SUBJECT = {
    "mass": "dose", "frequency": "dose frequency", "activity": "dose", "volume": "dose", "mass/kg": "dose",
    "duration": "duration", "pressure": "blood pressure", "percent": "percentage", "temperature": "temperature",
}  # fmt: skip
_DOSE = frozenset({"mass", "frequency", "activity", "volume"})
_YEAR_H = 8760.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity and what it is said of."""

    quantity: Quantity
    drugs: tuple[str, ...]
    """Ingredients of its sentence, nearest first."""

    @property
    def subject(self) -> str:
        """What kind of quantity, in words."""
        return subject_of(self.quantity)


@dataclass(frozen=True, slots=True)
class Clash:
    """A quantity that the evidence states otherwise."""

    confidence: float
    passage: str
    subjects: tuple[str, ...]


class Figures(NamedTuple):
    """The quantities of one sentence, compared."""

    clashes: tuple[Clash, ...]
    missing: tuple[Figure, ...]
    """Neither in a passage, nor in the request, nor in the record."""


class _Place(NamedTuple):
    """A quantity of the evidence."""

    quantity: Quantity
    passage: Passage
    statement: Statement
    coverage: float
    near: frozenset[str]


def is_concentration(quantity: Quantity) -> bool:
    """Whether it is an amount in a volume, as of a solution or a laboratory value."""
    return quantity.dimension.split(" ")[0].partition("/")[2] in {"ml", "dl", "l"}


def subject_of(quantity: Quantity) -> str:
    """What kind of quantity, in words."""
    head = quantity.dimension.split(" ")[0]
    if is_concentration(quantity):
        return "concentration"
    return (
        _SUBJECT.get(head) or _SUBJECT.get(head.split("/")[0]) or ({"count": "number", "bare": "value"}.get(head, head))
    )


def check_figures(
    claim: Statement, passages: Sequence[Passage], *, cited: frozenset[str], known: Sequence[Statement]
) -> Figures:
    """Compare every quantity of a sentence with those of the same dimension in the evidence."""
    if not claim.quantities:
        return Figures((), ())
    places = _places(claim, passages)
    clashes: list[Clash] = []
    missing: list[Figure] = []
    for quantity in claim.quantities:
        given = any(same_value(quantity, q) for s in known for q in s.quantities)
        rivals = [p for p in places if p.quantity.dimension == quantity.dimension]
        clash = _clash(claim, quantity, rivals, cited, given)
        if clash is not None:
            clashes.append(clash)
        if (
            not given
            and not any(_says(quantity, p) for p in rivals)
            and not _otherwise(claim, quantity, passages, places)
        ):
            missing.append(Figure(quantity, _drugs_near(claim, quantity)))
    return Figures(tuple(clashes), tuple(missing))


def _places(claim: Statement, passages: Sequence[Passage]) -> list[_Place]:
    total = weight(claim.tokens) or 1.0
    weights = {t.key: t.weight for t in claim.tokens}
    found: list[_Place] = []
    for passage in passages:
        before: frozenset[str] = frozenset()
        for statement in passage.statements:
            if statement.quantities:
                shared = sum(w for k, w in weights.items() if k in statement.keys or k in before)
                found.extend(
                    _Place(q, passage, statement, shared / total, _near_keys(statement, q))
                    for q in statement.quantities
                )
            before = before | frozenset(statement.drugs)
    return found


def _says(quantity: Quantity, place: _Place) -> bool:
    """Whether the evidence states this quantity, as a single or as a daily amount."""
    source = place.quantity
    if quantity.daily and not source.daily and (often := _often(place)):
        source = replace(source, low=source.low * often.low, high=source.high * often.high)
    if agree(quantity, source):
        return True
    if quantity.daily == source.daily or not source.low:
        return False
    ratio = quantity.low / source.low
    times = [ratio, 1 / ratio] if ratio else []
    return any(
        abs(q.low - t) < 0.02 * t for q in place.statement.quantities if q.dimension == "frequency" for t in times
    )


def _otherwise(claim: Statement, quantity: Quantity, passages: Sequence[Passage], places: Sequence[_Place]) -> bool:
    """Whether the evidence states the figure in another manner: a bare number for an age or count, a daily amount for
    once a day, an interval for how often."""
    head = quantity.dimension.split(" ")[0]
    if head == "frequency":
        period_h = 24 / quantity.low if quantity.low else 0.0
        spaced = (p.quantity for p in places if p.quantity.dimension == "duration")
        if any(abs(q.low - period_h) < 0.02 * period_h for q in spaced):
            return True
        return quantity.low == quantity.high == 1 and any(p.quantity.daily for p in places)
    if head == "duration":
        often = (p.quantity for p in places if p.quantity.dimension == "frequency" and p.quantity.low)
        if any(abs(24 / q.low - quantity.low) < 0.02 * quantity.low for q in often):
            return True
    if head in {"count", "bare"} or _in_years(quantity):
        written = _numbers(claim.text[quantity.start : quantity.end])
        return bool(written) and all(
            any(n in _numbers(s.text) for p in passages for s in p.statements) for n in written
        )
    return False


def _in_years(quantity: Quantity) -> bool:
    return quantity.dimension == "duration" and quantity.low >= _YEAR_H and quantity.low % _YEAR_H == 0


@lru_cache(maxsize=4_096)
def _numbers(text: str) -> frozenset[float]:
    """Numbers in a text, in figures or words, whatever they count."""
    return frozenset(numbers(text))


def _often(place: _Place) -> Quantity | None:
    """How often a single amount is taken: the frequency written right behind it."""
    end = place.quantity.end
    return next((q for q in place.statement.quantities if q.dimension == "frequency" and 0 <= q.start - end <= 3), None)


def _clash(
    claim: Statement, quantity: Quantity, rivals: Sequence[_Place], cited: frozenset[str], given: bool
) -> Clash | None:
    """The best aligned evidence that gives another number for the same thing; None where any gives this one."""
    mine = _near_keys(claim, quantity)
    drug = _nearest_drug(claim, quantity)
    same_thing = [p for p in rivals if _same_thing(claim, quantity, drug, mine, p)]
    saying = [p for p in same_thing if _says(quantity, p)]
    if any(same_value(quantity, p.quantity) for p in saying):
        return None
    told = max((len(p.near & mine) for p in saying), default=-1)
    for place in sorted(same_thing, key=lambda p: (-len(p.near & mine), -p.coverage)):
        if len(place.near & mine) <= told or place in saying or _is_rest(quantity, place.quantity):
            continue
        floor = ALIGNED_KNOWN if given else ALIGNED_CITED if place.passage.id in cited else ALIGNED
        if place.coverage >= floor and (place.near & mine or place.coverage >= ALIGNED_KNOWN):
            return Clash(_confidence(place, mine), place.passage.id, _subjects(claim, quantity, drug, place))
    return None


def _is_rest(quantity: Quantity, other: Quantity) -> bool:
    """Whether both are shares that make a whole: 41% still have it where 59% lost it."""
    return quantity.dimension == "percent" and abs(quantity.low + other.low - 100) < 0.5


def _same_thing(claim: Statement, quantity: Quantity, drug: str | None, mine: frozenset[str], place: _Place) -> bool:
    """Whether both numbers may be said of one thing: no other ingredient beside them, words in common."""
    other = _nearest_drug(place.statement, place.quantity)
    if drug is not None and other is not None and drug != other and quantity.dimension.split("/")[0] in _DOSE:
        return False
    if quantity.bound is not Bound.EXACT and place.quantity.bound is not Bound.EXACT:
        return quantity.bound is place.quantity.bound or same_value(quantity, place.quantity)
    return bool(place.near & mine) or place.coverage >= ALIGNED


def _confidence(place: _Place, mine: frozenset[str]) -> float:
    return min(0.95, 0.5 + 0.35 * place.coverage + 0.05 * min(3, len(place.near & mine)))


def _near_keys(statement: Statement, quantity: Quantity) -> frozenset[str]:
    before = [t.key for t in statement.tokens if t.start < quantity.start][-NEAR:]
    after = [t.key for t in statement.tokens if t.start >= quantity.end][:NEAR]
    return frozenset((*before, *after))


def _nearest_drug(statement: Statement, quantity: Quantity) -> str | None:
    near = _drugs_near(statement, quantity)
    return near[0] if near else None


def _drugs_near(statement: Statement, quantity: Quantity) -> tuple[str, ...]:
    """Ingredients of a sentence by their distance from a quantity; a name after the number is as near as one before."""
    drugs = sorted((t for t in statement.tokens if t.drug), key=lambda t: _distance(t, quantity))
    return tuple(dict.fromkeys(t.key for t in drugs))


def _distance(token: Token, quantity: Quantity) -> int:
    if token.start >= quantity.end:
        return token.start - quantity.end
    return max(0, quantity.start - token.start - len(token.word))


def _subjects(claim: Statement, quantity: Quantity, drug: str | None, place: _Place) -> tuple[str, ...]:
    theirs = _nearest_drug(place.statement, place.quantity)
    names = [drug or theirs, *claim.drugs] if quantity.dimension.split("/")[0] not in _DOSE else [drug or theirs]
    shared = [t.word for t in claim.tokens if t.key in place.near and t.weight >= 1 and t.key[0] != "@" and not t.drug]
    named = [n for n in names if n] or shared[:2]
    return tuple(dict.fromkeys((*named, subject_of(quantity))))
