"""OpenAI chat completions, streamed: keeps the upstream's chunks, lets out what was checked, ends with the outcome."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from wardround.agents.state import Draft, Outcome, Status
from wardround.policies.finding import Finding

from ..rounds import Closed
from .chat import answer

DONE = b"data: [DONE]\n\n"
KEEPALIVE = b": keep-alive\n\n"

Record = Callable[[int, int, str, Sequence[Finding]], Awaitable[None]]
"""Makes a release durable before it leaves: choice, characters, released text, findings."""


def frame(chunk: Mapping[str, Any]) -> bytes:
    """One SSE event."""
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


@dataclass(slots=True)
class _Piece:
    """A kept chunk: it may leave when `end` characters of its choice are released; None: only at the end."""

    chunk: Mapping[str, Any]
    choice: int
    end: int | None


class StreamSink:
    """The `Sink` of one streamed chat completion, and the reader's side of it."""

    def __init__(self, record: Record, keepalive_s: float) -> None:
        self._record = record
        self._keepalive_s = keepalive_s
        self._pieces: deque[_Piece] = deque()
        self._length: dict[int, int] = {}
        self._sent: dict[int, int] = {}
        self._replaced: dict[int, str] = {}
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.begun = False
        """Whether the client has been given anything, so that an error can no longer be an HTTP status."""

    # The agents' side

    def keep(self, chunk: Mapping[str, Any]) -> None:
        """Keep a chunk, split so that each piece belongs to one choice."""
        choices: list[Mapping[str, Any]] = list(chunk.get("choices") or ())
        if not choices:
            self._pieces.append(_Piece(chunk, 0, None))
        for choice in choices:
            self._pieces.append(self._piece(chunk, choice))

    def _piece(self, chunk: Mapping[str, Any], choice: Mapping[str, Any]) -> _Piece:
        index = int(choice.get("index") or 0)
        delta: Mapping[str, Any] = choice.get("delta") or {}
        text = delta.get("content")
        if isinstance(text, str):
            self._length[index] = self._length.get(index, 0) + len(text)
        beside = any(v for k, v in delta.items() if k not in {"role", "content"})
        final = bool(choice.get("finish_reason")) or beside
        return _Piece({**chunk, "choices": [choice]}, index, None if final else self._length.get(index, 0))

    async def release(self, choice: int, upto: int, replacement: str | None, findings: Sequence[Finding]) -> None:
        """Record, then let out one choice up to `upto`."""
        taken = self._take(choice, upto)
        text = replacement if replacement is not None else "".join(_content(p.chunk) for p in taken)
        await self._record(choice, upto, text, findings)
        self._sent[choice] = upto
        if replacement is not None:
            taken = [_Piece(_with_content(taken[0].chunk, replacement), choice, upto)] if taken else []
        for piece in taken:
            self._frames.put_nowait(frame(piece.chunk))
        if taken:
            self._replaced[choice] = self._replaced.get(choice, "") + text

    def _take(self, choice: int, upto: int) -> list[_Piece]:
        taken: list[_Piece] = []
        rest: deque[_Piece] = deque()
        start = self._sent.get(choice, 0)
        for piece in self._pieces:
            if piece.choice != choice or piece.end is None or start >= upto and piece.end > upto:
                rest.append(piece)
                continue
            if piece.end <= upto:
                taken.append(piece)
                start = piece.end
                continue
            text = _content(piece.chunk)
            cut = len(text) - (piece.end - upto)
            taken.append(_Piece(_with_content(piece.chunk, text[:cut]), choice, upto))
            rest.append(_Piece(_with_content(piece.chunk, text[cut:], keep_logprobs=True), choice, piece.end))
            start = upto
        self._pieces = rest
        return taken

    # The end of the round

    def end(self, closed: Closed) -> None:
        """End the stream as the round ended."""
        if closed.outcome is None:
            self.refuse(closed.message or "", closed.model, closed.about, "stop")
        else:
            self.finish(closed.state.get("draft"), closed.outcome, closed.model, closed.about)

    def finish(self, draft: Draft | None, outcome: Outcome, model: str, about: Mapping[str, Any]) -> None:
        """Let out the rest of a released draft, or the policy's message; then the closing frames."""
        if outcome.status is Status.RELEASED and draft is not None:
            if draft.revision == 0 and self._pieces and draft.source == "upstream":
                self._flush(draft, outcome)
            else:
                self._whole(answer(draft, outcome, model, about))
            self.close(about, model)
        else:
            self.refuse(outcome.message or "", model, about, "content_filter")

    def _flush(self, draft: Draft, outcome: Outcome) -> None:
        texts = {c.index: t for c, t in zip(draft.choices, outcome.texts, strict=True)}
        replaced: set[int] = set()
        for piece in self._pieces:
            whole = texts.get(piece.choice)
            if whole is None or not piece.chunk.get("choices"):
                self._frames.put_nowait(frame(piece.chunk))
                continue
            if piece.choice not in replaced and (piece.end is None or _content(piece.chunk)):
                replaced.add(piece.choice)
                rest = whole[len(self._replaced.get(piece.choice, "")) :]
                self._frames.put_nowait(frame(_text_alone(piece.chunk, rest)))
            if piece.end is None or not _content(piece.chunk):
                self._frames.put_nowait(frame(_without_content(piece.chunk)))

    def _whole(self, body: Mapping[str, Any]) -> None:
        for choice in body["choices"]:
            message: dict[str, Any] = dict(choice.get("message") or {})
            if message.get("tool_calls"):
                message["tool_calls"] = [{"index": i, **c} for i, c in enumerate(message["tool_calls"])]
            index = choice.get("index", 0)
            self._frames.put_nowait(frame(_chunk(body, index, message, None)))
            self._frames.put_nowait(frame(_chunk(body, index, {}, choice.get("finish_reason") or "stop")))

    def refuse(self, message: str, model: str, about: Mapping[str, Any], finish_reason: str) -> None:
        """End the stream with the policy's message, on every choice that began."""
        envelope = {"id": f"chatcmpl-{about['round_id']}", "model": model, "created": 0}
        for index in sorted(self._length) or [0]:
            lead = "\n\n" if self._sent.get(index) else ""
            delta = {"role": "assistant", "content": lead + message}
            self._frames.put_nowait(frame(_chunk(envelope, index, delta, None)))
            self._frames.put_nowait(frame(_chunk(envelope, index, {}, finish_reason)))
        self.close(about, model)

    def close(self, about: Mapping[str, Any], model: str) -> None:
        """A last chunk with the `wardround` object and no choices, then `[DONE]`."""
        last = {"id": f"chatcmpl-{about['round_id']}", "object": "chat.completion.chunk", "created": 0, "model": model}
        self._frames.put_nowait(frame({**last, "choices": [], "wardround": about}))
        self._frames.put_nowait(DONE)
        self._frames.put_nowait(None)

    def fail(self, body: Mapping[str, Any]) -> None:
        """End the stream with an error event; OpenAI clients raise it."""
        self._frames.put_nowait(frame(body))
        self._frames.put_nowait(None)

    # The client's side

    async def first_or_error(self, driving: asyncio.Task[None]) -> bytes | None:
        """The first frame, a comment after a silence of `keepalive_s`, or the error that came before either.

        None where the stream ended empty.
        """
        waiting = asyncio.ensure_future(self._frames.get())
        await asyncio.wait({driving, waiting}, timeout=self._keepalive_s, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            if driving.done():
                waiting.cancel()
                driving.result()
                return await self._frames.get()
            waiting.cancel()
            self.begun = True
            return KEEPALIVE
        self.begun = True
        return waiting.result()

    async def frames(self) -> AsyncIterator[bytes]:
        """What goes to the client, with a comment after every silence of `keepalive_s`."""
        while True:
            try:
                async with asyncio.timeout(self._keepalive_s):
                    item = await self._frames.get()
            except TimeoutError:
                yield KEEPALIVE
                continue
            if item is None:
                return
            yield item


def _content(chunk: Mapping[str, Any]) -> str:
    delta: Mapping[str, Any] = chunk["choices"][0].get("delta") or {} if chunk.get("choices") else {}
    content = delta.get("content")
    return content if isinstance(content, str) else ""


def _with_content(chunk: Mapping[str, Any], text: str, *, keep_logprobs: bool = False) -> dict[str, Any]:
    choice = chunk["choices"][0]
    delta: dict[str, Any] = {**(choice.get("delta") or {}), "content": text}
    logprobs = choice.get("logprobs") if keep_logprobs else None
    return {**chunk, "choices": [{**choice, "delta": delta, "logprobs": logprobs}]}


def _text_alone(chunk: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A chunk in the upstream's envelope with nothing but text."""
    own: Mapping[str, Any] = chunk["choices"][0]
    delta: Mapping[str, Any] = own.get("delta") or {}
    role = {"role": delta["role"]} if "role" in delta else {}
    choice = {"index": own.get("index", 0), "delta": {**role, "content": text}}
    return {**chunk, "choices": [{**choice, "logprobs": None, "finish_reason": None}]}


def _without_content(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    return _with_content(chunk, "") if _content(chunk) else chunk


def _chunk(envelope: Mapping[str, Any], index: int, delta: Mapping[str, Any], finish: str | None) -> dict[str, Any]:
    return {
        "id": envelope.get("id"),
        "object": "chat.completion.chunk",
        "created": envelope.get("created", 0),
        "model": envelope.get("model"),
        "choices": [{"index": index, "delta": dict(delta), "logprobs": None, "finish_reason": finish}],
    }
