"""Where a text names drugs: one pass of an automaton over the folded text. What is said of them lives in `stance`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .folding import fold
from .ingredients import Name, Vocabulary
from .phrases import Phrases
from .spelling import SHORTEST, Speller

_WORD = re.compile(rf"(?<![\w-])[a-z]{{{SHORTEST},}}(?![\w-])")
_COMPOUND = re.compile(
    r"-(?:induced|exacerbated|associated|related|sensitive|resistant|like|free|na[i\u00ef]ve|dependent|refractory|"
    r"producing|releasing|eluting|binding|responsive)\b"
)
"""Behind a name it makes a word for something else: `heparin-induced thrombocytopenia`."""
_NEAR = 40
"""Characters on each side of an ambiguous name in which a dose, form or intake verb makes it a drug."""
_DOSE_NEAR = re.compile(
    r"\d\s?(?:mg|mcg|ug|g|ml|units?|iu|meq|tablets?|pills?|caps)\b|\b(?:tablets?|pills?|capsules?|supplements?|inject\w*|"
    r"infusion|therapy|treatment|pen|patch|gel|dose[sd]?|dosing|units|auto-?injector|im|iv|replacement|"
    r"prescri\w+|tak(?:e|es|ing|en)|on|start\w*|use|using|stop\w*|add\w*)\b"
)
_INTAKE_NEAR = re.compile(
    r"\b(?:drink\w*|eat\w*|glass\w*|cups?|with|take|takes|taking|supplements?|capsules?|juice|food|diet|extract|pills?|beers?|"
    r"avoid\w*|coffee|consum\w*|intake|use|using|smok\w*)\b"
)
_ALCOHOL_NEAR = re.compile(
    r"\b(?:heavi\w*|binge|social\w*|drinks?|alcohol|night|weekends?|party|problem|stop|quit|while)\b"
)
_WATER = re.compile(r"\b(?:water|juice|milk|tea|coffee|fluids?|plenty|enough|more)\b")


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
        self._automaton = Phrases(
            (key, (len(key), key, name))
            for key, name in vocabulary.names.items()
            if key not in self._ordinary or self._ordinary[key].rule != "never"
        )

    def find(self, text: str, folded: str | None = None, *, listed: bool = False) -> tuple[Mention, ...]:
        """Mentions in order, leftmost longest, without overlaps. `listed`: the text is an entry of a list of drugs, in
        which a name needs nothing beside it."""
        plain = fold(text) if folded is None else folded
        hits = sorted(self._hits(plain), key=lambda h: (h[0], -h[1]))
        out: list[Mention] = []
        free = 0
        for start, end, key, name in hits:
            if (
                start >= free
                and not _COMPOUND.match(plain, end)
                and (listed or self._is_drug(key, text, plain, start, end))
            ):
                out.append(Mention(start, end, name))
                free = end
        out.extend(self._misspelt(plain, out, listed=listed))
        return tuple(sorted(out, key=lambda m: m.start))

    def _misspelt(self, plain: str, exact: list[Mention], *, listed: bool) -> Iterator[Mention]:
        """Words outside of exact names that are nearly a name; short ones and brands only near a dose or verb."""
        taken = {p for m in exact for p in range(m.start, m.end)}
        for match in _WORD.finditer(plain):
            found = self._speller.find(match.group())
            if found is None or match.start() in taken:
                continue
            name, sure = found
            around = (
                plain[max(0, match.start() - _NEAR) : match.start()] + " " + plain[match.end() : match.end() + _NEAR]
            )
            if sure or listed or _DOSE_NEAR.search(around):
                yield Mention(match.start(), match.end(), name, exact=False)

    def _hits(self, plain: str) -> Iterator[tuple[int, int, str, Name]]:
        size = len(plain)
        for last, (length, key, name) in self._automaton.iter(plain):
            start, end = last - length + 1, last + 1
            if (start == 0 or not plain[start - 1].isalnum() or not key[0].isascii()) and (
                end == size or not plain[end].isalnum() or not key[0].isascii() or _plural(plain, end)
            ):
                yield start, end, key, name

    def _is_drug(self, key: str, text: str, plain: str, start: int, end: int) -> bool:
        row = self._ordinary.get(key)
        if row is None:
            return True
        around = plain[max(0, start - _NEAR) : start] + " " + plain[end : end + _NEAR]
        match row.rule:
            case "capital":
                return text[start:end] in row.forms
            case "dose":
                return _DOSE_NEAR.search(around) is not None
            case "intake":
                return _INTAKE_NEAR.search(around) is not None
            case "alcohol":
                return _ALCOHOL_NEAR.search(around) is not None and _WATER.search(around) is None
            case _:
                return False


def _plural(plain: str, end: int) -> bool:
    """A plural or possessive s that is still part of the word."""
    return plain[end] == "s" and (end + 1 == len(plain) or not plain[end + 1].isalnum())
