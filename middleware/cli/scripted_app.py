"""A scripted clinical LLM app that speaks OpenAI's API: the upstream of `wardround demo` and of the tests.

Answers are read from `scripted_answers.yaml`. What a chat completion looks like on the wire is in `scripted_wire.py`.
"""

from __future__ import annotations

import asyncio
import base64
import re
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, cast

import orjson
import yaml
from pydantic import Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .scripted_wire import Answer, chunks_of, completion_of, instance_of

if TYPE_CHECKING:
    from starlette.requests import Request

MODELS = ("scripted-clinician", "scripted-clinician-mini")
NO_SUCH_MODEL = "no-such-model"
"""Asking for this one is answered with 404, as OpenAI answers for an unknown model."""
STALL_S = 3600.0
"""How long a stalled answer keeps its client waiting, seconds."""

_BODY = TypeAdapter(dict[str, Any])
_MESSAGES = TypeAdapter(Annotated[list[dict[str, Any]], Field(min_length=1)])


@dataclass(slots=True)
class Script:
    """What the app answers and how; tests change it while the app runs."""

    first_token_s: float = 0.0
    """Wait before the first byte of an answer, seconds."""
    token_interval_s: float = 0.0
    """Wait between streamed tokens, seconds."""
    split_bytes: int | None = None
    """Cut a streamed body into pieces of this size, wherever that falls; None sends an event a piece."""
    fail_next: list[str] = field(default_factory=list[str])
    """Faults of the next requests, oldest first: a status such as `429`, or `stall`, `garbage`, `cut` (a stream that
    ends early), `error` (an error event inside a stream)."""
    bodies: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    """Request bodies as they arrived, oldest first."""

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """The scripted answer to a chat body."""
        messages: Sequence[Mapping[str, Any]] = body["messages"]
        question, revision = _question(messages)
        wanted = _structured(body, messages, question)
        if wanted is not None:
            return wanted
        entry = next((e for e in _entries() if _fits(e, question)), None)
        if entry is None:
            return Answer("fallback", _document()["fallback"])
        text = entry.get("revised", entry["answer"]) if revision else entry["answer"]
        tag = re.search(r"\btag[:\s]+(\w+)", question, re.IGNORECASE)
        return Answer(entry["id"], text.replace("{tag}", tag.group(1) if tag else "none"))


def build_app(script: Script | None = None) -> Starlette:
    """The ASGI app; the script is at `app.state.script`. Other processes set it with `POST /scripted`."""
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", _chat, methods=["POST"]),
            Route("/v1/embeddings", _embeddings, methods=["POST"]),
            Route("/v1/models", _models),
            Route("/v1/models/{name}", _models),
            Route("/scripted", _adjust, methods=["POST"]),
        ]
    )
    app.state.script = script or Script()
    return app


async def _chat(request: Request) -> Response:
    script: Script = request.app.state.script
    body = _parsed(await request.body())
    if body is None:
        return _error(400, "The body is not a chat completion request: `messages` with at least one message.")
    script.bodies.append(body)
    fault = script.fail_next.pop(0) if script.fail_next else ""
    if fault == "stall":
        await asyncio.sleep(STALL_S)
    if fault.isdigit():
        return _error(int(fault), "The scripted upstream fails as it was told to.", {"Retry-After": "0.01"})
    if fault == "garbage":
        return Response(b"<html>busy</html>", media_type="text/html")
    if body.get("model") == NO_SUCH_MODEL:
        return _error(404, f"The model `{NO_SUCH_MODEL}` does not exist.", code="model_not_found")
    answer = script.answer(body)
    if body.get("stream"):
        return StreamingResponse(_events(script, body, answer, fault), media_type="text/event-stream")
    await _pause(script.first_token_s)
    return Response(orjson.dumps(completion_of(body, answer)), media_type="application/json")


async def _events(script: Script, body: Mapping[str, Any], answer: Answer, fault: str) -> AsyncIterator[bytes]:
    await _pause(script.first_token_s)
    for at, chunk in enumerate(chunks_of(body, answer)):
        if at:
            await _pause(script.token_interval_s)
        if fault and at == 3:
            if fault == "error":
                yield b'data: {"error": {"message": "The scripted upstream broke off.", "code": 500}}\n\n'
            return
        for piece in _pieces(b"data: " + orjson.dumps(chunk) + b"\n\n", script.split_bytes):
            yield piece
    for piece in _pieces(b"data: [DONE]\n\n", script.split_bytes):
        yield piece


async def _models(request: Request) -> Response:
    shown = [{"id": m, "object": "model", "created": 0, "owned_by": "wardround"} for m in MODELS]
    name = request.path_params.get("name")
    if name is None:
        return JSONResponse({"object": "list", "data": shown})
    found = next((m for m in shown if m["id"] == name), None)
    return JSONResponse(found) if found else _error(404, f"The model `{name}` does not exist.", code="model_not_found")


