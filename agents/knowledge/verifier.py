"""What the small network says of a claim beside evidence: supported, contradicted, neither. English, offline.

The weights were made by the recipe of `wardround.alignment`; their card says from what. How the network's word and the
exact checks make a verdict: `weighing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ..weights import checked, session
from .pairing import Pairer

MODEL = Path(__file__).parent / "model"
THREADS = 2
"""Pairs that are read side by side; each takes one core."""
KEPT = 4_096
"""Pairs whose scores are kept: the sentences of a stream are read once."""


class Scores(NamedTuple):
    """The network's scores (logits) for one pair."""

    supported: float
    contradicted: float
    neutral: float


class Verifier:
    """Safe to use from several threads."""

    def __init__(self, folder: Path = MODEL) -> None:
        """Load weights and vocabulary. Raises `WardroundError` where a file is missing or not the one that was made."""
        self._session: Any = session(checked(folder, "verifier.onnx"))
        self._pairer = Pairer(checked(folder, "tokenizer.json"))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="wardround-verify")
        self._read = lru_cache(maxsize=KEPT)(self._run)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Scores]:
        """Scores of (claim, evidence) pairs, in order; about 8 ms a pair and core. The same pair gets the same."""
        if len(pairs) == 1:
            return [self._read(*pairs[0])]
        return list(self._pool.map(self._read_pair, pairs))

    def _read_pair(self, pair: tuple[str, str]) -> Scores:
        return self._read(*pair)

    def _run(self, claim: str, evidence: str) -> Scores:
        """One pair at a time: int8 scales are those of all that is run together."""
        numpy = import_module("numpy")
        paired = self._pairer.pair(claim, evidence)
        ids = numpy.array([paired.ids], dtype=numpy.int64)
        given = {
            "input_ids": ids,
            "token_type_ids": numpy.array([paired.types], dtype=numpy.int64),
            "attention_mask": numpy.ones_like(ids),
            "marks": numpy.array([paired.marks], dtype=numpy.float32),
        }
        return Scores(*(float(x) for x in self._session.run(None, given)[0][0]))


@cache
def verifier() -> Verifier:
    """The shipped verifier, loaded once."""
    return Verifier()
