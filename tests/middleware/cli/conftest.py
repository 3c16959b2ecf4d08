"""The command line, run in this process on the module's own database."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

with warnings.catch_warnings():
    # typer imports names that click has begun to deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    from typer.testing import CliRunner

    from wardround.middleware.cli.main import app


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line of an error; fails where there is none, or more."""
        assert self.code == 2, (self.code, self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("wardround: ")
        return lines[0].removeprefix("wardround: ")


Run = Callable[..., Ran]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command line; `stdin` is what it reads."""
    monkeypatch.setenv("WARDROUND_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def invoke(*arguments: object, stdin: str | None = None) -> Ran:
        result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, prog_name="wardround")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    yield invoke
    root.handlers[:], _ = before
    root.setLevel(before[1])
    logging.captureWarnings(False)
