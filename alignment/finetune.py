"""Fine-tuning of the encoder: one trunk, a linear head for every question, one for the task and one for identifiers.

Needs the extra `train` (torch and the package that carries the MiniLM weights). What comes out is float; `export` makes
the int8 file.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple

from wardround.agents.safety.encoder import FEATURES, Window, features
from wardround.agents.safety.gloss import gloss
from wardround.agents.safety.heads import MAX_UNKNOWN
from wardround.agents.weights import silent_runtime
from wardround.policies.request import Task

from .examples import HEADS, OWN, Example
from .minilm import WIDTH, pooled, rate, trunk, write_int8

LAYERS = 5
"""Layers kept of the six: the last one costs a sixth of the time."""
EPOCHS = 2
BATCH = 32
RATE = 1e-4
WARM_UP = 0.1
WINDOWS_OF_ONE = 2
"""Windows of one long text in one epoch."""
BESIDE = 0.4
"""Share of the messages that are also read beside another, harmless one."""
ROUGH = 0.3
"""Share of the own English texts that are also read in the manner of a gloss."""
_SMALL = frozenset(
    "a an the of to is are am was were be been do does did have has had it that this and in on at".split()
)
TASKS: tuple[str, ...] = tuple(Task)
TAGS: tuple[str, ...] = ("none", "name", "place", "organisation", "date", "identifier")
"""What a token may belong to."""
TAG_OF: dict[str, str] = {
    **{tag: tag for tag in TAGS},
    "PERSON": "name", "NOMBRE_SUJETO_ASISTENCIA": "name", "NOMBRE_PERSONAL_SANITARIO": "name",
    "ADDRESS": "place", "LOCATION": "place", "TERRITORIO": "place", "CALLE": "place", "PAIS": "place",
    "ORGANIZATION": "organisation", "HOSPITAL": "organisation", "INSTITUCION": "organisation",
    "CENTRO_SALUD": "organisation",
    "DATE_TIME": "date", "FECHAS": "date",
    "CREDIT_CARD": "identifier", "PHONE_NUMBER": "identifier", "EMAIL_ADDRESS": "identifier", "US_SSN": "identifier",
    "IBAN_CODE": "identifier", "DOMAIN_NAME": "identifier", "US_DRIVER_LICENSE": "identifier",
    "IP_ADDRESS": "identifier", "ID_SUJETO_ASISTENCIA": "identifier", "CORREO_ELECTRONICO": "identifier",
    "ID_TITULACION_PERSONAL_SANITARIO": "identifier", "ID_ASEGURAMIENTO": "identifier",
    "ID_CONTACTO_ASISTENCIAL": "identifier", "NUMERO_TELEFONO": "identifier", "NUMERO_FAX": "identifier",
    "ID_EMPLEO_PERSONAL_SANITARIO": "identifier",
}  # fmt: skip
"""Kinds of the data sets to tags; age, sex, profession, title and relatives are no identifiers by themselves."""


class Item(NamedTuple):
    """A window to learn from."""

    ids: tuple[int, ...]
    labels: tuple[float, ...]
    """For each head 1, 0 or -1 for unknown."""
    task: int
    """Number of the task, -1 for unknown."""
    tags: tuple[int, ...]
    """Tag of each token, empty where unknown."""
    marks: tuple[tuple[float, ...], ...]


def items(example: Example, windows: Sequence[Window], chosen: random.Random) -> Iterator[Item]:
    """What one example teaches in one epoch: its first window and some of the others."""
    picked = list(windows[:1]) + chosen.sample(list(windows[1:]), min(WINDOWS_OF_ONE - 1, len(windows) - 1))
    labels = tuple(float(example.labels.get(h, -1)) for h in HEADS)
    task = TASKS.index(example.task) if example.task else -1
    tagged = bool(example.spans) or example.group in {"answer", "note", "case"}
    planted = example.text.find(example.key) if example.source == "indirect" and example.key else -1
    for w in picked:
        if planted >= 0 and not (w.start < planted + len(example.key) and planted < w.end):
            yield Item(w.ids, tuple(0.0 if h == "smuggled" else -1.0 for h in HEADS), task, (), ())
            continue
        tags = tuple(_tag(example, span) for span in w.spans) if tagged else ()
        marks = tuple(features(example.text, *span) for span in w.spans) if tagged else ()
        yield Item(w.ids, labels, task, tags, marks)


def _tag(example: Example, span: tuple[int, int]) -> int:
    for start, end, kind in example.spans:
        if start < span[1] and span[0] < end:
            return TAGS.index(TAG_OF.get(kind, "none"))
    return 0


def build(layers: int = LAYERS) -> Any:
    """The model before training; raises `ImportError` without the extra `train`."""
    torch, whole = import_module("torch"), trunk()
    whole.encoder.layer = whole.encoder.layer[:layers]
    parts = {
        "trunk": whole,
        "heads": torch.nn.Linear(WIDTH, len(HEADS)),
        "task": torch.nn.Linear(WIDTH, len(TASKS)),
        "tags": torch.nn.Linear(WIDTH + FEATURES, len(TAGS)),
    }
    return torch.nn.ModuleDict(parts)


Cut = Callable[[str], list[Window]]
"""Cuts a text into windows."""


def train(model: Any, examples: Sequence[Example], cut: Cut, *, seed: int, say: Callable[[str], None]) -> None:
    """Train the model in place, `EPOCHS` times over the examples."""
    torch = import_module("torch")
    torch.manual_seed(seed)
    chosen = random.Random(seed)  # noqa: S311 - order of training, no secret
    made = (*_glossed(examples, chosen), *_beside(examples, chosen))
    cuts = [(e, ws) for e in (*examples, *made) if (ws := _readable(cut(e.text)))]
    epochs = [[i for e, ws in cuts for i in items(e, ws, chosen)] for _ in range(EPOCHS)]
    steps = sum(-(-len(e) // BATCH) for e in epochs)
    rates = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(rates, rate(steps, warm_up=WARM_UP))
    model.train()
    began, step, mean = time.monotonic(), 0, 0.0
    for epoch in epochs:
        for batch in _batches(epoch, chosen):
            loss = _loss(torch, model, batch)
            rates.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            rates.step()
            schedule.step()
            step, mean = step + 1, 0.98 * mean + 0.02 * float(loss.detach())
            if step % 50 == 0:
                say(f"step {step}/{steps}, loss {mean:.3f}, {time.monotonic() - began:.0f} s")


def _readable(windows: Sequence[Window]) -> list[Window]:
    return [w for w in windows if w.unknown <= MAX_UNKNOWN]


def _glossed(examples: Sequence[Example], chosen: random.Random) -> Iterator[Example]:
    """Glosses of what is not English, and English made like a gloss: heads learn from both what they will be asked."""
    for e in examples:
        if e.spans or not e.source.startswith(OWN):
            continue
        found = gloss(e.text) if e.language != "en" else None
        if found is not None:
            yield replace(e, text=found.text, group="gloss")
        elif e.language == "en" and chosen.random() < ROUGH:
            yield replace(e, text=_rough(e.text, chosen), group="gloss")


def _beside(examples: Sequence[Example], chosen: random.Random) -> Iterator[Example]:
    """Messages with another, harmless one before or behind: people say what matters among other things."""
    harmless: dict[tuple[str, str], list[str]] = {}
    for e in examples:
        for head, label in e.labels.items():
            if not label and e.source.startswith("messages/"):
                harmless.setdefault((head, e.language), []).append(e.text)
    for e in examples:
        head = e.source.partition("/")[2]
        if e.source.startswith("messages/") and chosen.random() < BESIDE:
            parts = [e.text, chosen.choice(harmless[head, e.language])]
            chosen.shuffle(parts)
            yield replace(e, text=" ".join(parts), labels={head: e.labels[head]}, group="beside")


def _rough(text: str, chosen: random.Random) -> str:
    """English without some of its small words, and here and there in another order."""
    words = [w for w in text.lower().split() if w not in _SMALL or chosen.random() < 0.5]
    for i in range(len(words) - 1):
        if chosen.random() < 0.15:
            words[i], words[i + 1] = words[i + 1], words[i]
    return " ".join(words)


def _batches(epoch: Sequence[Item], chosen: random.Random) -> Iterator[list[Item]]:
    """Batches of like length, in random order."""
    order = sorted(epoch, key=lambda i: (len(i.ids) // 8, chosen.random()))
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    chosen.shuffle(batches)
    yield from batches


def _loss(torch: Any, model: Any, batch: Sequence[Item]) -> Any:
    functional = torch.nn.functional
    longest = max(len(i.ids) for i in batch)
    ids = torch.tensor([list(i.ids) + [0] * (longest - len(i.ids)) for i in batch])
    mask = torch.tensor([[1] * len(i.ids) + [0] * (longest - len(i.ids)) for i in batch])
    hidden = model["trunk"](input_ids=ids, attention_mask=mask).last_hidden_state
    mean = pooled(hidden, mask)
    mean = functional.dropout(mean, 0.1, training=True)
    labels = torch.tensor([i.labels for i in batch])
    known = labels >= 0
    each = functional.binary_cross_entropy_with_logits(model["heads"](mean), labels.clamp(min=0), reduction="none")
    loss = (each * known).sum() / known.sum().clamp(min=1)
    tasks = torch.tensor([i.task for i in batch])
    if bool((tasks >= 0).any()):
        loss = loss + 0.3 * functional.cross_entropy(model["task"](mean), tasks, ignore_index=-1)
    tagged = [n for n, i in enumerate(batch) if i.tags]
    if tagged:
        loss = loss + _tag_loss(torch, model, hidden[tagged], [batch[n] for n in tagged])
    return loss


def _tag_loss(torch: Any, model: Any, hidden: Any, batch: Sequence[Item]) -> Any:
    longest = hidden.shape[1]
    none = (0.0,) * FEATURES
    marks = torch.tensor([[none, *i.marks] + [none] * (longest - len(i.marks) - 1) for i in batch])
    tags = torch.tensor([[-1, *i.tags] + [-1] * (longest - len(i.tags) - 1) for i in batch])
    scores = model["tags"](torch.cat((hidden, marks), dim=-1))
    return 0.5 * torch.nn.functional.cross_entropy(scores.flatten(0, 1), tags.flatten(), ignore_index=-1)


def export(model: Any, path: str) -> None:
    """Write the trunk with its tagger as int8 ONNX: dynamic quantisation, one scale for each output channel."""
    silent_runtime()
    torch = import_module("torch")

    module: Any = torch.nn.Module

    class Whole(module):  # type: ignore[misc]  # torch is loaded by name and has no types here
        def __init__(self) -> None:
            super().__init__()  # pyright: ignore[reportUnknownMemberType]
            self.parts = model

        def forward(self, input_ids: Any, attention_mask: Any, marks: Any) -> Any:
            hidden = self.parts["trunk"](input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return pooled(hidden, attention_mask), self.parts["tags"](torch.cat((hidden, marks), dim=-1))

    ids = torch.ones(2, 16, dtype=torch.long)
    model.eval()
    given = {"input_ids": ids, "attention_mask": ids, "marks": torch.zeros(2, 16, FEATURES)}
    write_int8(Whole(), given, ["vector", "tags"], path, by_token=frozenset({"tags"}))
