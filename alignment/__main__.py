"""`python -m wardround.alignment`: make the encoder, its heads, the claim verifier; teach a head from labels."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from wardround.agents.knowledge.embedder import MODEL as CLAIMS
from wardround.agents.knowledge.pairing import Pairer
from wardround.agents.safety.encoder import MODEL, Cutter, Encoder
from wardround.agents.safety.heads import Heads
from wardround.agents.weights import digest
from wardround.policies.errors import WardroundError

from . import card, corpus, finetune, fitting, gather, making, minilm, pairs, verifier, weighed
from .examples import HEADS, Example, without_repeats

OWN_TEXTS = 4_000
"""Own texts that a head is taught beside the reviewed ones."""
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Data = Annotated[Path, typer.Option("--data", help="Folder of the data sets that the model card names.")]  # pyright: ignore[reportUnknownMemberType]
Claims = Annotated[Path, typer.Option("--model", "-m", help="Folder of the claim verifier's files.")]  # pyright: ignore[reportUnknownMemberType]
Model = Annotated[Path, typer.Option("--model", "-m", help="Folder of the model's files.")]  # pyright: ignore[reportUnknownMemberType]


@app.command("encoder")
def make_encoder(data: Data, model: Model = MODEL, seed: int = 1) -> None:
    """Fine-tune the encoder and write encoder.onnx and tokenizer.json. Then run `heads`. About a quarter of an hour."""
    model.mkdir(parents=True, exist_ok=True)
    cut = _tokenizer(model / "tokenizer.json")
    examples = [e for e in gather.everything(data) if e.part == "train"]
    trained = finetune.build()
    finetune.train(trained, examples, cut, seed=seed, say=typer.echo)
    with tempfile.TemporaryDirectory() as folder:
        finetune.export(trained, f"{folder}/encoder.onnx")
        shutil.copyfile(f"{folder}/encoder.onnx", model / "encoder.onnx")
    _digests(model)


@app.command("heads")
def make_heads(data: Data, model: Model = MODEL) -> None:
    """Fit, calibrate and measure every head; write heads.json, digests.json and MODEL_CARD.md. About two minutes."""
    examples = gather.everything(data)
    made = making.make(model, examples, typer.echo)
    making.write(model, made)
    card.write(model, made.figures, examples)


@app.command("verifier")
def make_verifier(data: Data, model: Claims = CLAIMS, seed: int = 1) -> None:
    """Fine-tune the claim verifier and write verifier.onnx, embedder.onnx and tokenizer.json. About an hour and a half.

    Then run `weighing`.
    """
    model.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(minilm.weights_folder() / "tokenizer.json", model / "tokenizer.json")
    learned = [p for p in pairs.everything(data) if p.part == "train"]
    trained = verifier.build()
    pairer = Pairer(model / "tokenizer.json")
    before: dict[str, Any] = {}
    for number, stage in enumerate(verifier.STAGES):
        before = verifier.weights_of(trained)
        chosen = verifier.items(verifier.shared_out(learned, stage, seed + number), pairer)
        verifier.train(trained, chosen, seed=seed + number, rate=stage.rate, say=typer.echo)
    verifier.average(trained, before)
    with tempfile.TemporaryDirectory() as folder:
        verifier.export(trained, f"{folder}/verifier.onnx")
        verifier.export_embedder(f"{folder}/embedder.onnx")
        for name in ("verifier.onnx", "embedder.onnx"):
            shutil.copyfile(f"{folder}/{name}", model / name)


@app.command("weighing")
def make_weighing(data: Data, model: Claims = CLAIMS) -> None:
    """Weigh the verifier's word and the exact checks: write weighing.json, digests.json and MODEL_CARD.md."""
    weighed.make(model, pairs.everything(data), typer.echo)


@app.command("retrain")
def retrain(
    head: Annotated[str, typer.Argument(help="Name of the head: " + ", ".join(HEADS))],  # pyright: ignore[reportUnknownMemberType]
    reviewed: Annotated[Path, typer.Argument(help='JSONL of reviewed texts: {"text": ..., "label": 0 or 1}')],  # pyright: ignore[reportUnknownMemberType]
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new model's files.")],  # pyright: ignore[reportUnknownMemberType]
    model: Model = MODEL,
) -> None:
    """Teach one head from reviewers' labels and the project's own texts, from the shipped one on. Under a minute."""
    if head not in HEADS:
        raise WardroundError(f"unknown head {head!r}: known are {', '.join(HEADS)}")
    examples = without_repeats((*_reviewed(head, reviewed), *_own(head)))
    pairs = [(e, v) for e, v in zip(examples, fitting.vectors(Encoder(model), examples), strict=True) if len(v)]
    before = Heads.model_validate_json((model / "heads.json").read_bytes())
    fitted, measured = making.one(head, pairs, before.heads[head])
    after = before.model_copy(update={"heads": {**before.heads, head: fitted.head}})
    out.mkdir(parents=True, exist_ok=True)
    for name in ("encoder.onnx", "tokenizer.json"):
        if (model / name).resolve() != (out / name).resolve():
            shutil.copyfile(model / name, out / name)
    making.write(out, making.Made(after, {}))
    figures = making.figures_of(head, fitted, measured)
    typer.echo(json.dumps({k: v for k, v in figures.items() if k != "groups"}))


def _own(head: str) -> list[Example]:
    """The project's own texts of a head, those of every label that digests choose: reading more takes over a minute."""
    own = [e for n in corpus.names() if n.startswith(f"{head}.") for e in corpus.examples(n)]
    return sorted(own, key=lambda e: hashlib.sha256(e.text.encode()).digest())[:OWN_TEXTS]


def _reviewed(head: str, path: Path) -> Iterator[Example]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row: dict[str, Any] = json.loads(line)
            text, label = str(row["text"]), int(row["label"])
        except (ValueError, KeyError, TypeError) as error:
            raise WardroundError(f'{path}:{number}: expected {{"text": ..., "label": 0 or 1}}') from error
        yield Example(text, {head: label}, "reviewed", str(row.get("group", "")), str(row.get("language", "en")))


def _tokenizer(path: Path) -> finetune.Cut:
    """Write the tokenizer that the weights come with, and cut texts with it."""
    shutil.copyfile(minilm.weights_folder() / "tokenizer.json", path)
    return Cutter(path).windows


def _digests(model: Path) -> None:
    names = [n for n in ("encoder.onnx", "tokenizer.json", "heads.json") if (model / n).exists()]
    (model / "digests.json").write_text(json.dumps({n: digest(model / n) for n in names}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        app()
    except WardroundError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from error
