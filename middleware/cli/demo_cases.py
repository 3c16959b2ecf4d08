"""The rounds that the demo shows, and what must come of each: read from `demo_cases.yaml`."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Expected(_Frozen):
    """What must come back, or the demo fails."""

    status: Literal["released", "blocked", "pending_review"]
    """Where the round stands."""
    actions: tuple[str, ...]
    """What the policy may have decided."""
    contains: tuple[str, ...] = ()
    """Words of the text that the client gets."""
    lacks: tuple[str, ...] = ()
    """Words that must not be in it."""
    findings: tuple[str, ...] = ()
    """Kinds of finding that must be among those reported."""
    cites: bool = False
    """Whether a claim must come with its source."""
    asked_model: bool = True
    """Whether the clinical app may have been asked at all."""
    redrafted: bool = False
    """Whether it must have been asked again."""


class Reviewed(_Frozen):
    """What a person then decides about a held round."""

    verdict: Literal["approve", "edit", "reject"]
    """The decision."""
    text: str | None = None
    """The text to release, for `edit`."""
    reason: str
    """Why."""
    expect: Expected
    """What must be read at `/v1/rounds/{id}` afterwards."""


class DemoCase(_Frozen):
    """One request."""

    title: str
    """What it shows."""
    ask: str
    """The user's message."""
    about: dict[str, Any] = {}
    """The `wardround` object sent along."""
    stream: bool = False
    """Whether the answer is streamed."""
    failing: str | None = None
    """The agent that fails during this round."""
    expect: Expected
    """What must come back."""
    review: Reviewed | None = None
    """What a person decides, where it is held."""


_CASES = TypeAdapter(Annotated[list[DemoCase], Field(min_length=1)])


def demo_cases() -> list[DemoCase]:
    """All rounds of the demo, in order."""
    text = resources.files("wardround.middleware.cli").joinpath("demo_cases.yaml").read_text(encoding="utf-8")
    return _CASES.validate_python(yaml.safe_load(text))
