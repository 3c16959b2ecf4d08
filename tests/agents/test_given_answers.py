"""A draft that is given, as a batch gives it: worked over or blocked, never held."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wardround.agents import graph
from wardround.agents.context import RoundContext
from wardround.agents.ports import Report
from wardround.agents.state import Choice, Draft, RoundState, Update
from wardround.policies.finding import Finding, FindingKind, Severity, Span
from wardround.policies.load import Policy, load_policy
from wardround.policies.request import Case, Message, RoundRequest

RULES = """policy: p
version: 1
extends: [wardround/default]
rules:
  - {id: claim-contradicted, then: redact}
  - {id: unsafe-advice, then: redact, how: soften}
"""


class Reader:
    """Finds marker words, each as a finding of its kind; `PLACELESS` without a place."""

    name = "knowledge"
    words: Mapping[str, FindingKind] = {
        "FALSE": FindingKind.CLAIM_CONTRADICTED,
        "PLACELESS": FindingKind.CLAIM_CONTRADICTED,
        "RISKY": FindingKind.UNSAFE_ADVICE,
        "Ann": FindingKind.PHI,
    }

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        return Report()

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        text = case.draft or ""
        return Report(
            tuple(
                Finding(
                    agent="knowledge",
                    kind=kind,
                    severity=Severity.MAJOR,
                    subjects=(word.lower(),),
                    message="The draft says otherwise than its source.",
                    span=None if word == "PLACELESS" else Span(channel=case.draft_channel, start=at, end=at + 3),
                )
                for word, kind in self.words.items()
                if (at := text.find(word)) >= 0
            )
        )


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """Leaves out what is contradicted and marks what is unsafe."""
    (tmp_path / "p.yaml").write_text(RULES)
    return load_policy(str(tmp_path / "p.yaml"))


async def judged(policy: Policy, *texts: str) -> RoundState:
    request = RoundRequest(messages=(Message(role="user", text="May I?"),), draft=texts[0], language="en")
    draft = Draft(0, "given", tuple(Choice(index=i, text=t) for i, t in enumerate(texts)))
    opened: Update = {"round_id": "rd_1", "request": request, "body": {}, "draft": draft, "drafts": (draft,)}
    return await graph.run(graph.build(), opened, RoundContext(policy, (Reader(),)))


async def test_each_choice_loses_its_own_sentences(policy: Policy) -> None:
    state = await judged(
        policy, "Drink water. A FALSE one.", "Rest in bed.", "Ask Ann. It is RISKY to run. Sleep well."
    )
    outcome = state["outcome"]

    assert outcome is not None
    assert outcome.texts == (
        f"Drink water.\n\n{policy.message('left_out')}",
        None,
        f"Ask [ann]. It is RISKY to run. {policy.message('softened')} Sleep well.",
    )
    assert outcome.action == "redact"


@pytest.mark.parametrize("text", ["A FALSE one.", "A PLACELESS one. Drink water.", "# Title\n\nA FALSE one."])
async def test_what_cannot_be_worked_whole_is_blocked(policy: Policy, text: str) -> None:
    state = await judged(policy, text)
    outcome = state["outcome"]

    assert outcome is not None
    assert (outcome.status, outcome.action, outcome.texts) == ("blocked", "block", ())


async def test_one_choice_that_cannot_be_worked_blocks_all(policy: Policy) -> None:
    outcome = (await judged(policy, "Drink water.", "A FALSE one."))["outcome"]

    assert outcome is not None
    assert outcome.status == "blocked"
