"""The whole way with a real client: the model sees stand-ins, the client and the checks see values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openai
import pytest

Start = Callable[..., str]
ASKED = "I am Ms. Odalys Ferncastle, my phone is 212-555-0147. When should Odalys Ferncastle take metformin?"
SECRETS = ("Odalys", "Ferncastle", "555-0147")


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "apart.yaml"
    path.write_text(
        "policy: apart\nversion: 1\nextends: [wardround/default]\nagents:\n  safety: {pseudonyms: true}\n",
        encoding="utf-8",
    )
    return str(path)


def _client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="client-key", max_retries=0)


def _messages(text: str) -> Any:
    return [{"role": "user", "content": text}]


def _sent(upstream: Any) -> str:
    return json.dumps(upstream.asked)


def test_the_model_sees_stand_ins_and_the_client_its_own_words(upstream: Any, start_proxy: Start, policy: str) -> None:
    url = start_proxy(upstream_url=upstream.url, policy=policy)
    answer = _client(url).chat.completions.create(model="m", messages=_messages(ASKED))
    assert answer.choices[0].message.content == ASKED
    assert upstream.asked and not [s for s in SECRETS if s in _sent(upstream)]
    assert "metformin" in _sent(upstream)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stream_cut_anywhere_gives_the_client_its_own_words(
    upstream: Any, start_proxy: Start, policy: str, seed: int
) -> None:
    upstream.seed = seed
    url = start_proxy(upstream_url=upstream.url, policy=policy)
    stream = _client(url).chat.completions.create(model="m", messages=_messages(ASKED), stream=True)
    text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    assert text == ASKED
    assert not [s for s in SECRETS if s in _sent(upstream)]


def test_tool_arguments_come_back_as_json_with_values(upstream: Any, start_proxy: Start, policy: str) -> None:
    def message(body: Mapping[str, Any]) -> Mapping[str, Any]:
        who = body["messages"][0]["content"].split("I am ")[1].split(",")[0]
        call = {"id": "c1", "type": "function", "function": {"name": "book", "arguments": json.dumps({"who": who})}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    upstream.message = message
    url = start_proxy(upstream_url=upstream.url, policy=policy)
    answer = _client(url).chat.completions.create(model="m", messages=_messages(ASKED))
    calls: Any = answer.choices[0].message.tool_calls
    assert "Ferncastle" in json.loads(calls[0].function.arguments)["who"]
    assert not [s for s in SECRETS if s in _sent(upstream)]


def test_a_redraft_and_a_held_round_see_values_and_the_model_none(
    upstream: Any, start_proxy: Start, policy: str
) -> None:
    def answer_to(body: Mapping[str, Any]) -> str:
        return f"WRONG claim. {body['messages'][0]['content']}"

    upstream.answer = answer_to
    url = start_proxy(upstream_url=upstream.url, policy=policy)
    answer: Any = _client(url).chat.completions.create(model="m", messages=_messages(ASKED))
    assert answer.wardround["status"] == "pending_review"
    assert len(upstream.asked) == 3
    assert not [s for s in SECRETS if s in _sent(upstream)]


def test_without_the_option_the_words_go_as_they_are(upstream: Any, start_proxy: Start) -> None:
    url = start_proxy(upstream_url=upstream.url)
    _client(url).chat.completions.create(model="m", messages=_messages(ASKED))
    assert upstream.asked[0]["messages"][0]["content"] == ASKED
