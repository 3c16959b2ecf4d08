"""Whether evidence bears a sentence out, speaks against it, or is silent. Exact checks, no model, deterministic.

Steps: 1. align each clause with the evidence sentence that shares most of its words; 2. look for a shared word that
one side asserts and the other denies, or a pair of opposites; 3. compare quantities said of the same thing; 4. call
it supported where the words are there and nothing differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from .figures import Figure, check_figures
from .retrieve import Passage
from .statement import Statement, Token, polarity, stem, weight
from .vocabulary import vocabulary

ALIGNED = 0.6
"""Share of a clause's words that an evidence sentence must have before a difference counts as contradiction."""
ALIGNED_CITED = 0.5
"""The same where the draft itself names the passage as its source."""
SUPPORTED = 0.6
"""Share of a sentence's words that a passage must have to support it."""
CLOSE = 0.12
"""Evidence sentences whose overlap is within this of the best count as equally well aligned."""
ALIGNED_PART = 0.75
"""The same where only a noun is denied: `without rash` may be said of a part."""
MIN_SHARED = 2.0
"""Weight that the shared words of a flipped clause must have at least."""


class Label(StrEnum):
    """What the evidence says to a sentence."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_FOUND = "not_found"


class Cause(StrEnum):
    """Why a sentence counts as contradicted."""

    NEGATION = "negation"
    DIRECTION = "direction"
    QUANTITY = "quantity"
    MEANING = "meaning"
    """The whole says otherwise; no single word or figure shows it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says to one sentence."""

    label: Label
    confidence: float
    """Own estimate that the label is right, 0 to 1."""
    passages: tuple[str, ...] = ()
    """Ids of the passages it rests on, best first."""
    cause: Cause | None = None
    """Why it is contradicted."""
    subjects: tuple[str, ...] = ()
    """Drugs, conditions and kinds of quantity concerned."""
    missing: tuple[Figure, ...] = ()
    """Quantities of the sentence that stand in no passage."""


class Aligned(NamedTuple):
    """An evidence sentence with the share of a clause that it covers."""

    coverage: float
    passage: Passage
    statement: Statement
    own: float
    """Share that it covers by itself, without the sentences before it."""
    before: frozenset[str]
    """Keys of the sentence before, and ingredients of all before: what `it` and `this` may stand for."""


class _Flip(NamedTuple):
    confidence: float
    cause: Cause
    passage: str
    tokens: tuple[Token, ...]
    drugs: tuple[str, ...]
    heads: frozenset[str]
    """Keys on which the two differ."""


def judge(
    claim: Statement,
    passages: Sequence[Passage],
    *,
    cited: frozenset[str] = frozenset(),
    known: Sequence[Statement] = (),
) -> Verdict:
    """The verdict on one sentence. `known` is what the request and the record say: quantities in there are given."""
    flips = [f for clause in claim.clauses for f in _clause_flips(clause, claim, passages, cited)]
    figures = check_figures(claim, passages, cited=cited, known=known)
    worst = max(flips, key=lambda f: f.confidence, default=None)
    clash = max(figures.clashes, key=lambda c: c.confidence, default=None)
    if clash is not None and (worst is None or clash.confidence >= worst.confidence):
        return Verdict(
            Label.CONTRADICTED, clash.confidence, (clash.passage,), Cause.QUANTITY, clash.subjects, figures.missing
        )
    if worst is not None:
        subjects = _subjects(worst, claim)
        return Verdict(Label.CONTRADICTED, worst.confidence, (worst.passage,), worst.cause, subjects, figures.missing)
    return _support(claim, passages, cited, figures.missing)


def _clause_flips(
    clause: tuple[Token, ...], claim: Statement, passages: Sequence[Passage], cited: frozenset[str]
) -> list[_Flip]:
    """Contradictions of one clause by the evidence sentences that it aligns with best."""
    total = weight(clause)
    if total < MIN_SHARED or claim.exceptive:
        return []
    aligned = sorted(_alignments(clause, total, passages), key=lambda a: -a.coverage)
    if not aligned:
        return []
    own = max(a.own for a in aligned)
    near = [a for a in aligned if a.coverage >= aligned[0].coverage - CLOSE or a.own >= own - CLOSE]
    looked = [(a, _flip(clause, a, total)) for a in near if a.coverage >= _floor(a, cited)]
    agreeing = [
        (a.own, _advised(a.statement.tokens).keys()) for a, f in looked if f is None and not a.statement.exceptive
    ]
    return [
        flip
        for a, flip in looked
        if flip is not None and not any(own >= a.own and not flip.heads.isdisjoint(keys) for own, keys in agreeing)
    ]


def _floor(aligned: Aligned, cited: frozenset[str]) -> float:
    return ALIGNED_CITED if aligned.passage.id in cited else ALIGNED


def _alignments(clause: tuple[Token, ...], total: float, passages: Sequence[Passage]) -> list[Aligned]:
    weights = {t.key: t.weight for t in clause}
    found: list[Aligned] = []
    for passage in passages:
        before: frozenset[str] = frozenset()
        drugs: set[str] = set()
        for statement in passage.statements:
            own = sum(w for k, w in weights.items() if k in statement.keys)
            if own:
                extra = sum(w for k, w in weights.items() if k in before and k not in statement.keys)
                found.append(Aligned((own + extra) / total, passage, statement, own / total, before))
            drugs |= set(statement.drugs)
            before = frozenset(drugs) | statement.keys
    return found


def _flip(clause: tuple[Token, ...], aligned: Aligned, total: float) -> _Flip | None:
    """The contradiction between a clause and an evidence sentence; None where both say the same."""
    if aligned.statement.exceptive or aligned.statement.open:
        return None
    others = [t for t in aligned.statement.tokens if t.key in {c.key for c in clause}]
    mine, theirs = polarity(clause), polarity(others)
    if "@advice" in mine or "@advice" in aligned.statement.keys:
        mine, theirs = _advised(clause), _advised(aligned.statement.tokens)
    opposed = {k for k in mine if k in theirs and mine[k].isdisjoint(theirs[k])}
    opposed = {k for k in opposed if not any(s.startswith("not ") for s in mine[k] | theirs[k])}
    if _both_deny(clause, others, aligned.statement):
        opposed = {k for k in opposed if _sides(clause, k).isdisjoint(_sides(others, k))}
    heads = {t.key for t in (*clause, *others) if t.key in opposed and (t.head or t.key[0] in "@~")}
    heads |= opposed & {"@advice"}
    anchors = [t for t in clause if t.key in theirs and t.key[0] != "@" and t.weight >= 1]
    shared = weight(t for t in clause if t.key in theirs)
    shared += weight(t for t in clause if t.key in aligned.before and t.key not in theirs)
    if not heads or not anchors or shared < MIN_SHARED:
        return None
    if any(t.nominal for t in (*clause, *others) if t.key in heads) and aligned.coverage < ALIGNED_PART:
        return None
    negated = any(t.negated for t in (*clause, *others) if t.key in heads)
    confidence = min(0.95, 0.45 + 0.5 * aligned.coverage * min(1.0, total / 3))
    cause = Cause.NEGATION if negated else Cause.DIRECTION
    return _Flip(confidence, cause, aligned.passage.id, (*clause, *others), aligned.statement.drugs, frozenset(heads))


def _advised(tokens: Sequence[Token]) -> dict[str, frozenset[str]]:
    """Polarity with what follows for advice: not to be taken, used or given is advice against."""
    sides = polarity(tokens)
    if "@advice" not in sides and any(t.head and t.negated and t.key in _use_keys() for t in tokens):
        sides["@advice"] = frozenset({"against"})
    return sides


@cache
def _use_keys() -> frozenset[str]:
    return frozenset(stem(w) for w in vocabulary().use)


def _both_deny(clause: Sequence[Token], others: Sequence[Token], source: Statement) -> bool:
    """Whether clause and source each hold a negation: then they agree, however far and to what word each reaches."""
    touched = {t.clause for t in others}
    theirs = any(t.head and t.negated for c in source.clauses for t in c if t.clause in touched)
    return theirs and any(t.head and t.negated for t in clause)


def _sides(tokens: Sequence[Token], key: str) -> set[str]:
    """Sides of a key as written, negation left aside."""
    return {t.side for t in tokens if t.key == key}


def _support(
    claim: Statement, passages: Sequence[Passage], cited: frozenset[str], missing: tuple[Figure, ...]
) -> Verdict:
    """Supported where one passage has the words and every quantity is sourced; else not found."""
    total = weight(claim.tokens)
    if not total and not claim.quantities:
        return Verdict(Label.NOT_FOUND, 0.5, missing=missing)
    scored = [(_coverage(claim, p, total), p.id in cited, -i, p.id) for i, p in enumerate(passages)]
    ranked = sorted((s for s in scored if s[0] > 0), reverse=True)
    best = ranked[0][0] if ranked else 0.0
    if best >= SUPPORTED and not missing:
        ids = tuple(s[3] for s in ranked if s[0] >= SUPPORTED)[:3]
        first = tuple(i for i in ids if i in cited)
        return Verdict(Label.SUPPORTED, min(0.95, best), first + tuple(i for i in ids if i not in cited))
    return Verdict(Label.NOT_FOUND, min(0.95, 1 - best / 2), tuple(s[3] for s in ranked[:1]), missing=missing)


def _coverage(claim: Statement, passage: Passage, total: float) -> float:
    """Share of the sentence's words in the two sentences of the passage that have most of them."""
    if not total:
        return 0.0
    weights = {t.key: t.weight for t in claim.tokens}
    shares = sorted(
        (frozenset(weights.keys() & s.keys) for s in passage.statements if not s.open), key=len, reverse=True
    )
    covered = frozenset[str]().union(*shares[:2])
    return sum(weights[k] for k in covered) / total


def _subjects(flip: _Flip, claim: Statement) -> tuple[str, ...]:
    """Ingredients of both sentences; where there are none, the shared words that say most."""
    drugs = dict.fromkeys((*(t.key for t in flip.tokens if t.drug), *claim.drugs, *flip.drugs))
    if drugs:
        return tuple(drugs)[:6]
    words = dict.fromkeys(t.word for t in flip.tokens if t.key[0] != "@" and t.weight >= 1 and len(t.word) > 3)
    return tuple(words)[:4]
