"""How the command line fails: one line on standard error and exit code 2, never a traceback for bad input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click
import typer
import typer.core

from wardround.policies.errors import WardroundError

EXIT_STOPPED = 1
"""The command worked, and its answer is no: a draft was stopped, a check failed, a line was bad."""
EXIT_BAD_INPUT = 2
"""The command could not do its work with what it was given."""


class OneLineErrors(typer.core.TyperGroup):
    """The root command: turns every error meant for a person into one line."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; the exit code leaves as `SystemExit` in standalone mode."""
        code = self._run(args, prog_name, complete_var, windows_expand_args, extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _run(self, args: Any, prog_name: Any, complete_var: Any, windows_expand_args: bool, extra: Any) -> int:
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except click.UsageError as error:
            return _fail(_usage(error))
        except click.ClickException as error:
            return _fail(error.format_message())
        except click.Abort:
            return _fail("stopped")
        except WardroundError as error:
            return _fail(str(error))
        return code if isinstance(code, int) else 0


def _usage(error: click.UsageError) -> str:
    text = error.format_message().rstrip(".")
    if error.ctx is None:
        return text
    return f"{text}; see `{error.ctx.command_path} --help`"


def _fail(message: str) -> int:
    typer.echo(f"wardround: {' '.join(message.split())}", err=True)
    return EXIT_BAD_INPUT
