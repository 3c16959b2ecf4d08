"""The project's own training text: `corpus/HEAD.*.yaml`, templates with slots, written out to examples."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wardround.policies.errors import WardroundError

from .examples import Example

FOLDER = Path(__file__).parent / "corpus"
PER_TEMPLATE = 4
"""Texts made from one template with slots, where its block says nothing else."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast loader where libyaml is there."""
_SLOT = re.compile(r"\{([A-Za-z_0-9]+)\}")


class Block(BaseModel):
    """Texts of one kind in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str
    language: str
    texts: list[str]
    each: int = PER_TEMPLATE
    """Texts made from one template with slots; above the usual number, its longest value decides
    on which side of the split it stands."""


class Around(BaseModel):
    """Sentences that may stand before and after any text of a language, whatever its label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: list[str]
    after: list[str]


class Corpus(BaseModel):
    """One file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    kind: Literal["templates", "messages"] = "templates"
    """Whether texts are patterns that are matched in words, or whole messages as people type them."""
    kept: bool = False
    """Whether no text of the file may shape a weight: it was written apart from the others, to set thresholds."""
    positive: list[Block] = []
    """Texts that the head of the file's name should flag."""
    negative: list[Block] = []
    """Texts alike in words that it should leave alone."""
    slots: dict[str, list[str]] = {}
    """Values of the slots."""
    around: dict[str, Around] = {}
    """By language: every text of it is also written inside such a context, so that a head reads what is said."""


_MAYBE_MEANT = ("overdose", "poison", "toxicity", "caustic", "attempt")
"""Groups of which nobody can tell whether it was an accident: they say nothing about other heads."""
_KINDS = {"templates": "corpus", "messages": "messages"}
ALSO: Mapping[str, Mapping[int, Mapping[str, int]]] = {
    "crisis": {1: {"injection": 0}, 0: {"injection": 0, "harmful": 0}},
    "harmful": {1: {"injection": 0, "crisis": 0, "emergency": 0}, 0: {"injection": 0, "crisis": 0, "emergency": 0}},
    "injection": {1: {"crisis": 0, "emergency": 0}, 0: {"crisis": 0, "emergency": 0, "harmful": 0}},
    "smuggled": {1: {}, 0: {}},
    "emergency": {1: {"injection": 0, "harmful": 0, "crisis": 0}, 0: {"injection": 0, "harmful": 0, "crisis": 0}},
    "care": {1: {"messaging": 0}, 0: {"messaging": 0}},
    "unsafe": {1: {}, 0: {"messaging": 0}},
    "messaging": {1: {}, 0: {"unsafe": 0}},
    "task": {0: {"injection": 0, "harmful": 0, "crisis": 0}},
}
"""What a text of one head says about other heads: label to head to label."""


@cache
def load(name: str) -> Corpus:
    """The file of one head; raises `WardroundError` where it is no such file."""
    path = FOLDER / f"{name}.yaml"
    try:
        raw: object = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - safe loader
        return Corpus.model_validate(raw)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise WardroundError(f"alignment/corpus/{name}.yaml cannot be read: {error}") from error


def names() -> tuple[str, ...]:
    """The files there are."""
    return tuple(sorted(p.stem for p in FOLDER.glob("*.yaml")))


def examples(name: str, seed: int = 0) -> Iterator[Example]:
    """Examples of one file; slots filled at random, the same for the same seed."""
    corpus, head = load(name), name.split(".")[0]
    for label, blocks in ((1, corpus.positive), (0, corpus.negative)):
        for block in blocks:
            for template in block.texts:
                yield from _written(head, label, block, template, corpus, seed)


def _written(head: str, label: int, block: Block, template: str, corpus: Corpus, seed: int) -> Iterator[Example]:
    also = ALSO.get(head, {}).get(label, {})
    labels = dict(also) if head == "task" else {head: label, **also}
    if any(word in block.group for word in _MAYBE_MEANT):
        labels = {head: label}
    task = block.group if head == "task" else None
    used = [s for s in dict.fromkeys(_SLOT.findall(template)) if s in corpus.slots]
    around = corpus.around.get(block.language)
    chosen = random.Random(f"{seed}:{template}")  # noqa: S311 - sampling of training text, no secret
    for number in range(block.each if used or around else 1):
        values = {slot: chosen.choice(corpus.slots[slot]) for slot in used}
        text = _filled(template, values)
        if around and number:
            text = _inside(text, around, chosen)
        key = template if block.each <= PER_TEMPLATE or not used else max(values.values(), key=len)
        source = f"{'kept' if corpus.kept else _KINDS[corpus.kind]}/{head}"
        yield Example(text, labels, source, block.group, block.language, task, key=key, kept=corpus.kept)


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda m: values.get(m.group(1), m.group()), template).strip()


def _inside(text: str, around: Around, chosen: random.Random) -> str:
    """The text with a sentence before it, after it, or both."""
    before = chosen.choice(around.before) if chosen.random() < 0.7 else ""
    after = chosen.choice(around.after) if chosen.random() < 0.6 else ""
    return " ".join(part for part in (before, text, after) if part)
