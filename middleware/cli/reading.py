"""Texts and JSON named on the command line, read with errors of one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from wardround.policies.errors import InputError


def read_text(path: Path) -> str:
    """A UTF-8 file, `-` for standard input. Raises `InputError`."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text; save the file as UTF-8") from error


def read_json(path: Path) -> Any:
    """A JSON file. Raises `InputError` with the line of the mistake."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error


def one_text(text: str | None, file: Path | None, *, what: str) -> str:
    """A text given either way. Raises `InputError` where it came neither way or both."""
    if (text is None) == (file is None):
        raise InputError(f"give {what} either as a file (- for standard input) or with --text")
    return text if text is not None else read_text(file or Path("-"))
