"""Which passages speak to a sentence: BM25 over the evidence sent along. The store is the `Retriever` port."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from wardround.policies.request import Evidence

from .claims import CITATION, sentence_spans
from .statement import Statement, compile_statement

K1 = 1.2
"""Saturation of repeated words (Robertson and Zaragoza 2009)."""
B = 0.75
"""Correction for the length of a passage (the same)."""
MAX_SENTENCES = 2_000
"""Sentences of evidence that are read at most; the rest is reported as left out."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage, compiled."""

    id: str
    statements: tuple[Statement, ...]
    """Its sentences in order."""
    counts: Counter[str]
    """How often each key stands in it."""
    size: int
    """Number of tokens."""

    @property
    def keys(self) -> frozenset[str]:
        """Every key of the passage."""
        return frozenset(self.counts)


class Index:
    """BM25 over passages; deterministic, ties by the order in which they came."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        documents = Counter(k for p in self.passages for k in p.counts)
        total = len(self.passages)
        self._idf = {k: math.log(1 + (total - n + 0.5) / (n + 0.5)) for k, n in documents.items()}
        self._mean = sum(p.size for p in self.passages) / total if total else 1.0

    def search(self, keys: Iterable[str], *, limit: int) -> tuple[Passage, ...]:
        """Passages that share a key, best first."""
        wanted = tuple(sorted(set(keys)))
        scored = [(self._score(p, wanted), -i, p) for i, p in enumerate(self.passages)]
        best = sorted((s for s in scored if s[0] > 0), key=lambda s: s[:2], reverse=True)
        return tuple(p for _, _, p in best[:limit])

    def _score(self, passage: Passage, keys: tuple[str, ...]) -> float:
        norm = K1 * (1 - B + B * passage.size / (self._mean or 1.0))
        counts = passage.counts
        return sum(self._idf[k] * counts[k] * (K1 + 1) / (counts[k] + norm) for k in keys if k in counts)


def compile_passages(evidence: Sequence[Evidence], language: str) -> tuple[Passage, ...]:
    """Every passage with its sentences compiled."""
    return tuple(compile_texts(e.id, e.text, language) for e in evidence)


def compile_texts(identity: str, text: str, language: str) -> Passage:
    """One passage with its sentences compiled."""
    return _passage(identity, _sentences(text, language))


def _passage(identity: str, statements: tuple[Statement, ...]) -> Passage:
    counts = Counter(t.key for s in statements for t in s.tokens)
    return Passage(identity, statements, counts, sum(counts.values()))


@lru_cache(maxsize=512)
def _sentences(text: str, language: str) -> tuple[Statement, ...]:
    """Compiled sentences of one passage; a streamed draft is checked against the same ones again and again."""
    spans = list(sentence_spans(text))[:MAX_SENTENCES]
    return tuple(compile_statement(CITATION.sub(" ", text[start:end]), language) for start, end in spans)
