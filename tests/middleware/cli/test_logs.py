"""What is logged: one line an event, and nothing of a foreign exception but its class."""

from __future__ import annotations

import json
import logging

import pytest

from wardround.middleware.cli.logs import JsonLine, Plain


def record() -> logging.LogRecord:
    try:
        raise ValueError("Jane Doe, born 1970")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    return logging.LogRecord("uvicorn.error", logging.ERROR, __file__, 1, "it\nbroke: %s", ("here",), info)


@pytest.mark.parametrize("formatter", [Plain(), JsonLine()])
def test_the_text_of_an_exception_is_never_logged(formatter: logging.Formatter) -> None:
    line = formatter.format(record())
    assert "Jane" not in line
    assert "it broke: here (ValueError)" in line
    assert "\n" not in line


def test_json_lines_are_json() -> None:
    assert json.loads(JsonLine().format(record()))["level"] == "error"
