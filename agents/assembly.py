"""Putting a streamed chat completion together again from its chunks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from wardround.policies.request import ToolCall

from .state import Choice

Json: TypeAlias = "str | int | float | bool | None | Mapping[str, Json] | list[Json]"
_KNOWN = frozenset({"role", "content", "tool_calls", "function_call", "name", "index"})
"""Keys of a message or delta that have a place of their own."""
_ENVELOPE = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "system_fingerprint",
        "service_tier",
        "obfuscation",
    }  # fmt: skip
)
"""Keys of an answer that carry no text for a reader."""
_DATA = re.compile(r"[A-Za-z0-9+/=_-]{512,}")
"""Data such as sound in base64: no detector can read it."""


def asides(message: Mapping[str, Any]) -> dict[str, str]:
    """Texts of a message or delta beside its content that a client may show, by key: reasoning, refusal, transcript.

    They are checked like tool-call arguments, each on its own channel.
    """
    return {k: t for k, v in message.items() if k not in _KNOWN and (t := _text(v))}


def envelope_asides(body: Mapping[str, Any]) -> dict[str, str]:
    """The same for the unknown keys of a whole answer or chunk."""
    return {k: t for k, v in body.items() if k not in _ENVELOPE and (t := _text(v))}


def _text(value: Json) -> str:
    if isinstance(value, str):
        return "" if _DATA.fullmatch(value) else value
    if isinstance(value, Mapping):
        values = list(value.values())
    elif isinstance(value, list):
        values = value
    else:
        return ""
    return "\n".join(filter(None, map(_text, values)))


class _Part:
    __slots__ = ("asides", "finish_reason", "role", "text", "tools")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.asides: dict[str, list[str]] = {}
        self.tools: dict[int, dict[str, str]] = {}
        self.finish_reason: str | None = None
        self.role = "assistant"


class Assembly:
    """Accumulates the chunks of one streamed answer."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}
        self._envelope: dict[str, Any] = {}
        self._beside: dict[str, list[str]] = {}

    def add(self, chunk: Mapping[str, Any]) -> tuple[int, ...]:
        """Take one chunk; returns the choices whose text grew."""
        self._envelope |= {k: v for k, v in chunk.items() if k not in {"choices", "object"} and v is not None}
        for name, text in envelope_asides(chunk).items():
            self._beside.setdefault(name, [])
            if text not in self._beside[name]:
                self._beside[name].append(text)
        return tuple(i for c in chunk.get("choices") or () if (i := self._add_choice(c)) is not None)

    def _add_choice(self, choice: Mapping[str, Any]) -> int | None:
        index = int(choice.get("index") or 0)
        part = self._parts.setdefault(index, _Part())
        part.finish_reason = choice.get("finish_reason") or part.finish_reason
        delta: Mapping[str, Any] = choice.get("delta") or {}
        for name, text in asides(delta).items():
            part.asides.setdefault(name, []).append(text)
        _add_tools(part, delta)
        content = delta.get("content")
        if not isinstance(content, str) or not content:
            return None
        part.text.append(content)
        return index

    def text(self, index: int) -> str:
        """Text of one choice so far."""
        part = self._parts[index]
        if len(part.text) > 1:
            part.text = ["".join(part.text)]
        return part.text[0] if part.text else ""

    def beside(self) -> tuple[ToolCall, ...]:
        """Texts so far in the chunks' own unknown keys, each on its own channel."""
        return tuple(ToolCall(id=k, name=k, arguments="\n".join(v)) for k, v in self._beside.items())

    def choices(self) -> tuple[Choice, ...]:
        """Every choice as it stands, by index."""
        return tuple(
            Choice(index=i, text=self.text(i), tool_calls=(*_calls(p), *self.beside()), finish_reason=p.finish_reason)
            for i, p in sorted(self._parts.items())
        )

    @property
    def finished(self) -> bool:
        """Whether every choice has its finish reason."""
        return bool(self._parts) and all(p.finish_reason for p in self._parts.values())

    def body(self) -> dict[str, Any]:
        """The whole answer in the shape of an unstreamed one."""
        choices = [
            {
                "index": i,
                "finish_reason": p.finish_reason,
                "message": {"role": p.role, "content": self.text(i) or None, **_extras(p)},
            }
            for i, p in sorted(self._parts.items())
        ]
        return {**self._envelope, "object": "chat.completion", "choices": choices}


def _add_tools(part: _Part, delta: Mapping[str, Any]) -> None:
    calls: list[Mapping[str, Any]] = list(delta.get("tool_calls") or ())
    if delta.get("function_call"):
        calls.append({"index": -1, "id": "function_call", "function": delta["function_call"]})
    for call in calls:
        slot = part.tools.setdefault(int(call.get("index") or 0), {"id": "", "name": "", "arguments": ""})
        function: Mapping[str, Any] = call.get("function") or {}
        slot["id"] = str(call.get("id") or slot["id"])
        slot["name"] += str(function.get("name") or "")
        slot["arguments"] += str(function.get("arguments") or "")


def _calls(part: _Part) -> tuple[ToolCall, ...]:
    tools = (ToolCall(id=t["id"] or str(i), name=t["name"], arguments=t["arguments"]) for i, t in part.tools.items())
    own = (ToolCall(id=k, name=k, arguments="".join(v)) for k, v in part.asides.items())
    return (*tools, *own)


def _extras(part: _Part) -> dict[str, Any]:
    extras: dict[str, Any] = {k: "".join(v) for k, v in part.asides.items()}
    calls = [
        {"id": t["id"], "type": "function", "function": {"name": t["name"], "arguments": t["arguments"]}}
        for i, t in sorted(part.tools.items())
        if i >= 0
    ]
    if calls:
        extras["tool_calls"] = calls
    return extras
