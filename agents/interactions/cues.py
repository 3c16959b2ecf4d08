"""The words that steer meaning: cues found in one pass, leftmost longest. What they do to a mention: `stance`."""

from __future__ import annotations

from dataclasses import dataclass

from .folding import fold
from .phrases import Phrases
from .tables import Reader, TableError


class Cue:
    """What a phrase may do, as bits: one phrase may do several things. Plain integers, for they are tested often."""

    NEGATE = 1
    ACT = 2
    OK = 4
    AVOID = 8
    RISK = 16
    TOGETHER = 32
    MINIMISE = 64
    MANAGE = 128
    DEFER = 256
    HISTORY = 512
    OTHER = 1024
    ALLERGIC = 2048
    ASK = 4096
    TAKING = 8192
    DISCUSS = 16384
    CLAUSE = 32768


_KEYS = {
    "negate": Cue.NEGATE, "act": Cue.ACT, "ok": Cue.OK, "avoid": Cue.AVOID, "risk": Cue.RISK,
    "together": Cue.TOGETHER, "minimise": Cue.MINIMISE, "manage": Cue.MANAGE, "defer": Cue.DEFER,
    "history": Cue.HISTORY, "other_person": Cue.OTHER, "allergic": Cue.ALLERGIC, "ask": Cue.ASK,
    "take_now": Cue.TAKING, "discuss": Cue.DISCUSS, "clause": Cue.CLAUSE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """One cue in a text."""

    start: int
    end: int
    kind: int
    """Bits of `Cue`."""
    text: str


class CueFinder:
    """Finds cues of some languages. Built once; thread-safe to read."""

    def __init__(self, phrases: dict[str, int]) -> None:
        self._automaton = Phrases(
            (p.rstrip("*"), (len(p.rstrip("*")), kind, p.endswith("*"), p.rstrip("*"))) for p, kind in phrases.items()
        )

    def find(self, folded: str) -> list[Hit]:
        """Cues in order; a longer phrase hides the shorter ones inside it."""
        found: list[Hit] = []
        size = len(folded)
        for last, (length, kind, open_end, key) in self._automaton.iter(folded):
            start, end = last - length + 1, last + 1
            if _bounded(folded, start, end, size, open_end=open_end):
                found.append(Hit(start, end, kind, key))
        found.sort(key=lambda h: (h.start, -h.end))
        out: list[Hit] = []
        free = 0
        for hit in found:
            if hit.start >= free:
                out.append(hit)
                free = hit.end
        return out


def _bounded(folded: str, start: int, end: int, size: int, *, open_end: bool) -> bool:
    """A whole word, in scripts that divide words."""
    if folded[start] >= _UNDIVIDED:
        return True
    if start and (folded[start - 1].isalnum() or folded[start - 1] in _SIGNS):
        return False
    return open_end or end == size or not (folded[end].isalnum() or folded[end] in _SIGNS)


_UNDIVIDED = "\u2e80"
"""From here on scripts write words without spaces between them."""
_SIGNS = frozenset(chr(c) for c in (*range(0x0900, 0x0904), *range(0x093A, 0x0964)))
"""Devanagari vowel signs, which are letters to a reader and none to `isalnum`."""


def load_cues(reader: Reader) -> dict[str, CueFinder]:
    """A finder per language code; every finder but English also knows English. Raises `TableError`."""
    document = reader.document("language/grammar.yaml")
    phrases = {language: _phrases(language, table) for language, table in document.items()}
    english = phrases["en"]
    return {language: CueFinder(_joined(english, own)) for language, own in phrases.items()}


def _phrases(language: str, table: dict[str, list[str]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for key, words in table.items():
        if key not in _KEYS:
            raise TableError(f"grammar.yaml: {language}: unknown cue kind {key!r}: known are {', '.join(_KEYS)}")
        for word in words:
            folded = fold(word.strip())
            out[folded] = out.get(folded, 0) | _KEYS[key]
    return out


def _joined(english: dict[str, int], own: dict[str, int]) -> dict[str, int]:
    return {**{w: k for w, k in english.items() if w not in own and len(w) > 3}, **own} if own is not english else own
