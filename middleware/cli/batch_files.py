"""The two files of a batch: lines to judge, told apart from bad ones, and results that a later run can go on from."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson

from wardround.policies.errors import InputError

KEYS = ("id", "messages", "draft", "audience", "language", "patient", "evidence")
"""Keys of a line. Further ones may ride along, unless they look like one of these misspelt."""
_LOOKS_LIKE = 0.8
STANDARD = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of input."""

    number: int
    """Its number in the file, from 1."""
    id: object
    """Its id, echoed as it came; None where it has none."""
    raw: Mapping[str, Any]
    """The object; empty where the line is bad."""
    mistake: str | None = None
    """What is wrong with it."""


def read_lines(source: Iterable[bytes]) -> Iterator[Line]:
    """Every line that is not blank."""
    for number, text in enumerate(source, 1):
        if text.strip():
            yield _line(number, text)


def _line(number: int, text: bytes) -> Line:
    try:
        raw = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Line(number, None, {}, f"not valid JSON: {error.msg}")
    if not isinstance(raw, dict):
        return Line(number, None, {}, "expected a JSON object")
    found = cast("Mapping[str, Any]", raw)
    return Line(number, found.get("id"), found, _misspelt(found))


def _misspelt(raw: Mapping[str, Any]) -> str | None:
    for key in raw:
        near = difflib.get_close_matches(key, KEYS, n=1, cutoff=_LOOKS_LIKE) if key not in KEYS else []
        if near:
            return f"unknown field {key!r}; did you mean {near[0]!r}?"
    return None


@contextmanager
def opened_input(path: Path) -> Generator[IO[bytes], None, None]:
    """The input, `-` for standard input. Raises `InputError` where it cannot be read."""
    if str(path) == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        source = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    with source:
        yield source


def count_lines(path: Path) -> int | None:
    """How many lines there are to judge; None where that cannot be told beforehand."""
    if str(path) == STANDARD or not path.is_file():
        return None
    with path.open("rb") as source:
        return sum(1 for text in source if text.strip())


@dataclass(frozen=True, slots=True)
class Done:
    """What an earlier run has left."""

    ids: tuple[object, ...]
    """Ids of its results, in order."""
    errors: int
    """How many of them are errors."""
    digests: frozenset[str]
    """Policies that judged them."""
    size: int
    """Bytes of whole lines; what follows was torn off by an interruption."""


NOTHING_DONE = Done((), 0, frozenset(), 0)
"""Where there is no earlier run."""


def read_done(path: Path) -> Done:
    """The results in a file; none where it does not exist. Raises `InputError` where it holds anything else."""
    ids: list[object] = []
    digests: set[str] = set()
    errors = size = 0
    if not path.is_file():
        return NOTHING_DONE
    with path.open("rb") as source:
        for number, text in enumerate(source, 1):
            if not text.endswith(b"\n"):
                break
            result = _result(path, number, text)
            ids.append(result["id"])
            errors += result["error"] is not None
            digests |= {result["receipt"]["policy"]["digest"]} if result["receipt"] else set()
            size += len(text)
    return Done(tuple(ids), errors, frozenset(digests), size)


def _result(path: Path, number: int, text: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text)
        if {"id", "round_id", "error", "receipt"} <= found.keys():
            return found  # type: ignore[no-any-return]  # JSON with the keys just looked for
    except (orjson.JSONDecodeError, AttributeError):
        pass
    raise InputError(f"{path}:{number}: not a batch result; name another output file, or overwrite with --no-resume")


@contextmanager
def opened_output(path: Path, keep: int) -> Generator[IO[bytes], None, None]:
    """The output behind its first `keep` bytes, `-` for standard output. Raises `InputError`, also on a full disk."""
    if str(path) == STANDARD:
        yield sys.stdout.buffer
        return
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as target:
            target.truncate(keep)
            target.seek(keep)
            yield target
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def refuse_same(source: Path, output: Path) -> None:
    """Raise `InputError` where results would overwrite the lines they are made from."""
    if output.exists() and source.exists() and output.samefile(source):
        raise InputError(f"{output} is the input itself: name another output file")
