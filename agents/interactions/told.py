"""Which rows of the drug tables speak to a text, nearest first. How a row is worded lives in `passages`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import get_args

from ..ports import StoredPassage
from . import passages
from .agent import Tables
from .folding import fold
from .limits import DoseRow, Route
from .patient import is_topical
from .phrases import Phrases
from .tables import Reader

MOST = 12
"""Passages for one text at most."""
_DRUGS = 6
"""Drugs of one text that are looked up at most, the first ones: a longer list says little of each."""
_KEPT = 2_048
"""Texts and drugs whose rows are kept."""
_STEM = 6
"""Letters by which words count as the same."""
_WORD = re.compile(r"[a-z]{3,}")
_ROUTES: tuple[Route, ...] = get_args(Route)
_UNDIVIDED = "\u2e80"
"""From here on scripts write words without spaces between them."""
_PREGNANCY = frozenset({"pregna", "gestat", "trimes", "fetus", "fetal", "embara", "schwan", "encein"})
_KIDNEYS = frozenset({"egfr", "kidney", "renal", "creati", "cleara", "dialys"})
_AGE = frozenset({"age", "aged", "child", "childr", "infant", "baby", "babies", "toddle", "teenag", "older", "elderl",
                  "years", "months"})  # fmt: skip
_DOSE = frozenset({"dose", "doses", "dosage", "maximu", "most", "limit", "exceed", "more"})
_MONITORING = frozenset({"monito", "check", "checks", "test", "tests", "measur", "level", "levels", "before"})
"""Words, by their first letters, that show what a text is about."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row in words, and what brings it near to a text."""

    passage: StoredPassage
    words: frozenset[str]
    """First letters of its words, the names of its drugs left out."""
    about: frozenset[str] = frozenset()
    """A text with one of these speaks of what the row speaks of."""
    condition: str | None = None
    """The condition that it is about, if any."""
    topical: bool = False
    """It holds for forms that go on the skin too."""
    not_if: tuple[str, ...] = ()
    """Words in a text for which the row does not hold."""


@dataclass(frozen=True, slots=True)
class _Text:
    """What a text names."""

    folded: str
    words: frozenset[str]
    drugs: dict[str, frozenset[str]]
    """Ingredient to all ingredients of its product."""
    topical: frozenset[str]
    """Ingredients that are named only in forms for the skin, the eye or the airways."""
    conditions: frozenset[str]


class RowFinder:
    """Rows about the drugs that a text names. Built once; thread-safe."""

    def __init__(self, known: Tables) -> None:
        self._known = known
        self._conditions = Phrases(
            (phrase.rstrip("*"), (len(phrase.rstrip("*")), phrase.endswith("*"), name))
            for phrase, name in known.limits.condition_names.items()
        )
        self._places = {(r.ingredient, r.route): place for place, r in Reader().csv("doses/maxima*.csv", DoseRow)}
        self._of_drug = lru_cache(maxsize=_KEPT)(self._alone)
        self._of_pair = lru_cache(maxsize=_KEPT)(self._together)
        self.find = lru_cache(maxsize=_KEPT)(self._find)
        """Passages about the drugs that a text names exactly, nearest first, at most `MOST`."""

    def _find(self, text: str) -> tuple[StoredPassage, ...]:
        read = self._read(text)
        rows = [row for row in self._rows(read) if not any(word in read.folded for word in row.not_if)]
        found: dict[str, StoredPassage] = {}
        for row in sorted(rows, key=lambda r: _distance(r, read)):
            found.setdefault(row.passage.id, row.passage)
        return tuple(found.values())[:MOST]

    def _rows(self, read: _Text) -> Iterator[Row]:
        """Rows of pairs, then of each drug; of a form for the skin only what counts there too."""
        drugs = list(read.drugs)[:_DRUGS]
        for a, b in combinations(drugs, 2):
            if a not in read.drugs[b] and b not in read.drugs[a]:
                topical = a in read.topical or b in read.topical
                yield from (row for row in self._of_pair(*sorted((a, b))) if row.topical or not topical)
        for drug in drugs:
            yield from (row for row in self._of_drug(drug) if row.topical or drug not in read.topical)

    def _read(self, text: str) -> _Text:
        folded = fold(text)
        mentions = [m for m in self._known.finder.find(text, folded) if m.exact and m.name.class_id is None]
        drugs: dict[str, frozenset[str]] = {}
        whole: set[str] = set()
        for mention in mentions:
            topical = is_topical(folded, mention.start, mention.end)
            for ingredient in mention.ingredients:
                drugs.setdefault(ingredient, frozenset(mention.ingredients))
                if not topical:
                    whole.add(ingredient)
        return _Text(folded, _stems(folded), drugs, frozenset(drugs.keys() - whole), frozenset(self._named(folded)))

    def _named(self, folded: str) -> Iterator[str]:
        """Conditions that stand in a text, on the borders of words."""
        for last, (length, open_end, name) in self._conditions.iter(folded):
            start, end = last - length + 1, last + 1
            inside = (start and folded[start - 1].isalnum()) or (folded[end : end + 1].isalnum() and not open_end)
            if folded[start] >= _UNDIVIDED or not inside:
                yield name

    def _together(self, a: str, b: str) -> tuple[Row, ...]:
        rules = self._known.pairs.matching(a, b)
        return tuple(_row(passages.of_pair(rule, a, b), (a, b), topical=rule.topical_counts) for rule in rules)

    def _alone(self, drug: str) -> tuple[Row, ...]:
        return tuple(self._each(drug))

    def _each(self, drug: str) -> Iterator[Row]:
        limits, only = self._known.limits, (drug,)
        for row in limits.conditions.of(drug):
            passage = passages.of_condition(row, drug)
            yield _row(passage, only, condition=row.condition, topical=row.topical_counts)
        for kind, table, about in (
            (passages.of_pregnancy, limits.pregnancy, _PREGNANCY),
            (passages.of_kidneys, limits.renal, _KIDNEYS),
            (passages.of_age, limits.age, _AGE),
        ):
            yield from (_row(kind(row, drug), only, about=about, not_if=row.not_if) for row in table.of(drug))
        yield from (_row(passage, only, about=_DOSE) for passage in self._maxima(drug))
        for monitored in limits.monitoring.of(drug):
            yield _row(passages.of_monitoring(monitored, drug), only, about=_MONITORING)

    def _maxima(self, drug: str) -> Iterator[StoredPassage]:
        """By route. Amounts in units stand in the table by mouth only for texts that name no route."""
        for route in _ROUTES:
            row = self._known.limits.doses.get((drug, route))
            if row is not None and not (row.unit == "units" and route == "oral"):
                yield from passages.of_maximum(row, self._places.get((drug, route), "doses"))


def _row(
    passage: StoredPassage, drugs: Sequence[str], *, about: frozenset[str] = frozenset(), condition: str | None = None,
    topical: bool = False, not_if: tuple[str, ...] = (),
) -> Row:  # fmt: skip
    return Row(passage, _stems(passage.text.lower()) - _stems(" ".join(drugs)), about, condition, topical, not_if)


def _distance(row: Row, read: _Text) -> tuple[bool, int]:
    """Rows whose condition, other drug or subject the text names come first, then those with more of its words."""
    paired = row.condition is None and not row.about
    named = paired or row.condition in read.conditions or not row.about.isdisjoint(read.words)
    return not named, -len(row.words & read.words)


def _stems(folded: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in _WORD.findall(folded))
