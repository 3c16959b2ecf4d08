"""Text to plain words, and YAML phrase lists to a matcher of concepts. How concepts make a picture lives in `grammar`.

A phrase list is written compactly and expanded at load: `(kill|end) my(self| life|)`, `<concept>` for every phrase of
another concept, `few` and `many` for numbers. Spelling variants, chat words and misspellings of keywords are mapped to
one plain form first, in the text and in the phrases alike, so that a list holds each wording once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, cast

import ahocorasick
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wardround.policies.errors import WardroundError

from .detector import fold

Model = TypeVar("Model", bound=BaseModel)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DATA = Path(__file__).parent / "data"
STOP = "."
"""The plain form of everything that ends a sentence."""
PAUSE = ","
"""The plain form of commas, colons and brackets."""
BIG = "bignum"
"""The plain form of every number above 20; smaller ones stay."""
MAX_PHRASES = 4_000
"""Most phrases one entry may expand to: a guard against a slip in a data file."""
KEPT_TEXTS = 4
"""Texts whose words are kept in memory."""
MIN_TYPO_LETTERS = 5
"""Shorter words have too many neighbours to be corrected."""

_TOKEN = re.compile(
    r"w/(?:out|o)?|b/c|(?:[jlmnstdc]|qu)'(?=[^\W\d_])|[\u3400-\u9fff]|[\u0900-\u0963\u0966-\u097f]+"
    r"|[^\W\d_\u3400-\u9fff]+(?:['*@$!013][^\W\d_\u3400-\u9fff]+)*|\d+(?:[.,]\d+)?|[.!?;\n\u3002\uff01\uff1f\uff1b\u0964,:()\uff0c\u3001]"
)
_ODD = re.compile(r"([a-z])\1\1|[a-z][*@$!013][a-z]|'s(?![^\W\d_])")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_LEET = str.maketrans("@$!013", "asioie")
_ACCENTS = str.maketrans(
    "áàâäãåāéèêëēíìîïīóòôöõōúùûüūçñýÿšžß", "aaaaaaaeeeeeiiiiioooooouuuuucnyyszs"
)  # fmt: skip


class Automaton(Protocol):
    """The part of pyahocorasick that is used; the library carries no types."""

    def add_word(self, key: str, value: tuple[int, tuple[str, ...]], /) -> bool: ...

    def make_automaton(self) -> None: ...

    def iter(self, string: str, /) -> Iterator[tuple[int, tuple[int, tuple[str, ...]]]]: ...


class Hit(NamedTuple):
    """Words `start` to `end`, end exclusive."""

    start: int
    end: int


class Spelling(BaseModel):
    """`spelling.yaml`: what is mapped to a plain form before anything is matched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    words: dict[str, str]
    """Spoken, chat and contracted words to their plain form, which may be several words."""
    groups: dict[str, list[str]]
    """Plain word to its inflections and variants."""
    keywords: list[str]
    """Words whose misspellings by one dropped, doubled or swapped letter are mended."""
    real: list[str]
    """Real words that such a misspelling must never be taken for."""


class Words:
    """A text as plain words, with the way back to its characters."""

    __slots__ = ("__dict__", "_folded", "joined", "words")

    def __init__(self, folded: str) -> None:
        self._folded = folded
        self.joined = f" {' '.join(_plain(folded))} "
        self.words = self.joined.split()

    @cached_property
    def index(self) -> dict[int, int]:
        """Position in `joined` at which a word starts, to the number of the word; one past the last included."""
        return {start: i for i, start in enumerate(accumulate((len(w) + 1 for w in self.words), initial=1))}

    @cached_property
    def stops(self) -> list[int]:
        """Positions of the words that end a sentence."""
        return [i for i, w in enumerate(self.words) if w == STOP]

    def sentence(self, word: int) -> int:
        """Number of the sentence a word stands in."""
        return bisect_right(self.stops, word)

    def chars(self, hit: Hit) -> tuple[int, int]:
        """The characters of the original text that a hit covers."""
        spans = self._spans
        if not spans:
            return 0, 0
        return spans[hit.start][0], spans[max(hit.end - 1, hit.start)][1]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for match in _TOKEN.finditer(unaccent(self._folded)):
            spans.extend([match.span()] * len(_plain_word(match.group()).split()))
        return spans


@lru_cache(maxsize=KEPT_TEXTS)
def read_words(text: str) -> Words:
    """The words of a text as it came; the last few are kept, because several detectors read the same text in turn."""
    return Words(fold(text))


def compile_concepts(concepts: Mapping[str, Iterable[str]]) -> Automaton:
    """A matcher for all phrases of all concepts, over `Words.joined`; raises `WardroundError` for a bad phrase."""
    owners: dict[str, set[str]] = {}
    for name, phrases in expand_all(concepts).items():
        for phrase in phrases:
            owners.setdefault(Words(phrase).joined, set()).add(name)
    automaton = cast(Automaton, ahocorasick.Automaton())  # pyright: ignore[reportUnknownMemberType]  # no types
    for key, names in owners.items():
        automaton.add_word(key, (len(key), tuple(sorted(names))))
    automaton.make_automaton()
    return automaton


