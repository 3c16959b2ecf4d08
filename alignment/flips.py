"""True sentences made false in one respect, or said another way: number, unit, negation, direction and so on.

English only. The words are in `corpus/claims/flips.yaml`; what the flips teach is in `pairs`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import yaml

from .corpus import FOLDER
from .verdicts import CONTRADICTED, UNSUPPORTED


class Flip(NamedTuple):
    """A sentence changed in one respect."""

    text: str
    kind: str
    """Which respect."""
    label: int
    """What the unchanged sentence says to it: see `verdicts`."""


def flip(text: str, chosen: random.Random, kinds: Sequence[str] = ()) -> Flip | None:
    """The sentence made false in one respect that it offers; None where it offers none of the kinds."""
    order = list(kinds or _FLIPS)
    chosen.shuffle(order)
    for kind in order:
        changed = _FLIPS[kind](text, chosen)
        if changed is not None and changed != text:
            label = UNSUPPORTED if kind in {"population", "entity", "certainty"} else CONTRADICTED
            return Flip(changed, kind, label)
    return None


def reword(text: str, chosen: random.Random) -> str:
    """The sentence said another way: up to three words or phrases by their like, numbers written otherwise."""
    pairs = list(_words()["same"])
    chosen.shuffle(pairs)
    left = 3
    for one, other in pairs:
        source, target = (one, other) if chosen.random() < 0.8 else (other, one)
        changed = _replaced(text, source, target, chosen)
        if changed is not None:
            text, left = changed, left - 1
        if not left:
            break
    return _renumbered(text, chosen) if chosen.random() < 0.5 else text


def _number(text: str, chosen: random.Random) -> str | None:
    found = [m for m in _NUMBER.finditer(text)]
    if not found:
        return None
    match = chosen.choice(found)
    return text[: match.start()] + _other_number(match[0], chosen) + text[match.end() :]


def _other_number(written: str, chosen: random.Random) -> str:
    """Another figure of the same look: tenfold, half, double, nearby, digits exchanged."""
    if written.lower() in _COUNTS:
        return chosen.choice([w for w in _COUNTS if w != written.lower()])
    plain = written.replace(",", "")
    value = float(plain)
    digits = len(plain.partition(".")[2])
    ways: tuple[Callable[[float], float], ...] = (
        lambda v: v * 10, lambda v: v / 10, lambda v: v * 2, lambda v: v / 2, lambda v: v * 3,
        lambda v: v + max(1.0, round(v * chosen.uniform(0.15, 0.6))),
        lambda v: v - max(1.0, round(v * chosen.uniform(0.15, 0.6))),
        lambda v: 100 - v if 0 < v < 100 and v != 50 else v * 4,
    )  # fmt: skip
    for _ in range(8):
        other = chosen.choice(ways)(value)
        if other <= 0 or abs(other - value) < 0.05 * abs(value):
            continue
        shown = f"{other:,.{digits}f}" if "," in written else f"{other:.{digits}f}"
        if digits == 0 and other < 1:
            shown = f"{other:g}"
        if shown != written:
            return shown
    return f"{value * 2 + 1:g}"


def _unit(text: str, chosen: random.Random) -> str | None:
    return _exchanged(text, _words()["units"], chosen)


def _direction(text: str, chosen: random.Random) -> str | None:
    return _exchanged(text, _words()["opposites"], chosen)


def _negation(text: str, chosen: random.Random) -> str | None:
    removed = _NOT.search(text)
    if removed is not None and chosen.random() < 0.8:
        return text[: removed.start()] + (removed["before"] or "") + text[removed.end() :]
    denied = _exchanged(text, _words()["denied"], chosen)
    if denied is not None and chosen.random() < 0.6:
        return denied
    verbs = [m for m in _verbs().finditer(text)]
    if not verbs:
        return denied
    match = chosen.choice(verbs[:3])
    return f"{text[: match.end()]} not{text[match.end() :]}"


def _population(text: str, chosen: random.Random) -> str | None:
    return _one_of_group(text, _words()["populations"], chosen)


def _entity(text: str, chosen: random.Random) -> str | None:
    return _one_of_group(text, [*_words()["organs"], *_words()["agents"]], chosen)


def _certainty(text: str, chosen: random.Random) -> str | None:
    return _exchanged(text, _words()["certainty"], chosen, one_way=True)


_FLIPS: Mapping[str, Callable[[str, random.Random], str | None]] = {
    "number": _number,
    "unit": _unit,
    "negation": _negation,
    "direction": _direction,
    "population": _population,
    "entity": _entity,
    "certainty": _certainty,
}


def _exchanged(
    text: str, pairs: Sequence[Sequence[str]], chosen: random.Random, *, one_way: bool = False
) -> str | None:
    """The text with one word or phrase of a pair turned into the other; the longest that fits comes first."""
    both = [(a, b) for a, b in pairs] + ([] if one_way else [(b, a) for a, b in pairs])
    chosen.shuffle(both)
    both.sort(key=lambda p: -len(p[0].split()))
    for source, target in both:
        changed = _replaced(text, source, target, chosen)
        if changed is not None:
            return changed
    return None


def _one_of_group(text: str, groups: Sequence[Sequence[str]], chosen: random.Random) -> str | None:
    shuffled = list(groups)
    chosen.shuffle(shuffled)
    for group in shuffled:
        for word in chosen.sample(list(group), len(group)):
            changed = _replaced(text, word, chosen.choice([w for w in group if w != word]), chosen)
            if changed is not None:
                return changed
    return None


def _replaced(text: str, source: str, target: str, chosen: random.Random) -> str | None:
    found = list(_pattern(source).finditer(text))
    if not found:
        return None
    match = chosen.choice(found)
    put = target[0].upper() + target[1:] if match[0][0].isupper() and target[0].islower() else target
    return text[: match.start()] + put + text[match.end() :]


def _renumbered(text: str, chosen: random.Random) -> str:
    """One number written otherwise: a word for a figure, or another unit of the same amount."""
    ways = [(m, w) for m in _NUMBER.finditer(text) for w in _same_amount(text, m)]
    if not ways:
        return text
    match, (put, end) = chosen.choice(ways)
    return text[: match.start()] + put + text[end:]


def _same_amount(text: str, match: re.Match[str]) -> list[tuple[str, int]]:
    written = match[0].lower()
    if written in _COUNTS:
        return [(str(_COUNTS.index(written) + 1), match.end())]
    value = float(written.replace(",", ""))
    ways: list[tuple[str, int]] = []
    if value in range(1, len(_COUNTS) + 1) and "." not in written:
        ways.append((_COUNTS[int(value) - 1], match.end()))
    unit = _UNIT.match(text, match.end())
    if unit is not None:
        other, factor = _SAME_UNIT[unit["unit"]]
        if (value * factor * 100).is_integer() and value * factor >= 0.1:
            ways.append((f"{value * factor:g} {other}", unit.end()))
    return ways


@cache
def _words() -> dict[str, Any]:
    text = (FOLDER / "claims" / "flips.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - strings alone: `no` is a word
    return loaded


@cache
def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(words)}(?![\w-])", re.IGNORECASE)


@cache
def _verbs() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(_words()['negatable'])})(?=\s)(?!\s+not\b)")


_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBER = re.compile(rf"(?<![\w.,-])(?:\d[\d,]*(?:\.\d+)?|{'|'.join(_COUNTS)})(?![\w.]*\d)(?!\w)", re.IGNORECASE)
_NOT = re.compile(
    r"(?P<before>\b(?:is|are|was|were|can|could|may|should|must|will|would|do|does|did|has|have|had)) not\b|"
    r"\bno (?=\w)|\bnot (?=\w)|(?<=\w)n't\b"
)
_SAME_UNIT = {
    "mg": ("g", 0.001), "g": ("mg", 1000.0), "mcg": ("mg", 0.001), "hours": ("minutes", 60.0), "days": ("hours", 24.0),
    "weeks": ("days", 7.0), "years": ("months", 12.0), "cm": ("mm", 10.0), "mL": ("L", 0.001), "kg": ("g", 1000.0),
}  # fmt: skip
_UNIT = re.compile(rf" ?(?P<unit>{'|'.join(_SAME_UNIT)})\b")
