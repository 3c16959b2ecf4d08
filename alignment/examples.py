"""What a head learns from: a text, what is known of it, and where it comes from. Who reads which source: `sources`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

HEADS: tuple[str, ...] = ("crisis", "harmful", "injection", "smuggled", "emergency", "care", "unsafe", "messaging")
"""The questions that are answered with yes or no. `smuggled` is injection in evidence and tool results; the last three
read drafts: whether one sends to emergency care, gives unsafe advice, breaks the rules of safe messaging."""
MEASURED_PER_CENT = 15
"""Share of every source that is kept from the weights and serves to calibrate and to measure."""
Part = Literal["train", "measure"]


OWN = ("corpus/", "messages/", "kept/")
"""How the sources of the project's own texts begin."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text and the labels known of it."""

    text: str
    labels: Mapping[str, int]
    """Head to 1 or 0; a head that is missing is unknown for this text and learns nothing from it."""
    source: str
    """File it comes from; `corpus/NAME`, `messages/NAME` and `kept/NAME` for the project's own templates,
    messages, and messages that no weight saw."""
    group: str = ""
    """Kind of text, for figures by group."""
    language: str = "en"
    """ISO 639-1."""
    task: str | None = None
    """The clinical task, where it is known."""
    key: str = ""
    """What must stay on one side of the split: the template that a text was made from; empty: the text itself."""
    spans: tuple[tuple[int, int, str], ...] = field(default=())
    """Identifiers: start, end, kind."""
    kept: bool = False
    """Written apart from all others, never for weights."""

    @property
    def part(self) -> Part:
        """Whether the text shapes weights or measures them; the same on every machine."""
        if self.kept:
            return "measure"
        digest = hashlib.sha256((self.key or self.text).encode()).digest()
        return "measure" if int.from_bytes(digest[:4], "big") % 100 < MEASURED_PER_CENT else "train"


def without_repeats(examples: Iterable[Example]) -> list[Example]:
    """The examples in their order, each text once."""
    seen: set[str] = set()
    kept: list[Example] = []
    for example in examples:
        key = " ".join(example.text.lower().split())
        if key and key not in seen:
            seen.add(key)
            kept.append(example)
    return kept
