"""Concepts to pictures: which combinations of phrases, in which order and distance, asserted and not denied.

A grammar is one YAML file: concepts (phrase lists), masks (idioms that take their words out of sight), negation, and
rules. A rule either gives a further concept, which later rules may use, or speaks: it carries a level and a subject.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wardround.policies.errors import WardroundError

from .lexicon import PAUSE, STOP, Hit, Words, compile_concepts, load_yaml

NEGATION_WORDS = 5
"""How far "not" reaches, in words, unless a pause or a new subject comes first."""
LIST_WORDS = 14
"""How far "no", "denies" and "without" reach: over a list with commas."""
_LIMITS = frozenset(
    (STOP, *"but however although though except yet just only then when if".split())
    + (*"i he she it we they there pero mais aber mas sino sondern".split(),)
)
"""Words that end what a negation reaches."""

CONTEXT = frozenset({"patient_child", "patient_infant", "patient_pregnant"})
"""Concepts that no phrase names: what is known of the patient."""

Scope = Literal["sentence", "near", "text"]
Hits = Mapping[str, list[Hit]]
_Found = tuple[Hit, tuple[str, ...]]


class RuleSpec(BaseModel):
    """One rule as written. Elements are concept names, several for one place joined by `|`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    seq: str = ""
    """Elements in this order, each at most `gap` words after the one before, in one sentence."""
    all: str = ""
    """Elements in any order within `scope`."""
    of: str = ""
    """Elements of which `at_least` must occur within `scope`."""
    at_least: int = Field(default=1, ge=1)
    gap: int = Field(default=3, ge=0, le=30)
    scope: Scope = "sentence"
    unless: str = ""
    """Elements that silence the rule when they occur within `unless_scope`."""
    unless_scope: Literal["sentence", "text"] = "sentence"
    gives: str = ""
    """The concept that this rule gives; empty for a rule that speaks."""
    subject: str = ""
    """What a rule that speaks is about."""
    level: str = ""
    """How serious, in the detector's own words."""
    needs: str = ""
    """A condition on the patient or audience that the detector knows by name."""


class GrammarSpec(BaseModel):
    """A grammar file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    """Where the clinical content comes from."""
    concepts: dict[str, list[str]]
    masks: list[str] = []
    """Concepts whose phrases hide every hit that ends inside them: "want to die" before "die my hair"."""
    keep_denied: list[str] = []
    """Concepts that count even under a negation: context, not content."""
    open_negation: list[str] = []
    """Concepts whose phrases hold a negation that still denies what follows: "do not want to" before "die"."""
    rules: list[RuleSpec]


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that speaks, and where."""

    rule: RuleSpec
    hit: Hit


@dataclass(frozen=True, slots=True)
class Scan:
    """What a grammar saw in one text."""

    words: Words
    hits: Hits
    """Asserted hits of every concept, in order."""
    denied: Hits
    """Hits under a negation."""
    matches: tuple[Match, ...]
    """Rules that speak, in the order of the file."""

    def has(self, *names: str) -> bool:
        """Whether one of the concepts is asserted."""
        return any(n in self.hits for n in names)

    def chars(self, hit: Hit) -> tuple[int, int]:
        """The characters of the text that a hit covers."""
        return self.words.chars(hit)


@dataclass(frozen=True, slots=True)
class _Rule:
    spec: RuleSpec
    seq: tuple[tuple[str, ...], ...]
    all: tuple[tuple[str, ...], ...]
    of: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...]


