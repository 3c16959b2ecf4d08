"""What the encoder's vectors mean: a probability for each question, rules and head together. Which texts: `trained`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from wardround.policies.errors import WardroundError
from wardround.policies.finding import Severity

from ..weights import checked
from .encoder import MODEL, Encoder, Seen, Window, encoder
from .gloss import gloss

MAX_UNKNOWN = 0.25
"""A window with a larger share of unknown tokens is left to the rules."""
MIN_LATIN = 0.7
"""A window with a smaller share of Latin letters is left to the rules: the heads learned from Latin script."""
_LATIN_END = "\u0250"
Level = str
"""The strongest severity that the rules give a text, or `none`."""


class Head(BaseModel):
    """A logistic head, and how its score and the rules make a probability."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: tuple[float, ...]
    """One for each number of the vector."""
    bias: float
    slope: float
    """Log-odds for each unit of the score."""
    intercept: float
    rules: Mapping[Level, float]
    """Log-odds that the rules add at each level."""
    suspected: float
    """Probability from which a text without a rule's finding gets a moderate one."""
    sure: float
    """Probability from which it gets a major one."""


class Multi(BaseModel):
    """A head with one score for each class; softmax makes them probabilities."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]


class Tagger(BaseModel):
    """The classes of a token, in the order of the encoder's scores, and how sure a token must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tags: tuple[str, ...]
    sure: Mapping[str, float]
    """Tag to the least probability of a token."""


class Heads(BaseModel):
    """`model/heads.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    made: str
    """Date of making, ISO 8601."""
    encoder: str
    """SHA-256 of the encoder that the heads belong to."""
    heads: Mapping[str, Head]
    task: Multi | None = None
    tagger: Tagger | None = None


class Reading(NamedTuple):
    """What the encoder made of a part of a text, as it stands or glossed."""

    seen: Seen
    start: int
    """Where the part stands in the text."""
    end: int


class Verdict(NamedTuple):
    """What a head says of a text."""

    probability: float
    start: int
    """Where the part stands that speaks most for it."""
    end: int


@cache
def heads() -> Heads:
    """The shipped heads. Raises `WardroundError` where the file is not the one that was released."""
    path = checked(MODEL, "heads.json")
    try:
        return Heads.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise WardroundError(f"agents/safety/model/heads.json cannot be read: {error.error_count()} errors") from error


def judge(name: str, text: str, level: Severity | None = None, *, by: Encoder | None = None) -> Verdict:
    """The probability that a text is what the head asks for; `level` is what the rules say. Raises as `encoder`."""
    head = heads().heads[name]
    readings = read([text], by or encoder())[0]
    if not readings:
        return Verdict(combined(head, -head.intercept / head.slope, level.value) if level else 0.0, 0, len(text))
    scores = [score(head, r.seen) for r in readings]
    best = max(range(len(scores)), key=scores.__getitem__)
    return Verdict(combined(head, scores[best], level.value if level else "none"), *readings[best][1:])


def read(texts: Sequence[str], by: Encoder) -> list[list[Reading]]:
    """What the heads are asked about each text: its windows in Latin letters, and those of its gloss."""
    glosses = [gloss(text) for text in texts]
    found = by.see([*texts, *(g.text for g in glosses if g)])
    glossed = iter(found[len(texts) :])
    readings: list[list[Reading]] = []
    for text, g, seen in zip(texts, glosses, found, strict=False):
        own = [Reading(s, w.start, w.end) for w, s in seen if _readable(text, w)]
        if g is not None:
            of_gloss = ((w, s) for w, s in next(glossed) if w.unknown <= MAX_UNKNOWN)
            own += [Reading(s, *g.original(w.start, w.end)) for w, s in of_gloss]
        readings.append(own)
    return readings


def _readable(text: str, window: Window) -> bool:
    return window.unknown <= MAX_UNKNOWN and _is_latin(text[window.start : window.end])


def _is_latin(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return sum(c < _LATIN_END for c in letters) >= MIN_LATIN * len(letters)


def score(head: Head, seen: Seen) -> float:
    """The head's score of one window; a text's score is its windows' highest."""
    return float(_array(head.weights) @ seen.vector) + head.bias


def combined(head: Head, raw: float, level: Level) -> float:
    """Score and rules to a probability."""
    return _sigmoid(head.slope * raw + head.intercept + head.rules.get(level, 0.0))


def classes(multi: Multi, readings: Sequence[Reading]) -> dict[str, float]:
    """Probability of every class for a text: the mean of its readings."""
    numpy = import_module("numpy")
    if not readings:
        return dict.fromkeys(multi.classes, 1 / len(multi.classes))
    scores = numpy.array([numpy.array(multi.weights) @ r.seen.vector + numpy.array(multi.bias) for r in readings])
    powers = numpy.exp(scores - scores.max(axis=1, keepdims=True))
    shares = (powers / powers.sum(axis=1, keepdims=True)).mean(axis=0)
    return dict(zip(multi.classes, map(float, shares), strict=True))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


@cache
def _array(weights: tuple[float, ...]) -> Any:
    return import_module("numpy").array(weights, dtype="float32")
