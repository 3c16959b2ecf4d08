"""Public data sets, read from a folder that is not part of the project. Licences and counts: the model card."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from wardround.policies.errors import WardroundError

from .examples import Example


class Source(NamedTuple):
    """A data set whose texts may shape weights."""

    file: str
    licence: str
    origin: str


SOURCES: tuple[Source, ...] = (
    Source("safety/harmful_medical_train.jsonl", "MIT", "MedSafetyBench"),
    Source("safety/harmbench.jsonl", "MIT", "HarmBench"),
    Source("safety/do_not_answer.jsonl", "Apache-2.0", "Do-Not-Answer"),
    Source("safety/xstest.jsonl", "CC BY 4.0", "XSTest"),
    Source("safety/benign_borderline.jsonl", "MIT", "CyberSecEval"),
    Source("safety/medquad_open.jsonl.gz", "CC BY 4.0", "MedQuAD"),
    Source("safety/counsel_open.jsonl", "MIT", "counsel-chat"),
    Source("injection/direct_en.jsonl", "MIT", "PurpleLlama"),
    Source("injection/jailbreak_prompts.jsonl.gz", "MIT", "jailbreak_llms"),
    Source("injection/redteam_en_ko.jsonl", "MIT", "red-team prompts"),
    Source("injection/attack_tools.jsonl", "MIT", "malicious tool instructions"),
    Source("injection/indirect_train.json", "MIT", "BIPIA"),
    Source("claims/mts_dialog.jsonl.gz", "CC BY 4.0", "MTS-Dialog"),
    Source("claims/medec_validation.jsonl.gz", "CC BY 4.0", "MEDEC"),
    Source("claims/pubmedqa.jsonl.gz", "MIT", "PubMedQA"),
    Source("claims/medhallu.jsonl.gz", "MIT", "MedHallu"),
    Source("phi/synthetic_sentences.jsonl.gz", "MIT", "presidio-research"),
    Source("phi/meddocan_es.jsonl.gz", "CC BY 4.0", "MEDDOCAN"),
)
"""Every data set that the weights were shaped by, with its licence."""

BENIGN: Mapping[str, int] = {"crisis": 0, "harmful": 0, "injection": 0, "emergency": 0}
_SEED = 7
_PUBLIC_HARM = frozenset({"malicious_uses", "information_hazard"})
"""The other categories hold much that is harmless to ask."""
_CRISIS_TOPICS = frozenset({"depression", "trauma", "domestic-violence", "self-esteem", "grief-and-loss", "anxiety"})


def rows(folder: Path, file: str) -> list[dict[str, Any]]:
    """The rows of a JSONL file, gzipped or not; raises `WardroundError` where it is missing."""
    path = folder / file
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return [json.loads(line) for line in raw.decode().split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise WardroundError(f"{path} cannot be read: give the folder of the data sets with --data") from error


def all_examples(folder: Path) -> Iterator[Example]:
    """Examples of every source."""
    yield from harmful(folder)
    yield from benign(folder)
    yield from questions(folder)
    yield from attacks(folder)
    yield from smuggled(folder)
    yield from notes(folder)
    yield from identifiers(folder)


def harmful(folder: Path) -> Iterator[Example]:
    """Requests that are to be declined, and safe ones that look like them."""
    plain = {"injection": 0, "crisis": 0, "emergency": 0}
    for row in rows(folder, "safety/harmful_medical_train.jsonl"):
        yield Example(row["text"], {"harmful": 1, **plain}, "harmful_medical_train", f"principle {row['category']}")
    for row in rows(folder, "safety/harmbench.jsonl"):
        if row["functional"] != "copyright":
            yield Example(row["text"], {"harmful": 1, "injection": 0}, "harmbench", row["category"])
    for row in rows(folder, "safety/do_not_answer.jsonl"):
        if row["category"] in _PUBLIC_HARM:
            yield Example(row["text"], {"harmful": 1, "injection": 0}, "do_not_answer", row["category"])
    for row in rows(folder, "safety/xstest.jsonl"):
        label = int(row["label"] != "safe")
        known = {"harmful": label, "injection": 0} | ({} if label else {"crisis": 0, "emergency": 0})
        yield Example(row["text"], known, "xstest", row["type"])
    for row in rows(folder, "safety/benign_borderline.jsonl"):
        yield Example(row["text"], BENIGN, "benign_borderline", "borderline")


def benign(folder: Path) -> Iterator[Example]:
    """Health questions, their answers as drafts and as evidence, and letters to a counsellor."""
    chosen = random.Random(_SEED)  # noqa: S311 - sampling of training text, no secret
    for row in chosen.sample(rows(folder, "safety/medquad_open.jsonl.gz"), 1500):
        yield Example(row["question"], BENIGN, "medquad", "question", task="patient_education")
        if chosen.random() < 0.35:
            known = {"smuggled": 0, "unsafe": 0, "messaging": 0}
            yield Example(row["answer"][:3000], known, "medquad", "answer", spans=())
    for row in rows(folder, "safety/counsel_open.jsonl"):
        known = {"harmful": 0, "injection": 0, "emergency": 0}
        if row["topic"] not in _CRISIS_TOPICS:
            known["crisis"] = 0
        yield Example(row["text"], known, "counsel_open", row["topic"], task="mental_health")


def questions(folder: Path) -> Iterator[Example]:
    """Questions of research and of professionals."""
    for file in ("claims/pubmedqa.jsonl.gz", "claims/medhallu.jsonl.gz"):
        source = Path(file).name.split(".")[0]
        for row in rows(folder, file):
            yield Example(row["question"], BENIGN, source, "question", task="decision_support")


def attacks(folder: Path) -> Iterator[Example]:
    """Instructions against the assistant in what a user writes."""
    calm = {"crisis": 0, "emergency": 0}
    for row in rows(folder, "injection/direct_en.jsonl"):
        yield Example(row["user"], {"injection": 1, **calm}, "direct_en", row["variant"])
    for row in rows(folder, "injection/jailbreak_prompts.jsonl.gz"):
        yield Example(row["text"][:6000], {"injection": 1, **calm}, "jailbreak_prompts", row["platform"])
    for row in rows(folder, "injection/redteam_en_ko.jsonl"):
        topic = row["topic"][0]
        known = {"injection": 1} if topic == "jailbreaking" else {"harmful": 1, "injection": 0}
        language = "en" if row["text"].isascii() else "ko"
        yield Example(row["text"], {**known, **calm}, "redteam_en_ko", topic, language)
    for row in rows(folder, "injection/attack_tools.jsonl"):
        yield Example(row["text"], {"harmful": 1, "smuggled": 1, **calm}, "attack_tools", row["type"])


def smuggled(folder: Path) -> Iterator[Example]:
    """Foreign text with and without an instruction planted at its start, middle or end."""
    planted = json.loads((folder / "injection/indirect_train.json").read_text(encoding="utf-8"))
    orders = [(kind, text) for kind, texts in planted.items() for text in texts]
    contexts = [row["context"] for row in rows(folder, "injection/indirect_train_context.jsonl")]
    contexts += [row["answer"][:600] for row in rows(folder, "safety/medquad_open.jsonl.gz")[::40]]
    chosen = random.Random(_SEED)  # noqa: S311 - as above
    for context in contexts:
        yield Example(context, {"smuggled": 0}, "indirect", "clean")
        for kind, order in chosen.sample(orders, 3):
            yield Example(_plant(context, order, chosen), {"smuggled": 1}, "indirect", kind, key=order)


def _plant(context: str, order: str, chosen: random.Random) -> str:
    sentences = context.split(". ")
    at = chosen.choice((0, len(sentences) // 2, len(sentences)))
    return ". ".join((*sentences[:at], order, *sentences[at:]))


def notes(folder: Path) -> Iterator[Example]:
    """Clinical notes and dialogues: foreign text without an order, charting without a crisis."""
    charting = {"smuggled": 0, "crisis": 0, "harmful": 0, "injection": 0}
    for row in rows(folder, "claims/mts_dialog.jsonl.gz")[::2]:
        yield Example(row["section_text"], charting, "mts_dialog", "note")
        yield Example(row["dialogue"][:1500], {"smuggled": 0, "injection": 0, "harmful": 0}, "mts_dialog", "dialogue")
    for row in rows(folder, "claims/medec_validation.jsonl.gz"):
        yield Example(row["text"], charting, "medec", "case")


def identifiers(folder: Path) -> Iterator[Example]:
    """Texts with the places of their identifiers."""
    for file, language in (("phi/synthetic_sentences.jsonl.gz", "en"), ("phi/meddocan_es.jsonl.gz", "es")):
        for row in rows(folder, file):
            spans = tuple((s["start"], s["end"], s["type"]) for s in row["spans"])
            source = Path(file).name.split(".")[0]
            yield Example(row["text"], {}, source, "identifiers", language, spans=spans)
