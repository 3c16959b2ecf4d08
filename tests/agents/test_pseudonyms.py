"""Pseudonyms: nothing found goes out, the same value is the same stand-in, whatever way the answer is cut."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardround.agents.ports import ModelAnswer, ModelCall, ModelStream
from wardround.agents.pseudonyms import PseudonymousModel, Pseudonyms, mapped, texts_of

_LOOKED_UP = {"name": "look_up", "arguments": '{"patient": "Odalys Ferncastle"}'}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "You help the clinic of Dr. Helena Marchetti."},
    {"role": "user", "content": "Patient: Odalys Ferncastle, MRN: 84721934, phone 212-555-0147, mail odalys@fern.net."},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": _LOOKED_UP}]},
    {"role": "tool", "tool_call_id": "c1", "content": '{"note": "Ms. Ferncastle takes warfarin"}'},
    {"role": "user", "content": [{"type": "text", "text": "When does ODALYS FERNCASTLE come back?"}]},
]
SECRETS = ("odalys", "ferncastle", "84721934", "555-0147", "fern.net", "marchetti")


class Model:
    """Answers with what it is told to, and remembers what it was asked."""

    def __init__(self, text: str = "", arguments: str | None = None, pieces: tuple[int, ...] = ()) -> None:
        self.asked: Mapping[str, Any] = {}
        self.text, self.arguments, self.pieces = text, arguments, pieces
        self.model = "m"

    async def complete(self, call: ModelCall) -> ModelAnswer:
        self.asked = call.body
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.arguments is not None:
            message["tool_calls"] = [{"id": "c", "function": {"name": "f", "arguments": self.arguments}}]
        return ModelAnswer({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, "m")

    async def stream(self, call: ModelCall) -> ModelStream:
        self.asked = call.body
        return self

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        cuts = sorted({min(c, len(self.text)) for c in self.pieces} | {0, len(self.text)})
        for start, end in zip(cuts, cuts[1:], strict=False):
            yield {"choices": [{"index": 0, "delta": {"content": self.text[start:end]}, "finish_reason": None}]}
        told = self.arguments or ""
        for part in (told[: len(told) // 2], told[len(told) // 2 :]):
            if part:
                call = {"index": 0, "function": {"arguments": part}}
                yield {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    async def aclose(self) -> None:
        return None


def _call(messages: list[dict[str, Any]] = MESSAGES) -> ModelCall:
    return ModelCall({"model": "m", "messages": messages}, (), 5.0, 0)


async def _streamed(model: Model) -> tuple[str, str]:
    text = arguments = ""
    async for chunk in await PseudonymousModel(model).stream(_call()):
        delta = chunk["choices"][0]["delta"]
        text += delta.get("content") or ""
        arguments += "".join(c["function"].get("arguments", "") for c in delta.get("tool_calls") or ())
    return text, arguments


async def test_nothing_that_is_found_goes_to_the_model_in_any_message() -> None:
    model = Model()
    await PseudonymousModel(model).complete(_call())
    sent = json.dumps(model.asked).lower()
    assert not [s for s in SECRETS if s in sent]
    assert "warfarin" in sent


async def test_one_value_has_one_stand_in_in_all_messages_and_arguments() -> None:
    model = Model()
    await PseudonymousModel(model).complete(_call())
    messages = model.asked["messages"]
    name = json.loads(messages[2]["tool_calls"][0]["function"]["arguments"])["patient"]
    assert name.startswith("[NAME_")
    assert name in messages[1]["content"] and name in messages[4]["content"][0]["text"]
    assert name[:-1] in messages[3]["content"]


async def test_the_answer_has_its_names_again_and_arguments_stay_json() -> None:
    names = Pseudonyms(texts_of({"messages": MESSAGES}))
    hidden = names.hide("Odalys Ferncastle")
    model = Model(f"{hidden} comes back on Monday. Call {hidden[1:-1].lower()}.", json.dumps({"who": hidden}))
    answer = await PseudonymousModel(model).complete(_call())
    message = answer.body["choices"][0]["message"]
    assert message["content"] == "Odalys Ferncastle comes back on Monday. Call Odalys Ferncastle."
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"who": "Odalys Ferncastle"}


@given(cuts=st.lists(st.integers(0, 120), max_size=40))
@settings(max_examples=60, deadline=None)
async def test_a_stream_cut_anywhere_says_the_same_as_the_whole(cuts: list[int]) -> None:
    text = "N [NAME_1] and [NAME_1's, NAME_1, [NAME_9], [Nam], [PHONE_1]; NAMES [ [[NAME_1]] ID_1"
    names = Pseudonyms(texts_of({"messages": MESSAGES}))
    arguments = '{"who": "[NAME_1]", "n": 1}'
    streamed = await _streamed(Model(text, arguments, tuple(cuts)))
    assert streamed[0] == names.show(text)
    assert json.loads(streamed[1]) == json.loads(names.show(arguments, escaped=True))


def test_what_a_person_typed_like_a_stand_in_becomes_nobody() -> None:
    names = Pseudonyms(["What does [NAME_1] mean? I am Ms. Odalys Ferncastle."])
    assert "[NAME_1]" not in names.hide("Odalys Ferncastle")
    assert names.show("[NAME_1] is a placeholder") == "[NAME_1] is a placeholder"


def test_a_stand_in_that_the_model_made_up_stays() -> None:
    names = Pseudonyms(["I am Ms. Odalys Ferncastle."])
    assert names.show("[NAME_77] and [DATE_3]") == "[NAME_77] and [DATE_3]"


def test_a_text_without_identifiers_is_sent_as_it_is() -> None:
    body = {"messages": [{"role": "user", "content": "What is the dose of metformin in type 2 diabetes?"}]}
    names = Pseudonyms(texts_of(body))
    assert len(names) == 0
    assert mapped(body["messages"], names.hide) == body["messages"]


@pytest.mark.parametrize("value", ['Ann "Red" O\'Neill', "Zoë\\Müller", "李 小龍"])
def test_a_value_with_odd_characters_stays_json_inside_arguments(value: str) -> None:
    names = Pseudonyms([f"Patient: {value}, MRN: 84721934"])
    hidden = names.hide("MRN 84721934")
    shown = names.show(json.dumps({"id": hidden}), escaped=True)
    assert json.loads(shown) == {"id": "MRN 84721934"}
