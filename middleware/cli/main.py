"""The `wardround` command: which commands there are. What each does lives in a file of its own."""

from __future__ import annotations

import typer

from .errors import OneLineErrors
from .serve import serve

app = typer.Typer(
    name="wardround",
    cls=OneLineErrors,
    help="A ward round for every answer of a clinical LLM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _root() -> None:
    """Keeps `serve` a sub-command while it is the only one."""


app.command()(serve)


def main() -> None:
    """Run the command line."""
    app(prog_name="wardround")
