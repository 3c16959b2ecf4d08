"""`wardround demo`: a clinical LLM app, the proxy before it, and a dozen rounds that show what becomes of answers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import EXIT_STOPPED
from .options import AsJson, option

if TYPE_CHECKING:
    from rich.console import Console

    from wardround.agents.ports import Compute, Report, Specialist
    from wardround.policies.request import Case

    from ..service import Service
    from ..settings import Settings
    from .demo_cases import DemoCase
    from .demo_client import DemoClient
    from .demo_story import Told

REVIEWER = "demo reviewer"
_TOKEN_S = 0.01
"""Pause between the tokens of the scripted app, so that streaming can be seen, seconds."""


def demo(
    keep: Annotated[bool, option("--keep", help="Keep the database of the demo and say where it is.")] = False,
    fast: Annotated[bool, option("--fast", help="Let the scripted app stream without pauses.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a dozen rounds, end to end, without a key or a network. Exit code 1 where one goes otherwise than told."""
    import uvloop

    from . import logs
    from .printing import console, print_json

    logs.configure("error")
    folder = Path(tempfile.mkdtemp(prefix="wardround-demo-"))
    out = console(stderr=as_json)
    try:
        result = uvloop.run(_demo(folder, 0.0 if fast else _TOKEN_S, out))
    finally:
        if not keep:
            _remove(folder)
    if as_json:
        print_json(result.as_json())
    _say_goodbye(out, result, folder if keep else None)
    if result.failed:
        raise typer.Exit(EXIT_STOPPED)


@dataclass(frozen=True, slots=True)
class _Result:
    told: Sequence[Told]
    records: int
    damaged: int
    elapsed_s: float

    @property
    def failed(self) -> bool:
        """Whether anything went otherwise than told."""
        return bool(self.damaged or not self.records or any(t.mistakes for t in self.told))

    def as_json(self) -> dict[str, Any]:
        """The result for programs."""
        rounds = [
            {
                "title": t.case.title,
                "round_id": t.got.round_id,
                "action": t.got.action,
                "status": t.after.status if t.after else t.got.status,
                "mistakes": list(t.mistakes),
            }
            for t in self.told
        ]
        return {"rounds": rounds, "audit": {"records": self.records, "problems": self.damaged}}


async def _demo(folder: Path, token_s: float, out: Console) -> _Result:
    from ..app import Proxy
    from ..service import ComputePool, Service
    from .demo_client import DemoClient
    from .listening import background
    from .scripted_app import Script, build_app

    began = time.perf_counter()
    out.print("A scripted clinical LLM app, the proxy in front of it, a database of its own: no key, no network.")
    compute = ComputePool(1)
    async with background(build_app(Script(token_interval_s=token_s))) as upstream:
        agents = _tripwires(compute)
        service = Service(_settings(folder, upstream), specialists=agents)
        async with background(Proxy(service).app()) as address, DemoClient.open(address) as client:
            out.print(f"The app answers on {upstream}, wardround on {address}/v1.")
            told = await _all(client, service, agents, out)
            records, damaged = _verified(service)
    compute.close()
    return _Result(told, records, damaged, time.perf_counter() - began)


def _settings(folder: Path, upstream: str) -> Settings:
    """Settings of the demo alone: neither a file nor the environment has a say, so that no real database is touched."""
    from ..settings import Settings

    policy = str(Path(__file__).parent / "demo_policy.yaml")
    return Settings.model_construct(upstream_url=f"{upstream}/v1", data_dir=folder / "data", policy=policy)


@dataclass(slots=True)
class Tripwire:
    """A specialist that raises while it is told to, and works otherwise."""

    real: Specialist
    tripped: bool = False

    @property
    def name(self) -> str:
        """The real one's name."""
        return self.real.name

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """As the real one."""
        return await self.real.screen(case, settings)

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """As the real one, unless tripped."""
        if self.tripped:
            raise RuntimeError("told to fail")
        return await self.real.check(case, settings)


def _tripwires(compute: Compute) -> tuple[Tripwire, ...]:
    from wardround.agents import registry

    return tuple(Tripwire(specialist) for specialist in registry.build(registry.Tools(compute)))


async def _all(client: DemoClient, service: Service, agents: Sequence[Tripwire], out: Console) -> list[Told]:
    from .demo_cases import demo_cases
    from .demo_story import print_told

    told: list[Told] = []
    for number, case in enumerate(demo_cases(), 1):
        for agent in agents:
            agent.tripped = agent.name == case.failing
        told.append(await _tell(case, client, service))
        print_told(out, number, told[-1])
    return told


async def _tell(case: DemoCase, client: DemoClient, service: Service) -> Told:
    """Send one request, carry out the person's decision where the case has one, and compare with what was expected."""
    from wardround.agents.state import Review

    from ..store.audit_log import records_of
    from .demo_story import Told, drafts_of, mistakes

    got, after = await client.ask(case), None
    records = await records_of(service.database, got.round_id)
    wrong = mistakes(case.expect, got, len(drafts_of(records)))
    if case.review is not None and got.status == "pending_review":
        decision = Review(case.review.verdict, REVIEWER, case.review.text, case.review.reason)
        await service.holding.decide(got.round_id, decision)
        after = await client.read(got.round_id)
        records = await records_of(service.database, got.round_id)
        wrong += mistakes(case.review.expect, after, len(drafts_of(records)))
    return Told(case, got, after, records, wrong)


def _verified(service: Service) -> tuple[int, int]:
    """Records in the audit log, and problems with them."""
    from ..store.audit_log import verify_all

    read: list[int] = [0]
    problems = verify_all(service.database, lambda seen, _total: read.append(seen))
    return read[-1], len(problems)


def _say_goodbye(out: Console, result: _Result, kept: Path | None) -> None:
    wrong = sum(bool(t.mistakes) for t in result.told)
    state = "unaltered" if not result.damaged else f"DAMAGED in {result.damaged} places"
    out.print(f"\nAudit log: {result.records} records, {state}.", style="bold")
    if result.failed:
        out.print(f"The demo failed: {wrong} of {len(result.told)} rounds went otherwise than told.", style="bold red")
    else:
        out.print(f"All {len(result.told)} rounds went as told, in {result.elapsed_s:.1f} s.", style="bold green")
    if kept is not None:
        out.print(f"Kept: wardround audit list --data-dir {kept / 'data'}")
    out.print(
        "\nNext: `wardround serve --upstream https://your-llm.example/v1`, then set your client's base URL to "
        "http://127.0.0.1:8400/v1.\nWrite your own policy after docs/policies.md; docs/quickstart.md has the rest."
    )


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
