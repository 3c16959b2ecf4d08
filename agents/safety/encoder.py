"""The small encoder: text to windows, windows to vectors, on one core and offline. What vectors mean: `heads`.

The weights in `model/` were made by the recipes of `wardround.alignment`. They are loaded at first use, after their
digest was compared: a file that was altered or is missing raises, and the detectors report it.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..weights import checked, session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]

MODEL = Path(__file__).parent / "model"
MAX_TOKENS = 96
"""Tokens of a window, without the two that frame it: longer ones cost more than they tell."""
MAX_CHARS = 40_000
"""Most characters of one text that are read: half of them its beginning, half its end. The receipt says where a text
had more; the rules read all of it."""
MAX_WINDOWS = 120
"""Most windows of one text (0.8 s); ordinary prose of `MAX_CHARS` has fewer."""
KEPT_WINDOWS = 2_000
"""Windows whose vectors are kept, by digest: the sentences of a stream are read once. About 2 kB each."""
KEPT_TEXTS = 16
"""Texts whose windows are kept: each head and the tagger ask for the same ones in turn, 1.2 ms for 2,000 characters."""
FEATURES = 4
"""Marks of how a token is written: capitalised, all capitals, with a digit, in the middle of a word."""
_UNKNOWN, _FIRST, _LAST = 100, 101, 102
"""Tokens of the vocabulary: an unknown one, and the frame of a window."""
_LONE = re.compile("[\ud800-\udfff]")
_ENDS = frozenset(".!?\n;。！？।")


class Window(NamedTuple):
    """A stretch of a text that the encoder reads at once."""

    start: int
    end: int
    ids: tuple[int, ...]
    """Tokens, with the frame."""
    spans: tuple[tuple[int, int], ...]
    """Characters of each token in the text, the frame left out."""

    @property
    def unknown(self) -> float:
        """Share of the tokens that the vocabulary does not know."""
        return self.ids.count(_UNKNOWN) / len(self.ids)


class Seen(NamedTuple):
    """What the encoder made of a window."""

    vector: Floats
    """Mean of its tokens, 384 numbers."""
    tags: Floats
    """Scores of every tag for every token of the window, the frame left out: tokens x tags."""


class Cutter:
    """Texts to windows, with a vocabulary file."""

    def __init__(self, path: Path) -> None:
        tokenizers = import_module("tokenizers")
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def windows(self, text: str) -> list[Window]:
        """The windows of a text, cut at ends of sentences where there are any; a longer text begins with the same."""
        if len(text) <= MAX_CHARS:
            return self._part(text, 0)[:MAX_WINDOWS]
        half = MAX_CHARS // 2
        ends = (self._part(text[:half], 0), self._part(text[-half:], len(text) - half))
        return [w for part in ends for w in part[: MAX_WINDOWS // 2]]

    def _part(self, text: str, at: int) -> list[Window]:
        plain = _LONE.sub("\ufffd", text)  # half a character, which the tokenizer refuses; as long as before
        encoding: Any = self._tokenizer.encode(plain, add_special_tokens=False)
        return list(_cut(text, encoding.ids, encoding.offsets, at))


class Encoder:
    """Windows and their vectors. Safe to use from several threads."""

    def __init__(self, folder: Path = MODEL) -> None:
        """Load weights and vocabulary. Raises `WardroundError` where a file is missing or not the one that was made."""
        self._session = session(checked(folder, "encoder.onnx"))
        self._windows = lru_cache(maxsize=KEPT_TEXTS)(Cutter(checked(folder, "tokenizer.json")).windows)
        self._kept: OrderedDict[bytes, Seen] = OrderedDict()
        self._lock = Lock()

    def see(self, texts: Sequence[str]) -> list[list[tuple[Window, Seen]]]:
        """Windows and vectors of each text, in order; at most `MAX_WINDOWS` of one."""
        cut = [self._windows(text) for text in texts]
        keys = [[_key(text, w) for w in ws] for text, ws in zip(texts, cut, strict=True)]
        wanted = {k: (t, w) for t, ws, ks in zip(texts, cut, keys, strict=True) for w, k in zip(ws, ks, strict=True)}
        seen = self._fetch(wanted)
        return [[(w, seen[k]) for w, k in zip(ws, ks, strict=True)] for ws, ks in zip(cut, keys, strict=True)]

    def forget(self) -> None:
        """Drop what was kept, for measuring."""
        with self._lock:
            self._kept.clear()

    def _fetch(self, wanted: dict[bytes, tuple[str, Window]]) -> dict[bytes, Seen]:
        with self._lock:
            seen = {k: self._kept[k] for k in wanted if k in self._kept}
        fresh = {k: self._run(*pair) for k, pair in wanted.items() if k not in seen}
        with self._lock:
            self._kept |= fresh
            while len(self._kept) > KEPT_WINDOWS:
                self._kept.popitem(last=False)
        return seen | fresh

    def _run(self, text: str, window: Window) -> Seen:
        """One window at a time: the scales of int8 are those of all that is run together, so that a vector would depend
        on its neighbours; and a batch gains a twentieth on one core."""
        import numpy as np

        ids = np.array([window.ids], dtype=np.int64)
        marks = np.zeros((1, len(window.ids), FEATURES), dtype=np.float32)
        marks[0, 1:-1] = [features(text, *span) for span in window.spans]
        vectors, tags = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "marks": marks})
        return Seen(vectors[0], tags[0, 1:-1])


@cache
def encoder() -> Encoder:
    """The shipped encoder, loaded once."""
    return Encoder()


def features(text: str, start: int, end: int) -> tuple[float, float, float, float]:
    """How a token is written, since the vocabulary knows no capitals."""
    token = text[start:end]
    inside = start > 0 and text[start - 1].isalnum()
    return (
        float(token[:1].isupper()),
        float(len(token) > 1 and token.isupper()),
        float(any(c.isdigit() for c in token)),
        float(inside),
    )


def _key(text: str, window: Window) -> bytes:
    """What the encoder is given: the tokens, and the text that its marks are taken from, with the character before."""
    inside = text[window.start - 1 : window.start].isalnum()
    written = text[window.start : window.end].encode("utf-8", "replace")
    return hashlib.blake2b(array("H", window.ids).tobytes() + bytes([inside]) + written, digest_size=16).digest()


def _cut(text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]], start: int = 0) -> Iterator[Window]:
    """Windows of at most `MAX_TOKENS`; the cut is after the last end of a sentence in a window's later two thirds."""
    at = 0
    while at < len(ids):
        end = min(at + MAX_TOKENS, len(ids))
        if end < len(ids):
            ends = (i for i in range(end, at + MAX_TOKENS // 3, -1) if text[offsets[i - 1][1] - 1] in _ENDS)
            end = next(ends, end)
        spans = tuple((a + start, b + start) for a, b in offsets[at:end])
        yield Window(spans[0][0], spans[-1][1], (_FIRST, *ids[at:end], _LAST), spans)
        at = end
