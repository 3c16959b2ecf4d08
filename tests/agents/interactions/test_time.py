"""How long ago, and what still acts: washouts, long-ago use, unknown times."""

from __future__ import annotations

import pytest

from wardround.agents.interactions.agent import judged, tables
from wardround.agents.interactions.elapsed import days_since
from wardround.agents.interactions.folding import fold
from wardround.policies.finding import Finding, Severity
from wardround.policies.request import Case, Message, RoundRequest, Task


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("I stopped it 5 days ago", 5), ("two weeks ago", 14), ("six months ago", 180), ("4 hours ago", 4 / 24),
        ("yesterday", 1), ("last week", 7), ("years ago", 730), ("hace dos semanas", 14), ("il y a 3 jours", 3),
        ("vor 5 Tagen", 5), ("há 3 semanas", 21), ("10 giorni fa", 10), ("5天前", 5), ("5 दिन पहले", 5), ("ayer", 1),
    ],
)  # fmt: skip
def test_elapsed_time_is_read(text: str, days: float) -> None:
    folded = fold(text)
    assert days_since(folded, 0, len(folded)) == pytest.approx(days)


def test_no_time_is_none() -> None:
    assert days_since("i stopped it", 0, 12) is None


def _found(request: str, draft: str) -> list[Finding]:
    asked = RoundRequest(messages=(Message(role="user", text=request),), draft=draft)
    case = Case(request=asked, audience=None, language="en", task=Task.DRUG_QUESTION, draft=draft)
    return [f for f in judged(case, tables()).findings if f.severity.rank >= Severity.MAJOR.rank]


@pytest.mark.parametrize(
    ("stopped", "since", "started", "hazard"),
    [
        ("fluoxetine", "5 days ago", "phenelzine", True), ("fluoxetine", "7 weeks ago", "phenelzine", False),
        ("phenelzine", "3 days ago", "sertraline", True), ("phenelzine", "3 weeks ago", "sertraline", False),
        ("lisinopril", "yesterday", "sacubitril/valsartan", True), ("lisinopril", "3 days ago", "sacubitril", False),
        ("methadone", "4 days ago", "naltrexone", True), ("warfarin", "2 years ago", "ibuprofen", False),
    ],
)  # fmt: skip
def test_a_stopped_drug_counts_until_its_washout_is_over(stopped: str, since: str, started: str, hazard: bool) -> None:
    found = _found(f"I stopped {stopped} {since}. What now?", f"You can start {started} today at the usual dose.")
    assert bool(found) is hazard
    if hazard:
        assert f"{stopped} was stopped" in found[0].message


def test_an_unknown_time_is_named_not_assumed() -> None:
    found = _found("I stopped phenelzine. What now?", "You can start sertraline today at the usual dose.")
    assert found and "at an unknown time" in found[0].message
