"""What the policy made of the findings, with the whole explanation. How it is reached lives in `decide`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .finding import Action, Frozen, How


class RuleOutcome(Frozen):
    """One rule of the policy against one round."""

    id: str
    """The rule's id."""
    origin: str
    """`pack-or-file:line` where the rule is written."""
    fired: bool
    """Whether its condition held."""
    action: Annotated[Action, Field(strict=False)]
    """What the rule demands when it fires."""
    shadow: bool = False
    """Recorded only: the rule, or the whole policy, is in shadow mode."""
    findings: Annotated[tuple[int, ...], Field(strict=False)] = ()
    """Positions, in the round's list of findings, of those it fired on; empty where it fired on none in particular."""
    how: How | None = None
    """What becomes of the sentences it fired on; None where the rule changes none."""
    error: str | None = None
    """Why the condition could not be evaluated; such a rule counts as fired with at least `escalate`."""


class Decision(Frozen):
    """The verdict on one draft."""

    action: Annotated[Action, Field(strict=False)]
    """The strongest action of the rules that fired outside shadow mode; `allow` where none did."""
    rules: Annotated[tuple[RuleOutcome, ...], Field(strict=False)]
    """Every rule, in the policy's order."""
    queue: str | None = None
    """The reviewers' queue named by the strongest `escalate` rule."""
    reason: str | None = None
    """The reason text of the rule that decided."""
    message: str | None = None
    """What the client is told instead of an answer; None where the answer goes out."""
    shadow_action: Annotated[Action, Field(strict=False)] | None = None
    """What the action would have been with the shadow rules acting; None where none would change it."""

    @property
    def fired(self) -> tuple[str, ...]:
        """Ids of the rules that fired and act."""
        return tuple(r.id for r in self.rules if r.fired and not r.shadow)
