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
from .layout import lay_out
from .ports import Sink
from .release import GOES_OUT, asked_of, channel_of
from .sentences import last_boundary
from .state import Choice, Edit, RoundState, Sent, case_of, findings_of
from .wording import Asked, applied, work


class Gate:
    """Feeds on upstream chunks, checks each growing choice and lets checked sentences out.

    A sentence that may not pass is kept, with all that follows, until later text cures it or the draft is whole;
    `block` stops the stream at once. What was let out is never taken back, so `revise` after the first released
    sentence is no longer possible: the graph escalates instead. Where the policy may leave sentences out, a heading or
    lead-in waits for the first sentence below it that stays.
    """

    def __init__(self, state: RoundState, context: RoundContext, sink: Sink, revision: int) -> None:
        self._state = state
        self._context = context
        self._sink = sink
        self._revision = revision
        self._works_sentences = context.policy.works_sentences
        self._seen: dict[int, int] = {}
        self._sent: dict[int, Sent] = {}
        self.assembly = Assembly()

    @property
    def sent(self) -> tuple[Sent, ...]:
        """What was let out so far of each choice."""
        return tuple(s for _, s in sorted(self._sent.items()))

    async def feed(self, chunk: Mapping[str, Any]) -> bool:
        """Take one chunk; False when the policy blocks and the upstream should be stopped."""
        self._sink.keep(chunk)
        for index in self.assembly.add(chunk):
            text = self.assembly.text(index)
            seen = self._seen.get(index, 0)
            end = last_boundary(text, seen)
            if end > seen and self._is_settled(text, end):
                self._seen[index] = end
                if not await self._offer(index, text, end):
                    return False
        return True

    def _is_settled(self, text: str, end: int) -> bool:
        """Where sentences may be left out, what follows one has to show that it is at its end."""
        return not self._works_sentences or end < len(text) or text.endswith("\n")

    async def _offer(self, index: int, text: str, end: int) -> bool:
        if self._works_sentences:
            end = lay_out(text).whole_until(end)
            if end <= self._sent_of(index).upto:
                return True
        choice = Choice(index=index, text=text[:end], tool_calls=self.assembly.beside())
        findings, decision = await self._judge(choice)
        if decision.action in GOES_OUT:
            await self._let_out(choice, findings, decision)
        return decision.action is not Action.BLOCK

    async def _judge(self, choice: Choice) -> tuple[tuple[Finding, ...], Decision]:
        context, case = self._context, case_of(self._state, choice, complete=False)
        looks = await check_all(context.lookers, [case], self._revision, context)
        findings = (*findings_of(self._state), *(f for look in looks for f in look.findings))
        return findings, decide(context.policy, Facts.of(case), findings)

    async def _let_out(self, choice: Choice, findings: tuple[Finding, ...], decision: Decision) -> None:
        """Let out what may go as it is or worked over; what cannot be worked over stays, with all that follows."""
        sent, text = self._sent_of(choice.index), choice.text
        asked = asked_of(self._context.policy, self._state, decision, findings, channel_of(choice.index))
        if asked == Asked() and not self._works_sentences and not sent.edits:
            await self._send(choice.index, len(text), text[sent.upto :], (), findings)
            return
        layout = lay_out(text)
        worked = work(layout, asked, sent) if asked is not None else None
        if worked is None or worked.late:
            return
        upto = min(len(text), layout.open_from(worked.gone)) if self._works_sentences else len(text)
        upto = min([upto, *(e.start for e in worked.edits if e.start < upto < e.end)])
        if upto > sent.upto:
            edits = tuple(e for e in worked.edits if e.end <= upto)
            await self._send(choice.index, upto, applied(text, edits, start=sent.upto, end=upto), edits, findings)

    async def _send(
        self, index: int, upto: int, text: str, edits: tuple[Edit, ...], findings: tuple[Finding, ...]
    ) -> None:
        sent = self._sent_of(index)
        self._sent[index] = Sent(index, upto, sent.text + text, (*sent.edits, *edits))
        await self._sink.release(index, upto, text if edits else None, findings)

    def _sent_of(self, index: int) -> Sent:
        return self._sent.get(index) or Sent(index, 0, "")
