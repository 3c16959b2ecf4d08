"""Texts as vectors whose nearness is nearness in meaning: for finding passages. English weights, offline, one core.

The weights are those of all-MiniLM-L6-v2 (Apache-2.0), in int8; `wardround.alignment` has the recipe. Texts in other
languages get vectors too, but these tell little: there, full text finds the passages.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ..weights import checked, session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]

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

    def embed(self, texts: Sequence[str]) -> Floats:
        """One row for each text, in order: shape (texts, 384), length 1.

        Texts are run one by one: int8 scales are those of all that is run together, so that a vector would depend on
        its neighbours.
        """
        numpy = import_module("numpy")
        if not texts:
            return cast("Floats", numpy.zeros((0, WIDTH), dtype=numpy.float32))
        return cast("Floats", numpy.stack([self._one(numpy, text) for text in texts]))

    def vector(self, text: str) -> list[float]:
        """The vector of one text."""
        return [float(x) for x in self._one(import_module("numpy"), text)]

    def _one(self, numpy: Any, text: str) -> Any:
        encoding: Any = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        ids = numpy.array([encoding.ids], dtype=numpy.int64)
        vector = self._session.run(None, {"input_ids": ids, "attention_mask": numpy.ones_like(ids)})[0][0]
        return (vector / max(float(numpy.linalg.norm(vector)), 1e-9)).astype(numpy.float32)


@cache
def embedder() -> Embedder:
    """The shipped embedder, loaded once."""
    return Embedder()