def expand_all(concepts: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Every concept with its phrases written out; a concept may use those written before it."""
    done: dict[str, tuple[str, ...]] = {}
    for name, phrases in concepts.items():
        written = {" ".join(p.split()) for phrase in phrases for p in _expand(phrase, done)}
        written.discard("")
        if not written:
            raise WardroundError(f"concept {name!r} has no phrases: write at least one")
        done[name] = tuple(sorted(written))
    return done


def _expand(phrase: str, known: Mapping[str, tuple[str, ...]]) -> list[str]:
    options, rest = _alternatives(phrase, 0, known, "")
    if rest != len(phrase):
        raise WardroundError(f"phrase {phrase!r} has an unmatched bracket at {rest}")
    return [o.strip() for o in options]


def _alternatives(phrase: str, at: int, known: Mapping[str, tuple[str, ...]], until: str) -> tuple[list[str], int]:
    """Alternatives from position `at` up to the closing bracket or the end, and where they end."""
    finished: list[str] = []
    current = [""]
    while at < len(phrase) and phrase[at] != ")":
        char = phrase[at]
        if char == "|":
            finished, current, at = finished + current, [""], at + 1
            continue
        options, at = _item(phrase, at, known)
        if len(current) * len(options) > MAX_PHRASES:
            raise WardroundError(f"phrase {phrase!r} expands to more than {MAX_PHRASES} phrases: split it")
        current = [a + b for a in current for b in options]
    if until and at >= len(phrase):
        raise WardroundError(f"phrase {phrase!r} lacks a closing bracket")
    return finished + current, at


def _item(phrase: str, at: int, known: Mapping[str, tuple[str, ...]]) -> tuple[list[str], int]:
    """One bracket, concept or run of plain characters."""
    if phrase[at] == "(":
        options, end = _alternatives(phrase, at + 1, known, ")")
        return options, end + 1
    if phrase[at] == "<":
        end = phrase.index(">", at)
        name = phrase[at + 1 : end]
        if name not in known:
            raise WardroundError(f"phrase {phrase!r} uses <{name}>, which is not written before it")
        return list(known[name]), end + 1
    end = at
    while end < len(phrase) and phrase[end] not in "(|)<":
        end += 1
    return [phrase[at:end]], end


def unaccent(folded: str) -> str:
    return folded if folded.isascii() else folded.translate(_ACCENTS)


def _plain(folded: str) -> list[str]:
    text = unaccent(folded)
    forms = _forms()
    raw: list[str] = _TOKEN.findall(text)
    tokens = [forms.get(t, t) for t in raw]
    if _ODD.search(text):
        tokens = [_plain_word(t) for t in tokens]
    return tokens


def _plain_word(token: str) -> str:
    forms = _forms()
    known = forms.get(token)
    if known is not None or not _ODD.search(token):
        return known or token
    if token.endswith("'s"):
        return forms.get(token[:-2], token[:-2])
    single, double = _REPEATED.sub(r"\1", token), _REPEATED.sub(r"\1\1", token)
    plain = single.translate(_LEET)
    candidates = (single, double, plain, plain.replace("*", ""), single.replace("*", ""))
    return next((forms[c] for c in candidates if c in forms), double if "*" not in token else token)


@cache
def _forms() -> dict[str, str]:
    """Every known written form to its plain form: one look-up per word."""
    spelling = load_yaml("spelling.yaml", Spelling)
    forms = {str(n): BIG for n in range(21, 5000)}
    forms |= {f"{n / 10:.1f}".replace(".", mark): BIG for n in range(210, 1100) for mark in ".,"}
    forms |= dict.fromkeys(".!?;\n\u3002\uff01\uff1f\uff1b\u0964", STOP) | dict.fromkeys(",:()\uff0c\u3001", PAUSE)
    forms |= {f"{elided}'": elided for elided in ("j", "l", "m", "n", "s", "t", "d", "c", "qu")}
    for plain, variants in spelling.groups.items():
        forms |= dict.fromkeys(variants, plain)
    forms |= spelling.words
    real = set(spelling.real) | set(spelling.keywords) | set(forms)
    for keyword in spelling.keywords:
        plain = forms.get(keyword, keyword)
        forms[keyword] = plain
        forms |= {typo: plain for typo in _typos(keyword) if typo not in real}
    return forms


def _typos(word: str) -> set[str]:
    if len(word) < MIN_TYPO_LETTERS:
        return set()
    dropped = {word[:i] + word[i + 1 :] for i in range(1, len(word))}
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1)}
    doubled = {word[:i] + word[i] + word[i:] for i in range(len(word))}
    return {t for t in dropped | swapped | doubled if len(t) >= MIN_TYPO_LETTERS}


def load_yaml(name: str, model: type[Model]) -> Model:
    """A data file of this folder, validated; raises `WardroundError` naming the file and the place."""
    try:
        raw: object = yaml.load((DATA / name).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - safe loader
        return model.model_validate(raw)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise WardroundError(f"agents/safety/data/{name} cannot be used: {error}") from error
