"""Claims beside evidence, to teach the claim verifier: public data sets, own claims on their passages, flips.

The own claims are in `corpus/claims`: `about_*` name a passage of a data set; `own_*`, `restated_*` and `mirrored_*`
carry their evidence, the last two with claims as close to each other as can be. None is a clinical fact to rely on.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from .corpus import FOLDER
from .flips import flip, reword
from .sources import Source, rows
from .verdicts import CONTRADICTED, NEUTRAL, SUPPORTED, UNSUPPORTED

PAIR_SOURCES: tuple[Source, ...] = (
    Source("claims/fever_dev.jsonl.gz", "CC BY-SA 3.0", "FEVER"),
    Source("claims/scifact_train.jsonl", "CC BY 4.0", "SciFact"),
    Source("claims/citation_integrity.jsonl.gz", "MIT", "citation integrity"),
    Source("claims/medhallu.jsonl.gz", "MIT", "MedHallu"),
    Source("claims/pubmedqa.jsonl.gz", "MIT", "PubMedQA"),
    Source("claims/medec_validation.jsonl.gz", "CC BY 4.0", "MEDEC"),
    Source("claims/mts_dialog.jsonl.gz", "CC BY 4.0", "MTS-Dialog"),
    Source("safety/medquad_open.jsonl.gz", "CC BY 4.0", "MedQuAD"),
    Source("drugs/fda_label_sentences.jsonl.gz", "US government text", "FDA label sentences, annotated by NLM"),
)
"""Every data set that the verifier was shaped by, with its licence."""
MEDQUAD = 3_500
"""Answers of MedQuAD that claims are made from."""
LABELS = 900
"""Label sentences that claims are made from."""
EVIDENCE_CHARS = 1_400
"""Most characters of evidence in one pair."""
Part = Literal["train", "measure"]


class Pair(NamedTuple):
    """A claim beside evidence."""

    claim: str
    evidence: str
    label: int
    """See `verdicts`."""
    source: str
    part: Part


def everything(folder: Path, *, seed: int = 3) -> list[Pair]:
    """All pairs, of the data sets in `folder` and the project's own. Raises `WardroundError` where one is missing."""
    chosen = random.Random(seed)  # noqa: S311 - order of training, no secret
    makers = (_fever, _scifact, _citations, _medhallu, _pubmedqa, _medec, _dialogues, _medquad, _label_sentences)
    made = [p for maker in makers for p in maker(folder, chosen)]
    return [*made, *own(folder, chosen)]


