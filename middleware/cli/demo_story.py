"""How the demo tells its rounds: what was asked, drafted, found, decided, and what the client got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from .demo_cases import DemoCase, Expected
from .printing import ACTION_STYLES, STATUS_STYLES, finding_lines, styled

if TYPE_CHECKING:
    from rich.console import Console

    from ..audit import Record


@dataclass(frozen=True, slots=True)
class Got:
    """What the client got."""

    round_id: str
    status: str
    action: str
    text: str
    """Text of the answer, or the policy's message."""
    findings: Sequence[Mapping[str, Any]] = ()
    citations: Sequence[Mapping[str, Any]] = ()
    elapsed_ms: float = 0.0
    pieces: int = 0
    """Chunks with text, where it was streamed."""


@dataclass(frozen=True, slots=True)
class Told:
    """One round of the demo, from end to end."""

    case: DemoCase
    got: Got
    after: Got | None
    """What was read after the person's decision."""
    records: Sequence[Record]
    """Its audit records."""
    mistakes: Sequence[str] = field(default=())
    """What differs from what was expected."""


def mistakes(expected: Expected, got: Got, drafts: int) -> list[str]:
    """Everything in which an answer differs from what was expected."""
    kinds = {f["kind"] for f in got.findings}
    text = got.text.casefold()
    wrong = [
        (got.status != expected.status, f"status {got.status}, expected {expected.status}"),
        (got.action not in expected.actions, f"action {got.action}, expected {' or '.join(expected.actions)}"),
        (expected.cites and not got.citations, "no claim came with its source"),
        (bool(drafts) != expected.asked_model, f"the clinical app wrote {drafts} drafts"),
        ((drafts > 1) != expected.redrafted, f"the clinical app wrote {drafts} drafts"),
        *((w.casefold() not in text, f"the answer lacks {w!r}") for w in expected.contains),
        *((w.casefold() in text, f"the answer has {w!r}") for w in expected.lacks),
        *((k not in kinds, f"no finding of kind {k}") for k in expected.findings),
    ]
    return [what for is_wrong, what in wrong if is_wrong]


def drafts_of(records: Sequence[Record]) -> list[str]:
    """Text of every draft that the clinical app wrote for a round."""
    texts: list[str] = []
    for record in records:
        data: Mapping[str, Any] = record.data
        if record.kind == "drafted" and data.get("source") == "upstream":
            body: Mapping[str, Any] = data.get("body") or {}
            texts += [str(c["message"].get("content") or "") for c in body.get("choices") or ()]
    return texts


def print_told(out: Console, number: int, told: Told) -> None:
    """One round as a paragraph of the timeline."""
    got = told.got
    out.print(Text(f"\n{number:>2}  {told.case.title}", style="bold"))
    verdict = Text("    ").append_text(styled(got.action, ACTION_STYLES)).append(" → ", style="dim")
    out.print(
        verdict.append_text(styled(got.status, STATUS_STYLES)).append(f" in {got.elapsed_ms:.0f} ms", style="dim")
    )
    _line(out, "asked", told.case.ask)
    drafts = drafts_of(told.records)
    for draft in drafts:
        _line(out, "draft", draft)
    for found in finding_lines(got.findings[:4]):
        _line(out, "found", found.plain.strip())
    for rule in _rules(told.records):
        _line(out, "rule", rule)
    sent = "as drafted" if got.text in drafts else got.text
    _line(out, "sent", f"{sent}, in {got.pieces} pieces" if got.pieces else sent)
    for cited in _sources(got.citations):
        _line(out, "source", cited)
    if told.case.review is not None and told.after is not None:
        _line(out, "reviewer", f"{told.case.review.verdict}: {told.case.review.reason}")
        _line(out, "sent then", "as drafted" if told.after.text in drafts else told.after.text)
    for wrong in told.mistakes:
        out.print(Padding(Text(f"NOT AS EXPECTED: {wrong}", style="bold red"), (0, 0, 0, 4)))


def _rules(records: Sequence[Record]) -> list[str]:
    lines: list[str] = []
    for record in records:
        data: Mapping[str, Any] = record.data
        if record.kind == "decided":
            lines += [f"{r['id']} demands {r['action']} ({r['origin']})" for r in data.get("fired") or ()]
    return list(dict.fromkeys(lines))[:4]


def _sources(citations: Sequence[Mapping[str, Any]]) -> list[str]:
    named = [c["source"] + (f", {c['locator']}" if c.get("locator") else "") for s in citations for c in s["citations"]]
    return list(dict.fromkeys(named))


def _line(out: Console, label: str, text: str) -> None:
    from rich.table import Table

    row = Table.grid(padding=(0, 1))
    row.add_column(width=10, style="dim", overflow="fold")
    row.add_column(overflow="fold")
    row.add_row(label, Text(" ".join(text.split())))
    out.print(Padding(row, (0, 0, 0, 4)))
