"""The demo can fail: whatever differs from what was expected is a mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wardround.middleware.cli.demo_cases import Expected, demo_cases
from wardround.middleware.cli.demo_story import Got, mistakes

EXPECTED = Expected(
    status="released", actions=("allow", "annotate"), contains=("rest",), lacks=("aspirin",), findings=("dose",),
    cites=True,
)  # fmt: skip
GOT = Got("rd_1", "released", "allow", "Rest helps.", ({"kind": "dose"},), ({"span": {}},))


def test_what_is_as_expected_is_no_mistake() -> None:
    assert mistakes(EXPECTED, GOT, 1) == []


@pytest.mark.parametrize(
    ("got", "drafts"),
    [
        (replace(GOT, status="blocked"), 1),
        (replace(GOT, action="block"), 1),
        (replace(GOT, text="Helps."), 1),
        (replace(GOT, text="Rest and Aspirin help."), 1),
        (replace(GOT, findings=()), 1),
        (replace(GOT, citations=()), 1),
        (GOT, 0),
        (GOT, 2),
    ],
)
def test_every_difference_is_a_mistake(got: Got, drafts: int) -> None:
    assert len(mistakes(EXPECTED, got, drafts)) == 1


def test_the_demo_shows_each_way_a_round_can_end() -> None:
    cases = demo_cases()
    assert len(cases) >= 12
    assert any(c.stream for c in cases)
    assert any(c.failing for c in cases)
    assert {c.review.verdict for c in cases if c.review} >= {"approve", "edit"}
    assert {c.expect.status for c in cases} == {"released", "blocked", "pending_review"}
