"""The recipe of `vocabulary/medicines.txt` and `vocabulary/prose.txt`: words that are no unknown drug's name.

`python -m wardround.agents.interactions.importers.words FOLDER` writes them anew, after the vocabulary has changed,
from gzipped JSON lines of INN, RxNorm and the French medicine register in that folder, and from the word lists of
pyspellchecker.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..agent import tables
from ..folding import fold
from ..tables import DATA
from ..unknown import SHORTEST, base_forms, sounded
from .strengths import read_lines, texts

MEDICINES, PROSE = "vocabulary/medicines.txt", "vocabulary/prose.txt"
FIELDS = {
    "inn_en_ru_la": ("en", "la"), "rxnorm_ingredients_2025-10": ("name", "brands"),
    "rxnorm_brand_to_ingredients_2025-10": ("brand", "ingredients"), "rxnorm_clinical_drugs_2025-10": ("name",),
    "bdpm_fr_2019-11": ("brand", "substances")
}  # fmt: skip
"""File to the fields that name medicines."""
COMMON = {"en": 30_000, "es": 15_000, "fr": 15_000, "de": 20_000, "pt": 15_000}
"""How many of the most frequent words of each language are carried."""
_WORD = re.compile(rf"[^\W\d_]{{{SHORTEST},}}")
_WIDTH = 120


def medicines(folder: Path) -> set[str]:
    """Single words of names of medicines, folded, one of those that sound alike."""
    found: set[str] = set()
    for name, fields in FIELDS.items():
        for line in read_lines(folder / f"{name}.jsonl.gz"):
            found.update(w for field in fields for w in _words(line.get(field)))
    known = {sounded(w) for n in tables().vocabulary.names for w in _WORD.findall(n)}
    by_sound = {sounded(w): w for w in sorted(found, reverse=True)}
    return {word for sound, word in by_sound.items() if sound not in known}


def prose() -> set[str]:
    """The most frequent words of five languages, folded, without those that follow from another one."""
    from spellchecker import SpellChecker

    found: set[str] = set()
    for language, count in COMMON.items():
        words = SpellChecker(language=language).word_frequency.dictionary
        ranked = sorted((w for w in words if _WORD.fullmatch(w)), key=lambda w: (-words[w], w))
        found |= {fold(w) for w in ranked[:count]}
    return {w for w in found if not any(b in found for b in base_forms(w) if b != w)}


def _words(value: object) -> Iterator[str]:
    for text in texts(value):
        yield from _WORD.findall(fold(text))


def _write(name: str, about: str, words: Iterable[str]) -> None:
    lines, line = [about], ""
    for word in sorted(words):
        if len(line) + len(word) >= _WIDTH:
            lines.append(line)
            line = ""
        line += f" {word}" if line else word
    (DATA / name).write_text("\n".join([*lines, line]) + "\n", encoding="utf-8")


def main(folder: Path) -> None:
    """Write both lists."""
    _write(
        MEDICINES, "# Words of names of real medicines that the tables do not hold, folded: no unknown drugs.\n"
        "# Source: WHO INN list; RxNorm current prescribable content 2025-10 (NLM); ANSM base de données publique des "
        "médicaments 2019-11", medicines(folder),
    )  # fmt: skip
    _write(
        PROSE, "# Frequent words of five languages, folded, without regular inflections: no names of drugs.\n"
        "# Source: pyspellchecker 0.9 word lists (MIT), 2026-11", prose(),
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
