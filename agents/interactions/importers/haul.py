"""What an importer brings home, and how it is put on the shelf: whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wardround.policies.errors import InputError

from ..ingredients import Vocabulary
from ..shelves import BUILT_IN, CARD, COLUMNS, Card, PairLevel

Progress = Callable[[int], None]
"""Called with the bytes of the source read so far."""

_ORDER = ("none", "minor", "moderate", "major", "contraindicated")
_EVERY = 2_000
"""Lines between two calls of progress."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair as it goes on the shelf."""

    severity: PairLevel
    mechanism: str = ""
    effect: str = ""
    manage: str = ""
    source: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row of the source that was left out."""

    place: str
    """`file:line`, or the record's number."""
    kind: str
    """Why, without the row's own words: rows are counted by it."""
    detail: str
    """What it was about."""


@dataclass
class Haul:
    """Rows that an importer has read, resolved to canonical ingredients."""

    pairs: dict[tuple[str, str], Pair] = field(default_factory=dict[tuple[str, str], Pair])
    ingredients: dict[str, str] = field(default_factory=dict[str, str])
    """New ingredients with their RxNorm id, empty where unknown."""
    names: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Name to (ingredients joined by `|`, kind)."""
    skipped: list[Skipped] = field(default_factory=list[Skipped])

    def skip(self, place: str, kind: str, detail: str = "") -> None:
        """Leave a row out and remember why."""
        self.skipped.append(Skipped(place, kind, detail[:120]))

    def add(self, a: str, b: str, pair: Pair, place: str) -> None:
        """Add a pair; of two verdicts on one pair the more severe stays, and the other is reported."""
        if a == b:
            self.skip(place, "both sides are the same ingredient", a)
            return
        key = (min(a, b), max(a, b))
        old = self.pairs.get(key)
        if old is not None and old.severity != pair.severity:
            self.skip(place, "the pair is already there with another severity; the more severe one stays", f"{a} + {b}")
        if old is None or _ORDER.index(pair.severity) > _ORDER.index(old.severity):
            self.pairs[key] = pair

    def reasons(self) -> list[tuple[str, int]]:
        """Why rows were left out, most frequent first."""
        return Counter(s.kind for s in self.skipped).most_common()


def resolved(vocabulary: Vocabulary, name: str) -> tuple[str, ...]:
    """Ingredients of a drug as a source names it, a salt or a dose form cut off where that helps; empty if unknown."""
    words = name.strip().split()
    for size in range(len(words), 0, -1):
        if found := vocabulary.resolve(" ".join(words[:size])):
            return found if size == len(words) or len(words[0]) > 3 else ()
    return ()


def csv_rows(
    path: Path, shapes: tuple[tuple[str, ...], ...], progress: Progress
) -> Iterator[tuple[str, dict[str, str]]]:
    """(place, row) of a CSV whose header, in any case, has all columns of one of the shapes. Raises `InputError`."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: check the path") from error
    with file:
        try:
            yield from _csv_rows(path, file, shapes, progress)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 text: save it as UTF-8 CSV") from error
    progress(path.stat().st_size)


def _csv_rows(
    path: Path, file: Any, shapes: tuple[tuple[str, ...], ...], progress: Progress
) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.reader(file)
    header = [h.strip().lower() for h in next(reader, list[str]())]
    if not any(set(shape) <= set(header) for shape in shapes):
        wanted = " or ".join(", ".join(shape) for shape in shapes)
        raise InputError(f"{path}:1: the first line must name the columns {wanted}")
    read = 0
    for cells in reader:
        read += sum(map(len, cells)) + len(cells)
        if reader.line_num % _EVERY == 0:
            progress(read)
        if any(c.strip() for c in cells):
            yield f"{path.name}:{reader.line_num}", dict(zip(header, (c.strip() for c in cells), strict=False))


def file_digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the files, hexadecimal."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def shelve(root: Path, card: Card, haul: Haul) -> Card:
    """Write a haul under `root` in the place of an older shelf of the same name; whole or not at all.

    Raises `InputError` for the built-in name, for an empty haul, or where the folder cannot be written.
    """
    if card.name == BUILT_IN:
        raise InputError(f"--name {BUILT_IN}: this is the built-in source: choose another name")
    if not haul.pairs and not haul.names and not haul.ingredients:
        why = haul.reasons()
        raise InputError(
            f"nothing could be imported: {why[0][0]}" if why else "nothing could be imported: no row found"
        )
    done = card.model_copy(
        update={
            "pairs": len(haul.pairs),
            "names": len(haul.names) + len(haul.ingredients),
            "skipped": len(haul.skipped),
        }
    )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".import-") as place:
            fresh = Path(place) / done.name
            fresh.mkdir()
            _write(fresh, done, haul)
            _swap(fresh, root / done.name, Path(place) / "old")
    except OSError as error:
        raise InputError(f"{root}: cannot be written ({error.strerror}): check space and permissions") from error
    return done


def remove(root: Path, name: str) -> None:
    """Take a shelf away. Raises `InputError` where there is none of that name."""
    if name in {"", ".", ".."} or "/" in name or not (root / name / CARD).is_file():
        raise InputError(f"no imported source {name!r}: `wardround drugs sources` lists them")
    shutil.rmtree(root / name)


def _swap(fresh: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    fresh.rename(target)


def _write(folder: Path, card: Card, haul: Haul) -> None:
    _csv(folder / "pairs.csv", COLUMNS, (
        (a, b, p.severity, p.mechanism, p.effect, p.manage, p.source, p.date) for (a, b), p in haul.pairs.items()
    ))  # fmt: skip
    _csv(folder / "ingredients.csv", ("ingredient", "rxcui", "source", "date"), (
        (name, rxcui, card.title, card.date) for name, rxcui in haul.ingredients.items()
    ))  # fmt: skip
    _csv(folder / "names.csv", ("name", "ingredients", "kind", "source", "date"), (
        (name, parts, kind, card.title, card.date) for name, (parts, kind) in haul.names.items()
    ))  # fmt: skip
    _csv(folder / "skipped.csv", ("place", "reason", "about"), ((s.place, s.kind, s.detail) for s in haul.skipped))
    (folder / CARD).write_text(yaml.safe_dump(card.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


def _csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
