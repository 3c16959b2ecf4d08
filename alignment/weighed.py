"""From pairs that shaped no weight to `weighing.json`: how the network's word and the exact checks are weighed.

A logistic model with three classes over the numbers of `weighing.features`, fitted by likelihood; where a source does
not say whether a claim is contradicted or unsaid, the two together count. Thresholds: supported from even odds on, both
kinds alike; contradicted from where at most `FALSE_ALARMS` of supported claims would be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from wardround.agents.knowledge.comparing import MOST_PAIRS
from wardround.agents.knowledge.entail import Label, judge
from wardround.agents.knowledge.retrieve import compile_texts
from wardround.agents.knowledge.statement import compile_statement
from wardround.agents.knowledge.verifier import Verifier
from wardround.agents.knowledge.weighing import FEATURES, VETO, Weights, features, label_of, shares
from wardround.agents.knowledge.windows import windows
from wardround.agents.weights import digest

from . import claims_card
from .pairs import Pair
from .verdicts import CONTRADICTED, NEUTRAL, SUPPORTED, UNSUPPORTED

FALSE_ALARMS = 0.02
"""Share of supported claims that may count as contradicted."""
CLASSES = (Label.SUPPORTED, Label.CONTRADICTED, Label.NOT_FOUND)
"""In the order of `verdicts`."""
LEFT_OUT = frozenset({"citations", "fever"})
"""Sources that are not weighed by: one has many wrong labels, the other is about the world at large."""
MISSING = FEATURES.index("figure_missing")
AGAINST = (FEATURES.index("other_figure"), FEATURES.index("opposite"))
_RIDGE = 1e-4
_STEPS = 3_000
_PER_SOURCE = 120
"""Pairs of one source and label that count at most: no source decides alone."""
_WRITTEN = frozenset({"about", "own", "restated", "mirrored"})
"""Sources of claims that somebody wrote: more like what will be asked than what a program makes of a sentence."""
_PER_WRITTEN = 600
"""The same for these."""


class Row(NamedTuple):
    """One pair as it is weighed."""

    numbers: tuple[float, ...]
    label: int
    source: str


def make(folder: Path, pairs: Sequence[Pair], say: Callable[[str], None]) -> None:
    """Fit and write `weighing.json`, `digests.json` and the model card, from the pairs that shaped no weight."""
    _digests(folder)
    kept = [p for p in pairs if p.part == "measure" and p.source.partition("/")[0] not in LEFT_OUT]
    halves = [[p for p in kept if _half(p) == h] for h in (0, 1)]
    by = Verifier(folder)
    fitted, measured = (rows(half, by) for half in halves)
    before = fit(fitted, folder / "verifier.onnx")
    told = figures(measured, before)
    for source, figure in told.items():
        say(f"{source}: {figure}")
    write(folder, fit([*fitted, *measured], folder / "verifier.onnx"))
    claims_card.write(folder, told, pairs)


def figures(found: Sequence[Row], by: Weights) -> dict[str, dict[str, float]]:
    """Balanced accuracy of supported against not, and the share of each kind that counts as contradicted, by source."""
    told: dict[str, dict[str, float]] = {}
    for source in sorted({r.source.partition("/")[0] for r in found}):
        mine = [(r.label, verdict(r, by)) for r in found if r.source.partition("/")[0] == source]
        yes = [v is Label.SUPPORTED for label, v in mine if label == SUPPORTED]
        no = [v is not Label.SUPPORTED for label, v in mine if label != SUPPORTED]
        if len(yes) < 10 or len(no) < 10:
            continue
        wrong = [v is Label.CONTRADICTED for label, v in mine if label == SUPPORTED]
        right = [v is Label.CONTRADICTED for label, v in mine if label == CONTRADICTED]
        told[source] = {
            "pairs": len(mine),
            "balanced_accuracy": round((sum(yes) / len(yes) + sum(no) / len(no)) / 2, 3),
            "supported_released": round(sum(yes) / len(yes), 3),
            "others_held": round(sum(no) / len(no), 3),
            "supported_called_contradicted": round(sum(wrong) / len(wrong), 3),
            "contradicted_called_so": round(sum(right) / max(1, len(right)), 3),
        }
    return told


def verdict(row: Row, by: Weights) -> Label:
    """The label that the numbers lead to."""
    share = shares(row.numbers, by)
    if max(row.numbers[i] for i in AGAINST) > 0 and share[Label.SUPPORTED] < VETO:
        return Label.CONTRADICTED
    return label_of(share[Label.SUPPORTED], share[Label.CONTRADICTED], missing=row.numbers[MISSING] > 0, by=by)


def _half(pair: Pair) -> int:
    return hashlib.sha256(pair.evidence.encode()).digest()[0] % 2


def rows(pairs: Sequence[Pair], by: Verifier) -> list[Row]:
    """What the agent would weigh for each pair; the network's stretches as the agent chooses them."""
    found: list[Row] = []
    for pair in pairs:
        claim = compile_statement(pair.claim, "en")
        passages = (compile_texts("e", pair.evidence, "en"),)
        near = windows(claim, passages, most=MOST_PAIRS)
        scores = by.read([(pair.claim, w.text) for w in near])
        read = list(zip(near, scores, strict=True))
        found.append(Row(features(claim, judge(claim, passages), read), pair.label, pair.source))
    return found


