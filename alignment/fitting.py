"""Heads from vectors: logistic regression, calibration on texts that shaped no weight, thresholds.

Seconds on two cores. The encoder stays as it is. Needs the extra `train` (scikit-learn).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, NamedTuple

from wardround.agents.safety.encoder import Encoder
from wardround.agents.safety.heads import Head, Multi, combined, read
from wardround.policies.errors import WardroundError
from wardround.policies.finding import Severity

from .examples import Example

LEVELS: tuple[str, ...] = ("none", *(s.value for s in Severity))
STRENGTH = 0.3
"""Inverse of the regularisation of a head."""
LEAST = 0.3
"""No threshold lies lower, however few false alarms it would give."""
MIN_LABELLED = 20
"""Texts of either label that a head needs at least, for its weights and for its calibration each."""


Kind = Literal["usual", "template", "message", "kept", "other"]
"""Of a data set; made from the head's own templates, which are matched in words; a message written for the head; a
message written apart from all that shaped weights; written for another head, which sets no threshold."""


class Row(NamedTuple):
    """One labelled text as a head sees it."""

    vectors: Any
    """Windows x width."""
    label: int
    level: str
    """What the rules say."""
    measured: bool
    weight: float
    kind: Kind = "usual"


class Share(NamedTuple):
    """How many benign texts may be flagged."""

    usual: float
    """Of the data sets' texts."""
    template: float
    """Of near misses made from templates, word for word like what is to be flagged."""
    message: float
    """Of messages written to be mistaken, side by side with what is to be flagged."""
    kept: float = 1.0
    """Of messages that were written apart, most like what people will write."""


class Fitted(NamedTuple):
    """A head, and what it gives to each text kept for measuring, from a calibration without that text."""

    head: Head
    probabilities: tuple[float, ...]
    labels: tuple[int, ...]


def vectors(encoder: Encoder, examples: Sequence[Example], say: Callable[[str], None] | None = None) -> list[Any]:
    """The vectors of every example, windows x width; an empty text has none."""
    numpy = import_module("numpy")
    found: list[Any] = []
    for at in range(0, len(examples), 64):
        for readings in read([e.text for e in examples[at : at + 64]], encoder):
            found.append(numpy.array([r.seen.vector for r in readings], dtype="float32"))
        if say is not None and len(found) % 1024 == 0:
            say(f"read {len(found)} of {len(examples)} texts")
    return found


def fit(rows: Sequence[Row], *, sure: Share, suspected: Share, start: Head | None = None) -> Fitted:
    """One head; `sure` and `suspected` bound the benign texts without a rule's finding that each threshold may flag.

    With `start` the weights are drawn towards that head's instead of towards zero: few labels then change it little.
    Raises `WardroundError` where there are too few labelled texts, saying how many are missing.
    """
    _enough(rows)
    weights, bias = _weights([r for r in rows if not r.measured], start)
    held = [r for r in rows if r.measured]
    scores = [float((r.vectors @ weights).max()) + bias for r in held]
    slope, intercept, rules = _calibrate(scores, held)
    head = Head(
        weights=tuple(round(float(w), 5) for w in weights),
        bias=round(bias, 5), slope=slope, intercept=intercept, rules=rules, suspected=1.0, sure=1.0,
    )  # fmt: skip
    crossed = _crossed(head, scores, held)
    quiet: list[tuple[float, Kind]] = [
        (p, r.kind) for p, r in zip(crossed, held, strict=True) if not r.label and r.level == "none"
    ]
    high = _threshold(quiet, sure)
    head = head.model_copy(update={"sure": high, "suspected": min(high, _threshold(quiet, suspected))})
    return Fitted(head, tuple(crossed), tuple(r.label for r in held))


def fit_classes(found: Sequence[Any], names: Sequence[str], classes: Sequence[str]) -> Multi:
    """A head with one score for each class."""
    numpy = import_module("numpy")
    linear: Any = import_module("sklearn.linear_model")
    model = linear.LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    model.fit(numpy.array([v.mean(axis=0) for v in found]), list(names))
    order = [list(model.classes_).index(c) for c in classes]
    rounded = [[round(float(w), 5) for w in model.coef_[i]] for i in order]
    return Multi(
        classes=tuple(classes),
        weights=tuple(tuple(r) for r in rounded),
        bias=tuple(round(float(model.intercept_[i]), 5) for i in order),
    )


def _enough(rows: Sequence[Row]) -> None:
    for measured in (False, True):
        for label in (0, 1):
            n = sum(r.measured is measured and r.label == label for r in rows)
            if n < MIN_LABELLED:
                use = "calibration" if measured else "weights"
                raise WardroundError(f"{use}: {MIN_LABELLED - n} more texts labelled {label} are needed")


