"""A sentence as the comparison sees it: content keys with their polarity, clauses, quantities. No verdicts here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from .quantities import Quantity, find_quantities
from .vocabulary import Side, drug_key, drug_words, strip_accents, vocabulary

DRUG_WEIGHT = 2.0
"""Weight of an ingredient in the overlap of two sentences; an ordinary word has 1."""
WEAK_WEIGHT = 0.35
"""Weight of a word so common that agreement on it means little."""
SCOPE_TOKENS = 6
"""Content words that a negation reaches at most within its clause."""


@dataclass(frozen=True, slots=True)
class Token:
    """One content word."""

    key: str
    """Stem, ingredient, or `@axis`."""
    word: str
    """As written, lower case."""
    side: str
    """Side of the axis; `+` for a word on no axis."""
    negated: bool
    """Within the scope of a negation."""
    head: bool
    """The first word that the negation reaches, or any in a language that puts it elsewhere."""
    nominal: bool
    """Negated by a word that denies a noun, often only a part of what is said."""
    drug: bool
    """An ingredient."""
    clause: int
    """Number of the clause."""
    start: int
    """First character."""
    weight: float
    """What agreement on it counts."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, compiled."""

    text: str
    tokens: tuple[Token, ...]
    keys: frozenset[str]
    """Keys of all tokens."""
    clauses: tuple[tuple[Token, ...], ...]
    """Tokens by clause, empty ones left out."""
    quantities: tuple[Quantity, ...]
    open: bool
    """Asks or announces something and asserts nothing: the aim of a study."""
    exceptive: bool
    """Says `only`, `unless`, `until`: true of a case, not in general."""

    @property
    def drugs(self) -> tuple[str, ...]:
        """Ingredients in order of appearance."""
        return tuple(dict.fromkeys(t.key for t in self.tokens if t.drug))


@dataclass(frozen=True, slots=True)
class _Word:
    """What one word means, whatever stands around it."""

    keys: tuple[str, ...]
    side: str
    drug: bool
    cue: bool
    clause_wide: bool
    exceptive: bool
    weight: float


@dataclass(frozen=True, slots=True)
class _Read:
    """One word or phrase at its place."""

    word: str
    start: int
    clause: int
    opens: bool
    """Punctuation stands between it and the word before."""
    meaning: _Word
    inverted: bool


def compile_statement(text: str, language: str) -> Statement:
    """The compiled form of one sentence."""
    quantities = find_quantities(text, language)
    reads = list(_reads(text, quantities))
    tokens = tuple(_tokens(reads))
    clauses: dict[int, list[Token]] = {}
    for token in tokens:
        clauses.setdefault(token.clause, []).append(token)
    return Statement(
        text=text,
        tokens=tokens,
        keys=frozenset(t.key for t in tokens),
        clauses=tuple(tuple(c) for c in clauses.values()),
        quantities=quantities,
        open=not vocabulary().inquiry.isdisjoint(r.word for r in reads),
        exceptive=any(r.meaning.exceptive for r in reads),
    )


def polarity(tokens: Iterable[Token]) -> dict[str, frozenset[str]]:
    """Key to the sides it is asserted on: `{"+"}`, `{"-"}` or sides of an axis, negation worked in."""
    sides: dict[str, set[str]] = {}
    for token in tokens:
        sides.setdefault(token.key, set()).add(_asserted(token))
    return {k: frozenset(s) for k, s in sides.items()}


def _asserted(token: Token) -> str:
    if not token.negated:
        return token.side
    if token.key[0] != "@":
        return "-" if token.side == "+" else "+"
    pair = vocabulary().binary.get(token.key[1:])
    if pair is None:
        return f"not {token.side}"
    return pair[1] if token.side == pair[0] else pair[0]


def weight(tokens: Iterable[Token]) -> float:
    """Summed weight of distinct keys."""
    return sum({t.key: t.weight for t in tokens}.values())


def _reads(text: str, quantities: tuple[Quantity, ...]) -> Iterator[_Read]:
    """Words and phrases in order, without those inside quantities and citation marks."""
    words = [m for m in _WORD.finditer(text) if not (quantities and _inside(m.start(), quantities))]
    lowered = [_bare(m[0]) for m in words]
    phrases, openers = vocabulary().phrases, _phrase_openers()
    clause, position, last_end = 0, 0, 0
    while position < len(words):
        match = words[position]
        gap = text[last_end : match.start()]
        opens = gap != " " and _BREAK.search(gap) is not None
        if (opens and _HARD.search(gap)) or (opens and _long(text, match.start())) or lowered[position] in _JOINTS:
            clause += 1
        ahead = min(3, len(words) - position)
        length = 0
        if lowered[position] in openers:
            length = next((n for n in range(ahead, 0, -1) if tuple(lowered[position : position + n]) in phrases), 0)
        if skipped := _not_negating(lowered, position):
            position += skipped
            last_end = words[position - 1].end()
            continue
        if length:
            key, inverted = phrases[tuple(lowered[position : position + length])]
            word = " ".join(lowered[position : position + length])
            for part in key.split():
                yield _Read(word, match.start(), clause, opens, _meaning(part), inverted)
        else:
            yield _Read(lowered[position], match.start(), clause, opens, _meaning(lowered[position]), False)
        position += length or 1
        last_end = words[position - 1].end()