def fit(found: Sequence[Row], verifier: Path) -> Weights:
    """The model. Needs numpy and scipy."""
    numpy = import_module("numpy")
    kept = _evenly(found)
    x = numpy.array([[*r.numbers, 1.0] for r in kept])
    y = numpy.array([r.label for r in kept])
    balance = numpy.where(y == SUPPORTED, 0.5 / (y == SUPPORTED).mean(), 0.5 / (y != SUPPORTED).mean())
    best = import_module("scipy.optimize").minimize(
        _cost,
        numpy.zeros(3 * x.shape[1]),
        args=(x, y, balance),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _STEPS},
    )
    table = best.x.reshape(3, -1)
    share = _softmax(numpy, x @ table.T)
    return Weights(
        made=datetime.now(UTC).date().isoformat(),
        verifier=digest(verifier),
        features=FEATURES,
        weights={c: tuple(round(float(w), 5) for w in table[i, :-1]) for i, c in enumerate(CLASSES)},
        bias={c: round(float(table[i, -1]), 5) for i, c in enumerate(CLASSES)},
        supported=0.5,
        contradicted=round(max(0.5, float(numpy.quantile(share[y == SUPPORTED, 1], 1 - FALSE_ALARMS))), 3),
        unsure=(0.3, 0.7),
    )


def _evenly(found: Sequence[Row]) -> list[Row]:
    """At most so many of each source and label, chosen by digest."""
    order = sorted(found, key=lambda r: hashlib.sha256(repr(r).encode()).digest())
    counts: dict[tuple[str, int], int] = {}
    kept: list[Row] = []
    for row in order:
        counts[row.source, row.label] = counts.get((row.source, row.label), 0) + 1
        if counts[row.source, row.label] <= (_PER_WRITTEN if row.source in _WRITTEN else _PER_SOURCE):
            kept.append(row)
    return kept


def _cost(table: Any, x: Any, y: Any, balance: Any) -> tuple[float, Any]:
    """Negative log-likelihood with a ridge, and its gradient."""
    numpy = import_module("numpy")
    w = table.reshape(3, -1)
    share = _softmax(numpy, x @ w.T)
    right = numpy.zeros_like(share)
    for label in (SUPPORTED, CONTRADICTED, NEUTRAL):
        right[y == label, label] = 1.0
    both = share[:, 1:] / share[:, 1:].sum(axis=1, keepdims=True)
    right[y == UNSUPPORTED, 1:] = both[y == UNSUPPORTED]
    told = (share * (right > 0)).sum(axis=1)
    cost = -(balance * numpy.log(numpy.clip(told, 1e-9, None))).mean() + _RIDGE * (w[:, :-1] ** 2).sum()
    slope = ((share - right) * balance[:, None]).T @ x / len(y)
    slope[:, :-1] += 2 * _RIDGE * w[:, :-1]
    return float(cost), slope.ravel()


def _softmax(numpy: Any, odds: Any) -> Any:
    powers = numpy.exp(odds - odds.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def write(folder: Path, made: Weights) -> None:
    """Write weighing.json and the digests of everything in the folder."""
    (folder / "weighing.json").write_text(json.dumps(made.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    _digests(folder)


def _digests(folder: Path) -> None:
    names = ("embedder.onnx", "tokenizer.json", "verifier.onnx", "weighing.json")
    told = {n: digest(folder / n) for n in names if (folder / n).exists()}
    (folder / "digests.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
