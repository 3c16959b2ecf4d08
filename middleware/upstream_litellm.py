"""How a call reads in litellm's terms, and litellm's answers and errors in ours. Does not import litellm."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson

from wardround.agents.ports import ModelCall
from wardround.policies.errors import UpstreamError

RETRY_FIRST_S, RETRY_MAX_S, RETRY_AFTER_MAX_S = 0.5, 8.0, 60.0
"""Backoff between attempts, seconds: the values of the openai client."""

CHAT_FIELDS = frozenset(
    """audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages
    metadata modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort
    response_format safety_identifier seed service_tier stop store stream_options temperature tool_choice tools
    top_logprobs top_p user verbosity web_search_options""".split()
)
"""Fields of OpenAI's chat completions. Every other field of a body goes into the provider's body alone: litellm's
arguments include `api_base`, `api_key` and callbacks, which no client may choose."""


def arguments_of(call: ModelCall, model: str, *, stream: bool) -> dict[str, Any]:
    """Arguments of `litellm.acompletion`. The client's own Authorization is never sent to another provider."""
    arguments = {k: v for k, v in call.body.items() if k in CHAT_FIELDS}
    extra = {k: v for k, v in call.body.items() if k not in CHAT_FIELDS and k not in {"model", "stream"}}
    headers = {k: v for k, v in call.headers.items() if k.lower() in {"traceparent", "tracestate", "baggage"}}
    return arguments | {
        "model": model,
        "timeout": call.timeout_s,
        "max_retries": 0,
        **({"stream": True} if stream else {}),
        **({"extra_body": extra} if extra else {}),
        **({"extra_headers": headers} if headers else {}),
    }


def body_of(answer: Any) -> Mapping[str, Any]:
    """A whole answer as the dict that OpenAI would send."""
    body: dict[str, Any] = answer.model_dump(exclude_none=True)
    for choice in body.get("choices") or ():
        choice.get("message", {}).setdefault("content", None)
    return body


async def chunks_of(wrapper: Any, timeout_s: float) -> AsyncGenerator[Mapping[str, Any], None]:
    """Chunks of a litellm stream. litellm makes up a last chunk where the provider broke off: that one is refused."""
    while True:
        try:
            async with asyncio.timeout(timeout_s):
                part = await anext(wrapper)
        except StopAsyncIteration:
            return
        except Exception as error:  # noqa: BLE001  each provider raises its own; none may cross this border
            raise error_of(error) from None
        chunk: Mapping[str, Any] = part.model_dump(exclude_none=True)
        ends = any(c.get("finish_reason") for c in chunk.get("choices") or ())
        if ends and wrapper.received_finish_reason is None:
            raise UpstreamError("the upstream ended its stream before the answer was complete")
        yield chunk


def error_of(error: Exception) -> UpstreamError:
    """The provider's status and message as `UpstreamError`; its Retry-After where it sent one."""
    if isinstance(error, UpstreamError):
        return error
    name = type(error).__name__
    if isinstance(error, TimeoutError) or "Timeout" in name:
        return UpstreamError(f"the provider gave no answer in time: {name}", status=504)
    headers: Mapping[str, str] | None = getattr(error, "litellm_response_headers", None)
    status: object = getattr(error, "status_code", None)
    came = headers is not None or (isinstance(status, int) and 400 <= status < 500)
    if not came or not isinstance(status, int):
        return UpstreamError(f"the provider cannot be reached: {name}")
    body = orjson.dumps({"error": {"message": str(error), "type": name, "code": status, "param": None}})
    return UpstreamError(
        f"the provider answered with status {status}",
        status=status,
        body=body,
        retry_after=(headers or {}).get("retry-after"),
    )


def worth_retrying(failure: UpstreamError) -> bool:
    """Whether the same model may answer a second time: 408, 409, 429, 5xx, a lost connection; not a deadline."""
    if failure.body is None:
        return failure.status != 504
    return failure.status in {408, 409, 429} or failure.status >= 500


def pause_s(failure: UpstreamError, tried: int) -> float:
    """Seconds to wait before the next attempt: Retry-After where it is sensible, else backoff with jitter."""
    try:
        asked_s = float(failure.retry_after or 0)
    except ValueError:
        asked_s = 0.0
    if 0 < asked_s <= RETRY_AFTER_MAX_S:
        return asked_s
    return min(RETRY_FIRST_S * 2.0**tried, RETRY_MAX_S) * (1 - 0.25 * random.random())  # noqa: S311  no secret