class Grammar:
    """A compiled grammar file."""

    def __init__(self, spec: GrammarSpec, name: str = "grammar") -> None:
        self.spec = spec
        self._automaton = compile_concepts(spec.concepts)
        self._masks = frozenset(spec.masks)
        self._kept = frozenset(spec.keep_denied) | self._masks
        self._open = frozenset((*spec.open_negation, *_NEGATIONS))
        self._rules = tuple(_compile(rule) for rule in spec.rules)
        _refuse_unknown(spec, self._rules, name)

    @classmethod
    def load(cls, name: str) -> Grammar:
        """The grammar of a data file; raises `WardroundError` where it is not well formed."""
        return cls(load_yaml(name, GrammarSpec), name)

    def scan(self, words: Words, context: Mapping[str, list[Hit]] | None = None) -> Scan:
        """Everything the grammar sees in a text. `context` adds hits that were found elsewhere."""
        found = self._find(words)
        hits, denied = _split_denied(words, found, self._kept, self._open)
        for name, extra in (context or {}).items():
            hits.setdefault(name, []).extend(extra)
        matches: list[Match] = []
        for rule in self._rules:
            for hit in _apply(rule, words, hits):
                if rule.spec.gives:
                    hits.setdefault(rule.spec.gives, []).append(hit)
                else:
                    matches.append(Match(rule.spec, hit))
            if rule.spec.gives in hits:
                hits[rule.spec.gives].sort()
        return Scan(words, hits, denied, tuple(matches))

    def _find(self, words: Words) -> list[_Found]:
        """Phrases that occur, without those that a mask hides."""
        at = words.index
        found = [
            (Hit(at[end - length + 2], at[end + 1]), names)
            for end, (length, names) in self._automaton.iter(words.joined)
        ]
        covers = {hit for hit, names in found if not self._masks.isdisjoint(names)}
        if not covers:
            return found
        furthest = _furthest(covers, len(words.words))
        return [(hit, names) for hit, names in found if hit in covers or furthest[hit.end - 1] < hit.end]


def _furthest(hits: Iterable[Hit], words: int) -> list[int]:
    """For each word, the furthest end of a hit that starts at it or before."""
    ends = [0] * (words + 1)
    for hit in hits:
        ends[hit.start] = max(ends[hit.start], hit.end)
    return list(accumulate(ends, max))


def _split_denied(
    words: Words, found: list[_Found], kept: frozenset[str], opened: frozenset[str]
) -> tuple[dict[str, list[Hit]], dict[str, list[Hit]]]:
    """Hits by concept: asserted, and under a negation."""
    off = _denied_words(words, found, opened)
    hits: dict[str, list[Hit]] = {}
    denied: dict[str, list[Hit]] = {}
    for hit, names in found:
        for name in names:
            (denied if off[hit.start] and name not in kept else hits).setdefault(name, []).append(hit)
    for places in (*hits.values(), *denied.values()):
        places.sort()
    return hits, denied


DENIED_BEFORE = "denied_before"
"""The concept of words that deny what stands before them: "SI: denied"."""
_NEGATIONS = {"negation": NEGATION_WORDS, "negation_list": LIST_WORDS}


def _denied_words(words: Words, found: list[_Found], opened: frozenset[str]) -> bytearray:
    """Marks the words a negation reaches; one that is part of a longer phrase ("not want to live") reaches nothing."""
    off = bytearray(len(words.words) + 1)
    negations = [(hit, n) for hit, names in found for n in names if n in _NEGATIONS or n == DENIED_BEFORE]
    if not negations:
        return off
    longer = _furthest((h for h, names in found if h.end - h.start > 1 and not opened.issuperset(names)), len(off))
    for hit, name in negations:
        if name == DENIED_BEFORE:
            start, end = max(0, hit.start - 4), hit.start
        elif longer[hit.start] >= hit.end:
            continue
        else:
            start, end = hit.end, _reach(words.words, hit.end, name)
        off[start:end] = b"\x01" * (end - start)
    return off


def _reach(words: list[str], start: int, kind: str) -> int:
    end = min(len(words), start + _NEGATIONS[kind])
    for i in range(start, end):
        if words[i] in _LIMITS or (words[i] == PAUSE and kind == "negation"):
            return i
    return end


def _apply(rule: _Rule, words: Words, hits: Hits) -> Iterable[Hit]:
    """Where a rule holds."""
    found = _sequences(rule, words, hits) if rule.seq else _together(rule, words, hits)
    if not found or not rule.unless:
        return found
    silencers = [h for name in rule.unless for h in hits.get(name, ())]
    if not silencers:
        return found
    if rule.spec.unless_scope == "text":
        return []
    silenced = {words.sentence(h.start) for h in silencers}
    return [h for h in found if words.sentence(h.start) not in silenced]


