"""One round's records told as a story: a line for what happened, its texts and findings below it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from .printing import ACTION_STYLES, STATUS_STYLES, finding_lines, styled

if TYPE_CHECKING:
    from rich.console import Console

    from ..audit import Record

Data = Mapping[str, Any]


def event_of(record: Record) -> dict[str, Any]:
    """One record as JSON."""
    return {
        "stream": record.stream,
        "seq": record.seq,
        "kind": record.kind,
        "at": record.at.isoformat(),
        "data": record.data,
        "hash": record.hash.hex(),
    }


def print_timeline(out: Console, round_id: str, records: Sequence[Record]) -> None:
    """The whole story; raises `AuditError` on a damaged record."""
    out.print(Text(f"Round {round_id}", style="bold"))
    start = records[0].at
    for record in records:
        passed = (record.at - start).total_seconds()
        headline = Text(f"{record.at:%Y-%m-%d %H:%M:%S} {passed:+9.3f} s  ", style="dim")
        out.print(headline.append_text(styled(record.kind, STATUS_STYLES)))
        for line in tell(record.kind, record.data):
            out.print(Padding(line, (0, 0, 0, 4)))


def tell(kind: str, data: Data) -> Iterator[Text]:
    """The paragraphs of one event; one of a kind unknown here is shown key by key."""
    yield from _TELLERS.get(kind, _plain)(data)


def _opened(data: Data) -> Iterator[Text]:
    policy: Data = data.get("policy") or {}
    yield Text(f"application {data.get('application')}, policy {policy.get('name')} {str(policy.get('digest'))[:19]}")
    body: Data = data.get("body") or data
    messages: Sequence[Data] = body.get("messages") or ()
    for message in messages:
        yield _quote(str(message.get("role")), message.get("text", message.get("content")))
    for key in ("patient", "evidence", "audience", "language"):
        if data.get(key):
            yield _quote(key, data[key])


def _intake(data: Data) -> Iterator[Text]:
    yield Text(", ".join(f"{k} {v or 'unknown'}" for k, v in data.items()))


def _drafted(data: Data) -> Iterator[Text]:
    model = f" by {data['model']}" if data.get("model") else ""
    yield Text(f"draft {data.get('revision')}, {data.get('source')}{model}")
    for attempt in data.get("attempts") or ():
        yield Text(f"failed before: {attempt}")
    for text in data.get("texts") or _texts_of(data.get("body") or {}):
        yield _quote("draft", text)


def _texts_of(body: Data) -> list[Any]:
    messages: list[Data] = [choice.get("message") or {} for choice in body.get("choices") or ()]
    return [m.get("content") or m.get("tool_calls") for m in messages]


def _checked(data: Data) -> Iterator[Text]:
    for look in data.get("looks") or ():
        channels = ", ".join(look.get("channels") or ()) or "nothing"
        why = f": {look['why']}" if look.get("why") else ""
        yield Text(
            f"{look['agent']} {look['phase']} {look['status']}{why} on {channels} in {look.get('elapsed_ms', 0):.1f} ms"
        )
        yield from finding_lines(look.get("findings") or ())


def _decided(data: Data) -> Iterator[Text]:
    line = styled(data.get("action"), ACTION_STYLES)
    to = f" to {data['queue']}" if data.get("queue") else ""
    yield line.append(f"{to}{': ' + data['reason'] if data.get('reason') else ''}", style="default")
    for rule in data.get("fired") or ():
        shadow = " (shadow)" if rule.get("shadow") else ""
        error = f"; could not be evaluated: {rule['error']}" if rule.get("error") else ""
        yield Text(f"rule {rule['id']} at {rule['origin']} demands {rule['action']}{shadow}{error}")
    yield Text(f"{len(data.get('not_fired') or ())} rules did not fire", style="dim")


def _ended(data: Data) -> Iterator[Text]:
    if data.get("action"):
        yield styled(data["action"], ACTION_STYLES)
    for text in data.get("texts") or ():
        yield Text("as drafted", style="dim") if text is None else _quote("sent", text)
    if data.get("message"):
        yield _quote("sent", data["message"])
    yield from _plain({k: v for k, v in data.items() if k not in {"action", "texts", "message"}})


def _reviewed(data: Data) -> Iterator[Text]:
    yield Text(f"{data.get('verdict')} by {data.get('reviewer')}")
    for key in ("reason", "text"):
        if data.get(key):
            yield _quote(key, data[key])


def _streamed(data: Data) -> Iterator[Text]:
    yield _quote(f"sent, choice {data.get('choice')} up to {data.get('upto')}", data.get("text"))
    yield from finding_lines(data.get("findings") or ())


def _plain(data: Data) -> Iterator[Text]:
    for key, value in data.items():
        if value is not None:
            yield _quote(key, value)


def _quote(who: str, what: object) -> Text:
    text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False)
    return Text(f"{who}: ", style="dim").append(text, style="default")


_TELLERS: Mapping[str, Callable[[Data], Iterator[Text]]] = {
    "opened": _opened,
    "intake": _intake,
    "drafted": _drafted,
    "checked": _checked,
    "decided": _decided,
    "reviewed": _reviewed,
    "streamed": _streamed,
    "released": _ended,
    "blocked": _ended,
    "held": _plain,
    "failed": _plain,
}
