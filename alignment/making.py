"""From labelled texts to `heads.json`: every head, the task head, the tagger's thresholds, and figures for the card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from wardround.agents.safety.encoder import Encoder
from wardround.agents.safety.heads import Head, Heads, Tagger
from wardround.agents.weights import digest
from wardround.policies.request import Task

from .examples import HEADS, OWN, Example
from .fitting import Fitted, Kind, Row, Share, by_group, fit, fit_classes, vectors
from .levels import level

FALSE_ALARMS: Mapping[str, tuple[Share, Share]] = {
    "crisis": (Share(0.010, 0.40, 0.15, 0.030), Share(0.020, 0.50, 0.25, 0.05)),
    "harmful": (Share(0.015, 0.20, 0.20, 0.040), Share(0.030, 0.25, 0.25, 0.08)),
    "injection": (Share(0.010, 0.15, 0.08, 0.020), Share(0.015, 0.20, 0.12, 0.04)),
    "smuggled": (Share(0.020, 0.10, 0.10, 0.050), Share(0.025, 0.12, 0.12, 0.06)),
    "emergency": (Share(0.008, 0.20, 0.15, 0.012), Share(0.012, 0.30, 0.20, 0.05)),
    "care": (Share(0.030, 0.04, 0.05), Share(0.030, 0.04, 0.05)),
    "unsafe": (Share(0.010, 0.04, 0.06), Share(0.015, 0.08, 0.10)),
    "messaging": (Share(0.006, 0.04, 0.06), Share(0.010, 0.08, 0.10)),
}
"""Shares of benign texts that a head may flag alone: as major, and as moderate. Templates and messages hold near
misses, closer to what is to be flagged than what people write; the messages written apart decide."""
WEIGHTS = {"corpus/": 2.0, "messages/": 4.0, "kept/": 4.0, "reviewed": 4.0}
"""How much a text counts by the beginning of its source, where not 1: messages are most like what people will write."""
TAGGER = Tagger(
    tags=("none", "name", "place", "organisation", "date", "identifier"),
    sure={"name": 0.4, "place": 0.4, "organisation": 0.4, "date": 0.4, "identifier": 0.5},
)


@dataclass(frozen=True, slots=True)
class Made:
    """The heads and how they did on the texts kept for measuring."""

    heads: Heads
    figures: Mapping[str, Mapping[str, Any]]
    """Head to its figures."""


def make(folder: Path, examples: Sequence[Example], say: Callable[[str], None]) -> Made:
    """Fit every head on the vectors of the encoder in `folder`."""
    encoder = Encoder(folder)
    wanted = [e for e in examples if any(h in e.labels for h in HEADS) or e.task]
    found = vectors(encoder, wanted, say)
    pairs = [(e, v) for e, v in zip(wanted, found, strict=True) if len(v)]
    heads: dict[str, Head] = {}
    figures: dict[str, Mapping[str, Any]] = {}
    for name in HEADS:
        fitted, measured = one(name, pairs)
        heads[name] = fitted.head
        figures[name] = figures_of(name, fitted, measured)
        say(f"{name}: {json.dumps({k: v for k, v in figures[name].items() if k != 'groups'})}")
    tasked = [(e, v) for e, v in pairs if e.task]
    learning = [(e, v) for e, v in tasked if e.part == "train"]
    task = fit_classes([v for _, v in learning], [e.task or "" for e, _ in learning], tuple(Task))
    figures["task"] = _task_figures(task, [(e, v) for e, v in tasked if e.part == "measure"])
    say(f"task: {figures['task']}")
    made = Heads(
        made=datetime.now(UTC).date().isoformat(),
        encoder=digest(folder / "encoder.onnx"),
        heads=heads,
        task=task,
        tagger=TAGGER,
    )
    return Made(made, figures)


def one(name: str, pairs: Sequence[tuple[Example, Any]], start: Head | None = None) -> tuple[Fitted, list[Example]]:
    """One head and the examples kept for measuring it."""
    known = [(e, v) for e, v in pairs if name in e.labels]
    rows = [_row(name, e, v) for e, v in known]
    sure, suspected = FALSE_ALARMS[name]
    fitted = fit(rows, sure=sure, suspected=suspected, start=start)
    return fitted, [e for (e, _), r in zip(known, rows, strict=True) if r.measured]


def _row(name: str, example: Example, found: Any) -> Row:
    return Row(
        vectors=found,
        label=example.labels[name],
        level=level(name, example.text),
        measured=example.part == "measure",
        weight=_weight(example),
        kind=_kind(name, example),
    )


def _kind(name: str, example: Example) -> Kind:
    if example.source == f"corpus/{name}":
        return "template"
    if example.source == f"messages/{name}":
        return "message"
    if example.source == f"kept/{name}":
        return "kept"
    return "other" if example.source.startswith(OWN) else "usual"


def _weight(example: Example) -> float:
    return next((w for begin, w in WEIGHTS.items() if example.source.startswith(begin)), 1.0)


def figures_of(name: str, fitted: Fitted, measured: Sequence[Example]) -> dict[str, Any]:
    """Recall, false alarms, area under the curve, Brier score and calibration error; and flagged by group."""
    numpy, metrics = import_module("numpy"), import_module("sklearn.metrics")
    p, y = numpy.array(fitted.probabilities), numpy.array(fitted.labels)
    own = numpy.array(
        [e.source.startswith(("corpus/", "messages/")) and e.source.endswith(f"/{name}") for e in measured]
    )
    shares = numpy.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean())) / len(y)  # both kinds alike, as calibrated
    bins = numpy.minimum((p * 10).astype(int), 9)
    error = sum(abs(float(((p - y) * shares)[bins == b].sum())) for b in set(bins.tolist()))
    flagged = p >= fitted.head.sure
    return {
        "texts": len(y),
        "to_flag": int(y.sum()),
        "recall": round(float(flagged[y == 1].mean()), 4),
        "false_alarms": round(float(flagged[y == 0].mean()), 4),
        "near_misses": round(float(flagged[(y == 0) & own].mean()), 4),
        "auc": round(float(metrics.roc_auc_score(y, p)), 4),
        "brier": round(float((((p - y) ** 2) * shares).sum()), 4),
        "calibration_error": round(float(error), 4),
        "sure": fitted.head.sure,
        "suspected": fitted.head.suspected,
        "groups": by_group(measured, fitted, fitted.head.sure),
    }


def _task_figures(task: Any, pairs: Sequence[tuple[Example, Any]]) -> dict[str, Any]:
    numpy = import_module("numpy")
    weights, bias = numpy.array(task.weights), numpy.array(task.bias)
    right: dict[str, list[int]] = {}
    for e, v in pairs:
        told = task.classes[int((v.mean(axis=0) @ weights.T + bias).argmax())]
        right.setdefault(e.task or "", []).append(int(told == e.task))
    return {"texts": len(pairs), "recall": {k: round(sum(v) / len(v), 3) for k, v in sorted(right.items())}}


def write(folder: Path, made: Made) -> None:
    """Write `heads.json` and the digests of all files."""
    (folder / "heads.json").write_text(made.heads.model_dump_json() + "\n", encoding="utf-8")
    names = ("encoder.onnx", "tokenizer.json", "heads.json")
    digests = {name: digest(folder / name) for name in names}
    (folder / "digests.json").write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
