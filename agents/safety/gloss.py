"""A message word by word in English, so that one English encoder reads seven languages. No translation: a gloss.

Word lists in `data/gloss/` give each word or idiom its sense; the longest entry wins, so that "me muero de hambre" is
hunger. Grammar and order stay the other language's. What no list knows stays as it is written, or is left out where the
encoder could not read its script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple
from unicodedata import normalize

from wardround.policies.errors import WardroundError

from ..language import detect_language
from .detector import fold
from .lexicon import DATA, unaccent

LANGUAGES = ("de", "es", "fr", "hi", "pt", "zh")
"""Languages with a word list; `hi_latn` beside them is Hindi in Latin letters."""
LONGEST = 8
"""Most units of an entry: words, and for Chinese characters."""
MIN_STEM = 5
"""Letters that an unknown inflected word must share with a known one."""
MIN_SHARE = 0.3
"""Share of a text's letters in a script from which it is read in that script's language."""
MIN_ROMAN = 0.6
"""Share of known words from which a text of no European language is read as romanised Hindi."""
MIN_LANGUAGE = 0.35
"""Probability of a language below which a text in Latin letters is not glossed."""
MAX_CHARS = 12_000
"""How much of a text is glossed, half of it its beginning, half its end; the receipt says where a text had more."""
KEPT_GLOSSES = 64
"""Glosses that are kept: each head asks for them in turn."""
TAIL_CHARS = 240
"""How much of an English text's end is looked at for another language."""

_UNIT = re.compile(
    r"[\u3400-\u9fff]|[\u0900-\u0963\u0966-\u097f]+|(?:[^\W\d_\u3400-\u9fff\u0900-\u097f][\u0300-\u036f]*)+|\d+(?:[.,:/]\d+)*|[.!?;,\n。！？；，、।]"
)
_ENDS = {"。": ".", "！": "!", "？": "?", "；": ".", "，": ",", "、": ",", "।": ".", "\n": "."}
_HAN, _DEVANAGARI = re.compile("[\u3400-\u9fff]"), re.compile("[\u0900-\u097f]")
_SENTENCES = re.compile(r"[.!?\n]+")
MIN_SENTENCE = 16
"""Characters of a sentence that tells a language."""
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
SURE_NEIGHBOUR = 0.9
"""Probability from which a text in Devanagari is Marathi or Nepali, for short Hindi is taken for them."""
_NUKTA = "\u093c"
"""The dot that many leave out."""
_VOWEL_SIGNS = "\u093e\u093f\u0940\u0941\u0942\u0947\u0948\u094b\u094c\u0902\u0901"


class Gloss(NamedTuple):
    """A glossed text."""

    text: str
    places: tuple[tuple[int, int, int, int], ...]
    """Start and end of each piece in `text`, and of what it glosses in the original."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original behind characters of the gloss."""
        inside = [p for p in self.places if p[0] < end and start < p[1]] or list(self.places)
        return (min(p[2] for p in inside), max(p[3] for p in inside)) if inside else (0, 0)


@lru_cache(maxsize=KEPT_GLOSSES)
def gloss(text: str) -> Gloss | None:
    """The gloss of a text; None where it is English or a language without a list."""
    language = language_of(text)
    if language is None:
        return None
    half = MAX_CHARS // 2
    if len(text) <= MAX_CHARS:
        pieces = list(_pieces(text, 0, language))
    else:
        pieces = [*_pieces(text[:half], 0, language), *_pieces(text[-half:], len(text) - half, language)]
    return _put_together(pieces) if any(sense != fold(text[a:b]) for sense, a, b in pieces) else None


def language_of(text: str) -> str | None:
    """The list that reads a text, if any: by script, then by the detector."""
    if text.isascii() and len(text) < 4:
        return None
    told, sure = detect_language(text.lower() if text.isupper() else text)
    if not text.isascii() and (language := _by_script(text[:MAX_CHARS])):
        other = _KANA_OR_HANGUL.search(text, 0, MAX_CHARS) or (told in {"mr", "ne"} and sure >= SURE_NEIGHBOUR)
        return None if other else language
    if told in LANGUAGES and sure >= MIN_LANGUAGE:
        return told
    if told == "en" and len(text) > TAIL_CHARS:
        return _at_the_end(text)
    if (told != "en" or sure < MIN_ROMAN) and _romanised(text):
        return "hi_latn"
    return None


def _at_the_end(text: str) -> str | None:
    """The language of one of the last sentences of a text that begins in English."""
    for sentence in _SENTENCES.split(text[-TAIL_CHARS:])[::-1]:
        if len(sentence) >= MIN_SENTENCE:
            told, sure = detect_language(sentence)
            if told in LANGUAGES and sure >= MIN_ROMAN:
                return told
    return None


