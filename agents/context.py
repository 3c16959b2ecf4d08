"""What a round is run with: the policy and the ports. Passed beside the state, never stored with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from wardround.policies.document import Drafting
from wardround.policies.document import Specialist as AgentSettings
from wardround.policies.load import Policy

from .ports import ModelClient, Sink, Specialist

_DEFAULTS = AgentSettings()


class Span(Protocol):
    """The part of a tracing span that a node may use: numbers and names, never text."""

    def set_attribute(self, key: str, value: str | int) -> object:
        """Note one attribute."""
        ...


def _no_span(_name: str) -> AbstractContextManager[Span | None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Models:
    """The way to models."""

    client: ModelClient | None = None
    """Calls them; None where this process may call none."""
    has_upstream: bool = False
    """Whether a request's own model name has somewhere to go."""

    def can_draft(self, drafting: Drafting) -> bool:
        """Whether a model can be asked; without one the extractive drafter serves."""
        return self.client is not None and (self.has_upstream or drafting.model is not None)


_NO_MODELS = Models()


@dataclass(frozen=True, slots=True)
class RoundContext:
    """Everything a node may use besides the state."""

    policy: Policy
    """The compiled policy that judges this round from start to end."""
    specialists: tuple[Specialist, ...]
    """The specialists, in the order of their findings."""
    validators: tuple[Specialist, ...] = ()
    """Third-party guardrails validators that the policy names; they look beside the safety agent."""
    models: Models = _NO_MODELS
    """The way to models."""
    sink: Sink | None = None
    """Where a streamed answer goes; None for a whole one."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers for the upstream."""
    span: Callable[[str], AbstractContextManager[Span | None]] = _no_span
    """Opens a tracing span for a node by name; gives None where nothing is traced."""

    def settings(self, name: str) -> AgentSettings:
        """The policy's settings of a specialist."""
        found: AgentSettings = getattr(self.policy.document.agents, name, _DEFAULTS)
        return found

    @property
    def drafting(self) -> Drafting:
        """The policy's settings of drafting."""
        return self.policy.document.agents.drafting

    @property
    def lookers(self) -> tuple[Specialist, ...]:
        """Everyone who looks at a case."""
        return (*self.specialists, *self.validators)

    def beside(self, name: str) -> tuple[Specialist, ...]:
        """Who looks in the node of that name: the specialist, and beside `safety` the policy's validators."""
        own = tuple(s for s in self.specialists if s.name == name)
        return (*own, *self.validators) if name == "safety" else own