def own(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    """The project's own claims, each group with flips of what its evidence supports."""
    passages = _Passages(folder)
    for path in sorted((FOLDER / "claims").glob("*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            group: dict[str, Any] = json.loads(line)
            evidence = group.get("e") or passages.text(group["ref"])
            name = path.name.partition(".")[0].rpartition("_")[0]
            part = _part(evidence)
            for key, label in (("s", SUPPORTED), ("r", CONTRADICTED), ("n", NEUTRAL)):
                yield from (Pair(c, evidence, label, name, part) for c in group[key])
            if part == "train":
                yield from _flipped(group["s"], evidence, f"{name}/flips", chosen)


def _flipped(claims: Sequence[str], evidence: str, source: str, chosen: random.Random) -> Iterator[Pair]:
    for claim in claims:
        changed = flip(claim, chosen)
        if changed is not None and chosen.random() < 0.6:
            yield Pair(changed.text, evidence, changed.label, source, "train")
        elif chosen.random() < 0.5:
            yield Pair(reword(claim, chosen), evidence, SUPPORTED, source, "train")


class _Passages:
    """Passages of the data sets by the references that the own claims carry."""

    def __init__(self, folder: Path) -> None:
        self._pubmedqa = {r["id"]: r for r in rows(folder, "claims/pubmedqa.jsonl.gz")}
        self._medquad = rows(folder, "safety/medquad_open.jsonl.gz")

    def text(self, ref: str) -> str:
        """`pubmedqa:ID:c`, `pubmedqa:ID:CONTEXT:FROM:TO` or `medquad:ROW:FROM:TO`, sentences counted from 0."""
        kind, key, *rest = ref.split(":")
        if kind == "medquad":
            return sentences_between(self._medquad[int(key)]["answer"], int(rest[0]), int(rest[1]))
        row = self._pubmedqa[key]
        if rest[0] == "c":
            return str(row["conclusion"])
        return sentences_between(row["contexts"][int(rest[0])], int(rest[1]), int(rest[2]))


def sentences(text: str) -> list[str]:
    """The sentences of English prose, by a plain rule that references rely on."""
    return _SENTENCE.split(re.sub(r"\s+", " ", text))


def sentences_between(text: str, start: int, end: int) -> str:
    """Sentences `start` to `end`, the last left out, as one text."""
    return " ".join(sentences(text)[start:end])


def _part(key: str) -> Part:
    """One in eight is kept for measuring, by digest."""
    return "measure" if int(hashlib.sha256(key.encode()).hexdigest(), 16) % 8 == 0 else "train"


def _fever(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    for r in rows(folder, "claims/fever_dev.jsonl.gz"):
        label = SUPPORTED if r["label"] == "entailment" else UNSUPPORTED
        evidence = _plain(r["evidence"])
        yield Pair(r["claim"], evidence, label, "fever", _part(r["claim"]))
        changed = flip(r["claim"], chosen) if label == SUPPORTED and chosen.random() < 0.15 else None
        if changed is not None:
            yield Pair(changed.text, evidence, changed.label, "fever/flips", "train")


def _scifact(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    for file, part in (("scifact_train", "train"), ("scifact_dev", "measure")):
        for r in rows(folder, f"claims/{file}.jsonl"):
            label = SUPPORTED if r["label"] == "entailment" else UNSUPPORTED
            yield Pair(r["claim"], r["evidence"], label, "scifact", "train" if part == "train" else "measure")
            if part == "train" and label == SUPPORTED:
                yield from _flipped([r["claim"]], r["evidence"], "scifact/flips", chosen)


def _citations(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    del chosen
    labels = {"supports": SUPPORTED, "refutes": CONTRADICTED, "nei": NEUTRAL}
    for r in rows(folder, "claims/citation_integrity.jsonl.gz"):
        claim = re.sub(r"<\|[a-z_]*\|>", "", r["claim"]).strip()
        yield Pair(
            claim, r["evidence"], labels[r["label"]], "citations", "train" if r["part"] == "train" else "measure"
        )


def _medhallu(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    del chosen
    for r in rows(folder, "claims/medhallu.jsonl.gz"):
        label = SUPPORTED if r["label"] == "not_hallucinated" else UNSUPPORTED
        yield Pair(r["answer"], r["evidence"], label, "medhallu", _part(r["question"]))


def _pubmedqa(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    found = rows(folder, "claims/pubmedqa.jsonl.gz")
    labels = {"yes": SUPPORTED, "no": CONTRADICTED, "maybe": NEUTRAL}
    for r in found:
        part = _part(r["id"])
        statement = stated(r["question"])
        results, aim = r["contexts"][-1], r["contexts"][0]
        if statement is not None:
            yield Pair(statement, r["conclusion"], labels[r["answer"]], "pubmedqa/question", part)
            if r["answer"] != "maybe":
                yield Pair(statement, results, labels[r["answer"]], "pubmedqa/question", part)
            if len(r["contexts"]) > 1 and chosen.random() < 0.6:
                yield Pair(statement, aim, NEUTRAL, "pubmedqa/aim", part)
        for sentence in sentences(r["conclusion"])[:2]:
            yield Pair(sentence, results, SUPPORTED, "pubmedqa/conclusion", part)
            changed = flip(sentence, chosen)
            if changed is not None:
                yield Pair(
                    changed.text, chosen.choice((results, r["conclusion"])), changed.label, "pubmedqa/flips", part
                )
            if len(r["contexts"]) > 1:
                yield Pair(sentence, aim, NEUTRAL, "pubmedqa/aim", part)
            yield Pair(reword(sentence, chosen), r["conclusion"], SUPPORTED, "pubmedqa/reworded", part)


def stated(question: str) -> str | None:
    """A yes-or-no question as a statement: `Is A related to B?` gives `A is related to B`; None for other questions."""
    text = (
        question.rsplit(":", 1)[-1].strip() if _ASKED.match(question.rsplit(":", 1)[-1].strip()) else question.strip()
    )
    match = _ASKED.match(text)
    if match is None:
        return None
    verb, rest = match[1].lower(), text[match.end() :].rstrip("? ")
    if verb in {"do", "does", "did"}:
        return rest[:1].upper() + rest[1:] + "."
    opener = _PREDICATE.search(rest, 3)
    if opener is None:
        return None
    return f"{rest[:1].upper()}{rest[1 : opener.start()]} {verb}{rest[opener.start() :]}."


def _medec(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    for r in rows(folder, "claims/medec_validation.jsonl.gz"):
        if not r["error"] or not r["corrected_sentence"]:
            continue
        around = [s for s in sentences(r["text"]) if s.strip() != r["error_sentence"].strip()]
        at = chosen.randrange(max(1, len(around) - 2))
        truth = " ".join([*around[at : at + 2], r["corrected_sentence"]])
        part = _part(r["id"])
        yield Pair(r["error_sentence"], truth, UNSUPPORTED, "medec", part)
        yield Pair(reword(r["corrected_sentence"], chosen), truth, SUPPORTED, "medec", part)
        yield Pair(r["corrected_sentence"], " ".join(around[at : at + 3]), NEUTRAL, "medec", part)


def _dialogues(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    found = [r for r in rows(folder, "claims/mts_dialog.jsonl.gz") if 60 < len(r["dialogue"]) < EVIDENCE_CHARS]
    for r in found:
        part: Part = "train" if r["part"] == "TrainingSet" else "measure"
        said = re.sub(r"\s+", " ", r["dialogue"])
        for sentence in sentences(r["section_text"])[:2]:
            if len(sentence.split()) < 4:
                continue
            yield Pair(sentence, said, SUPPORTED, "dialogue", part)
            changed = flip(sentence, chosen)
            if changed is not None:
                yield Pair(changed.text, said, changed.label, "dialogue/flips", part)
            other = chosen.choice(found)
            if other is not r and chosen.random() < 0.4:
                yield Pair(sentence, re.sub(r"\s+", " ", other["dialogue"]), NEUTRAL, "dialogue/other", part)


def _medquad(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    """A sentence beside its surroundings; flipped; and beside another answer on the same condition."""
    found = rows(folder, "safety/medquad_open.jsonl.gz")
    by_focus: dict[str, list[str]] = {}
    for r in found:
        by_focus.setdefault(r["focus"], []).append(r["answer"])
    for r in chosen.sample(found, MEDQUAD):
        told = [s for s in sentences(r["answer"])[:30] if 40 < len(s) < 300]
        if len(told) < 3:
            continue
        at = chosen.randrange(len(told))
        claim, part = told[at], _part(r["focus"])
        window = " ".join(told[max(0, at - chosen.randrange(3)) : at + 1 + chosen.randrange(3)])
        yield Pair(reword(_shorter(claim, chosen), chosen), window, SUPPORTED, "medquad", part)
        for _ in range(2):
            changed = flip(reword(claim, chosen) if chosen.random() < 0.5 else claim, chosen)
            if changed is not None:
                yield Pair(changed.text, window, changed.label, "medquad/flips", part)
        others = [a for a in by_focus[r["focus"]] if a != r["answer"]]
        apart = sentences(chosen.choice(others))[:4] if others else told[:at][:3] + told[at + 1 :][:3]
        if claim not in apart and apart:
            yield Pair(claim, " ".join(apart), NEUTRAL, "medquad/other", part)


def _label_sentences(folder: Path, chosen: random.Random) -> Iterator[Pair]:
    found = [r["text"].strip() for r in rows(folder, "drugs/fda_label_sentences.jsonl.gz")]
    usable = [i for i, t in enumerate(found) if 60 < len(t) < 350]
    for i in chosen.sample(usable, LABELS):
        claim, part = found[i], _part(found[i])
        window = " ".join(found[max(0, i - chosen.randrange(2)) : i + 1 + chosen.randrange(2)])
        yield Pair(reword(_shorter(claim, chosen), chosen), window, SUPPORTED, "label", part)
        changed = flip(claim, chosen)
        if changed is not None:
            yield Pair(changed.text, window, changed.label, "label/flips", part)
        yield Pair(
            claim, " ".join(found[i + 2 : i + 4]) or window, NEUTRAL if i + 2 < len(found) else SUPPORTED, "label", part
        )


def _shorter(sentence: str, chosen: random.Random) -> str:
    """A sentence without what stands in parentheses and, at times, behind a comma that opens another clause."""
    bare = re.sub(r"\s*\([^()]*\)", "", sentence)
    head, comma, _ = bare.partition(", which")
    if comma and len(head.split()) > 5:
        return head + "."
    parts = re.split(r", (?=and |but |because |although )|; ", bare)
    return (
        parts[0].rstrip(".") + "." if len(parts) > 1 and len(parts[0].split()) > 6 and chosen.random() < 0.5 else bare
    )


def _plain(text: str) -> str:
    """Wikipedia text without its bracket tokens."""
    for token, mark in (("-LRB-", "("), ("-RRB-", ")"), ("-LSB-", "["), ("-RSB-", "]")):
        text = text.replace(token, mark)
    return re.sub(r"\s+([.,;:)\]])", r"\1", text)


_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")
_ASKED = re.compile(
    r"(do|does|did|is|are|was|were|can|could|should|will|would|has|have|may|might|must)\s+", re.IGNORECASE
)
_PREDICATE = re.compile(
    r"\s(?=(?:not |still |also |more |less |most |as |an? |the |in |on |at |of use|associated|related|linked|effective|"
    r"useful|safe|necessary|needed|important|possible|predict|influence|affect|increase|decrease|reduce|improve|cause|"
    r"prevent|help|be |been|better|worse|superior|inferior|equal|different|independent|feasible|reliable|valid|"
    r"accurate|"
    r"sufficient|adequate|appropriate|beneficial|harmful|correlated|due to|able|justified|indicated|required|used|"
    r"involved|dependent|comparable|similar|worthwhile|warranted|ready|changed|common|a risk|at risk|lower|higher|good|"
    r"cost)\b)"
)
