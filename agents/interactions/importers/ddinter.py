"""DDInter's CSV files: `DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from wardround.policies.errors import InputError

from ..ingredients import Vocabulary
from ..shelves import PairLevel
from .haul import Haul, Pair, Progress, csv_rows, resolved

_SHAPES = (("drug_a", "drug_b", "level"),)
_LEVELS: dict[str, PairLevel] = {"major": "major", "moderate": "moderate", "minor": "minor"}


def read(path: Path, vocabulary: Vocabulary, progress: Progress) -> Haul:
    """Pairs of one file, or of every CSV in a folder. Raises `InputError` where columns are missing."""
    haul = Haul()
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no CSV file in this folder")
    before = 0
    for file in files:
        for place, row in csv_rows(file, _SHAPES, partial(_further, progress, before)):
            _row(haul, place, row, vocabulary)
        before += file.stat().st_size
    return haul


def _further(progress: Progress, before: int, read: int) -> None:
    progress(before + read)


def _row(haul: Haul, place: str, row: dict[str, str], vocabulary: Vocabulary) -> None:
    level = _LEVELS.get(row.get("level", "").lower())
    if level is None:
        haul.skip(place, "the level is unknown or no level", row.get("level", ""))
        return
    sides = [resolved(vocabulary, row.get(column, "")) for column in ("drug_a", "drug_b")]
    for column, side in zip(("drug_a", "drug_b"), sides, strict=True):
        if len(side) != 1:
            reason = "the drug is a combination: its parts have rows of their own" if side else "the drug is unknown"
            haul.skip(place, reason, row.get(column, ""))
            return
    haul.add(sides[0][0], sides[1][0], Pair(level), place)
