"""What the running proxy writes to standard error: one line an event, and never the text of a foreign exception."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_QUIET = ("uvicorn", "uvicorn.error", "httpx", "openai", "asyncio", "aiohttp", "psycopg", "psycopg.pool", "LiteLLM")
"""Loggers of libraries: only errors of theirs are shown, by class alone."""


class _Line(logging.Formatter):
    """Base of both forms. An exception's text may quote a patient, so only its class is told."""

    def text_of(self, record: logging.LogRecord) -> str:
        """The message, and the class of the exception that came with it."""
        text = " ".join(record.getMessage().split())
        kind = record.exc_info[0] if record.exc_info else None
        return f"{text} ({kind.__name__})" if kind is not None else text


class Plain(_Line):
    """For a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """`12:00:00 warning wardround: text`."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        return f"{at} {record.levelname.lower()} {record.name}: {self.text_of(record)}"


class JsonLine(_Line):
    """For a log collector."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object: at, level, logger, message."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": self.text_of(record)}
        return json.dumps(fields, ensure_ascii=False)


def configure(level: str) -> None:
    """Log to standard error: plain lines on a terminal, JSON lines elsewhere.

    While something opens, `critical` keeps quiet: what goes wrong then is raised and told once.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Plain() if sys.stderr.isatty() else JsonLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("wardround").setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.captureWarnings(True)
