"""What is known of two drugs together, from every source that speaks; context is judged in `combinations`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from wardround.policies.finding import Certainty, Severity

from .ingredients import Vocabulary
from .shelves import BUILT_IN, RANK, ImportedPairs
from .tables import Reader, Sourced, TableError

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
    certainty: Annotated[Certainty, Field(strict=False)] = Certainty.ESTABLISHED
    """How well it is borne out."""
    plain: str = ""
    """Plain words for patients, with `{a}` and `{b}`; empty: built from the effect."""
    topical_counts: bool = False
    """Inhaled, nasal and topical use counts too."""
    separable: bool = False
    """Taking them apart solves it."""
    max_dose_mg: Mapping[str, float] = {}
    """Daily doses up to which the combination is accepted, mg by ingredient."""
    quiet: bool = False
    """Should never interrupt: no rule of the pair up to moderate speaks above this one."""
    quiet_over: bool = False
    """Nor does one up to major. Contraindicated always speaks."""


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What the tables say of two drugs; severity None where they say nothing."""

    severity: Severity | None = None
    rules: tuple[str, ...] = ()
    mechanism: str = ""
    citation: str = ""
    effect: str = ""
    manage: str = ""
    certainty: Certainty = Certainty.ESTABLISHED


class PairTable:
    """Rules compiled to sets of rule numbers per ingredient and side, and imported pairs beside them.

    Sources speak in order of rank, highest first: the first that knows a pair decides, also where it says `none`.
    """

    def __init__(self, vocabulary: Vocabulary, reader: Reader, imported: Iterable[ImportedPairs] = ()) -> None:
        def compiled(rule: RuleRow, place: str) -> tuple[RuleRow, frozenset[str], frozenset[str]]:
            sides = vocabulary.expand(rule.a), vocabulary.expand(rule.b)
            return _without_own_names(rule, sides[0] | sides[1]), *sides

        loaded = tuple(reader.kept(reader.yaml("pairs/*/*.yaml", RuleRow), compiled))
        self.rules = tuple(rule for rule, _, _ in loaded)
        self._sides: tuple[dict[str, set[int]], dict[str, set[int]]] = (defaultdict(set), defaultdict(set))
        for number, (_, *sides) in enumerate(loaded):
            for side, members in zip(self._sides, sides, strict=True):
                for ingredient in members:
                    side[ingredient].add(number)
        self._shelves = {shelf.name: shelf for shelf in imported}
        ranks = {BUILT_IN: RANK, **{name: shelf.rank for name, shelf in self._shelves.items()}}
        self.sources = tuple(sorted(ranks, key=lambda name: (-ranks[name], name)))
        """Names of all sources in the order in which they speak."""

    def matching(self, a: str, b: str) -> tuple[RuleRow, ...]:
        """Rules for two ingredients in either order, most severe first, of the first source that knows the pair."""
        if a == b:
            return ()
        for name in self.sources:
            if name == BUILT_IN:
                if found := self._own(a, b):
                    return found
            elif (row := self._shelves[name].of(a, b)) is not None:
                return () if row.severity == "none" else (_as_rule(row.severity, a, b, self._shelves[name]),)
        return ()

    def speaking(self, names: tuple[str, ...]) -> PairTable:
        """The same table with only these sources, in this order. Raises `TableError` for one that is not there."""
        for name in names:
            if name not in self.sources:
                raise TableError(f"interaction source {name!r} is not installed: there are {', '.join(self.sources)}")
        chosen = copy(self)
        chosen.sources = names
        return chosen

    def of_class(self, members: frozenset[str], b: str) -> tuple[RuleRow, ...]:
        """Rules for an unnamed member of a class: those of its mildest member, none where one member has none."""
        mildest: tuple[RuleRow, ...] = ()
        for member in sorted(members - {b}):
            found = self.matching(member, b)
            if not found:
                return ()
            if not mildest or Severity(found[0].severity).rank < Severity(mildest[0].severity).rank:
                mildest = found
        return mildest

    def _own(self, a: str, b: str) -> tuple[RuleRow, ...]:
        left, right = self._sides
        none = _NONE
        numbers = (left.get(a, none) & right.get(b, none)) | (left.get(b, none) & right.get(a, none))
        if not numbers:
            return ()
        found = sorted((self.rules[n] for n in sorted(numbers)), key=lambda r: -Severity(r.severity).rank)
        return _quietened(found)

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
            Severity(top.severity), tuple(r.id for r in best), top.mechanism, f"{top.source} ({top.date})", top.effect,
            top.manage, top.certainty,
        )  # fmt: skip

    def derived_pairs(self) -> int:
        """How many different pairs of ingredients at least one built-in rule covers."""
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


_NONE: frozenset[int] = frozenset()


def _without_own_names(rule: RuleRow, members: frozenset[str]) -> RuleRow:
    """Naming one of the drugs is no sign that a text knows what they do together."""
    words = tuple(w for w in rule.effects if w not in members)
    return rule if words == rule.effects else rule.model_copy(update={"effects": words})


def _quietened(found: list[RuleRow]) -> tuple[RuleRow, ...]:
    """Most severe first, without the rules that a quiet one keeps down."""
    quiet = next((r for r in found if r.quiet or r.quiet_over), None)
    if quiet is None:
        return tuple(found)
    own = Severity(quiet.severity).rank
    ceiling = Severity.MAJOR.rank if quiet.quiet_over else Severity.MODERATE.rank
    kept = [r for r in found if not own < Severity(r.severity).rank <= ceiling]
    return tuple(sorted(kept, key=lambda r: (-Severity(r.severity).rank, not (r.quiet or r.quiet_over))))


def _as_rule(severity: Level, a: str, b: str, shelf: ImportedPairs) -> RuleRow:
    row = shelf.rows[(min(a, b), max(a, b))]
    return RuleRow(
        id=f"{shelf.name}.{row.line}", a=(a,), b=(b,), severity=severity, mechanism=row.mechanism,
        effect=row.effect or "an interaction is listed", manage=row.manage or "consult the source",
        certainty=shelf.certainty, source=row.source or shelf.title, date=row.date or shelf.date,
    )  # fmt: skip
