"""How results are printed: JSON for programs, rich for people. Texts are shown literally, never read as markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

ACTION_STYLES: Mapping[str, str] = {
    "allow": "green",
    "annotate": "cyan",
    "redact": "magenta",
    "revise": "yellow",
    "escalate": "bold yellow",
    "block": "bold red",
}
SEVERITY_STYLES: Mapping[str, str] = {
    "minor": "dim",
    "moderate": "yellow",
    "major": "red",
    "contraindicated": "bold red",
}
STATUS_STYLES: Mapping[str, str] = {
    "released": "green",
    "pending_review": "yellow",
    "pending": "yellow",
    "resuming": "yellow",
    "blocked": "red",
    "failed": "bold red",
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
}


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that adds no colours of its own to what it is given."""
    from rich.console import Console

    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def print_json(value: object) -> None:
    """One JSON document, indented."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def styled(word: object, styles: Mapping[str, str]) -> Text:
    """One word in the colour it stands for."""
    from rich.text import Text

    return Text(str(word), style=styles.get(str(word), ""))


_PIPE_WIDTH = 240
"""Columns of a table that no terminal shows: wide enough that a line is a row, for grep."""


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A plain table: words of status, action and severity in their colours, times in UTC, the first column whole."""
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for position, column in enumerate(columns):
        name = column.removesuffix("_at").replace("_", " ")
        shown.add_column(name, overflow="fold", no_wrap=position == 0 or column.endswith("_at") or column in _STYLES)
    for row in rows:
        shown.add_row(*(_cell(column, row.get(column)) for column in columns))
    on_terminal = console().is_terminal
    console(width=None if on_terminal else _PIPE_WIDTH).print(shown)


def _cell(column: str, value: object) -> Text:
    from rich.text import Text

    if value is None:
        return Text()
    shown = str(value)[5:19].replace("T", " ") if column.endswith("_at") else value
    return styled(shown, _STYLES.get(column, {}))


def finding_lines(findings: Iterable[Mapping[str, Any]]) -> list[Text]:
    """One paragraph for each finding: severity, kind, subjects, message, sources."""
    return [_finding(found) for found in findings]


def _finding(found: Mapping[str, Any]) -> Text:
    from rich.text import Text

    line = Text("  ")
    line.append_text(styled(found["severity"], SEVERITY_STYLES))
    subjects = ", ".join(found.get("subjects") or ())
    line.append(f" {found['kind']}" + (f" ({subjects})" if subjects else ""), style="bold")
    line.append(f" {found['message']}")
    sources = "; ".join(_citation(c) for c in found.get("citations") or ())
    return line.append(f" [{sources}]", style="dim") if sources else line


def _citation(citation: Mapping[str, Any]) -> str:
    return ", ".join(str(part) for part in (citation.get("source"), citation.get("locator")) if part)


_STYLES: Mapping[str, Mapping[str, str]] = {
    "status": STATUS_STYLES,
    "action": ACTION_STYLES,
    "severity": SEVERITY_STYLES,
}
