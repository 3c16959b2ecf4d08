"""The network's word and the exact checks, weighed into one verdict with a calibrated probability.

Steps: 1. exact checks over whole passages; 2. the network over the stretches nearest to the claim; 3. a logistic model
over both, fitted on pairs that shaped no weight, gives the probabilities; 4. thresholds make the label. A claim whose
figures stand nowhere is never supported, whatever the network says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from wardround.policies.errors import WardroundError

from ..weights import checked
from .entail import Cause, Label, Verdict
from .statement import Statement, polarity, weight
from .verifier import MODEL, Scores
from .windows import Window

UNREAD = Scores(0.0, 0.0, 4.0)
"""Scores of a claim that has no evidence beside it."""


VETO = 0.6
"""Probability of support from which the network overrules an exact check that sees a contradiction."""


class Weights(BaseModel):
    """`model/weighing.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    made: str
    """Date of making, ISO 8601."""
    verifier: str
    """SHA-256 of the network that it belongs to."""
    features: tuple[str, ...]
    """Names of the numbers, in order."""
    weights: Mapping[str, tuple[float, ...]]
    """For each label one weight for each number."""
    bias: Mapping[str, float]
    supported: float
    """Probability from which a claim counts as supported."""
    contradicted: float
    """Probability from which it counts as contradicted."""
    unsure: tuple[float, float]
    """Probabilities of support between which a second opinion may be asked."""


class Weighed(NamedTuple):
    """A verdict and the probabilities behind it."""

    verdict: Verdict
    probability: float
    """That the evidence supports the claim, 0 to 1, calibrated."""
    contradiction: float
    """That it speaks against it."""
    best: Window | None
    """The stretch that speaks most clearly."""


@cache
def weights() -> Weights:
    """The shipped weights. Raises `WardroundError` where the file is not the one that was released."""
    path = checked(MODEL, "weighing.json")
    try:
        return Weights.model_validate_json(path.read_bytes())
    except ValidationError as error:
        count = error.error_count()
        raise WardroundError(f"agents/knowledge/model/weighing.json cannot be read: {count} errors") from error


FEATURES = (
    "support", "against", "relevance", "covered", "other_figure", "opposite", "exact_support", "figure_missing",
    "figure_found", "sides_differ", "sides_agree", "denial_differs",
)  # fmt: skip


def features(claim: Statement, exact: Verdict, read: Sequence[tuple[Window, Scores]]) -> tuple[float, ...]:
    """The numbers that are weighed; `FEATURES` names them."""
    scores = [s for _, s in read] or [UNREAD]
    support = max(s.supported - max(s.neutral, s.contradicted) for s in scores)
    against = max(s.contradicted - max(s.neutral, s.supported) for s in scores)
    relevance = max(max(s.supported, s.contradicted) - s.neutral for s in scores)
    total = weight(claim.tokens)
    covered = max((w.score for w, _ in read), default=0.0) / total if total else 0.0
    against_exact = exact.confidence if exact.label is Label.CONTRADICTED else 0.0
    return (
        support,
        against,
        relevance,
        covered,
        against_exact if exact.cause is Cause.QUANTITY else 0.0,
        against_exact if exact.cause is not Cause.QUANTITY else 0.0,
        exact.confidence if exact.label is Label.SUPPORTED else 0.0,
        float(bool(exact.missing)),
        float(bool(claim.quantities) and not exact.missing),
        *_sides(claim, read),
    )


def _sides(claim: Statement, read: Sequence[tuple[Window, Scores]]) -> tuple[float, float, float]:
    """Of the stretch that speaks most clearly: whether it takes another side on an axis that both speak of, or the
    same (more or less, before or after), and whether just one of claim and its nearest sentence denies something."""
    if not read:
        return 0.0, 0.0, 0.0
    window = max(read, key=lambda r: max(r[1].supported, r[1].contradicted) - r[1].neutral)[0]
    if not window.statements:
        return 0.0, 0.0, 0.0
    mine = polarity(claim.tokens)
    theirs = polarity(t for s in window.statements for t in s.tokens)
    shared = [k for k in mine if k[0] in "@~" and k in theirs]
    apart = any(mine[k].isdisjoint(theirs[k]) for k in shared)
    nearest = max(window.statements, key=lambda s: len(s.keys & claim.keys))
    differs = _denies(claim) != _denies(nearest)
    return float(apart), float(any(not mine[k].isdisjoint(theirs[k]) for k in shared)), float(differs)


def _denies(statement: Statement) -> bool:
    return any(t.head and t.negated for t in statement.tokens)


def weigh(
    claim: Statement, exact: Verdict, read: Sequence[tuple[Window, Scores]], by: Weights | None = None
) -> Weighed:
    """The verdict on one claim that the network could read."""
    model = by or weights()
    share = shares(features(claim, exact, read), model)
    supported, contradicted = share[Label.SUPPORTED], share[Label.CONTRADICTED]
    best = max(read, key=lambda r: max(r[1].supported, r[1].contradicted) - r[1].neutral)[0] if read else None
    told = exact.passages or ((best.passage.id,) if best else ())
    label = label_of(supported, contradicted, missing=bool(exact.missing), by=model)
    if exact.label is Label.CONTRADICTED and supported < VETO:
        label, contradicted = exact.label, max(contradicted, exact.confidence)
    if label is Label.CONTRADICTED:
        cause = exact.cause if exact.label is Label.CONTRADICTED else Cause.MEANING
        verdict = replace(exact, label=label, confidence=contradicted, cause=cause, passages=told)
    elif label is Label.SUPPORTED:
        verdict = Verdict(label, supported, _backing(exact, read, best), missing=exact.missing)
    else:
        verdict = Verdict(label, 1 - supported, told[:1], missing=exact.missing)
    return Weighed(verdict, 0.0 if exact.missing else supported, contradicted, best)


def shares(numbers: Sequence[float], by: Weights) -> dict[Label, float]:
    """Probability of each label."""
    odds = {k: by.bias[k] + sum(w * x for w, x in zip(by.weights[k], numbers, strict=True)) for k in Label}
    highest = max(odds.values())
    powers = {k: math.exp(v - highest) for k, v in odds.items()}
    return {k: v / sum(powers.values()) for k, v in powers.items()}


def label_of(supported: float, contradicted: float, *, missing: bool, by: Weights) -> Label:
    """The label that probabilities and thresholds lead to."""
    if contradicted >= by.contradicted and contradicted > supported:
        return Label.CONTRADICTED
    return Label.SUPPORTED if supported >= by.supported and not missing else Label.NOT_FOUND


def exact_only(exact: Verdict) -> Weighed:
    """The verdict on a claim in a language that the network does not read: what the exact checks say."""
    sure = exact.confidence
    match exact.label:
        case Label.SUPPORTED:
            return Weighed(exact, sure, 0.0, None)
        case Label.CONTRADICTED:
            return Weighed(exact, 0.0, sure, None)
        case Label.NOT_FOUND:
            return Weighed(exact, 1 - sure, 0.0, None)


def _backing(exact: Verdict, read: Sequence[tuple[Window, Scores]], best: Window | None) -> tuple[str, ...]:
    """Passages that bear a claim out: the network's first, then those with the same words."""
    saying = sorted(
        (r for r in read if r[1].supported > max(r[1].neutral, r[1].contradicted)), key=lambda r: -r[1].supported
    )
    first = [w.passage.id for w, _ in saying] or ([best.passage.id] if best else [])
    more = exact.passages if exact.label is Label.SUPPORTED else ()
    return tuple(dict.fromkeys((*first, *more)))[:3]
