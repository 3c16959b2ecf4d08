"""Pseudonyms on the way to a model and back: the model sees `[NAME_1]`, everyone else sees the name.

Promises: what the safety agent's PHI detector finds in a call's messages is not in what the model gets, anywhere in
them; the same value has the same pseudonym in all messages and tool arguments; a pseudonym in the answer, streamed or
not, becomes the value again, and only one that this call made. The map lives in memory for the length of one call and
is written nowhere: the next call makes the same one from the same conversation. Does not promise that the detector
finds every identifier, nor that a model's answer says nothing by which a person can be recognised.

A bracketed word in capitals is kept by models as it is, in any language and inside JSON; a made-up name would be
inflected, shortened, or taken for somebody.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from .ports import ModelAnswer, ModelCall, ModelClient, ModelStream

KINDS: Mapping[str, str] = {
    "name": "NAME", "place": "PLACE", "address": "ADDRESS", "organisation": "ORGANISATION", "date": "DATE",
    "date of birth": "DATE", "phone": "PHONE", "email": "EMAIL", "url": "URL",
}  # fmt: skip
"""Subject of an identifier to the word of its pseudonym; `ID` for all others."""
LEAVES = frozenset({"age"})
"""Subjects that stay: a model needs them, and alone they identify nobody below 90 (Safe Harbor, 45 CFR 164.514)."""
LEAST = 0.5
"""Least confidence of an identifier that is replaced."""
HELD_CHARS = 32
"""Most characters of a streamed text that wait for the rest of a pseudonym."""
_PSEUDONYM = re.compile(r"\[?(?<![A-Za-z0-9_])([A-Za-z]{2,12}_\d{1,4}[A-Za-z]?)(?![A-Za-z0-9_])\]?")
_PLAIN = frozenset({"role", "id", "type", "tool_call_id", "finish_reason", "model", "object"})


class Pseudonyms:
    """The values of one call and their stand-ins."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Find the identifiers of all texts together. CPU work: about 6 ms for each 100 tokens not read before."""
        from .safety.detector import reading
        from .safety.phi import identifiers

        texts = [t for t in texts if t.strip()]
        self._taken = {m.group(1).upper() for t in texts for m in _PSEUDONYM.finditer(t)}
        self._stand_in: dict[str, str] = {}
        self._value: dict[str, str] = {}
        self._count: dict[str, int] = {}
        for text in texts:
            for hit in identifiers(reading("request", text), tagger=True):
                if hit.confidence >= LEAST and hit.subject not in LEAVES:
                    self._add(text[hit.start : hit.end], KINDS.get(hit.subject, "ID"))
        ordered = sorted(self._stand_in, key=lambda v: (-len(v), v))
        alternatives = "|".join(re.escape(v) for v in ordered)
        self._values = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE) if ordered else None

    def __len__(self) -> int:
        return len(self._stand_in)

    def _add(self, value: str, kind: str) -> None:
        folded = value.lower()
        if folded in self._stand_in or not any(c.isalnum() for c in value):
            return
        name = self._part_of(folded, kind) or self._fresh(kind)
        self._stand_in[folded] = f"[{name}]"
        self._value[name] = value

    def _part_of(self, folded: str, kind: str) -> str | None:
        """A part of a known name shares its number: "Lopez" beside "Maria Lopez" is `NAME_1B`."""
        if kind != "NAME":
            return None
        words = set(folded.replace(".", " ").split())
        for known, stand_in in self._stand_in.items():
            if stand_in.startswith("[NAME_") and (words < set(known.split()) or set(known.split()) < words):
                base = stand_in.strip("[]").rstrip("BCDEFGH")
                return next((n for x in "BCDEFGH" if (n := base + x) not in self._value and n not in self._taken), None)
        return None

    def _fresh(self, kind: str) -> str:
        while True:
            self._count[kind] = self._count.get(kind, 0) + 1
            name = f"{kind}_{self._count[kind]}"
            if name not in self._taken:
                return name

    def hide(self, text: str) -> str:
        """The text with every known value replaced."""
        if self._values is None:
            return text
        return self._values.sub(lambda m: self._stand_in[m.group().lower()], text)

    def show(self, text: str, *, escaped: bool = False) -> str:
        """The text with every pseudonym of this call replaced by its value; `escaped` inside JSON."""

        def value(match: re.Match[str]) -> str:
            found = self._value.get(match.group(1).upper())
            if found is None:
                return match.group()
            return json.dumps(found, ensure_ascii=False)[1:-1] if escaped else found

        return _PSEUDONYM.sub(value, text) if self._value else text

    def open_end(self, text: str) -> int:
        """Where an unfinished pseudonym may begin at the end of a text; its length where none does."""
        for start in range(max(0, len(text) - HELD_CHARS), len(text)):
            before = text[start - 1] if start else " "
            if (before.isalnum() or before in "_[") and text[start] != "[":
                continue
            tail = text[start:].lstrip("[").upper()
            if len(text) - start - len(tail) <= 1 and any(f"{name}]".startswith(tail) for name in self._value):
                return start
        return len(text)


