"""OpenAI chat completions, whole: request body to round request, outcome to answer body. Streaming is in `stream`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

from wardround.agents.state import Draft, Outcome, Status
from wardround.policies.errors import InputError
from wardround.policies.request import Message, RoundRequest

from ..rounds import Closed
from .fields import Fields, as_messages, parse_fields

HEADER = "x-wardround-round-id"
"""Header of every answer: the round's id."""


def parse(body: Mapping[str, Any]) -> tuple[RoundRequest, Fields, dict[str, Any]]:
    """(request, wardround fields, body for the upstream). Raises `InputError` naming the field."""
    fields = parse_fields(body.get("wardround"))
    messages = tuple(_message(i, m) for i, m in enumerate(as_messages(body.get("messages"))))
    if not isinstance(body.get("stream", False), bool | None):
        raise InputError("stream: expected true or false")
    n = body.get("n")
    if n is not None and (not isinstance(n, int) or isinstance(n, bool) or n < 1):
        raise InputError("n: expected a whole number of at least 1")
    request = RoundRequest.model_construct(
        messages=messages,
        draft=None,
        audience=fields.audience,
        language=fields.language,
        patient=fields.patient,
        evidence=fields.evidence,
    )
    return request, fields, {k: v for k, v in body.items() if k != "wardround"}


def _message(position: int, raw: Mapping[str, Any]) -> Message:
    content = raw.get("content")
    if content is None:
        return Message.model_construct(role=raw["role"], text="", media=())
    if isinstance(content, str):
        return Message.model_construct(role=raw["role"], text=content, media=())
    if not isinstance(content, list):
        raise InputError(f"messages[{position}].content: expected a string or a list of parts")
    texts: list[str] = []
    media: list[str] = []
    for part in cast(list[Mapping[str, Any]], content):
        if not isinstance(part, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - it comes from the wire
            raise InputError(f"messages[{position}].content: expected parts to be objects")
        if isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif part.get("type") != "text":
            media.append(str(part.get("type")))
    return Message(role=raw["role"], text="\n".join(texts), media=tuple(media))


def render(closed: Closed) -> dict[str, Any]:
    """The chat completion of a round: its answer, or the policy's message where it is blocked or waits."""
    if closed.outcome is None:
        return refusal(closed.message or "", closed.model, closed.about, finish_reason="stop")
    return answer(closed.state.get("draft"), closed.outcome, closed.model, closed.about)


def answer(draft: Draft | None, outcome: Outcome, model: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """The chat completion of a finished round, `about` under `wardround`."""
    if outcome.status is not Status.RELEASED or draft is None:
        return refusal(outcome.message or "", model, about, finish_reason="content_filter", draft=draft)
    if draft.body is None:
        base = _envelope(model, about["round_id"])
        base["choices"] = [_plain_choice(c.index, c.text, c.finish_reason or "stop") for c in draft.choices]
    else:
        base = dict(draft.body)
    if any(t is not None for t in outcome.texts):
        base["choices"] = [_with_text(c, t) for c, t in zip(base["choices"], outcome.texts, strict=True)]
    return base | {"wardround": about}


def refusal(
    message: str, model: str, about: Mapping[str, Any], *, finish_reason: str, draft: Draft | None = None
) -> dict[str, Any]:
    """A chat completion that carries the policy's message in place of an answer."""
    base = _envelope(model, about["round_id"])
    base["choices"] = [_plain_choice(0, message, finish_reason)]
    usage = (draft.body or {}).get("usage") if draft else None
    if usage is not None:
        base["usage"] = usage
    return base | {"wardround": about}


def _envelope(model: str, round_id: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{round_id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def _plain_choice(index: int, text: str, finish_reason: str) -> dict[str, Any]:
    return {
        "index": index,
        "message": {"role": "assistant", "content": text, "refusal": None},
        "logprobs": None,
        "finish_reason": finish_reason,
    }


def _with_text(choice: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    if text is None:
        return dict(choice)
    return {**choice, "message": {**choice["message"], "content": text}, "logprobs": None}
