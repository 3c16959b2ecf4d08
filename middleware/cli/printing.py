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


def console(*, stderr: bool = False) -> Console:
    """A console that adds no colours of its own to what it is given."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def print_json(value: object) -> None:
    """One JSON document, indented."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def styled(word: object, styles: Mapping[str, str]) -> Text:
    """One word in the colour it stands for."""
    from rich.text import Text

    return Text(str(word), style=styles.get(str(word), ""))


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A plain table; words of status, action and severity in their colours. Narrow output folds, never cuts."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column.removesuffix("_at").replace("_", " "), overflow="fold")
    for row in rows:
        shown.add_row(*(Text() if row.get(c) is None else styled(row[c], _STYLES.get(c, {})) for c in columns))
    console().print(shown)


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
