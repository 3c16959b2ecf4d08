"""Which specialists there are. An unknown name raises; an absent specialist never means that all is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wardround.policies.errors import WardroundError

from .ports import Compute, ModelClient, Retriever, Specialist


@dataclass(frozen=True, slots=True)
class Tools:
    """What a specialist may be built with."""

    compute: Compute
    """Bounded pool for CPU work."""
    retriever: Retriever | None = None
    """The passage store, where one is configured."""
    model: ModelClient | None = None
    """For second opinions, where a policy asks for them."""
    drug_tables: Path | None = None
    """Folder of imported drug tables."""


Factory = Callable[[Tools], Specialist]


def _knowledge(tools: Tools) -> Specialist:
    from .interactions.facts import formulary
    from .knowledge.agent import KnowledgeAgent
    from .safety.injection import gives_instructions

    return KnowledgeAgent(
        tools.compute,
        tools.retriever,
        formulary=formulary(tools.drug_tables),
        attacks=gives_instructions,
        model=tools.model,
    )


def _interactions(tools: Tools) -> Specialist:
    from .interactions.agent import InteractionsAgent

    return InteractionsAgent(tools.compute, tools.drug_tables)


def _safety(tools: Tools) -> Specialist:
    from .safety.agent import SafetyAgent

    return SafetyAgent(tools.compute)


FACTORIES: dict[str, Factory] = {"knowledge": _knowledge, "interactions": _interactions, "safety": _safety}
"""Every specialist, in the order of their findings."""


def build(tools: Tools, names: tuple[str, ...] = tuple(FACTORIES)) -> tuple[Specialist, ...]:
    """Build specialists by name; raises `WardroundError` for a name that nobody registered, or for none at all."""
    if not names:
        raise WardroundError("no specialist is configured: a round without checks is refused")
    unknown = [n for n in names if n not in FACTORIES]
    if unknown:
        raise WardroundError(f"unknown agent {unknown[0]!r}: known are {', '.join(FACTORIES)}")
    return tuple(FACTORIES[n](tools) for n in names)
