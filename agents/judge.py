"""The specialists on one given draft, without graph, store or model: what `policy test` asks. Nothing is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from wardround.policies.document import Agents
from wardround.policies.finding import Finding
from wardround.policies.request import Case, RoundRequest

from . import checks
from .intake import understand
from .ports import Specialist
from .registry import Tools, build

T = TypeVar("T")


class InThread:
    """The `Compute` port on the default executor."""

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        """Run `work(*args)` in a thread."""
        return await asyncio.to_thread(work, *args)


@cache
def _specialists() -> tuple[Specialist, ...]:
    return build(Tools(InThread()))


async def judge_case(request: RoundRequest, agents: Agents) -> tuple[Finding, ...]:
    """Findings on the request and, where it brings one, on its draft, in the specialists' order."""
    intake = understand(request)
    case = Case(request=request, audience=intake.audience, language=intake.language, task=intake.task)
    findings: list[Finding] = []
    for specialist in _specialists():
        settings = getattr(agents, specialist.name)
        findings += (await checks.screen(specialist, case, settings)).findings
        if request.draft is not None:
            drafted = case.model_copy(update={"draft": request.draft})
            findings += (await checks.check(specialist, [drafted], 0, settings)).findings
    return tuple(findings)
