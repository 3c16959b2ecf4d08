"""Running a specialist on a case: side by side, each within its deadline. A failure becomes a finding, never a pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from wardround.policies.document import Specialist as AgentSettings
from wardround.policies.finding import Finding, FindingKind, Severity
from wardround.policies.request import Case

from .ports import Report, Specialist
from .state import Check, CheckStatus, Phase


def _shown(check: Check, settings: AgentSettings) -> Check:
    """Leave out findings below the policy's `show_from`, and say how many; a failure is never left out."""
    least = settings.show_from
    if least is None:
        return check
    kept = tuple(f for f in check.findings if f.severity.rank >= least.rank or f.kind is FindingKind.AGENT_FAILURE)
    hidden = len(check.findings) - len(kept)
    return replace(check, findings=kept, notes={**check.notes, "hidden": str(hidden)}) if hidden else check


class HasSettings(Protocol):
    """Knows the policy's settings of each specialist."""

    def settings(self, name: str, /) -> AgentSettings: ...


async def screen(agent: Specialist, case: Case, settings: AgentSettings) -> Check:
    """Let one specialist look at the request alone."""
    if not settings.enabled:
        return _skipped(agent, Phase.SCREEN, 0)
    return _shown(
        await _look(agent, agent.screen(case, settings.options), Phase.SCREEN, 0, settings.deadline_s), settings
    )


async def check(agent: Specialist, cases: Sequence[Case], revision: int, settings: AgentSettings) -> Check:
    """Let one specialist look at every choice of a draft; the deadline holds for all together."""
    if not settings.enabled:
        return _skipped(agent, Phase.CHECK, revision)
    looks = _all(agent, cases, settings.options)
    return _shown(await _look(agent, looks, Phase.CHECK, revision, settings.deadline_s), settings)


async def screen_all(
    specialists: Sequence[Specialist], validators: Sequence[Specialist], case: Case, context: HasSettings
) -> tuple[Check, ...]:
    """Let everyone look at the request alone.

    Our own specialists in turn: they answer at once, and a task for each would cost more than its look. A policy's
    validators, which may be remote, side by side.
    """
    own = [await screen(s, case, context.settings(s.name)) for s in specialists]
    if not validators:
        return tuple(own)
    return (*own, *await asyncio.gather(*(screen(v, case, context.settings(v.name)) for v in validators)))


async def check_all(
    specialists: Sequence[Specialist], cases: Sequence[Case], revision: int, context: HasSettings
) -> tuple[Check, ...]:
    """Let several look at every choice of a draft, side by side."""
    looks = [check(s, cases, revision, context.settings(s.name)) for s in specialists]
    return (await looks[0],) if len(looks) == 1 else tuple(await asyncio.gather(*looks))


async def _all(agent: Specialist, cases: Sequence[Case], options: Mapping[str, Any]) -> Report:
    if len(cases) == 1:
        return await agent.check(cases[0], options)
    reports = [await agent.check(case, options) for case in cases]
    return Report(
        findings=tuple(f for r in reports for f in r.findings),
        channels=tuple(dict.fromkeys(c for r in reports for c in r.channels)),
        notes={k: v for r in reports for k, v in r.notes.items()},
        supported=tuple(s for r in reports for s in r.supported),
        retrieved=tuple(x for r in reports for x in r.retrieved),
    )


async def _look(agent: Specialist, looking: Awaitable[Report], phase: Phase, revision: int, deadline_s: float) -> Check:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(deadline_s):
            report = await looking
    except TimeoutError:
        return _failed(agent, phase, revision, started, f"no answer within {deadline_s:g} s")
    except Exception as error:  # noqa: BLE001 - every failure of an agent is a finding, whatever its class
        return _failed(agent, phase, revision, started, type(error).__name__)
    return Check(
        agent=agent.name,
        phase=phase,
        status=CheckStatus.RAN,
        revision=revision,
        channels=report.channels,
        findings=report.findings,
        supported=report.supported,
        retrieved=report.retrieved,
        notes=report.notes,
        elapsed_ms=_since(started),
    )


def _failed(agent: Specialist, phase: Phase, revision: int, started: float, why: str) -> Check:
    finding = Finding(
        agent=agent.name,
        kind=FindingKind.AGENT_FAILURE,
        subjects=(agent.name,),
        severity=Severity.MAJOR,
        message=f"The {agent.name} agent could not finish its {phase}: {why}. The answer is unchecked in this respect.",
        code=f"agent_failure.{agent.name}",
    )
    return Check(
        agent=agent.name,
        phase=phase,
        status=CheckStatus.FAILED,
        revision=revision,
        channels=(),
        findings=(finding,),
        notes={"error": why},
        elapsed_ms=_since(started),
    )


def _skipped(agent: Specialist, phase: Phase, revision: int) -> Check:
    return Check(agent.name, phase, CheckStatus.SKIPPED, revision, (), (), notes={"why": "disabled by the policy"})


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