async def _embeddings(request: Request) -> Response:
    body = cast("Mapping[str, Any]", orjson.loads(await request.body()))
    texts: list[str] = [body["input"]] if isinstance(body["input"], str) else body["input"]
    vectors = [[float(len(t)), float(t.count(" ")), 1.0] for t in texts]
    packed = body.get("encoding_format") == "base64"
    data = [
        {
            "object": "embedding",
            "index": i,
            "embedding": base64.b64encode(struct.pack("<3f", *v)).decode() if packed else v,
        }
        for i, v in enumerate(vectors)
    ]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return JSONResponse({"object": "list", "data": data, "model": body.get("model"), "usage": usage})


async def _adjust(request: Request) -> Response:
    script: Script = request.app.state.script
    for name, value in cast("Mapping[str, Any]", orjson.loads(await request.body())).items():
        if name not in {"first_token_s", "token_interval_s", "split_bytes", "fail_next"}:
            return _error(400, f"`{name}` cannot be set.")
        setattr(script, name, value)
    return JSONResponse({"requests": len(script.bodies)})


async def _pause(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)


def _pieces(data: bytes, size: int | None) -> list[bytes]:
    return [data] if size is None else [data[i : i + size] for i in range(0, len(data), size)]


def _parsed(data: bytes) -> Mapping[str, Any] | None:
    try:
        body = _BODY.validate_json(data)
        _MESSAGES.validate_python(body.get("messages"))
    except ValidationError:
        return None
    return body


def _error(status: int, message: str, headers: Mapping[str, str] | None = None, code: str | None = None) -> Response:
    kind = "invalid_request_error" if status < 429 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code, "scripted": True}
    return JSONResponse({"error": error}, status, headers)


def _question(messages: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """The last question of the user, and whether a redraft of its answer was asked for."""
    texts = [_text(m) for m in messages if m.get("role") == "user"]
    asked = [t for t in texts if not _has(t, _document()["revision"])]
    return (asked[-1] if asked else "", bool(texts) and texts[-1] not in asked)


def _text(message: Mapping[str, Any]) -> str:
    content: Any = message.get("content") or ""
    if isinstance(content, str):
        return content
    parts: list[Mapping[str, Any]] = content
    return "\n".join(str(p.get("text", "")) for p in parts)


def _structured(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], question: str) -> Answer | None:
    """A tool call, the reply to a tool's result, or JSON of the wanted shape; None where plain text is wanted."""
    if messages[-1].get("role") == "tool":
        return Answer("tool-result", f"The tool says: {_text(messages[-1])}")
    call = _tool_call(body, question)
    if call is not None:
        return call
    wanted: Mapping[str, Any] = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        shape: Mapping[str, Any] = wanted["json_schema"].get("schema") or {}
        return Answer("json", orjson.dumps(instance_of(shape, question, shape)).decode())
    return Answer("json", orjson.dumps({"answer": question}).decode()) if wanted.get("type") == "json_object" else None


def _tool_call(body: Mapping[str, Any], question: str) -> Answer | None:
    """A call of the tool that must be used, or of one whose name or purpose shares a word with the question."""
    tools: list[Mapping[str, Any]] = [t["function"] for t in body.get("tools") or () if "function" in t]
    choice: Any = body.get("tool_choice") or "auto"
    if not tools or choice == "none":
        return None
    forced = cast("Mapping[str, Any]", choice)["function"]["name"] if isinstance(choice, dict) else None
    words = set(re.findall(r"[a-z]{4,}", question.lower()))
    for tool in tools:
        about = set(re.findall(r"[a-z]{4,}", f"{tool['name']} {tool.get('description', '')}".lower()))
        if tool["name"] == forced or (forced is None and (choice == "required" or words & about)):
            shape: Mapping[str, Any] = tool.get("parameters") or {}
            arguments = orjson.dumps(instance_of(shape, question, shape)).decode()
            return Answer("tool", None, tool["name"], arguments)
    return None


def _entries() -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", _document()["answers"])


def _fits(entry: Mapping[str, Any], question: str) -> bool:
    return all(_has(question, group) for group in entry["when"])


def _has(text: str, words: Sequence[str]) -> bool:
    return any(re.search(rf"\b{re.escape(w)}\b", text, re.IGNORECASE) for w in words)


_LOADED: dict[str, Any] = {}


def _document() -> Mapping[str, Any]:
    if not _LOADED:
        read = resources.files("wardround.middleware.cli").joinpath("scripted_answers.yaml").read_text(encoding="utf-8")
        _LOADED.update(yaml.safe_load(read))
    return _LOADED
