"""Reading the knowledge files: rows checked against a model; a bad row is refused with file, line and reason."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wardround.policies.errors import WardroundError

DATA = Path(__file__).with_name("data")
"""Where the built-in tables lie. A folder under it may hold any number of files of its shape."""


class TableError(WardroundError):
    """Something in a knowledge table that cannot be used; the message says what."""


class Row(BaseModel):
    """One row of a table: closed to unknown columns; numbers may be written as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sourced(Row):
    """A row that states a fact."""

    source: Annotated[str, Field(min_length=1)]
    """Label section, guideline, paper or data set."""
    date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]
    """Edition of the source where it is dated, else when the row was taken from it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row, or a whole file, that was left out."""

    place: str
    """`folder/file:line`."""
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Reader:
    """Reads the tables of one folder and keeps what it had to refuse."""

    def __init__(self, folder: Path = DATA) -> None:
        self.folder = folder
        self.refused: list[Refused] = []

    def csv(self, pattern: str, model: type[R]) -> Iterator[tuple[str, R]]:
        """(place, row) of every CSV with a header that matches. Empty cells are absent."""
        for path in self._files(pattern):
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                for cells in reader:
                    place = f"{self._name(path)}:{reader.line_num}"
                    row = self._row(model, {k: v for k, v in cells.items() if v}, place)
                    if row is not None:
                        yield place, row

    def yaml(self, pattern: str, model: type[R]) -> Iterator[tuple[str, R]]:
        """(place, row) of every YAML list that matches."""
        for path in self._files(pattern):
            for line, item in self._items(path):
                place = f"{self._name(path)}:{line}"
                row = self._row(model, item, place)
                if row is not None:
                    yield place, row

    def document(self, name: str) -> Any:
        """A YAML document whole, every scalar as text, so that `no` and `on` stay words. Raises `TableError`."""
        try:
            return yaml.load((self.folder / name).read_bytes(), yaml.CBaseLoader)  # noqa: S506 - builds only text
        except yaml.YAMLError as error:
            raise TableError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error

    def kept(self, items: Iterable[tuple[str, R]], build: Callable[[R, str], T]) -> Iterator[T]:
        """`build(row, place)` of every row; one for which it raises `TableError` is refused."""
        for place, row in items:
            try:
                made = build(row, place)
            except TableError as error:
                self.refuse(place, str(error))
            else:
                yield made

    def refuse(self, place: str, reason: str) -> None:
        """Note a row that is left out."""
        self.refused.append(Refused(place, reason))

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _items(self, path: Path) -> Iterator[tuple[int, Any]]:
        """(line, item) of a list. Where the file does not parse as a whole, item by item: the sound ones stay."""
        text = path.read_text(encoding="utf-8")
        try:
            found = list(_items(text))
        except yaml.YAMLError:
            found = None
        if found is not None:
            yield from found
            return
        line = 1
        for chunk in re.split(r"^(?=- )", text, flags=re.MULTILINE):
            try:
                found = list(_items(chunk))
            except yaml.YAMLError as error:
                self.refuse(f"{self._name(path)}:{line}", f"not valid YAML: {getattr(error, 'problem', None) or error}")
            else:
                yield from ((line + offset - 1, item) for offset, item in found)
            line += chunk.count("\n")

    def _row(self, model: type[R], item: Any, place: str) -> R | None:
        try:
            return model.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(p) for p in first["loc"]) or "row"
            self.refuse(place, f"{field}: {first['msg']}")
            return None


def _items(text: str) -> Iterator[tuple[int, Any]]:
    loader = yaml.CBaseLoader(text)
    node: Any = loader.get_single_node()  # pyright: ignore[reportUnknownMemberType] - untyped library
    if node is not None and not isinstance(node, yaml.SequenceNode):
        raise yaml.YAMLError("a list of rows is expected")
    for child in node.value if node is not None else ():
        item: Any = loader.construct_object(child, deep=True)  # pyright: ignore[reportUnknownMemberType]
        yield child.start_mark.line + 1, item


def digest(folder: Path = DATA) -> str:
    """First twelve hex digits of a SHA-256 over all tables, in order of name."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".csv", ".yaml", ".txt"}:
            total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:12]
