"""The clinical task: words tell it first; where they do not, the encoder's head may, and nothing breaks without it."""

from __future__ import annotations

import pytest

from wardround.agents import intake
from wardround.agents.safety import encoder as encoder_module
from wardround.policies.errors import WardroundError
from wardround.policies.request import Message, RoundRequest, Task


def _task(text: str, *, encoder: bool) -> Task:
    return intake.understand(RoundRequest(messages=(Message(role="user", text=text),)), encoder=encoder).task


def test_words_go_first() -> None:
    text = "Write a referral letter to cardiology."
    assert _task(text, encoder=True) is _task(text, encoder=False) is Task.LETTER


def test_the_head_tells_what_no_word_does() -> None:
    text = "Who gets Marfan syndrome?"
    assert _task(text, encoder=False) is Task.OTHER
    assert _task(text, encoder=True) is Task.PATIENT_EDUCATION


def test_an_encoder_that_cannot_be_read_leaves_the_task_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise WardroundError("encoder.onnx cannot be read")

    monkeypatch.setattr(encoder_module, "encoder", broken)
    assert _task("Who gets Marfan syndrome?", encoder=True) is Task.OTHER
