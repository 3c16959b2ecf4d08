"""Whether rows of the drug tables bear a claim out. They only ever support: what speaks against a claim is not told.

Rows tell of harm, limits and tests, in few words; so the network alone does not decide. Steps for a claim that nothing
else bears out: 1. the rows about the drugs that it names, unless it speaks for a use or states a dose that the tables
do not bear out; 2. of these the ones that name every drug, hold every number and deny what the claim denies; 3. the
nearest are read by the network, as far as pairs are left; 4. exact checks against what was read, and both are weighed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from ..ports import Formulary, StoredPassage
from .entail import Label, judge
from .quantities import same_value
from .retrieve import Passage, compile_texts
from .statement import Statement, compile_statement, polarity, stem
from .verifier import Scores, verifier
from .vocabulary import table, vocabulary
from .weighing import Weighed, weigh
from .windows import Window, windows

MOST_ROWS = 2
"""Rows that the network reads for one claim at most."""
LEAN = 0.4
"""By so much (logits) the network may lean against a claim that a row bears out: numbers and denials are compared
exactly, and between two ways to deny the same it is often undecided."""
_LANGUAGE = "en"
"""Rows are worded in English, and the network reads no other language."""
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?!\w)")
_WHERE = re.compile(r"(?:In|At|From|By) [^,]*(?=,)")
"""How a row begins that holds in a condition, at an age, below a kidney function or by one route alone."""


class Borne(NamedTuple):
    """A claim that rows of the tables bear out."""

    weighed: Weighed
    """Support, with the ids of the rows, best first."""
    rows: Mapping[str, StoredPassage]
    """The rows about its drugs, by id."""


@dataclass(frozen=True, slots=True)
class _Near:
    """One claim with the rows nearest to it."""

    claim: Statement
    """With drugs by the names that the rows use."""
    rows: Mapping[str, StoredPassage]
    windows: tuple[Window, ...]


def borne_out(
    texts: Sequence[str], formulary: Formulary, given: Sequence[Statement], *, pairs: int
) -> list[Borne | None]:
    """For each claim, read alone, the rows that bear it out; None where none does. At most `pairs` pairs are read."""
    near = [_near(text, formulary) for text in texts]
    each = max(1, min(MOST_ROWS, pairs // max(1, sum(1 for n in near if n.windows))))
    left = pairs
    chosen: list[_Near] = []
    for found in near:
        chosen.append(replace(found, windows=found.windows[: min(each, left)]))
        left -= len(chosen[-1].windows)
    asked = [(n.claim.text, w.text) for n in chosen for w in n.windows]
    scores = iter(verifier().read(asked) if asked else ())
    return [_borne(n, [(w, next(scores)) for w in n.windows], given) for n in chosen]


def _near(text: str, formulary: Formulary) -> _Near:
    """The rows that may bear a claim out, nearest first."""
    claim = _renamed(text)
    rows = {row.id: row for row in formulary.facts(text, _LANGUAGE)}
    if not rows or _speaks_for(claim) or any(d.citation is None for d in formulary.doses(text, _LANGUAGE)):
        return _Near(claim, {}, ())
    named = {name for identity in rows for name in identity.rsplit(":", 1)[-1].split("+")}
    told = [compile_texts(r.id, r.text, _LANGUAGE) for r in rows.values() if all(n in r.text.lower() for n in named)]
    return _Near(claim, rows, tuple(windows(claim, [p for p in told if _may_bear(p, claim)], most=MOST_ROWS)))


def _renamed(text: str) -> Statement:
    """The claim in the words of the rows: drugs by their names there, since the network does not know all brands."""
    claim = compile_statement(text, _LANGUAGE)
    for token in sorted((t for t in claim.tokens if t.drug), key=lambda t: -t.start):
        end = token.start + len(token.word)
        if text[token.start : end].lower() == token.word and token.word != token.key:
            text = text[: token.start] + token.key + text[end:]
    for pattern, plain in _words().same:
        text = pattern.sub(plain, text)
    return compile_statement(text, _LANGUAGE)


def _speaks_for(claim: Statement) -> bool:
    return "for" in polarity(claim.tokens).get("@advice", ()) or _words().urging.search(claim.text) is not None


def _may_bear(row: Passage, claim: Statement) -> bool:
    """Whether a row has every drug, every number and every telling word of the claim, denies what it denies, and holds
    where the claim does."""
    drugs = {drug for statement in row.statements for drug in statement.drugs}
    denied = frozenset[str]().union(*(_denied(statement) for statement in row.statements))
    return (
        set(claim.drugs) <= drugs
        and _denied(claim) <= denied
        and _has_numbers(row, claim)
        and _has_words(row, claim)
        and set(_NUMBER.findall(_where(row))) <= set(_NUMBER.findall(claim.text))
    )


def _has_words(row: Passage, claim: Statement) -> bool:
    """Whether all that the claim says stands in the row, and all of where the row holds in the claim, but for words
    that say nothing by themselves; and whether the claim says more than where: a limit, a denial or a word besides."""
    told, said = _said(*row.statements), _said(claim)
    where = _said(compile_statement(_where(row), _LANGUAGE)) - _words().neutral
    doses = any(q.dimension.startswith("mass") for q in claim.quantities)
    limits = doses and _words().limit.search(claim.text) is not None
    if doses and not limits:
        return False
    more = (said & told) - where - _words().neutral
    return said - told <= _words().neutral and where <= said and bool(limits or more or _denied(claim))


def _where(row: Passage) -> str:
    """The condition, age, kidney function or route to which a row is limited; empty for one that holds anywhere."""
    found = _WHERE.match(row.statements[0].text) if row.statements else None
    return found[0] if found else ""


def _said(*statements: Statement) -> frozenset[tuple[str, str]]:
    """Words besides drugs, with the side that they are on."""
    return frozenset((t.key, t.side) for statement in statements for t in statement.tokens if not t.drug)


def _has_numbers(row: Passage, claim: Statement) -> bool:
    """Bare numbers as written; quantities by value, for a day or at once as the row has it."""
    inside = [range(q.start, q.end) for q in claim.quantities]
    bare = {m[0] for m in _NUMBER.finditer(claim.text) if not any(m.start() in span for span in inside)}
    numbers = {number for statement in row.statements for number in _NUMBER.findall(statement.text)}
    stated = [q for statement in row.statements for q in statement.quantities]
    same = (any(same_value(q, r) and q.daily == r.daily for r in stated) for q in claim.quantities)
    return bare <= numbers and all(same)


def _denied(statement: Statement) -> frozenset[str]:
    """What a sentence says not to be or not to do; every way to advise against a use is one."""
    against = "against" in polarity(statement.tokens).get("@advice", ())
    heads = [t.key for t in statement.tokens if t.head and t.negated]
    denied = ("@advice" if key in _use_keys() else key for key in heads)
    return frozenset(("@advice", *denied) if against else denied)


class _Words(NamedTuple):
    """`rows.yaml`, compiled."""

    neutral: frozenset[tuple[str, str]]
    """Words that may be missing in a row, with the side that they are on."""
    same: tuple[tuple[re.Pattern[str], str], ...]
    """Other ways to say what rows say, and how they say it."""
    limit: re.Pattern[str]
    """What tells a limit from a dose."""
    urging: re.Pattern[str]
    """What speaks for a use."""


@cache
def _words() -> _Words:
    raw = table("rows.yaml")
    neutral = (compile_statement(word, _LANGUAGE) for group in raw["neutral"].values() for word in group)
    return _Words(
        frozenset((t.key, t.side) for statement in neutral for t in statement.tokens),
        tuple((re.compile(pattern, re.IGNORECASE), plain) for pattern, plain in raw["same"].items()),
        _any_of(raw["limits"]),
        _any_of(raw["urging"]),
    )


def _any_of(phrases: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)


@cache
def _use_keys() -> frozenset[str]:
    return frozenset(stem(word) for word in vocabulary().use)


def _borne(near: _Near, read: Sequence[tuple[Window, Scores]], given: Sequence[Statement]) -> Borne | None:
    """Support where the exact checks and the weighed verdict both see it in the rows that speak to the claim, and no
    row that was read has the opposite."""
    saying = [(w, s) for w, s in read if s.supported > s.neutral and s.supported + LEAN > s.contradicted]
    if not saying:
        return None
    exact, over_all = (judge(near.claim, [w.passage for w, _ in rows], known=given) for rows in (saying, read))
    weighed = weigh(near.claim, exact, saying)
    agreed = exact.label is Label.SUPPORTED and over_all.label is not Label.CONTRADICTED
    if not agreed or weighed.verdict.label is not Label.SUPPORTED:
        return None
    return Borne(weighed, near.rows)
