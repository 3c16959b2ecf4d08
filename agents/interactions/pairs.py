"""What is known of two drugs together: class-by-class rules, the most severe speaks. Context: `combinations`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wardround.policies.finding import Severity

from .ingredients import Vocabulary
from .tables import Reader, Sourced

Level = Literal["minor", "moderate", "major", "contraindicated"]


class RuleRow(Sourced):
    """Two sides and what happens when they meet."""

    id: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    severity: Level
    tolerated: Level | None = None
    """Severity where both are established; at most moderate where absent."""
    mechanism: str
    effect: str
    manage: str
    effects: tuple[str, ...] = ()
    """Words by which a text shows that it knows the effect."""
    separable: bool = False
    """Taking them apart solves it."""
    max_dose_mg: Mapping[str, float] = {}
    """Daily doses up to which the combination is accepted."""
    quiet: bool = False
    quiet_over: bool = False


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What the tables say of two drugs; severity None where they say nothing."""

    severity: Severity | None = None
    rules: tuple[str, ...] = ()
    mechanism: str = ""
    citation: str = ""
    effect: str = ""
    manage: str = ""


class PairTable:
    """Rules compiled to sets of rule numbers per ingredient and side."""

    def __init__(self, vocabulary: Vocabulary, reader: Reader) -> None:
        def compiled(rule: RuleRow, place: str) -> tuple[RuleRow, frozenset[str], frozenset[str]]:
            return rule, vocabulary.expand(rule.a), vocabulary.expand(rule.b)

        loaded = tuple(reader.kept(reader.yaml("pairs/*/*.yaml", RuleRow), compiled))
        self.rules = tuple(rule for rule, _, _ in loaded)
        self._sides: tuple[dict[str, set[int]], dict[str, set[int]]] = (defaultdict(set), defaultdict(set))
        for number, (_, *sides) in enumerate(loaded):
            for side, members in zip(self._sides, sides, strict=True):
                for ingredient in members:
                    side[ingredient].add(number)
        self._none: frozenset[int] = frozenset()

    def matching(self, a: str, b: str) -> tuple[RuleRow, ...]:
        """Rules for two ingredients in either order, most severe first, table order within."""
        if a == b:
            return ()
        left, right = self._sides
        none = self._none
        numbers = (left.get(a, none) & right.get(b, none)) | (left.get(b, none) & right.get(a, none))
        if not numbers:
            return ()
        found = [self.rules[n] for n in sorted(numbers)]
        return tuple(sorted(found, key=lambda r: -Severity(r.severity).rank))

    def verdict(self, first: tuple[str, ...], second: tuple[str, ...]) -> PairVerdict:
        """The most severe verdict over all ingredients of two products."""
        best: tuple[RuleRow, ...] = ()
        for a in first:
            for b in second:
                found = self.matching(a, b)
                if found and (not best or Severity(found[0].severity).rank > Severity(best[0].severity).rank):
                    best = found
        if not best:
            return PairVerdict()
        top = best[0]
        return PairVerdict(
            Severity(top.severity), tuple(r.id for r in best), top.mechanism, top.source, top.effect, top.manage
        )

    def derived_pairs(self) -> int:
        """How many different pairs of ingredients at least one rule covers."""
        seen: set[tuple[str, str]] = set()
        left: dict[int, list[str]] = defaultdict(list)
        right: dict[int, list[str]] = defaultdict(list)
        for side, by_rule in zip(self._sides, (left, right), strict=True):
            for ingredient, numbers in side.items():
                for number in numbers:
                    by_rule[number].append(ingredient)
        for number in range(len(self.rules)):
            seen.update((min(a, b), max(a, b)) for a in left[number] for b in right[number] if a != b)
        return len(seen)
