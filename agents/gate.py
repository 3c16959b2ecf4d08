"""The gate of a streamed draft: no sentence leaves before the checks have seen it with all text before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wardround.policies.decide import decide
from wardround.policies.decision import Decision
from wardround.policies.finding import Action, Finding
from wardround.policies.variables import Facts

from .assembly import Assembly
from .checks import check_all
from .context import RoundContext
from .ports import Sink
from .release import redact
from .sentences import last_boundary
from .state import Choice, RoundState, case_of, findings_of

_PASSES = frozenset({Action.ALLOW, Action.ANNOTATE})


class Gate:
    """Feeds on upstream chunks, checks each growing choice and lets checked sentences out.

    A sentence that may not pass is kept, with all that follows, until later text cures it or the draft is whole;
    `block` stops the stream at once. What was let out is never taken back, so `revise` after the first released
    sentence is no longer possible: the graph escalates instead.
    """

    def __init__(self, state: RoundState, context: RoundContext, sink: Sink, revision: int) -> None:
        self._state = state
        self._context = context
        self._sink = sink
        self._revision = revision
        self._seen: dict[int, int] = {}
        self._out: dict[int, int] = {}
        self.assembly = Assembly()

    @property
    def released(self) -> tuple[tuple[int, int], ...]:
        """(choice, characters) let out so far."""
        return tuple(sorted(self._out.items()))

    async def feed(self, chunk: Mapping[str, Any]) -> bool:
        """Take one chunk; False when the policy blocks and the upstream should be stopped."""
        self._sink.keep(chunk)
        for index in self.assembly.add(chunk):
            text = self.assembly.text(index)
            end = last_boundary(text, self._seen.get(index, 0))
            if end > self._seen.get(index, 0):
                self._seen[index] = end
                if not await self._offer(index, text[:end]):
                    return False
        return True

    async def _offer(self, index: int, text: str) -> bool:
        findings, decision = await self._judge(Choice(index=index, text=text, tool_calls=self.assembly.beside()))
        if decision.action in _PASSES:
            await self._let_out(index, len(text), None, findings)
        elif decision.action is Action.REDACT:
            await self._let_out_redacted(index, text, findings)
        return decision.action is not Action.BLOCK

    async def _judge(self, choice: Choice) -> tuple[tuple[Finding, ...], Decision]:
        context, case = self._context, case_of(self._state, choice, complete=False)
        looks = await check_all(context.lookers, [case], self._revision, context)
        findings = (*findings_of(self._state), *(f for look in looks for f in look.findings))
        return findings, decide(context.policy, Facts.of(case), findings)

    async def _let_out(self, index: int, upto: int, replacement: str | None, findings: tuple[Finding, ...]) -> None:
        self._out[index] = upto
        await self._sink.release(index, upto, replacement, findings)

    async def _let_out_redacted(self, index: int, text: str, findings: tuple[Finding, ...]) -> None:
        start = self._out.get(index, 0)
        channel = "draft" if index == 0 else f"draft[{index}]"
        fresh = redact(text, channel, findings, start=start)
        if fresh is not None:
            await self._let_out(index, len(text), fresh, findings)
