"""Everything a running Wardround is made of, opened in order and closed in reverse. Used by the proxy and the CLI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from wardround.agents import registry
from wardround.agents.context import Models, RoundContext
from wardround.agents.ports import ModelClient, Specialist
from wardround.policies.book import PolicyBook
from wardround.policies.errors import InputError, PolicyError, StoreError
from wardround.policies.load import Policy, pack_names

from .auth import Caller
from .evidence.retriever import EvidenceRetriever
from .holding import Holding
from .rounds import Parts, RoundRunner
from .settings import Settings
from .store.database import Database
from .store.journal import Journal
from .store.keys import Keys
from .store.spool import Spool
from .telemetry import Telemetry
from .upstream import Upstream, UpstreamConfig

T = TypeVar("T")
SWEEP_S = 1.0
"""How often held rounds are looked over for time limits and unfinished decisions, seconds."""
COMPUTE_THREADS = 2
"""Threads for CPU work of the specialists."""
log = logging.getLogger("wardround")


class Problem(NamedTuple):
    """Something an operator should mend."""

    text: str
    fatal: bool
    """Whether requests are refused meanwhile."""


class ComputePool:
    """The bounded pool behind the `Compute` port."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="wardround-compute")

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        """Run `work(*args)` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def close(self) -> None:
        """Let go of the threads; work already begun goes on until it ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Service:
    """Opened by `start`, closed by `stop`; both may be called once."""

    def __init__(
        self,
        settings: Settings,
        *,
        model: ModelClient | None = None,
        specialists: tuple[Specialist, ...] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.settings = settings
        self.telemetry = telemetry or Telemetry(settings.otlp_endpoint)
        self.book = PolicyBook()
        self._validators: dict[str, tuple[Specialist, ...]] = {}
        self._compute = ComputePool(COMPUTE_THREADS)
        self._given_model = model
        self._given_specialists = specialists
        self._stack = AsyncExitStack()
        self._sweeper: asyncio.Task[None] | None = None
        self.upstream = self._upstream()

    async def start(self) -> None:
        """Open the database, load the policy and the specialists, take up decisions left half done.

        Raises `StoreError`, `PolicyError` or `SettingsError`, each one line, and leaves nothing open.
        """
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self) -> None:
        settings, stack = self.settings, self._stack
        stack.callback(self._compute.close)
        stack.callback(self.telemetry.close)
        await self.policy(settings.policy)
        url = settings.database_url.get_secret_value() if settings.database_url else None
        data_dir = None if url else settings.data_dir
        self.database = await asyncio.to_thread(Database.open, url=url, data_dir=data_dir)
        stack.callback(self.database.close)
        self.journal = Journal(self.database)
        stack.push_async_callback(asyncio.to_thread, self.journal.close)
        self.keys = Keys(self.database)
        self._spool = Spool(settings.data_dir / "spool" / sha256((url or "embedded").encode()).hexdigest()[:16])
        specialists = self._specialists = self._given_specialists or registry.build(self._tools())
        await self._warm_up(specialists)
        stack.push_async_callback(self.upstream.aclose)
        self._models = Models(self._given_model or self.upstream, has_upstream=settings.upstream_url is not None)
        if settings.upstream_url is not None:
            await self.upstream.open()
        self.holding = await Holding.open_with(self.database, self.journal, self._context, self.policy)
        stack.push_async_callback(self.holding.close)
        self.rounds = RoundRunner(
            Parts(
                database=self.database,
                journal=self.journal,
                telemetry=self.telemetry,
                policy=self.policy,
                context=self._context,
                holding=self.holding,
                max_rounds=settings.max_rounds,
                audit_deadline_s=settings.audit_deadline_s,
                spool=self._spool,
            )
        )
        await self._spool.hand_over(self.journal, deadline_s=settings.audit_deadline_s)
        await self.holding.recover()
        self._sweeper = asyncio.create_task(self._sweep())

    def _tools(self) -> registry.Tools:
        return registry.Tools(
            self._compute,
            retriever=EvidenceRetriever(self.database, lambda: datetime.now(UTC)),
            model=self._given_model or self.upstream,
            drug_tables=self.settings.drug_tables,
        )

    def _upstream(self) -> Upstream:
        key = self.settings.upstream_api_key.get_secret_value() if self.settings.upstream_api_key else None
        url = self.settings.upstream_url
        return Upstream(UpstreamConfig(base_url=url, api_key=key, forward_authorization=key is None))

    async def _warm_up(self, specialists: tuple[Specialist, ...]) -> None:
        """Look at one harmless case, so that tables are loaded before the first request."""
        from wardround.policies.request import Case, Evidence, Message, RoundRequest, Task

        evidence = (Evidence(id="water", text="Water boils at 100 degrees Celsius at sea level."),)
        request = RoundRequest(messages=(Message(role="user", text="Hello"),), evidence=evidence)
        case = Case(request=request, audience=None, language="en", task=Task.OTHER)
        for specialist in specialists:
            await specialist.screen(case, {})
            await specialist.check(case.model_copy(update={"draft": "Hello. Water boils at 100 degrees Celsius."}), {})

    async def stop(self) -> None:
        """Let running rounds end within `drain_s`, then close everything."""
        await self.rounds.drained(self.settings.drain_s)
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._stack.aclose()

    async def _sweep(self) -> None:
        while True:
            try:
                await self._spool.hand_over(self.journal, deadline_s=self.settings.audit_deadline_s)
                await self.holding.sweep(datetime.now(UTC))
                self.telemetry.metrics.held.set(await self.holding.count())
            except StoreError as error:
                log.warning("held rounds could not be looked over: %s", error)
            except Exception as error:  # noqa: BLE001 - the sweeper must outlive any one round
                log.error("a held round could not be resumed: %s", type(error).__name__)
            await asyncio.sleep(SWEEP_S)

    async def policy(self, name: str) -> Policy:
        """The current policy of that name; a changed file takes effect here.

        Raises `PolicyError` where there is none, or where it names a validator that is not installed.
        """
        if not self.book.stale(name):
            return self.book.get(name)
        policy = await asyncio.to_thread(self.book.get, name)
        if policy.document.validators and policy.digest not in self._validators:
            self._validators[policy.digest] = await asyncio.to_thread(self._build_validators, policy)
        return policy

    def _build_validators(self, policy: Policy) -> tuple[Specialist, ...]:
        from wardround.agents.guardrails import build_validators

        return tuple(build_validators(policy.document.validators, self._compute))

    def _context(self, policy: Policy) -> RoundContext:
        validators = self._validators.get(policy.digest, ())
        if policy.document.validators and policy.digest not in self._validators:
            raise PolicyError(
                f"policy {policy.name!r}: its validators could not be loaded; see `wardround policy lint`"
            )
        return RoundContext(policy, self._specialists, validators, self._models)

    def policy_name(self, caller: Caller, asked: str | None) -> str:
        """The policy that judges a caller's request. Raises `InputError` where it may not choose that one."""
        if asked is None or asked == caller.policy:
            return caller.policy
        if not caller.may_choose:
            raise InputError("wardround.policy: this API key is bound to another policy")
        if asked not in pack_names():
            known = ", ".join(sorted({self.settings.policy, *pack_names()}))
            raise InputError(f"wardround.policy: unknown policy; known are {known}")
        return asked

    async def problems(self) -> list[Problem]:
        """What an operator should know; fatal ones make the proxy unready."""
        found: list[Problem] = []
        try:
            await self.database.read(lambda c: c.exec_driver_sql("SELECT 1").scalar(), deadline_s=2.0)
        except StoreError as error:
            found.append(Problem(str(error), fatal=True))
        try:
            await self.policy(self.settings.policy)
        except PolicyError as error:
            found.append(Problem(str(error), fatal=True))
        return found + [
            Problem(text, fatal=False) for text in self.book.problems() if text not in {p.text for p in found}
        ]

    def log_failure(self, round_id: str, error: Exception) -> None:
        """Log an unexpected failure by class and place, never by its text."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame is not None else "?"
        log.error("round %s failed: %s at %s", round_id, type(error).__name__, place)
