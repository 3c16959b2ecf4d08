"""Fine-tuning of the claim verifier: claim and evidence read together, three classes. What it learns from: `pairs`.

Needs the extra `train` (torch and the package that carries the MiniLM weights).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from wardround.agents.knowledge.pairing import MARKS, Paired, Pairer
from wardround.agents.weights import silent_runtime

from .minilm import WIDTH, pooled, trunk, write_int8
from .minilm import rate as share_of
from .pairs import Pair
from .verdicts import UNSUPPORTED

BATCH = 32
WARM_UP = 0.08
SMOOTHING = 0.05
"""Share of a label's weight that the other two classes get."""
WEIGHTS: Mapping[str, float] = {
    "fever": 0.6,
    "own": 2.0,
    "about": 2.0,
    "restated": 2.0,
    "mirrored": 2.0,
    "pubmedqa/conclusion": 0.7,
    "dialogue": 0.7,
    "citations": 0.7,
}
"""How much a pair counts by its source, where not 1: the project's own claims are most like what people will ask."""


class Stage(NamedTuple):
    """One pass over the pairs."""

    rate: float
    """Learning rate at its highest."""
    shares: Mapping[str, float]
    """How often a pair is read, by its source or what stands before the source's `/`; `*` for the others."""


STAGES = (
    Stage(1e-4, {
        "*": 0.5, "fever": 0.35, "own": 2, "about": 2, "restated": 0.01, "mirrored": 0.01, "scifact": 1,
        "pubmedqa/question": 1, "citations": 0.7, "medquad": 0.35, "dialogue": 0.4, "medhallu": 0.6, "medec":
        1,
    }),
    Stage(7e-5, {
        "*": 0.15, "fever": 0.12, "own": 2, "about": 2, "restated": 0.01, "mirrored": 0.01, "own/flips": 1.5,
        "about/flips": 1.5, "scifact": 1.5, "pubmedqa": 0.3, "pubmedqa/question": 1, "citations": 0.05,
        "dialogue": 0.25, "label": 0.25, "medhallu": 0.7, "medec": 0.7,
    }),
    Stage(5e-5, {
        "*": 0.1, "mirrored": 0.01, "fever": 0.05, "own": 1, "about": 1, "restated": 2.2, "restated/flips":
        0.8, "own/flips": 0.6, "about/flips": 0.6, "scifact": 1, "pubmedqa": 0.15, "pubmedqa/question": 0.5,
        "citations": 0.02, "dialogue": 0.15, "label": 0.15, "medhallu": 0.5, "medec": 0.5,
    }),
    Stage(5e-5, {
        "*": 0.05, "fever": 0.05, "own": 0.7, "about": 0.6, "restated": 1, "mirrored": 2, "restated/flips":
        0.3, "mirrored/flips": 0.3, "own/flips": 0.3, "about/flips": 0.3, "scifact": 1, "pubmedqa": 0.1,
        "pubmedqa/question": 0.3, "citations": 0.02, "medhallu": 0.4, "medec": 0.3,
    }),
)  # fmt: skip
"""What is read, and how fast is learned."""


class Item(NamedTuple):
    """One pair to learn from."""

    paired: Paired
    label: int
    weight: float


def build() -> Any:
    """The network before training; raises `ImportError` without the extra `train`."""
    torch = import_module("torch")
    parts = torch.nn.ModuleDict(
        {
            "trunk": trunk(),
            "marks": torch.nn.Linear(MARKS, WIDTH, bias=False),
            "classes": torch.nn.Linear(2 * WIDTH, 3),
        }
    )
    torch.nn.init.zeros_(parts["marks"].weight)
    return parts


def items(pairs: Sequence[Pair], pairer: Pairer) -> list[Item]:
    """Every pair as the network reads it."""
    return [Item(pairer.pair(p.claim, p.evidence), p.label, _weight(p.source)) for p in pairs]


def shared_out(pairs: Sequence[Pair], stage: Stage, seed: int) -> list[Pair]:
    """The pairs of one stage: a share above one repeats a pair, one below leaves some out."""
    chosen = random.Random(seed)  # noqa: S311 - order of training, no secret
    return [p for p in pairs for _ in range(_times(stage.shares, p.source, chosen))]


def _times(shares: Mapping[str, float], source: str, chosen: random.Random) -> int:
    share = shares.get(source) or shares.get(source.partition("/")[0]) or shares["*"]
    return int(share) + (chosen.random() < share - int(share))


def _weight(source: str) -> float:
    return WEIGHTS.get(source) or WEIGHTS.get(source.partition("/")[0]) or 1.0


