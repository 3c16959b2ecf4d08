"""What kind of sentence a claim is: fact, instruction, patient, quotation or talk. The cues are in the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from .layout import CITATION
from .quantities import find_quantities
from .vocabulary import drug_key, drug_words, strip_accents, table, vocabulary


class ClaimKind(StrEnum):
    """What a sentence is, which says what evidence it needs."""

    FACT = "fact"
    """A medical statement true or false of the world, hedged or not."""
    INSTRUCTION = "instruction"
    """What the reader should do or not do."""
    PATIENT = "patient"
    """A statement about this patient."""
    QUOTATION = "quotation"
    """Words of somebody else, marked as such."""
    TALK = "talk"
    """Courtesy, questions, headings, advice to see someone: needs no evidence."""


class _Phrases:
    """Phrases looked up by their first word, which costs less than one pattern for all of them."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[re.Pattern[str]]] = {}
        self._unspaced: list[str] = []
        for phrase in (strip_accents(p.lower()) for p in phrases):
            first = _WORDS.match(phrase)
            if first is None or "\u4e00" <= phrase[0] <= "\u9fff":
                self._unspaced.append(phrase)
                continue
            end = r"(?!\w)" if phrase[-1].isalpha() and ord(phrase[-1]) < 0x250 else ""
            head = r"(?<!\w)" if ord(phrase[0]) < 0x250 else ""
            self._by_first.setdefault(first[0], []).append(re.compile(head + re.escape(phrase) + end))

    def search(self, plain: str, words: Iterable[str]) -> int | None:
        """Where the first phrase found begins in a text of these words."""
        found = [m.start() for w in words for p in self._by_first.get(w, ()) if (m := p.search(plain))]
        if not plain.isascii():
            found.extend(plain.index(p) for p in self._unspaced if p in plain)
        return min(found, default=None)


class _Cues(NamedTuple):
    courtesy: _Phrases
    disclaimer: _Phrases
    consult: _Phrases
    must: _Phrases
    forbid: re.Pattern[str]
    not_must: _Phrases
    patient: re.Pattern[str]
    said: re.Pattern[str]
    medical: re.Pattern[str]
    not_patient: frozenset[str]
    not_instruction: frozenset[str]


def classify(text: str, language: str = "en") -> ClaimKind:
    """The class of one sentence. A question or what ends in a colon is talk, whatever it names."""
    bare = _MARKUP.sub("", CITATION.sub("", text)).strip().lower().replace("’", "'")
    plain = strip_accents(bare)
    words = _WORDS.findall(plain)
    if not words or plain.endswith(("?", "？", ":", "：")):
        return ClaimKind.TALK
    cues = _cues()
    if _QUOTED.match(_MARKUP.sub("", text).strip()) or cues.said.search(plain):
        return ClaimKind.QUOTATION
    spoken = _talk(plain, words, text, language)
    if spoken is not None:
        return spoken
    if _instructs(plain, words, language):
        return ClaimKind.INSTRUCTION
    if words[0] not in cues.not_patient and _about_patient(plain):
        return ClaimKind.PATIENT
    return ClaimKind.FACT


def names_something_medical(text: str, language: str = "en") -> bool:
    """Whether a text names a drug, a dose or measure, a condition or a symptom."""
    plain = strip_accents(text.lower())
    return _medical(plain, _WORDS.findall(plain), text, language)


def instructive(words: Sequence[str], language: str) -> bool:
    """Whether lower-case words without accents open as an imperative."""
    for position, word in enumerate(words[:3]):
        if word in _softeners(language):
            continue
        behind = words[position + 1] if position + 1 < len(words) else ""
        return word in imperatives(language) and behind not in _cues().not_instruction
    return False


@cache
def imperatives(language: str) -> frozenset[str]:
    """Words that open an instruction in a language; the English ones where the language has none."""
    raw = table("claims.yaml")["cues"]["instruction"]
    return frozenset(strip_accents(w.lower()) for w in raw.get(language, raw["en"]))


