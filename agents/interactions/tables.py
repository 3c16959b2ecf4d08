"""Reading the data files: rows checked against a model, refused with file, line and reason."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from wardround.policies.errors import WardroundError

DATA = Path(__file__).with_name("data")
"""Where the tables lie."""


class TableError(WardroundError):
    """A row of a knowledge table that cannot be used; the message names file, line and reason."""


class Row(BaseModel):
    """One row of a table: closed to unknown columns; numbers may be written as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")


R = TypeVar("R", bound=Row)


def read_csv(path: Path, model: type[R]) -> tuple[R, ...]:
    """All rows of a CSV with a header. Empty cells are absent. Raises `TableError`."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return tuple(
            parse_row(model, {k: v for k, v in row.items() if v}, f"{path.name}:{reader.line_num}") for row in reader
        )


def read_yaml(path: Path) -> Any:
    """The whole document with every scalar as text, so that `no` and `on` stay words. Raises `TableError`."""
    try:
        return yaml.load(path.read_bytes(), yaml.CBaseLoader)  # noqa: S506 - the base loader builds only text
    except yaml.YAMLError as error:
        raise TableError(f"{path.name}: not valid YAML: {' '.join(str(error).split())}") from error


def rows(path: Path, model: type[R], items: Iterable[Any]) -> Iterator[R]:
    """Items of a YAML list as rows; an error names the line on which the item's id stands."""
    for item in items:
        yield parse_row(model, item, lambda i=item: _place(path, i))


def parse_row(model: type[R], item: Any, where: Any) -> R:
    """One row; `where` is its place, or a function that finds it. Raises `TableError`."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        place = where() if callable(where) else where
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"]) or "row"
        raise TableError(f"{place}: {field}: {first['msg']}") from error


def _place(path: Path, item: Any) -> str:
    found = re.search(r"'(?:id|name)': '([^']+)'", str(item))
    marker = found.group(1) if found else str(item)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if marker in line:
            return f"{path.name}:{number}"
    return path.name


def digest() -> str:
    """First twelve hex digits of a SHA-256 over all tables, in order of name."""
    total = hashlib.sha256()
    for path in sorted(DATA.iterdir()):
        if path.is_file():
            total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]
