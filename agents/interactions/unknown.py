"""Words that a text uses as the name of a medicine and that no table knows, as an invented drug's. Where they stand is
judged in `slots`; how names of drugs end, and which words are something else, lies in `data/vocabulary`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from rapidfuzz.distance import OSA

from ..ports import UnknownDrug
from . import skeletons, slots
from .folding import fold, script_fold
from .ingredients import Vocabulary
from .mentions import Mention
from .tables import DATA, Reader, Sourced

SHORTEST = 5
"""Letters of the shortest word that may be an unknown drug."""
_SHORTEST_STEMMED = 7
"""The same of one that is known by its ending alone."""
_SHORTEST_HEAD = 4
"""Letters of either part of a German compound, at least."""
_WORD = re.compile(rf"(?<![a-z0-9@/.&_-])[a-z]{{{SHORTEST},}}(?![a-z0-9@&_]|[/.][a-z]|-(?!(?:xr|er|sr|xl)\b)[a-z])")
_HINDI = re.compile(r"[\u0900-\u0963]{4,}")
_BORROWED = re.compile(r"\u094b?\u0915\u094d\u0938|\u094d[\u091f\u0930\u0932\u0935\u092e\u092a\u092c]|\u091c\u093c")
"""Letters side by side as in a transliterated name, seldom in a Hindi word."""
_PAIRS = (("ph", "f"), ("ae", "e"), ("oe", "e"))
_LETTERS = str.maketrans("yczjw", "iksiv", "h")
"""What languages write differently in one name."""
_DOUBLED = re.compile(r"(.)\1+")
_ENDING = re.compile(r"(?:um|[aeos])$")
_INFLECTED = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("d", ""), ("ing", ""), ("ing", "e"), ("ly", ""),
    ("er", ""), ("er", "e"), ("ers", ""), ("n", ""), ("en", ""), ("e", ""), ("em", ""), ("ness", ""), ("a", "o"),
    ("as", "o"), ("mente", ""), ("is", ""), ("ia", ""), ("al", ""), ("ic", ""), ("ic", "y"), ("nd", ""),
)  # fmt: skip
"""Regular endings, and what stood in their place."""
_HAN_BEFORE = 6
"""Characters of a Chinese name before its ending, at most."""
_MEMO = 50_000
"""Words that were judged already are remembered, up to so many."""
_HAN_EDGE = frozenset("的是为和与或在用给了对片含以及量次日天服吃开注射您你请可应加每、种类该此药剂始议取口")
"""Characters in front of a Chinese name that are no part of it."""


class StemRow(Sourced):
    """Endings of words in one way of writing."""

    kind: Literal["drug", "slot", "other"]
    """`drug`: a word that ends so is one; `slot`: it is where drugs stand; `other`: it is none."""
    language: Literal["la", "zh", "hi"]
    """Latin letters in any language, Chinese, or Devanagari."""
    words: tuple[str, ...]
    """The endings, folded."""


class NameHunter:
    """Finds unknown names. Built once; thread-safe to read."""

    def __init__(self, vocabulary: Vocabulary, reader: Reader, medicines: frozenset[str], prose: Iterable[str]) -> None:
        words = {w for name in (*vocabulary.names, *vocabulary.ordinary) for w in _WORD.findall(name)}
        self._medicines = frozenset(map(sounded, medicines)).union(map(sounded, words))
        self._names = frozenset((*medicines, *words))
        self._prose = frozenset(prose)
        stems: dict[tuple[str, str], list[str]] = defaultdict(list)
        for _, row in reader.yaml("vocabulary/stems.yaml", StemRow):
            stems[row.kind, row.language].extend(row.words)
        self._sure = tuple({sounded(w) for w in stems["drug", "la"]})
        self._slot = (*self._sure, *{sounded(w) for w in stems["slot", "la"]})
        self._other = tuple(stems["other", "la"])
        self._hindi = tuple(script_fold(w) for w in stems["drug", "hi"])
        self._hindi_other = tuple(script_fold(w) for w in stems["other", "hi"])
        self._han_real = tuple(script_fold(w) for w in medicines if not w.isascii())
        self._han = re.compile(f"(?:{'|'.join(stems['slot', 'zh'])})(?!类|類)")
        self._judged: dict[str, bool] = {}

    @cached_property
    def _skeletons(self) -> frozenset[str]:
        """Consonants of all names: only Hindi needs them."""
        return frozenset(map(skeletons.of_latin, self._names))

    @cached_property
    def _headless(self) -> frozenset[str]:
        """Names as they sound, without their first letter."""
        return frozenset(sound[1:] for sound in self._medicines)

    @cached_property
    def _alike(self) -> Mapping[tuple[str, int], list[str]]:
        """Names as they sound, by first letter and length."""
        found: dict[tuple[str, int], list[str]] = defaultdict(list)
        for sound in self._medicines:
            found[sound[:1], len(sound)].append(sound)
        return found

    def find(self, text: str, known: Sequence[Mention], language: str) -> list[UnknownDrug]:
        """Unknown names in order. `known`: what the tables recognise in the text."""
        folded = fold(text)
        taken = [(m.start, m.end) for m in known]
        spans = [*self._in_latin(text, folded, language), *self._in_hindi(folded), *self._in_chinese(folded)]
        return [
            UnknownDrug(start, end, text[start:end])
            for start, end in sorted(spans)
            if not any(low < end and start < high for low, high in taken)
        ]

    def _in_latin(self, text: str, folded: str, language: str) -> Iterator[tuple[int, int]]:
        for match in _WORD.finditer(folded):
            word = match.group()
            if self._is_ordinary(word) or not self._stands_as_a_drug(text, folded, *match.span()):
                continue
            if language == "de" and self._is_compound(word):
                continue
            if not self._is_near(word, folded, match.start()):
                yield match.span()

    def _is_ordinary(self, word: str) -> bool:
        """A word of prose, or of a real medicine's name."""
        try:
            return self._judged[word]
        except KeyError:
            if len(self._judged) >= _MEMO:
                self._judged.clear()
            found = self._judged[word] = self._judge(word)
            return found

    def _judge(self, word: str) -> bool:
        return word.endswith(self._other) or self._is_prose(word) or sounded(word) in self._medicines

    def _is_prose(self, word: str) -> bool:
        return any(b in self._prose for b in base_forms(word))

    def _stands_as_a_drug(self, text: str, folded: str, start: int, end: int) -> bool:
        ending = sounded(folded[start:end]) if end - start >= _SHORTEST_STEMMED else ""
        if ending in self._slot or slots.names_a_person(folded, start):
            return False  # `oxicams` are a class, named by its ending
        if ending.endswith(self._sure):
            return True
        dosed = slots.is_dosed(folded, start, end)
        if not dosed and not slots.is_taken(folded, start, end):
            return False
        if ending.endswith(self._slot):
            return True
        written = text[start:end]
        if not written[0].isupper() or not (written[1:].islower() or (written.isupper() and ending)):
            return False
        return dosed or slots.is_inside(text, start)

    def _is_near(self, word: str, folded: str, start: int) -> bool:
        """One letter away from a real name, or its second half: a slip, not another drug."""
        if len(word) < _SHORTEST_STEMMED:
            return False
        sound = sounded(word)
        if sound[1:] in self._medicines or sound in self._headless:
            return True
        ahead = slots.word_before(folded, start)
        if ahead and sounded(ahead + word) in self._medicines:
            return True
        near = (n for size in (-1, 0, 1) for n in self._alike.get((sound[:1], len(sound) + size), ()))
        return any(OSA.distance(sound, n, score_cutoff=1) <= 1 for n in near)

    def _is_compound(self, word: str) -> bool:
        """German joins ordinary words: the last of them tells what the whole is, if not an ending of drugs."""
        if sounded(word).endswith(self._sure):
            return False
        heads = (word[at:] for at in range(_SHORTEST_HEAD, len(word) - _SHORTEST_HEAD))
        return any(head in self._prose or (len(head) > SHORTEST and self._is_prose(head)) for head in heads)

    def _in_hindi(self, folded: str) -> Iterator[tuple[int, int]]:
        for match in _HINDI.finditer(folded):
            word = script_fold(match.group())
            if len(word) < _SHORTEST_STEMMED or word.endswith(self._hindi_other):
                continue
            if skeletons.of_hindi(word) in self._skeletons:
                continue
            if word.endswith(self._hindi) or (_BORROWED.search(word) and slots.is_dosed(folded, *match.span())):
                yield match.span()

    def _in_chinese(self, folded: str) -> Iterator[tuple[int, int]]:
        """The longest run before an ending in which no word of another kind stands."""
        if folded.isascii():
            return
        plain = script_fold(folded)
        for match in self._han.finditer(plain):
            start = match.start()
            while start > match.start() - _HAN_BEFORE and start and _is_part_of_a_name(plain[start - 1]):
                start -= 1
            name, end = plain[start : match.end()], match.end()
            if start == match.start() or any(name.endswith(real) for real in self._han_real):
                continue
            if slots.is_dosed(folded, start, end) or slots.is_taken(folded, start, end):
                yield start, end


def _is_part_of_a_name(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" and char not in _HAN_EDGE


def base_forms(word: str) -> Iterator[str]:
    """The word, and what it may be a regular form of."""
    yield word
    for ending, instead in _INFLECTED:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            yield word[: len(word) - len(ending)] + instead


def sounded(word: str) -> str:
    """A name without what differs between languages: `levothyroxine` and `levotiroxina` are one."""
    plain = fold(word)
    for written, heard in _PAIRS:
        plain = plain.replace(written, heard)
    return _ENDING.sub("", _DOUBLED.sub(r"\1", plain.translate(_LETTERS)))


def name_hunter(vocabulary: Vocabulary) -> NameHunter:
    """The hunter over the built-in lists, and the names that the tables recognise."""
    return NameHunter(vocabulary, Reader(), _listed("medicines*.txt"), _listed("prose*.txt"))


def _listed(pattern: str) -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in sorted((DATA / "vocabulary").glob(pattern)))
    lines = (line for text in texts for line in text.splitlines() if not line.startswith("#"))
    return frozenset(w for line in lines for w in line.split())
