"""The recipe of `vocabulary/lookalikes.csv`: ordinary words that the speller would take for a misspelt drug.

`python -m wardround.agents.interactions.importers.lookalikes` writes it anew from the word lists of pyspellchecker
(MIT), after the vocabulary has changed. A test holds it current.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from ..agent import tables
from ..folding import fold
from ..spelling import SHORTEST, Speller
from ..tables import DATA

LANGUAGES = ("en", "es", "fr", "de", "pt", "it")
SOURCE = "pyspellchecker 0.9 word lists (MIT)"
FILE = "vocabulary/lookalikes.csv"


def words_of(language: str) -> Iterator[str]:
    """The words of a language, folded."""
    from spellchecker import SpellChecker

    yield from (fold(w) for w in SpellChecker(language=language).word_frequency.dictionary)


def lookalikes(speller: Speller, words: Iterable[str]) -> set[str]:
    """Those of the words that the speller would change."""
    return {w for w in words if len(w) >= SHORTEST and w.isascii() and w.isalpha() and speller.find(w) is not None}


def main() -> None:
    """Write the table."""
    vocabulary = tables().vocabulary
    speller = Speller(vocabulary.names, vocabulary.ordinary, ())
    found = sorted(set[str]().union(*(lookalikes(speller, words_of(language)) for language in LANGUAGES)))
    with (DATA / FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("word", "source", "date"))
        writer.writerows((word, SOURCE, "2026-10") for word in found)


if __name__ == "__main__":
    main()
