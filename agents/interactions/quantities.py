"""Words of amounts and frequencies as a row of one-letter codes, so that phrases of them are plain patterns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .phrases import Phrases
from .tables import Reader

THOUSANDS = r"[1-9]\d{0,2}(?:(?:[.\u202f ]\d\d0|,\d{3})(?!\d))+"
"""`1,000`, `1.000` and `1 000`, not `3.375` or `0.250`."""
_ALONE = r"(?:(?<![a-z])|(?<=\bq)|(?<=\bx))(?<!\d)"
"""Not part of a name: `q8h` and `x2` count, `SCNN1G` and `B12` do not."""
_DIGITS = re.compile(rf"{_ALONE}(?:{THOUSANDS}|\d+(?:[.,]\d+|/\d+(?!\d|/))?)|(?<![\w.,])[.,]\d+")
_SINGLES = ("every", "hours", "days", "weeks", "times", "in_a", "kilo", "minutes", "to", "more")
_KINDS = ("number", "unit", "volume", "forms", "daily", "weekly", "monthly", *_SINGLES)
_GAP = re.compile(r"[\s]*")


@dataclass(frozen=True, slots=True)
class Token:
    """A number or a word that matters, with what it may mean."""

    start: int
    end: int
    kinds: Mapping[str, Any]
    """Kind to value: `number` to its size, `unit` and `volume` to the unit's name, `daily` to times a day."""


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens of a stretch of text, and one code a token; `.` stands for other words, `-` and `,` for themselves."""

    codes: str
    tokens: tuple[Token | None, ...]
    """As long as `codes`; None where nothing that matters stands."""

    def value(self, position: int, kind: str) -> Any:
        """The value of a kind at a position of the codes."""
        token = self.tokens[position]
        assert token is not None
        return token.kinds[kind]


class Lexer:
    """Finds the words of `doses/words.yaml`. Built once; thread-safe to read."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        words: dict[str, dict[str, Any]] = defaultdict(dict)
        for name, group in table["units"].items():
            for word in group:
                words[word]["volume" if name in {"ml", "tsp", "tbsp"} else "unit"] = name
        for kind in ("numbers", "daily"):
            for value, group in table[kind].items():
                for word in group:
                    words[word]["number" if kind == "numbers" else kind] = float(value)
        for kind in ("forms", "weekly", "monthly", *_SINGLES):
            for word in table[kind]:
                words[word][kind] = True
        self._codes: dict[frozenset[str], str] = {frozenset({"number"}): "A"}
        for kinds in words.values():
            self._codes.setdefault(frozenset(kinds), chr(ord("A") + len(self._codes)))
        self._words = Phrases((w.rstrip("*"), (len(w.rstrip("*")), w.endswith("*"), k)) for w, k in words.items())

    def pattern(self, shape: str) -> re.Pattern[str]:
        """A pattern over codes from one over kinds: `<number>(<times>)?<days>`."""

        def one_of(match: re.Match[str]) -> str:
            wanted = set(match.group(1).split("|"))
            assert wanted <= set(_KINDS), wanted
            return "[" + re.escape("".join(c for kinds, c in self._codes.items() if wanted & kinds)) + "]"

        return re.compile(re.sub(r"(?<!\?P)<([a-z_|]+)>", one_of, shape))

    def read(self, folded: str, low: int, high: int) -> Row:
        """The row of a stretch of folded text."""
        codes: list[str] = []
        tokens: list[Token | None] = []
        at = low
        for token in self._tokens(folded, low, high):
            for mark in _between(folded, at, token.start):
                codes.append(mark)
                tokens.append(None)
            codes.append(self._codes[frozenset(token.kinds)])
            tokens.append(token)
            at = token.end
        for mark in _between(folded, at, high):
            codes.append(mark)
            tokens.append(None)
        return Row("".join(codes), tuple(tokens))

    def _tokens(self, folded: str, low: int, high: int) -> Iterable[Token]:
        part = folded[low:high]
        found = [Token(low + m.start(), low + m.end(), {"number": number(m.group())}) for m in _DIGITS.finditer(part)]
        for last, (length, open_end, kinds) in self._words.iter(part):
            start, end = last - length + 1, last + 1
            if open_end:
                while end < len(part) and part[end].isascii() and part[end].isalpha():
                    end += 1
            if _bounded(part, start, end):
                found.append(Token(low + start, low + end, kinds))
        found.sort(key=lambda t: (t.start, -t.end))
        free = low
        for token in found:
            if token.start >= free:
                yield token
                free = token.end


def _bounded(text: str, start: int, end: int) -> bool:
    """Not inside a longer word, in scripts with spaces; a digit may stand before: `8h`, `5mg`."""
    if text[start].isascii() and text[start].isalpha() and start and text[start - 1].isalpha():
        return False
    last = text[end - 1]
    return not (last.isascii() and last.isalpha() and end < len(text) and text[end].isascii() and text[end].isalpha())


def _between(folded: str, start: int, end: int) -> str:
    """What stands between two tokens, as marks."""
    gap = folded[start:end].strip()
    if not gap:
        return ""
    return gap if gap in {"-", ",", "(", ")", "/"} else "."


def number(text: str) -> float:
    """`1,000`, `1 000`, `0,5` and `1/2`; three digits behind a separator are thousands unless a zero leads."""
    if "/" in text:
        above, below = text.split("/")
        return float(above) / (float(below) or 1.0)
    if re.fullmatch(THOUSANDS, text):
        return float(re.sub(r"\D", "", text))
    return float(text.replace(",", "."))


@cache
def lexer() -> Lexer:
    """The lexer over the built-in words, built on first use."""
    return Lexer(Reader().document("doses/words.yaml"))
