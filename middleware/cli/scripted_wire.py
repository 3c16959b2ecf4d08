"""Chat completions of the scripted app on the wire: whole, in chunks, with choices, logprobs, usage, unknown fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

COMMON = {"id": "chatcmpl-scripted", "created": 1_700_000_000, "system_fingerprint": "fp_scripted"}
KNOWN = frozenset(
    """frequency_penalty logit_bias logprobs max_completion_tokens max_tokens messages metadata model n
    parallel_tool_calls presence_penalty reasoning_effort response_format seed service_tier stop store stream
    stream_options temperature tool_choice tools top_logprobs top_p user""".split()
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One scripted answer: text, or a call of a tool."""

    entry: str
    """Id of the script's entry, echoed in `x_scripted`."""
    text: str | None
    """The text; None with a tool call."""
    tool: str | None = None
    """Name of the tool to call."""
    arguments: str = ""
    """The tool's arguments, JSON."""


def completion_of(body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """A whole chat completion with `n` equal choices."""
    text, finish = _limited(body, answer)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    if answer.tool:
        message["tool_calls"] = [_tool_call(answer)]
    choices = [
        {"index": i, "message": message, "finish_reason": finish, "logprobs": _logprobs(body, text), "x_choice": i}
        for i in range(body.get("n") or 1)
    ]
    head = {**COMMON, "object": "chat.completion", "model": body.get("model")}
    return {**head, "choices": choices, "usage": _usage(body, text), **_unknown(body, answer)}


def chunks_of(body: Mapping[str, Any], answer: Answer) -> Iterator[dict[str, Any]]:
    """The same completion as chunks, a token each, choices in turn."""
    text, finish = _limited(body, answer)
    head = {**COMMON, "object": "chat.completion.chunk", "model": body.get("model"), **_unknown(body, answer)}
    indices = range(body.get("n") or 1)
    for delta, logprobs, end in _deltas(body, answer, text, finish):
        for i in indices:
            choice = {"index": i, "delta": delta, "finish_reason": end, "logprobs": logprobs, "x_choice": i}
            yield {**head, "choices": [choice]}
    options: Mapping[str, Any] = body.get("stream_options") or {}
    if options.get("include_usage"):
        yield {**head, "choices": [], "usage": _usage(body, text)}


def instance_of(shape: Mapping[str, Any], text: str, root: Mapping[str, Any]) -> Any:
    """A value that fits a JSON schema, with numbers and words taken from the text where it has some."""
    if "$ref" in shape:
        return instance_of(root.get("$defs", {}).get(shape["$ref"].rsplit("/", 1)[-1], {}), text, root)
    if shape.get("enum"):
        return shape["enum"][0]
    if shape.get("anyOf"):
        return instance_of(shape["anyOf"][0], text, root)
    numbers = re.findall(r"\d+", text)
    match shape.get("type"):
        case "object":
            return {k: instance_of(v, text, root) for k, v in shape.get("properties", {}).items()}
        case "array":
            return [instance_of(shape.get("items", {}), text, root)]
        case "integer":
            return int(numbers[0]) if numbers else 1
        case "number":
            return float(numbers[0]) if numbers else 1.0
        case "boolean":
            return True
        case _:
            return text[:80]


def _deltas(
    body: Mapping[str, Any], answer: Answer, text: str | None, finish: str
) -> Iterator[tuple[dict[str, Any], object, str | None]]:
    yield {"role": "assistant", "content": None if answer.tool else ""}, None, None
    for token in _tokens(text):
        yield {"content": token}, _logprobs(body, token), None
    if answer.tool:
        call = _tool_call(answer)
        function = call["function"]
        yield {"tool_calls": [{**call, "index": 0, "function": {**function, "arguments": ""}}]}, None, None
        for piece in re.findall(r"(?s).{1,8}", answer.arguments):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}, None, None
    yield {}, None, finish


def _tokens(text: str | None) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text or "")


def _limited(body: Mapping[str, Any], answer: Answer) -> tuple[str | None, str]:
    """The text as far as `stop` and the token limit let it go, and the finish reason."""
    if answer.tool:
        return None, "tool_calls"
    text = answer.text or ""
    stop: Any = body.get("stop") or []
    for word in [stop] if isinstance(stop, str) else stop:
        text = text.split(word)[0]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    tokens = _tokens(text)
    if limit and len(tokens) > limit:
        return "".join(tokens[:limit]), "length"
    return text, "stop"


def _tool_call(answer: Answer) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": answer.tool, "arguments": answer.arguments}}


def _logprobs(body: Mapping[str, Any], text: str | None) -> dict[str, Any] | None:
    if not body.get("logprobs"):
        return None
    return {
        "content": [
            {"token": t, "logprob": -0.01, "bytes": list(t.encode()), "top_logprobs": []} for t in _tokens(text)
        ],
        "refusal": None,
    }


def _usage(body: Mapping[str, Any], text: str | None) -> dict[str, int]:
    asked = sum(len(str(m.get("content", ""))) for m in body["messages"]) // 4 + 1
    answered = max(len(_tokens(text)), 1)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _unknown(body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """A field that no SDK knows, with whatever unknown fields the request had."""
    return {"x_scripted": {"entry": answer.entry, "echo": {k: v for k, v in body.items() if k not in KNOWN}}}