@cache
def _phrase_openers() -> frozenset[str]:
    return frozenset(phrase[0] for phrase in vocabulary().phrases)


def _not_negating(words: list[str], position: int) -> int:
    for phrase in vocabulary().not_negating.get(words[position], ()):
        if tuple(words[position : position + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _tokens(reads: list[_Read]) -> Iterator[Token]:
    """Content tokens with the scope of every negation worked in."""
    wide = {r.clause for r in reads if r.meaning.clause_wide}
    nominal = vocabulary().nominal
    scope_clause, left, fresh, soft = -1, 0, False, False
    for position, read in enumerate(reads):
        meaning = read.meaning
        if meaning.cue and not meaning.clause_wide:
            answered = position + 1 < len(reads) and reads[position + 1].opens
            if not answered:
                scope_clause, left, fresh, soft = read.clause, SCOPE_TOKENS, True, read.word in nominal
            continue
        if meaning.clause_wide or not meaning.keys:
            continue
        reached = read.clause == scope_clause and left > 0
        negated = (reached or read.clause in wide) != read.inverted
        head = read.inverted or read.clause in wide or (reached and fresh)
        part = reached and soft
        for key in meaning.keys:
            yield Token(
                key=key, word=read.word, side=meaning.side, negated=negated, head=head, nominal=part,
                drug=meaning.drug, clause=read.clause, start=read.start, weight=meaning.weight,
            )  # fmt: skip
        if reached:
            left, fresh = left - 1, False


def _inside(start: int, quantities: tuple[Quantity, ...]) -> bool:
    for quantity in quantities:
        if quantity.start <= start < quantity.end:
            return True
    return False


def _long(text: str, start: int) -> bool:
    """Whether a new clause begins, rather than the next item of a list."""
    end = _BREAK.search(text, start)
    return len(text[start : end.start() if end else len(text)].split()) > 3


def _bare(word: str) -> str:
    """Lower case, without accents and without an elided French or Italian article."""
    lowered = strip_accents(word.lower().replace("’", "'"))
    head, mark, tail = lowered.partition("'")
    if mark and (len(head) <= 2 or head.endswith("qu")) and len(tail) > 2:
        return tail
    return head if mark and tail == "s" else lowered


@lru_cache(maxsize=16_384)
def _meaning(word: str) -> _Word:
    known = vocabulary()
    cue = word in known.negation
    exceptive = word in known.exceptive
    if cue or exceptive:
        return _Word((), "+", False, cue, word in known.clause_wide, exceptive, 0.0)
    word = known.same.get(word, word)
    axis = known.axes.get(word)
    if axis is not None:
        return _side(axis, WEAK_WEIGHT if word in known.weak_axis else 1.0)
    if word in known.stop or (len(word) < 2 and word.isascii()):
        return _Word((), "+", False, False, False, False, 0.0)
    drug = drug_words().get(drug_key(word)) if len(word) > 3 else None
    if drug is not None:
        return _Word(tuple(drug.split("+")), "+", True, False, False, False, DRUG_WEIGHT)
    return _plain_word(word, known.prefixes, known.weak)


def _side(axis: Side, size: float) -> _Word:
    return _Word((f"@{axis[0]}",), axis[1], False, False, False, False, size)


def _plain_word(word: str, prefixes: tuple[tuple[str, str], ...], weak: frozenset[str]) -> _Word:
    key = stem(word)
    side = "+"
    for one, other in prefixes:
        for prefix in (one, other):
            if word.startswith(prefix) and len(word) > len(prefix) + 4:
                key, side = f"~{stem(word[len(prefix) :])}", "+" if prefix == one else "-"
    return _Word((key,), side, False, False, False, False, WEAK_WEIGHT if word in weak else 1.0)


def stem(word: str) -> str:
    """A light stem that joins the forms of a word, not its relatives."""
    if len(word) < 5 or not word.isascii():
        return word
    for ending, instead in _ENDINGS.items():
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + instead
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "aeiousl":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] in "eao" else word


_ENDINGS: Mapping[str, str] = {
    "ations": "at", "ation": "at", "ating": "at", "ated": "at", "ates": "at", "ate": "at",
    "ions": "", "ion": "", "ings": "", "ing": "", "ies": "y", "ied": "y", "edly": "", "ed": "",
    "ally": "al", "ly": "", "sses": "ss", "es": "", "s": "",
}  # fmt: skip
_WORD = re.compile(
    r"(?:[^\W\d_\u3040-\u30ff\u4e00-\u9fff]|[\u0900-\u0963])+(?:['’][^\W\d_]+)?|[\u4e00-\u9fff]{2}|[\u4e00-\u9fff]"
)
_BREAK = re.compile(r"[,;:()（），；：、—–|]")
_HARD = re.compile(r"[;:()（）；：—|]")
_JOINTS = frozenset(
    ["but", "so", "because", "although", "while", "whereas", "which", "unless", "if", "aber", "weil", "wenn", "pero",
     "porque", "si", "mais", "car", "mas", "लेकिन", "क्योंकि", "但", "但是", "因为", "所以"]
)  # fmt: skip
