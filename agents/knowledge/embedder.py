"""Texts as vectors whose nearness is nearness in meaning: for finding passages. English weights, offline, one core.

The weights are those of all-MiniLM-L6-v2 (Apache-2.0), in int8; `wardround.alignment` has the recipe. Texts in other
languages get vectors too, but these tell little: there, full text finds the passages.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ..weights import checked, session

MODEL = Path(__file__).parent / "model"
WIDTH = 384
"""Numbers of a vector."""
MAX_TOKENS = 256
"""Tokens of a text that are read, its frame included; the weights were made for that length."""


class Embedder:
    """Vectors of unit length. Safe to use from several threads."""

    def __init__(self, folder: Path = MODEL) -> None:
        """Load weights and vocabulary. Raises `WardroundError` where a file is missing or not the one that was made."""
        from tokenizers import Tokenizer

        self._session: Any = session(checked(folder, "embedder.onnx"))
        self._tokenizer: Any = Tokenizer.from_file(str(checked(folder, "tokenizer.json")))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def vector(self, text: str) -> list[float]:
        """The vector of one text, its 384 numbers.

        Texts are run one by one: int8 scales are those of all that is run together, so that a vector would depend on
        its neighbours.
        """
        numpy = import_module("numpy")
        encoding: Any = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        ids = numpy.array([encoding.ids], dtype=numpy.int64)
        vector = self._session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})[0][0]
        length = max(float(numpy.linalg.norm(vector)), 1e-9)
        return [float(x) / length for x in vector]


@cache
def embedder() -> Embedder:
    """The shipped embedder, loaded once."""
    return Embedder()