def _talk(plain: str, words: Sequence[str], text: str, language: str) -> ClaimKind | None:
    """Talk, or the instruction that advice to consult someone over a named condition is; None for all else."""
    cues = _cues()
    if cues.disclaimer.search(plain, words) is not None or cues.courtesy.search(plain, words) is not None:
        claims = _measured(text, language) or (_drug(words) and _obliges(plain, words))
        return None if claims else ClaimKind.TALK
    advised = cues.consult.search(plain, words)
    if advised is not None:
        before = [w for w in _WORDS.findall(plain[:advised]) if w not in _softeners(language)]
        if before and instructive(before, language):
            return ClaimKind.INSTRUCTION
        if _medical(plain, words, text, language):
            return ClaimKind.INSTRUCTION
        return ClaimKind.TALK
    return None


def _instructs(plain: str, words: Sequence[str], language: str) -> bool:
    if _obliges(plain, words):
        return True
    if instructive(words, language):
        return True
    label = _LABEL.match(plain)
    if label and instructive(_WORDS.findall(plain[label.end() :])[:4], language):
        return True
    if words[0] not in _openings():
        return False
    return any(instructive(_WORDS.findall(rest)[:4], language) for rest in plain.split(", ")[1:])


def _obliges(plain: str, words: Sequence[str]) -> bool:
    """Whether a sentence says `should`, `must` or `do not`."""
    cues = _cues()
    if cues.forbid.search(plain):
        return True
    return cues.must.search(plain, words) is not None and cues.not_must.search(plain, words) is None


def _about_patient(plain: str) -> bool:
    found = _cues().patient.search(plain)
    if found is None:
        return False
    before = _WORDS.findall(plain[: found.start()])
    return not (before and before[-1] in _cues().not_patient)


def _medical(plain: str, words: Iterable[str], text: str, language: str) -> bool:
    return bool(_cues().medical.search(plain)) or _drug(words) or _measured(text, language)


def _measured(text: str, language: str) -> bool:
    return any(not q.dimension.startswith(("count", "bare")) for q in find_quantities(text, language))


def _drug(words: Iterable[str]) -> bool:
    known, stop = drug_words(), vocabulary().stop
    return any(len(w) > 4 and w not in stop and drug_key(w) in known for w in words)


@cache
def _cues() -> _Cues:
    raw = table("claims.yaml")["cues"]
    script = "|".join(re.escape(w) for w in raw["medical_script"])
    return _Cues(
        courtesy=_Phrases(raw["courtesy"]),
        disclaimer=_Phrases(raw["disclaimer"]),
        consult=_Phrases(raw["consult"]),
        must=_Phrases(raw["must"]),
        not_must=_Phrases(raw["not_must"]),
        forbid=re.compile(raw["forbid"]),
        patient=re.compile("|".join(f"(?:{p})" for p in raw["patient"])),
        said=_saying(raw["said"]),
        medical=re.compile(rf"\b(?:{'|'.join(raw['medical'])})|{script}"),
        not_patient=frozenset(raw["not_patient"]),
        not_instruction=frozenset(raw["not_instruction"]),
    )


def _saying(verbs: Iterable[str]) -> re.Pattern[str]:
    """A verb of saying with a colon behind it, or with words in quotation marks."""
    said = rf"\b(?:{'|'.join(verbs)})"
    return re.compile(rf"{said}\s*[:：]\s*[\"“«„]?\w|{said},?(?: that| que| dass)?,? ?[\"“«„]")


@cache
def _openings() -> frozenset[str]:
    """Words that open a clause before the main one: `if`, `before`, `to`."""
    return frozenset(strip_accents(w.lower()) for g in table("claims.yaml")["clauses"].values() for w in g["leads"])


@cache
def _softeners(language: str) -> frozenset[str]:
    raw = table("claims.yaml")["softeners"]
    return frozenset(strip_accents(w) for w in (*raw["all"], *raw.get(language, ())))


_MARKUP = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_WORDS = re.compile(r"(?:[^\W\d_]|[\u0900-\u0963])+(?:'[^\W\d_]+)?")
_QUOTED = re.compile(r"^[\"“«„][^\"”»“]+[\"”»“][.!]?\s*(?:\[.*\])?$")
_LABEL = re.compile(r"[\w-]+(?: [\w-]+){0,3}: ")