def texts_of(body: Mapping[str, Any]) -> Iterator[str]:
    """Every text of the messages that a model would read: content, parts, tool arguments."""
    for message in body.get("messages") or ():
        yield from _strings(message)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _strings_in_json(value) if value[:1] in "{[" else (value,)
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            if key not in _PLAIN and key != "image_url":
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in cast("Any", value):
            yield from _strings(inner)


def _strings_in_json(text: str) -> Iterator[str]:
    try:
        yield from _strings(json.loads(text))
    except (ValueError, RecursionError):
        yield text


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with every text changed; keys, roles and ids stay."""
    if isinstance(value, str):
        return _mapped_text(value, change)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return {k: _mapped_key(k, v, change) for k, v in pairs}
    if isinstance(value, list):
        return [mapped(v, change) for v in cast("Any", value)]
    return value


def _mapped_key(key: str, value: Any, change: Callable[[str], str]) -> Any:
    if key in _PLAIN or key == "image_url":
        return value
    if key == "name" and isinstance(value, str):
        return change(value).strip("[]")  # names of participants and tools take no brackets
    return mapped(value, change)


def _mapped_text(text: str, change: Callable[[str], str]) -> str:
    """A text changed; one that is a JSON object stays one."""
    if text[:1] == "{":
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return change(text)
        new = mapped(inner, change)
        return text if new == inner else json.dumps(new, ensure_ascii=False)
    return change(text)


class PseudonymousModel:
    """A model client that sends pseudonyms and gives values back."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Ask for a whole answer; raises `UpstreamError`."""
        names, hidden = await self._hidden(call)
        answer = await self._client.complete(hidden)
        return replace(answer, body=_shown(answer.body, names)) if len(names) else answer

    async def stream(self, call: ModelCall) -> ModelStream:
        """Ask for a streamed answer; raises `UpstreamError`."""
        names, hidden = await self._hidden(call)
        stream = await self._client.stream(hidden)
        return _ShownStream(stream, names) if len(names) else stream

    async def _hidden(self, call: ModelCall) -> tuple[Pseudonyms, ModelCall]:
        names = await asyncio.to_thread(lambda: Pseudonyms(texts_of(call.body)))
        body = {**call.body, "messages": mapped(list(call.body.get("messages") or ()), names.hide)}
        return names, replace(call, body=body)


def _shown(body: Mapping[str, Any], names: Pseudonyms) -> dict[str, Any]:
    return {**body, "choices": mapped(list(body.get("choices") or ()), names.show)}


class _ShownStream:
    """A stream whose texts give values back; a text that may end inside a pseudonym waits for its next piece."""

    def __init__(self, stream: ModelStream, names: Pseudonyms) -> None:
        self._stream = stream
        self._names = names
        self._waiting: dict[tuple[Any, ...], str] = {}
        self.model = stream.model

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        async for chunk in self._stream:
            choices: list[Mapping[str, Any]] = list(chunk.get("choices") or ())
            yield {**chunk, "choices": [self._choice(c) for c in choices]} if choices else chunk

    async def aclose(self) -> None:
        """Stop the upstream."""
        await self._stream.aclose()

    def _choice(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        at = (choice.get("index") or 0,)
        last = bool(choice.get("finish_reason"))
        delta: Any = self._piece(at, "delta", choice.get("delta") or {}, last=last)
        if last:
            delta = self._rest(at, delta)
        return {**choice, "delta": delta}

    def _piece(self, at: tuple[Any, ...], key: Any, value: Any, *, last: bool) -> Any:
        """One value of a delta, its texts let out as far as they are surely whole."""
        if isinstance(value, str):
            return value if key in _PLAIN or key == "name" else self._text((*at, key), value, last=last)
        if isinstance(value, Mapping):
            pairs = cast("Mapping[str, Any]", value).items()
            return {k: self._piece((*at, key), k, v, last=last) for k, v in pairs}
        if isinstance(value, list):
            items: list[Any] = cast("Any", value)
            return [self._piece((*at, key), _place(v, i), v, last=last) for i, v in enumerate(items)]
        return value

    def _text(self, at: tuple[Any, ...], text: str, *, last: bool) -> str:
        whole = self._waiting.pop(at, "") + text
        end = len(whole) if last else self._names.open_end(whole)
        if end < len(whole):
            self._waiting[at] = whole[end:]
        return self._names.show(whole[:end], escaped=at[-1] == "arguments")

    def _rest(self, at: tuple[Any, ...], delta: Mapping[str, Any]) -> Mapping[str, Any]:
        """What still waited of a choice that ends, put into its last delta."""
        told = dict(delta)
        for key in [k for k in self._waiting if k[: len(at)] == at]:
            text = self._names.show(self._waiting.pop(key), escaped=key[-1] == "arguments")
            if key[len(at) :] == ("delta", key[-1]):
                told[key[-1]] = text + (told.get(key[-1]) or "")
            else:
                call = {"index": key[-3], "function": {"arguments": text}}
                told["tool_calls"] = [call, *(told.get("tool_calls") or ())]
        return told


def _place(value: Any, position: int) -> Any:
    """Streamed tool calls are told apart by their own index."""
    return cast("Mapping[str, Any]", value).get("index", position) if isinstance(value, Mapping) else position
