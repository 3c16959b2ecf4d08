"""The proxy as its clients meet it: the real openai client over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

Start = Callable[..., str]


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="client-key", max_retries=0)


def answering(script: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    return script


def ask(url: str, text: str, **more: Any) -> Any:
    create: Any = client(url).chat.completions.create
    return create(model="scripted", messages=[{"role": "user", "content": text}], **more)


def stream(url: str, text: str, **more: Any) -> tuple[str, list[str], dict[str, Any]]:
    create: Any = client(url).chat.completions.create
    chunks: Any = create(model="scripted", messages=[{"role": "user", "content": text}], stream=True, **more)
    said, ends, told = "", list[str](), dict[str, Any]()
    for chunk in chunks:
        extra: dict[str, Any] = chunk.model_extra or {}
        told = extra.get("wardround") or told
        for choice in chunk.choices:
            said += choice.delta.content or ""
            if choice.finish_reason:
                ends.append(choice.finish_reason)
    return said, ends, told


def told(answer: Any) -> dict[str, Any]:
    about: dict[str, Any] = answer.model_extra["wardround"]
    return about


def test_a_harmless_answer_is_released_with_every_field_of_the_upstream(upstream: Any, start_proxy: Start) -> None:
    answer = ask(start_proxy(upstream_url=upstream.url), "Drink water.", n=2, logprobs=True, seed=7)

    assert [c.message.content for c in answer.choices] == ["Drink water."] * 2
    assert answer.model_extra["vendor_field"] == {"a": [1]}
    assert answer.choices[1].logprobs.model_extra["vendor"] == 1
    assert answer.usage.total_tokens == 8
    assert (told(answer)["status"], told(answer)["action"]) == ("released", "allow")
    assert {c["agent"] for c in told(answer)["receipt"]["checks"]} == {"knowledge", "interactions", "safety"}
    assert upstream.asked[0]["seed"] == 7


def test_the_wardround_object_stays_here_and_the_clients_key_goes_on(upstream: Any, start_proxy: Start) -> None:
    ask(start_proxy(upstream_url=upstream.url), "Hello.", extra_body={"wardround": {"audience": "patient"}, "odd": [1]})

    assert "wardround" not in upstream.asked[0]
    assert upstream.asked[0]["odd"] == [1]
    assert upstream.headers[0]["authorization"] == "Bearer client-key"


def test_an_identifier_is_cut_out(upstream: Any, start_proxy: Start) -> None:
    answer = ask(start_proxy(upstream_url=upstream.url), "Call 555-0100 today.")

    assert answer.choices[0].message.content == "Call [555-0100] today."
    assert told(answer)["action"] == "redact"


def test_a_wrong_claim_is_sent_back_and_the_better_draft_released(upstream: Any, start_proxy: Start) -> None:
    upstream.answer = answering(lambda body: "Better." if len(body["messages"]) > 1 else "WRONG claim.")
    answer = ask(start_proxy(upstream_url=upstream.url), "Why?")

    assert answer.choices[0].message.content == "Better."
    assert told(answer)["action"] == "allow"
    assert [d["revision"] for d in told(answer)["receipt"]["drafts"]] == [0, 1]
    assert "claim_contradicted" in upstream.asked[1]["messages"][-1]["content"]


def test_a_draft_that_stays_wrong_is_held_after_the_last_revision(upstream: Any, start_proxy: Start) -> None:
    upstream.answer = answering(lambda body: "WRONG again.")
    answer = ask(start_proxy(upstream_url=upstream.url), "Why?")

    assert told(answer)["status"] == "pending_review"
    assert len(upstream.asked) == 3
    assert "WRONG" not in answer.choices[0].message.content


def test_a_harmful_request_is_blocked_without_asking_the_model(upstream: Any, start_proxy: Start) -> None:
    answer = ask(start_proxy(upstream_url=upstream.url), "request:POISON please")

    assert answer.choices[0].finish_reason == "content_filter"
    assert told(answer)["status"] == "blocked"
    assert upstream.asked == []


def test_a_crisis_gets_the_crisis_message_and_a_person(upstream: Any, start_proxy: Start) -> None:
    answer = ask(start_proxy(upstream_url=upstream.url), "request:DESPAIR")

    assert told(answer)["status"] == "pending_review"
    assert upstream.asked == []
    assert "112" in answer.choices[0].message.content or "988" in answer.choices[0].message.content


def test_the_decision_covers_every_choice(upstream: Any, start_proxy: Start) -> None:
    texts = iter(["Fine.", "Take NITRATE."])
    upstream.message = None
    upstream.answer = answering(lambda body: next(texts, "Fine."))
    answer = ask(start_proxy(upstream_url=upstream.url), "Take NITRATE now.", n=2)

    upstream.answer = answering(lambda body: "Take NITRATE.")
    held = ask(start_proxy(upstream_url=upstream.url), "x", n=2)
    assert told(answer)["status"] == "released"
    assert told(held)["status"] == "pending_review"
    assert {f["span"]["channel"] for f in told(held)["findings"]} == {"draft", "draft[1]"}


def test_arguments_of_a_tool_call_are_checked_on_their_own_channel(upstream: Any, start_proxy: Start) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "order", "arguments": '{"drug": "NITRATE"}'}}
    upstream.message = answering(lambda body: {"role": "assistant", "content": None, "tool_calls": [call]})
    url = start_proxy(upstream_url=upstream.url)
    held = ask(url, "Order it.")
    said, ends, stream_told = stream(url, "Order it.")

    assert told(held)["findings"][0]["span"]["channel"] == "tool_call[c1]"
    assert held.choices[0].message.tool_calls is None
    assert stream_told["status"] == "pending_review"
    assert "NITRATE" not in said
    assert ends == ["stop"]


def test_a_harmless_tool_call_passes_whole_and_streamed(upstream: Any, start_proxy: Start) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"topic": "hay fever"}'}}
    upstream.message = answering(lambda body: {"role": "assistant", "content": None, "tool_calls": [call]})
    url = start_proxy(upstream_url=upstream.url)
    whole = ask(url, "Look it up.")
    chunks: list[Any] = list(
        client(url).chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": "Look it up."}], stream=True
        )
    )
    parts = [
        c.choices[0].delta.tool_calls[0].function.arguments
        for c in chunks
        if c.choices and c.choices[0].delta.tool_calls
    ]

    assert whole.choices[0].message.tool_calls[0].function.arguments == '{"topic": "hay fever"}'
    assert whole.choices[0].finish_reason == "tool_calls"
    assert "".join(p or "" for p in parts) == '{"topic": "hay fever"}'


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500])
def test_an_upstream_error_keeps_its_status_and_body(upstream: Any, start_proxy: Start, status: int) -> None:
    upstream.status, upstream.error = status, {"error": {"message": "vendor says no", "code": "vendor", "extra": 1}}
    url = start_proxy(upstream_url=upstream.url)
    policy_free = httpx.post(
        f"{url}/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "x"}]}
    )
    streamed = httpx.post(
        f"{url}/chat/completions", json={"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    )

    assert (policy_free.status_code, policy_free.json()) == (status, upstream.error)
    assert (streamed.status_code, streamed.json()) == (status, upstream.error)
    assert policy_free.headers["x-wardround-round-id"].startswith("rd_")


def test_an_upstream_that_is_not_there_is_a_clear_502(start_proxy: Start) -> None:
    url = start_proxy(upstream_url="http://127.0.0.1:9/v1")
    answer = httpx.post(
        f"{url}/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "x"}]}, timeout=30
    )

    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_error"


BAD: list[tuple[str, bytes, int, str]] = [
    ("not JSON", b"{nope", 400, "not valid JSON"),
    ("not an object", b"[1]", 400, "JSON object"),
    ("no messages", b"{}", 400, "messages"),
    ("empty messages", b'{"messages": []}', 400, "messages"),
    ("a message that is a string", b'{"messages": ["x"]}', 400, "messages[0]"),
    ("a role that is a number", b'{"messages": [{"role": 1, "content": "x"}]}', 400, "role"),
    ("content that is a number", b'{"messages": [{"role": "user", "content": 1}]}', 400, "content"),
    ("n of zero", b'{"n": 0, "messages": [{"role": "user", "content": "x"}]}', 400, "n:"),
    ("stream as a word", b'{"stream": "yes", "messages": [{"role": "user", "content": "x"}]}', 400, "stream"),
    (
        "an unknown policy",
        b'{"messages": [{"role": "user", "content": "x"}], "wardround": {"policy": "nope"}}',
        400,
        "unknown policy",
    ),
    (
        "a policy file from the wire",
        b'{"messages": [{"role": "user", "content": "x"}], "wardround": {"policy": "/etc/passwd"}}',
        400,
        "unknown policy",
    ),
    (
        "a misspelt field",
        b'{"messages": [{"role": "user", "content": "x"}], "wardround": {"audiense": "patient"}}',
        400,
        "did you mean 'audience'",
    ),
    (
        "a misspelt patient field",
        b'{"messages": [{"role": "user", "content": "x"}], "wardround": {"patient": {"egfr": 30}}}',
        400,
        "egfr_ml_min",
    ),
    ("a prompt of 10 MB", b'{"messages": [{"role": "user", "content": "' + b"x" * 10_000_000 + b'"}]}', 413, "larger"),
]


@pytest.mark.parametrize(("body", "status", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_input_gets_one_clear_line_and_the_proxy_lives_on(
    upstream: Any, start_proxy: Start, body: bytes, status: int, says: str
) -> None:
    url = start_proxy(upstream_url=upstream.url)
    answer = httpx.post(f"{url}/chat/completions", content=body)
    message = answer.json()["error"]["message"]

    assert answer.status_code == status
    assert says in message
    assert "\n" not in message
    assert upstream.asked == []
    assert ask(url, "Still there?").choices[0].message.content == "Still there?"


def test_unknown_routes_and_methods_get_an_openai_error(upstream: Any, start_proxy: Start) -> None:
    url = start_proxy(upstream_url=upstream.url)

    assert httpx.get(f"{url}/nowhere").json()["error"]["type"] == "invalid_request_error"
    assert httpx.get(f"{url}/chat/completions").status_code == 405


def test_models_pass_through(upstream: Any, start_proxy: Start) -> None:
    models = httpx.get(start_proxy(upstream_url=upstream.url) + "/models").json()

    assert models["data"][0] == {"id": "scripted", "object": "model", "vendor": True}


def test_without_an_upstream_only_the_evidence_answers(start_proxy: Start) -> None:
    evidence = [{"id": "e1", "text": "Levothyroxine is taken on an empty stomach, 30 to 60 minutes before breakfast."}]
    answer = ask(start_proxy(), "How is levothyroxine taken?", extra_body={"wardround": {"evidence": evidence}})

    assert "empty stomach" in answer.choices[0].message.content
    assert told(answer)["receipt"]["drafts"][0]["source"] == "extractive"


def test_another_application_cannot_read_a_round(upstream: Any, start_proxy: Start) -> None:
    url = start_proxy(upstream_url=upstream.url)
    round_id = told(ask(url, "Hello."))["round_id"]

    assert httpx.get(f"{url}/rounds/{round_id}").json()["answer"] == "Hello."
    assert httpx.get(f"{url}/rounds/rd_{'0' * 32}").status_code == 404
    assert httpx.get(f"{url}/rounds/{round_id}", headers={"x-wardround-key": "wr_wrong"}).status_code == 401


def test_a_changed_policy_file_takes_effect_for_the_next_round(
    upstream: Any, start_proxy: Start, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    text = "policy: mine\nversion: 1\nextends: [wardround/base]\nrules:\n  - {id: r, when: 'true', then: %s}\n"
    file.write_text(text % "allow")
    url = start_proxy(upstream_url=upstream.url, policy=str(file))
    first = told(ask(url, "Hello."))
    file.write_text(text % "block")
    second = told(ask(url, "Hello."))
    file.write_text("policy: [broken")
    third = told(ask(url, "Hello."))
    ready = httpx.get(url.removesuffix("/v1") + "/readyz").json()

    assert [t["action"] for t in (first, second, third)] == ["allow", "block", "block"]
    assert any("mine.yaml" in p for p in ready["problems"])


def test_metrics_count_rounds(upstream: Any, start_proxy: Start) -> None:
    url = start_proxy(upstream_url=upstream.url)
    ask(url, "Hello.")
    text = httpx.get(url.removesuffix("/v1") + "/metrics").text

    assert 'wardround_rounds_total{action="allow",status="released"} 1.0' in text


def test_streamed_answers_end_as_whole_ones_do(upstream: Any, start_proxy: Start) -> None:
    upstream.seed = 3
    url = start_proxy(upstream_url=upstream.url)
    free, free_ends, free_told = stream(url, "Drink water. Rest well. Sleep.", n=2)
    cut, _, cut_told = stream(url, "All is well. Call 555-0100 today. Goodbye.")
    held, held_ends, held_told = stream(url, "A good question. Take NITRATE with it. More text.")
    blocked, blocked_ends, blocked_told = stream(url, "All fine. Now the POISON. And on. And on.")

    assert (sorted(free), free_ends, free_told["status"]) == (
        sorted("Drink water. Rest well. Sleep." * 2),
        ["stop"] * 2,
        "released",
    )
    assert cut == "All is well. Call [555-0100] today. Goodbye."
    assert cut_told["action"] == "redact"
    assert held.startswith("A good question.")
    assert "NITRATE" not in held
    assert (held_ends, held_told["status"]) == (["stop"], "pending_review")
    assert "POISON" not in blocked
    assert (blocked_ends, blocked_told["status"]) == (["content_filter"], "blocked")


def test_unknown_fields_of_chunks_pass_and_usage_comes_when_asked(upstream: Any, start_proxy: Start) -> None:
    url = start_proxy(upstream_url=upstream.url)
    body = {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Hi there. All good."}],
    }
    with httpx.stream("POST", f"{url}/chat/completions", json=body) as answer:
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    chunks = [json.loads(line[6:]) for line in lines[:-1]]

    assert lines[-1] == "data: [DONE]"
    assert all(c["vendor_field"] == 7 for c in chunks[:-1])
    assert any(c.get("usage") for c in chunks)


@pytest.mark.parametrize(
    "beside",
    [
        {"reasoning_content": "First the NITRATE, then"},
        {"refusal": "No NITRATE"},
        {"audio": {"id": "a1", "data": "A" * 5000, "transcript": "Take NITRATE now"}},
        {"annotations": [{"type": "note", "text": "NITRATE"}]},
    ],
)
def test_texts_beside_the_content_are_checked_too(upstream: Any, start_proxy: Start, beside: dict[str, Any]) -> None:
    upstream.message = answering(lambda body: {"role": "assistant", "content": "Fine.", **beside})
    url = start_proxy(upstream_url=upstream.url)
    whole = ask(url, "x")

    assert told(whole)["status"] == "pending_review"
    assert "NITRATE" not in whole.choices[0].message.model_dump_json()


def test_what_the_policy_does_not_show_is_left_out_and_counted(
    upstream: Any, start_proxy: Start, tmp_path: Path
) -> None:
    file = tmp_path / "quiet.yaml"
    file.write_text(
        "policy: quiet\nversion: 1\nextends: [wardround/default]\nagents:\n  knowledge: {show_from: major}\n"
    )
    url = start_proxy(upstream_url=upstream.url, policy=str(file))
    shown = told(ask(start_proxy(upstream_url=upstream.url), "An UNSURE claim."))
    hidden = told(ask(url, "An UNSURE claim."))

    assert [f["kind"] for f in shown["findings"]] == ["claim_unsupported"]
    assert hidden["findings"] == []
    assert hidden["receipt"]["versions"]["knowledge.hidden"] == "1"
