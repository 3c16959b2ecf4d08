"""The word tables that tell clauses apart, compiled once for each language. Cutting is in `clauses`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from .vocabulary import strip_accents, table


class Joint(StrEnum):
    """What stands between two parts of a sentence."""

    AND = "and"
    BUT = "but"
    CONTRAST = "contrast"
    SO = "so"
    RELATIVE = "relative"
    SEMICOLON = ";"
    COLON = ":"
    COMMA = ","


@dataclass(frozen=True, slots=True)
class Grammar:
    """Words of one language by what they do in a sentence; lower case, without accents."""

    joints: Mapping[str, tuple[tuple[tuple[str, ...], Joint], ...]]
    """By first word, the words of a joint and its kind, longest first."""
    words: Mapping[str, frozenset[str]]
    """Sets of words by name: `pronouns`, `relativizers`, `modals`, `leads` …"""
    phrases: Mapping[str, re.Pattern[str]]
    """Phrases by name: `conditions`, `trailing`, `correlatives` …"""
    third: frozenset[str]
    """Finite forms that are not also nouns; in other languages than English all listed forms."""
    third_noun: frozenset[str]
    """Finite forms that may be nouns: `causes`."""
    base: frozenset[str]
    """Base forms that are not also nouns."""
    base_noun: frozenset[str]
    """Base forms that may be nouns: `cause`."""
    past: frozenset[str]
    """Past forms."""
    verbs: frozenset[str]
    """All finite forms and the base forms that are not also nouns."""

    def of(self, name: str) -> frozenset[str]:
        """A set of words; empty where the language has none."""
        return self.words.get(name, frozenset())

    @property
    def finite(self) -> frozenset[str]:
        """Auxiliaries and modals."""
        return self.words["finite"]


@dataclass(frozen=True, slots=True)
class Script:
    """A language cut at a few marks only."""

    cut: re.Pattern[str]
    """What a part may begin with, or a mark that ends it."""
    condition: re.Pattern[str]
    """What keeps a sentence whole."""
    least: int
    """Characters that a part has at least."""


@cache
def grammar(language: str) -> Grammar | None:
    """The tables of a language, None where there are none."""
    raw = table("claims.yaml")["clauses"].get(language)
    return _compiled(raw) if raw else None


@cache
def script(language: str) -> Script | None:
    """Where a language without verb tables is cut, None where it is not."""
    raw = table("claims.yaml")["script"].get(language)
    return Script(re.compile(raw["cut"]), re.compile(raw["condition"]), int(raw["least"])) if raw else None


def plain(word: str) -> str:
    """A word as the sets hold it."""
    return strip_accents(word.lower().replace("’", "'"))


def _compiled(raw: Mapping[str, Any]) -> Grammar:
    words = {name: frozenset(map(plain, raw[name])) for name in _SETS if name in raw}
    words["finite"] = words["auxiliaries"] | words["modals"]
    clear, noun = tuple(map(plain, raw.get("clear", ()))), tuple(map(plain, raw.get("noun", ())))
    third_noun = frozenset(map(_third, noun))
    third = frozenset(map(plain, raw.get("finite", ()))) | frozenset(map(_third, clear)) - third_noun
    base, past = frozenset(clear) - frozenset(noun), frozenset(map(_past, (*clear, *noun)))
    past |= frozenset(raw.get("irregular", ()))
    return Grammar(
        joints=_joints(raw["joints"]),
        words=words,
        phrases={name: _pattern(raw.get(name, ())) for name in _PHRASES},
        third=third,
        third_noun=third_noun,
        base=base,
        base_noun=frozenset(noun),
        past=past,
        verbs=third | third_noun | words["finite"] | past | base,
    )


def _joints(raw: Mapping[str, list[str]]) -> Mapping[str, tuple[tuple[tuple[str, ...], Joint], ...]]:
    found: dict[str, list[tuple[tuple[str, ...], Joint]]] = {
        mark: [((mark,), kind)]
        for mark, kind in ((";", Joint.SEMICOLON), (":", Joint.COLON), (",", Joint.COMMA), ("；", Joint.SEMICOLON))
    }
    for kind, phrases in raw.items():
        for phrase in phrases:
            parts = tuple(plain(phrase).split())
            found.setdefault(parts[0], []).append((parts, Joint(kind)))
    return {first: tuple(sorted(ways, key=lambda way: -len(way[0]))) for first, ways in found.items()}


def _third(verb: str) -> str:
    if verb.endswith(("s", "x", "ch", "sh", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2] not in "aeiou" else f"{verb}s"


def _past(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if verb.endswith("y") and verb[-2] not in "aeiou" else f"{verb}ed"


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of the phrases, which may be regular expressions, between the ends of words; matches nothing if empty."""
    return re.compile("|".join(_bounded(phrases)) or r"(?!)")


def _bounded(phrases: Iterable[str]) -> Iterator[str]:
    for phrase in phrases:
        head = r"\b" if phrase[0].isalpha() or phrase[0] == "(" else ""
        yield f"{head}(?:{plain(phrase) if phrase.isascii() is False else phrase})" + (
            r"\b" if phrase[-1].isalpha() else ""
        )


_SETS = (
    "pronouns", "relativizers", "after_comma", "questions", "be", "modals", "auxiliaries", "participles", "adverbs",
    "leads", "prepositions", "nounish", "purposes", "negations", "adverb_endings", "existential", "determiners",
    "emphasis", "bases", "colon_leads", "plural", "comparatives",
)  # fmt: skip
_PHRASES = ("conditions", "trailing", "correlatives", "comparisons", "attributions", "reasons", "discourse")