def train(model: Any, learned: Sequence[Item], *, seed: int, say: Callable[[str], None], rate: float) -> None:
    """Train in place, once over the pairs."""
    torch = import_module("torch")
    torch.manual_seed(seed)
    chosen = random.Random(seed)  # noqa: S311 - order of training, no secret
    batches = _batches(learned, chosen)
    rates = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(rates, share_of(len(batches), warm_up=WARM_UP))
    model.train()
    began, mean = time.monotonic(), 0.0
    for step, batch in enumerate(batches):
        loss = _loss(torch, model, batch)
        rates.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rates.step()
        schedule.step()
        mean = 0.98 * mean + 0.02 * float(loss.detach())
        if (step + 1) % 50 == 0:
            shown = mean / (1 - 0.98 ** (step + 1))
            say(f"step {step + 1}/{len(batches)}, loss {shown:.3f}, {time.monotonic() - began:.0f} s")


def weights_of(model: Any) -> dict[str, Any]:
    """A copy of the weights as they are now."""
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def average(model: Any, before: Mapping[str, Any]) -> None:
    """Take the mean of the weights before and after the last stage: better on both kinds of claims than either."""
    after = model.state_dict()
    mean = {n: (v + before[n]) / 2 if v.is_floating_point() else v for n, v in after.items()}
    model.load_state_dict(mean)


def _batches(learned: Sequence[Item], chosen: random.Random) -> list[list[Item]]:
    """Batches of like length, in random order."""
    order = sorted(learned, key=lambda i: (len(i.paired.ids) // 8, chosen.random()))
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    chosen.shuffle(batches)
    return batches


def scores(torch: Any, model: Any, batch: Sequence[Paired]) -> Any:
    """Scores of the three classes for some pairs, padded to the longest."""
    longest = max(len(p.ids) for p in batch)
    none = (0.0,) * MARKS
    ids = torch.tensor([[*p.ids] + [0] * (longest - len(p.ids)) for p in batch])
    types = torch.tensor([[*p.types] + [0] * (longest - len(p.ids)) for p in batch])
    mask = torch.tensor([[1] * len(p.ids) + [0] * (longest - len(p.ids)) for p in batch])
    marks = torch.tensor([[*p.marks] + [none] * (longest - len(p.ids)) for p in batch])
    return forward(torch, model, ids, types, mask, marks)


def forward(torch: Any, model: Any, ids: Any, types: Any, mask: Any, marks: Any) -> Any:
    """The network: words with their marks through the trunk; first token and mean to three scores."""
    layers = model["trunk"]
    words = layers.embeddings.word_embeddings(ids) + model["marks"](marks)
    hidden = layers(inputs_embeds=words, token_type_ids=types, attention_mask=mask).last_hidden_state
    read = torch.cat((hidden[:, 0], pooled(hidden, mask)), dim=-1)
    return model["classes"](torch.nn.functional.dropout(read, 0.1, training=model.training))


def _loss(torch: Any, model: Any, batch: Sequence[Item]) -> Any:
    """Cross-entropy; of a claim that is contradicted or unsaid, nobody knows which, that it is not supported."""
    functional = torch.nn.functional
    found = scores(torch, model, [i.paired for i in batch])
    labels = torch.tensor([i.label for i in batch])
    weights = torch.tensor([i.weight for i in batch])
    known = labels != UNSUPPORTED
    plain = functional.cross_entropy(found, labels.clamp(max=2), reduction="none", label_smoothing=SMOOTHING)
    supported = functional.log_softmax(found, dim=-1)[:, 0].exp()
    either = -torch.log((1 - supported).clamp(min=1e-5))
    return (torch.where(known, plain, either) * weights).sum() / weights.sum()


def export(model: Any, path: str) -> None:
    """Write the network as int8 ONNX."""
    silent_runtime()
    torch = import_module("torch")
    module: Any = torch.nn.Module

    class Whole(module):  # type: ignore[misc]  # torch is loaded by name and has no types here
        def __init__(self) -> None:
            super().__init__()  # pyright: ignore[reportUnknownMemberType]
            self.parts = model

        def forward(self, input_ids: Any, token_type_ids: Any, attention_mask: Any, marks: Any) -> Any:
            return forward(torch, self.parts, input_ids, token_type_ids, attention_mask, marks)

    ids = torch.ones(2, 16, dtype=torch.long)
    given = {"input_ids": ids, "token_type_ids": ids, "attention_mask": ids, "marks": torch.zeros(2, 16, MARKS)}
    model.eval()
    write_int8(Whole(), given, ["scores"], path)


def export_embedder(path: str) -> None:
    """Write the untouched MiniLM with mean pooling as int8 ONNX."""
    silent_runtime()
    torch = import_module("torch")
    module: Any = torch.nn.Module

    class Pooled(module):  # type: ignore[misc]  # torch is loaded by name and has no types here
        def __init__(self) -> None:
            super().__init__()  # pyright: ignore[reportUnknownMemberType]
            self.trunk = trunk()

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = self.trunk(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return pooled(hidden, attention_mask)

    ids = torch.ones(2, 16, dtype=torch.long)
    write_int8(Pooled(), {"input_ids": ids, "attention_mask": ids}, ["vector"], path)
