"""The word tables of the knowledge agent, read once: stop words, negation, axes, units, drug names."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from wardround.policies.errors import WardroundError

Side = tuple[str, str]
"""(axis, side): `("level", "up")`."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What words mean to the comparison of two sentences."""

    stop: frozenset[str]
    """Words without content, all languages."""
    weak: frozenset[str]
    """Keys that say little when shared."""
    negation: frozenset[str]
    """Words that negate."""
    clause_wide: frozenset[str]
    """Negating words whose language puts them after or amid what they negate."""
    not_negating: Mapping[str, tuple[tuple[str, ...], ...]]
    """By first word, word sequences that hold a negating word but negate nothing."""
    nominal: frozenset[str]
    """Negating words that deny a noun, often only a part of what is said."""
    inquiry: frozenset[str]
    """Words of a sentence that asks or announces."""
    exceptive: frozenset[str]
    """Words that limit a statement to a case."""
    phrases: Mapping[tuple[str, ...], tuple[str, bool]]
    """Word sequences read as one key; True where the phrase means the key's absence."""
    same: Mapping[str, str]
    """Word to the word it is read as."""
    axes: Mapping[str, Side]
    """Word to its side of an axis."""
    use: frozenset[str]
    """Words for taking or giving: to be told not to is advice against."""
    weak_axis: frozenset[str]
    """Words on an axis that count little in the overlap."""
    binary: Mapping[str, tuple[str, str]]
    """Axes with exactly two sides: negating one asserts the other."""
    prefixes: tuple[tuple[str, str], ...]
    """Pairs of prefixes that make opposites of one stem."""


@cache
def table(name: str) -> Any:
    """A YAML file of the `data` folder, every scalar a string: `no` is a word. Raises `WardroundError` where broken."""
    try:
        return yaml.load(_data(name), Loader=yaml.CBaseLoader)  # noqa: S506 - builds strings, lists and mappings only
    except yaml.YAMLError as error:
        raise WardroundError(f"the table {name} of the knowledge agent is broken; reinstall wardround") from error


@cache
def vocabulary() -> Vocabulary:
    """The word tables, compiled."""
    raw = table("words.yaml")
    negation: Mapping[str, Mapping[str, Any]] = raw["negation"]
    axes = {
        _plain(w): (axis, side) for axis, sides in raw["axes"].items() for side, words in sides.items() for w in words
    }
    return Vocabulary(
        stop=frozenset(_plain(w) for words in raw["stop"].values() for w in words),
        weak=frozenset(_plain(w) for words in raw["weak"].values() for w in words),
        negation=frozenset(_plain(w) for n in negation.values() for w in n["cues"]),
        clause_wide=frozenset(_plain(w) for n in negation.values() if n["scope"] == "clause" for w in n["cues"]),
        not_negating=_by_first(tuple(_plain(p).split()) for p in raw["not_negating"]),
        nominal=frozenset(_plain(w) for w in raw["nominal"]),
        inquiry=frozenset(_plain(w) for w in raw["inquiry"]),
        exceptive=frozenset(_plain(w) for w in raw["exceptive"]),
        phrases={
            tuple(_plain(k).split()): (_plain(v).lstrip("-"), v.startswith("-")) for k, v in raw["phrases"].items()
        },
        same={_plain(w): _plain(group[0]) for group in raw["same"] for w in group},
        axes=axes,
        use=frozenset(_plain(w) for w in raw["use"]),
        weak_axis=frozenset(_plain(w) for w in raw["weak_axis"]),
        binary={a: (s[0], s[1]) for a, s in ((a, tuple(v)) for a, v in raw["axes"].items()) if len(s) == 2},
        prefixes=tuple(raw["prefixes"].items()),
    )


@cache
def drug_words() -> Mapping[str, str]:
    """Folded drug name, generic or brand, to its ingredient; several ingredients are joined by `+`."""
    rows = csv.DictReader(io.StringIO(_data("drug_words.csv")))
    return {drug_key(row["word"]): row["canonical"] for row in rows}


def _by_first(phrases: Iterable[tuple[str, ...]]) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for phrase in phrases:
        found[phrase[0]] = (*found.get(phrase[0], ()), phrase)
    return found


def drug_key(word: str) -> str:
    """A drug name without what differs between languages: `levothyroxine` and `levotiroxina` are one."""
    bare = strip_accents(word.lower()).translate(_LETTERS)
    for pair, one in _PAIRS:
        bare = bare.replace(pair, one)
    return bare[:-2] if bare.endswith("um") and len(bare) > 7 else bare.rstrip("aeo")


def strip_accents(text: str) -> str:
    """Latin letters without their marks; other scripts, whose marks carry meaning, as they are."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")


def _plain(word: str) -> str:
    return strip_accents(str(word).lower())


def _data(name: str) -> str:
    try:
        return files("wardround.agents.knowledge").joinpath("data", name).read_text(encoding="utf-8")
    except OSError as error:
        raise WardroundError(f"the table {name} of the knowledge agent is missing; reinstall wardround") from error


_LETTERS = str.maketrans({"y": "i", "z": "s", "k": "c"})
_PAIRS = (
    ("ph", "f"), ("th", "t"), ("ch", "c"), ("rh", "r"), ("ae", "e"), ("oe", "e"),
    ("ll", "l"), ("mm", "m"), ("nn", "n"), ("ss", "s"), ("ff", "f"), ("tt", "t"), ("pp", "p"), ("rr", "r"),
)  # fmt: skip
