"""What a round is run with: the policy and the ports. Passed beside the state, never stored with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from wardround.policies.load import Policy

from .ports import ModelClient, Sink, Specialist


def _no_span(_name: str) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class RoundContext:
    """Everything a node may use besides the state."""

    policy: Policy
    """The compiled policy that judges this round from start to end."""
    specialists: tuple[Specialist, ...]
    """The specialists, in the order of their findings."""
    model: ModelClient | None = None
    """The way to a model; None where no upstream is configured: the extractive drafter serves."""
    sink: Sink | None = None
    """Where a streamed answer goes; None for a whole one."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers for the upstream."""
    span: Callable[[str], AbstractContextManager[object]] = _no_span
    """Opens a tracing span for a node by name."""

    def specialist(self, name: str) -> Specialist | None:
        """The specialist of that name, None where this deployment runs without it."""
        return next((s for s in self.specialists if s.name == name), None)