def _weights(rows: Sequence[Row], start: Head | None) -> tuple[Any, float]:
    """Weights from windows: all of a benign text, of a text to be flagged those that look most like it (two passes)."""
    chosen = [r.vectors if not r.label else r.vectors[:1] for r in rows]
    weights, _ = _regress(chosen, rows, start)
    chosen = [r.vectors if not r.label else r.vectors[[int((r.vectors @ weights).argmax())]] for r in rows]
    return _regress(chosen, rows, start)


def _regress(chosen: Sequence[Any], rows: Sequence[Row], start: Head | None) -> tuple[Any, float]:
    """Logistic regression by L-BFGS, both labels weighing the same in all, with a pull towards where it starts."""
    numpy, optimize = import_module("numpy"), import_module("scipy.optimize")
    inputs = numpy.concatenate(chosen).astype("float64")
    signs = numpy.array([1.0 if r.label else -1.0 for r, vs in zip(rows, chosen, strict=True) for _ in vs])
    shares = numpy.array([r.weight / len(vs) for r, vs in zip(rows, chosen, strict=True) for _ in vs])
    for sign in (1.0, -1.0):
        shares[signs == sign] *= 0.5 * len(rows) / shares[signs == sign].sum()
    origin = numpy.zeros(inputs.shape[1] + 1)
    if start is not None:
        origin[:] = [*start.weights, start.bias]

    def loss(point: Any) -> tuple[float, Any]:
        margins = signs * (inputs @ point[:-1] + point[-1])
        pull = (point - origin) / STRENGTH
        slopes = -shares * signs * numpy.exp(-numpy.logaddexp(0, margins))
        value = (shares * numpy.logaddexp(0, -margins)).sum() + 0.5 * float(pull @ (point - origin))
        return value, numpy.append(inputs.T @ slopes, slopes.sum()) + pull

    found = optimize.minimize(loss, origin, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return found[:-1].astype("float32"), float(found[-1])


def _calibrate(scores: Sequence[float], rows: Sequence[Row]) -> tuple[float, float, dict[str, float]]:
    """Slope, intercept, and what each level of the rules adds: Platt scaling with the rules as further inputs.

    Both labels weigh the same in all: a probability is a frequency where one text in two is to be flagged.
    """
    numpy = import_module("numpy")
    linear: Any = import_module("sklearn.linear_model")
    inputs = numpy.array([[s, *(float(r.level == x) for x in LEVELS[1:])] for s, r in zip(scores, rows, strict=True)])
    model = linear.LogisticRegression(C=1.0, max_iter=2000)
    totals = {label: sum(r.weight for r in rows if r.label == label) for label in (0, 1)}
    shares = [0.5 * len(rows) * r.weight / totals[r.label] for r in rows]
    model.fit(inputs, [r.label for r in rows], sample_weight=shares)
    added = [max(0.0, float(c)) for c in model.coef_[0][1:]]
    for i in range(1, len(added)):
        added[i] = max(added[i], added[i - 1])
    rules = {x: round(c, 4) for x, c in zip(LEVELS, (0.0, *added), strict=True)}
    return round(float(model.coef_[0][0]), 5), round(float(model.intercept_[0]), 5), rules


def _crossed(head: Head, scores: Sequence[float], rows: Sequence[Row]) -> list[float]:
    """Probabilities of five calibrations, each of which did not see the texts that it is asked about."""
    found = [0.0] * len(rows)
    for fold in range(5):
        kept = [i for i in range(len(rows)) if i % 5 != fold]
        slope, intercept, rules = _calibrate([scores[i] for i in kept], [rows[i] for i in kept])
        one = head.model_copy(update={"slope": slope, "intercept": intercept, "rules": rules})
        for i in range(fold, len(rows), 5):
            found[i] = combined(one, scores[i], rows[i].level)
    return found


def _threshold(quiet: Sequence[tuple[float, Kind]], share: Share) -> float:
    """The probability that about the shares of the benign texts of each kind reach, one of each at least: a single odd
    text in a small set must not decide."""
    least = LEAST
    kinds: tuple[tuple[Kind, float], ...] = (
        ("usual", share.usual), ("template", share.template), ("message", share.message), ("kept", share.kept),
    )  # fmt: skip
    for kind, allowed in kinds:
        ordered = sorted((p for p, k in quiet if k == kind), reverse=True)
        at = max(1, round(allowed * len(ordered)))
        least = max(least, ordered[at] + 1e-4 if at < len(ordered) else 0.0)
    return round(min(0.999, least), 4)


def by_group(examples: Sequence[Example], fitted: Fitted, threshold: float) -> Mapping[str, tuple[int, int]]:
    """Flagged and all of every source, group and language, in the order of the texts kept for measuring."""
    found: dict[str, tuple[int, int]] = {}
    for e, p in zip(examples, fitted.probabilities, strict=True):
        for key in (f"source {e.source}", f"group {e.source}: {e.group}", f"language {e.language}"):
            flagged, of = found.get(key, (0, 0))
            found[key] = (flagged + (p >= threshold), of + 1)
    return found