def _sequences(rule: _Rule, words: Words, hits: Hits) -> list[Hit]:
    places = _places(rule.seq, hits)
    if places is None:
        return []
    found: list[Hit] = []
    for first in places[0]:
        last = first
        for place in places[1:]:
            following = _next(place, last, rule.spec.gap)
            if following is None:
                break
            last = following
        else:
            if words.sentence(first.start) == words.sentence(last.start):
                found.append(Hit(first.start, last.end))
    if rule.all and found:
        others = _places(rule.all, hits)
        if others is None:
            return []
        beside = [_sentences(p, words) for p in others]
        return [h for h in found if _accompanied(h, beside, rule.spec.scope, words) == len(beside)]
    return found


def _next(place: list[Hit], after: Hit, gap: int) -> Hit | None:
    i = bisect_left(place, Hit(after.end, 0))
    return place[i] if i < len(place) and place[i].start - after.end <= gap else None


def _together(rule: _Rule, words: Words, hits: Hits) -> list[Hit]:
    places = _places(rule.all, hits)
    if places is None:
        return []
    some = [p for element in rule.of if (p := _place(element, hits))]
    if len(some) < (rule.spec.at_least if rule.of else 0):
        return []
    anchors = places[0] if places else some[0] if some else []
    beside = [_sentences(p, words) for p in places[1:]]
    among = [_sentences(p, words) for p in some]
    scope, enough = rule.spec.scope, rule.spec.at_least
    return [
        a for a in anchors
        if _accompanied(a, beside, scope, words) == len(beside)
        and (not among or _accompanied(a, among, scope, words) >= enough)
    ]  # fmt: skip


def _sentences(place: list[Hit], words: Words) -> set[int]:
    return {words.sentence(h.start) for h in place}


def _accompanied(anchor: Hit, sentences: list[set[int]], scope: Scope, words: Words) -> int:
    """How many places have a hit within the scope of the anchor; `near` is the sentence before, this, the next."""
    if scope == "text":
        return len(sentences)
    here = words.sentence(anchor.start)
    reach = (here - 1, here, here + 1) if scope == "near" else (here,)
    return sum(not s.isdisjoint(reach) for s in sentences)


def _places(elements: tuple[tuple[str, ...], ...], hits: Hits) -> list[list[Hit]] | None:
    """Hits for each element, or None where one has none."""
    places: list[list[Hit]] = []
    for element in elements:
        place = _place(element, hits)
        if not place:
            return None
        places.append(place)
    return places


def _place(element: tuple[str, ...], hits: Hits) -> list[Hit]:
    if len(element) == 1:
        return hits.get(element[0], [])
    return sorted({h for name in element for h in hits.get(name, ())})


def _compile(spec: RuleSpec) -> _Rule:
    return _Rule(
        spec, _elements(spec.seq), _elements(spec.all), _elements(spec.of), tuple(spec.unless.replace("|", " ").split())
    )


def _elements(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(element.split("|")) for element in text.split())


def _refuse_unknown(spec: GrammarSpec, rules: tuple[_Rule, ...], name: str) -> None:
    known = set(spec.concepts) | CONTEXT
    for rule in rules:
        if not (rule.seq or rule.all or rule.of):
            raise WardroundError(f"{name}: rule {rule.spec.id!r} asks for nothing: give it seq, all or of")
        used = {n for element in (*rule.seq, *rule.all, *rule.of) for n in element} | set(rule.unless)
        unknown = sorted(used - known)
        if unknown:
            raise WardroundError(f"{name}: rule {rule.spec.id!r} uses the unknown concept {unknown[0]!r}")
        known.add(rule.spec.gives)
    loose = sorted(set(spec.masks + spec.keep_denied) - known)
    if loose:
        raise WardroundError(f"{name}: {loose[0]!r} is listed but not defined")