def _by_script(text: str) -> str | None:
    letters = sum(c.isalpha() for c in text) or 1
    scripts = ((_HAN, "zh"), (_DEVANAGARI, "hi"))
    return next((lang for script, lang in scripts if len(script.findall(text)) >= MIN_SHARE * letters), None)


def _romanised(text: str) -> bool:
    words = [w for w in fold(text).split() if w.isalpha()][:40]
    known = words_of("hi_latn").senses
    return len(words) >= 3 and sum(w in known for w in words) >= MIN_ROMAN * len(words)


class WordList(NamedTuple):
    """The entries of a language."""

    senses: Mapping[str, str]
    """Entry, its units joined by spaces, to English."""
    begins: frozenset[str]
    """First units of entries with several."""
    stems: Mapping[str, str]
    """Beginning of a word to the sense of the first entry that begins so."""


@cache
def words_of(language: str) -> WordList:
    """The list of a language; raises `WardroundError` where the file is not well formed."""
    path = DATA / "gloss" / f"{language}.tsv"
    senses: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise WardroundError(f"{path.name} cannot be read: install wardround again") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        entry, tab, sense = line.partition("\t")
        if not tab:
            raise WardroundError(f"agents/safety/data/gloss/{path.name}:{number}: expected an entry, a tab, a sense")
        senses.setdefault(" ".join(u for u, _, _ in _units(entry)), sense.strip())
    begins = frozenset(entry.split(" ", 1)[0] for entry in senses if " " in entry)
    stems: dict[str, str] = {}
    for entry, sense in senses.items():
        if language in {"zh", "hi"} or " " in entry or not sense:
            continue
        for length in range(max(MIN_STEM, len(entry) - 3), len(entry) + 1):
            stems.setdefault(entry[:length], sense)
    return WordList(senses, begins, stems)


def _units(text: str) -> Iterator[tuple[str, int, int]]:
    """Words, characters of Chinese, numbers and marks, plain, with their places."""
    for m in _UNIT.finditer(text):
        unit = m.group()
        if not unit.isascii():
            unit = normalize("NFC", unit).replace(_NUKTA, "")
        if unit:
            yield unaccent(fold(unit)), m.start(), m.end()


_Piece = tuple[str, int, int]


def _pieces(text: str, at: int, language: str) -> Iterator[_Piece]:
    """Senses in the order of the text, with the places of what they stand for."""
    known, units = words_of(language), list(_units(text))
    i = 0
    while i < len(units):
        taken, sense = _longest(known, units, i) or (1, _alone(units[i][0], known, language))
        if sense:
            yield sense, units[i][1] + at, units[i + taken - 1][2] + at
        i += taken


def _longest(known: WordList, units: list[tuple[str, int, int]], i: int) -> tuple[int, str] | None:
    first = units[i][0]
    if first in known.begins:
        for length in range(min(LONGEST, len(units) - i), 1, -1):
            entry = " ".join(u for u, _, _ in units[i : i + length])
            if entry in known.senses:
                return length, known.senses[entry]
    return (1, known.senses[first]) if first in known.senses else None


def _alone(unit: str, known: WordList, language: str) -> str:
    """The sense of a unit that no entry names: of its mark, its stem, its parts; itself where it is Latin."""
    if unit in _ENDS or not unit[0].isalpha():
        return _ENDS.get(unit, unit)
    if language == "hi":
        return _hindi_stem(unit, known) if _DEVANAGARI.match(unit) else unit
    if language == "zh":
        return "" if _HAN.match(unit) else unit
    for length in range(len(unit), MIN_STEM - 1, -1):
        if unit[:length] in known.stems:
            return known.stems[unit[:length]]
    return (_compound(unit, known) if language == "de" else "") or unit


def _hindi_stem(unit: str, known: WordList) -> str:
    while len(unit) > 1 and unit[-1] in _VOWEL_SIGNS:
        unit = unit[:-1]
        if unit in known.senses:
            return known.senses[unit]
    return ""


def _compound(unit: str, known: WordList) -> str:
    """Two known words that a German compound is made of, with or without a linking s or n."""
    for cut in range(len(unit) - 4, 3, -1):
        first, second = unit[:cut], known.senses.get(unit[cut:]) or known.stems.get(unit[cut:])
        sense = next((known.senses[f] for f in (first, first[:-1]) if known.senses.get(f)), "")
        if second and sense:
            return f"{sense} {second}"
    return ""


def _put_together(pieces: list[_Piece]) -> Gloss | None:
    text, places = "", list[tuple[int, int, int, int]]()
    for sense, start, end in pieces:
        mark = sense in {".", ",", "!", "?", ";"}
        if mark and (not text or text[-1] in ".,!?;"):
            continue
        begin = len(text) + (1 if text and not mark else 0)
        text += sense if mark or not text else f" {sense}"
        places.append((begin, len(text), start, end))
    return Gloss(text, tuple(places)) if text else None
