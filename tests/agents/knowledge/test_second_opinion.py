"""The second opinion of a judge model: what it may change, and when it is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wardround.agents.knowledge.claims import Claim, ClaimKind
from wardround.agents.knowledge.comparing import Judged
from wardround.agents.knowledge.entail import Label, Verdict
from wardround.agents.knowledge.retrieve import compile_texts
from wardround.agents.knowledge.second_opinion import Judge
from wardround.agents.knowledge.sources import gather
from wardround.agents.knowledge.weighing import Weighed
from wardround.agents.knowledge.windows import Window
from wardround.agents.ports import ModelAnswer, ModelCall, ModelStream
from wardround.policies.errors import UpstreamError
from wardround.policies.finding import Finding, FindingKind, Severity, Span
from wardround.policies.request import Audience, Case, Message, RoundRequest, Task

TEXT = "Wash your hands before meals."
REQUEST = RoundRequest(messages=(Message(role="user", text="When?"),))
CASE = Case(request=REQUEST, audience=Audience.PATIENT, language="en", task=Task.OTHER, draft="?")
SOURCES = gather(CASE, (), lambda text: False)


class Panel:
    """A judge model that answers what it is told to, and keeps what it was asked."""

    def __init__(self, answer: str) -> None:
        self.asked: list[ModelCall] = []
        self.waiting = self.most_waiting = 0
        self._answer = answer

    async def complete(self, call: ModelCall) -> ModelAnswer:
        self.asked.append(call)
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        await asyncio.sleep(0)
        self.waiting -= 1
        if not self._answer:
            raise UpstreamError("no model today")
        return ModelAnswer({"choices": [{"message": {"content": self._answer}}]}, call.models[0])

    async def stream(self, call: ModelCall) -> ModelStream:
        raise NotImplementedError


def doubtful(code: str = "knowledge.not-found", *, unsure: bool = True) -> Judged:
    """A claim that the agent was unsure of."""
    finding = Finding(
        agent="knowledge",
        kind=FindingKind.CLAIM_UNSUPPORTED,
        subjects=(),
        severity=Severity.MINOR,
        confidence=0.5,
        message="The evidence does not state this.",
        span=Span(channel="draft", start=0, end=5),
        code=code,
    )
    window = Window(compile_texts("e1", TEXT, "en"), TEXT, 1.0)
    claim = Claim(0, 5, "Clean your hands before you eat.", ClaimKind.FACT, ())
    weighed = Weighed(Verdict(Label.NOT_FOUND, 0.5, ("e1",)), 0.5, 0.0, window)
    return Judged(claim, (finding,), None, weighed, unsure)


@pytest.mark.parametrize(
    ("answer", "freed", "code"),
    [
        ('{"verdict": "supported"}', True, ""),
        ('Sure: {"verdict": "supported"} as asked', True, ""),
        ('{"verdict": "not_found"}', False, "knowledge.judge-not-found"),
        ('{"verdict": "contradicted"}', False, "knowledge.judge-not-found"),
        ('{"verdict": "perhaps"}', False, "knowledge.not-found"),
        ("I think so", False, "knowledge.not-found"),
        ("", False, "knowledge.not-found"),
    ],
)
async def test_a_judge_frees_a_doubtful_claim_or_leaves_it(answer: str, freed: bool, code: str) -> None:
    told = await Judge(Panel(answer), "a/judge").ask(doubtful(), SOURCES)
    assert (told.support is not None) is freed
    assert [f.code for f in told.findings] == ([] if freed else [code])


@pytest.mark.parametrize(
    "judged",
    [
        doubtful(unsure=False),
        doubtful("knowledge.stale-source"),
        replace(doubtful(), findings=()),
        replace(doubtful(), weighed=None),
    ],
)
async def test_a_judge_is_not_asked_where_its_word_changes_nothing(judged: Judged) -> None:
    panel = Panel('{"verdict": "supported"}')
    assert await Judge(panel, "a/judge").ask(judged, SOURCES) == judged
    assert not panel.asked


async def test_a_judge_is_asked_side_by_side_about_the_six_claims_that_come_first() -> None:
    panel = Panel('{"verdict": "supported"}')
    judge = Judge(panel, "a/judge")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(judge.ask(doubtful(), SOURCES)) for _ in range(9)]
    assert [t.result().support is not None for t in tasks] == [True] * 6 + [False] * 3
    assert panel.most_waiting == 6 and judge.told() == "a/judge: 6 asked"


async def test_a_judge_is_sent_nothing_that_models_which_reason_refuse() -> None:
    panel = Panel('{"verdict": "supported"}')
    await Judge(panel, "a/judge").ask(doubtful(), SOURCES)
    assert set(panel.asked[0].body) == {"messages"}
