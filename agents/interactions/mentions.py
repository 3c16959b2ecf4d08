"""Where a text names drugs: one pass of an automaton over the folded text. What is said of them lives in `stance`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import contexts
from .edges import Edges
from .folding import Squeezed, fold, script_fold
from .ingredients import Name, Vocabulary
from .phrases import Phrases
from .products import matched
from .spelling import SHORTEST, Speller

_WORD = re.compile(rf"(?<![\w-])[a-z]{{{SHORTEST},}}(?![\w-])")
_COMPOUND = re.compile(
    r"-(?:induced|exacerbated|associated|related|sensitive|resistant|like|free|na[i\u00ef]ve|dependent|refractory|"
    r"producing|releasing|eluting|binding|responsive)\b"
)
"""Behind a name it makes a word for something else: `heparin-induced thrombocytopenia`."""
_JOINED = 3
"""Letters that each part of a hyphened name has, where it may also be written as one word."""
_MEMO = 50_000
"""Words whose spelling was judged already are remembered, up to so many."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a text names a drug, a combination or a class."""

    start: int
    end: int
    name: Name
    exact: bool = True
    """False where the text misspells the name."""

    @property
    def ingredients(self) -> tuple[str, ...]:
        """Canonical ingredients, the members where a class is named."""
        return self.name.ingredients


class Finder:
    """Finds names in texts. Built once; thread-safe to read."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._ordinary = vocabulary.ordinary
        self._speller = Speller(vocabulary.names, vocabulary.ordinary, vocabulary.lookalikes)
        self._slips: dict[str, tuple[Name, bool] | None] = {}
        self._edges = Edges(vocabulary.affixes.compounds)
        forms: dict[str, tuple[int, str, Name]] = {}
        for key, name in vocabulary.names.items():
            if key not in self._ordinary or self._ordinary[key].rule != "never":
                for form in _forms(key):
                    forms.setdefault(form, (len(form), key, name))
        self._automaton = Phrases(forms.items())

    def find(self, text: str, folded: str | None = None, *, listed: bool = False) -> tuple[Mention, ...]:
        """Mentions in order, leftmost longest, without overlaps. `listed`: the text is an entry of a list of drugs, in
        which a name needs nothing beside it."""
        folded = fold(text) if folded is None else folded
        seen = Squeezed(script_fold(folded))
        plain, place = seen.text, seen.place
        out: list[Mention] = []
        free = 0
        for start, end, key, name in sorted(self._hits(plain), key=lambda h: (h[0], -h[1])):
            if start < free:
                continue
            low, high = place(start), place(end - 1) + 1
            if not _COMPOUND.match(folded, high) and (listed or self._is_drug(key, text[low:high], plain, start, end)):
                out.append(Mention(low, high, name))
                free = end
        out.extend(self._misspelt(folded, out, listed=listed))
        return tuple(sorted(out, key=lambda m: m.start))

    def _misspelt(self, plain: str, exact: list[Mention], *, listed: bool) -> Iterator[Mention]:
        """Words outside of exact names that are nearly a name; short ones and brands only near a dose or verb."""
        for match in _WORD.finditer(plain):
            found = self._slip(match.group())
            if found is None or any(m.start < match.end() and match.start() < m.end for m in exact):
                continue
            name, sure = found
            if sure or listed or contexts.dosed(plain, *match.span()):
                yield Mention(match.start(), match.end(), name, exact=False)

    def _slip(self, word: str) -> tuple[Name, bool] | None:
        try:
            return self._slips[word]
        except KeyError:
            if len(self._slips) >= _MEMO:
                self._slips.clear()
            found = self._slips[word] = self._speller.find(word)
            return found

    def _hits(self, plain: str) -> Iterator[tuple[int, int, str, Name]]:
        for last, (length, key, name) in self._automaton.iter(plain):
            start, end = last - length + 1, last + 1
            if self._edges.whole(plain, start, end):
                yield start, end, key, name

    def _is_drug(self, key: str, written: str, plain: str, start: int, end: int) -> bool:
        row = self._ordinary.get(key)
        if row is None:
            return True
        match row.rule:
            case "capital":
                return written in row.forms
            case "word":
                named = written[:1].isupper() and contexts.governed(plain, start, end)
                return named or contexts.alone(plain, start, end)
            case "dose":
                return contexts.dosed(plain, start, end)
            case "intake":
                return contexts.taken_in(plain, start, end)
            case "alcohol":
                return contexts.drunk(plain, start, end)
            case "never":
                return False


def _forms(key: str) -> Iterator[str]:
    """The ways to write a name: as it is, without apostrophes and dots, its parts joined."""
    plain = matched(key)
    yield plain
    if "'" in plain or "." in plain:
        yield plain.replace("'", "")
        yield " ".join(plain.replace("'", "").replace(".", " ").split())
    first, *rest = key.split("-")
    if rest and (first == "co" or min(map(len, (first, *rest))) >= _JOINED):
        yield matched(key.replace("-", ""))
