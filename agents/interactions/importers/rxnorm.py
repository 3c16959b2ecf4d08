"""RxNorm's RRF files: ingredients, precise ingredients and brands from RXNCONSO and RXNREL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from wardround.policies.errors import InputError

from ..ingredients import Vocabulary
from .haul import Haul, Progress

_CONSO, _REL = "RXNCONSO.RRF", "RXNREL.RRF"
_KINDS = {"IN": "ingredient", "PIN": "salt", "BN": "brand", "MIN": "combination"}
_LINKS = {"tradename_of", "has_tradename", "form_of", "has_form", "has_part", "part_of"}


def read(path: Path, vocabulary: Vocabulary, progress: Progress) -> Haul:
    """Names from an RxNorm release: its folder, or the `rrf` folder inside. Raises `InputError`."""
    folder = next((f for f in (path, path / "rrf") if (f / _CONSO).is_file()), None)
    if folder is None:
        raise InputError(f"{path}: no {_CONSO} here: name the folder of an unpacked RxNorm release")
    haul = Haul()
    concepts = _concepts(folder / _CONSO, haul, progress)
    parts: dict[str, set[str]] = defaultdict(set)
    for cells in _lines(folder / _REL, 15, haul, progress):
        one, two, rela, sab = cells[0], cells[4], cells[7], cells[10]
        if sab != "RXNORM" or rela not in _LINKS or one not in concepts or two not in concepts:
            continue
        _link(parts, concepts, one, two)
    _name(haul, concepts, parts, vocabulary)
    return haul


def files(path: Path) -> tuple[Path, ...]:
    """The files that are read, for progress and digest."""
    folder = path if (path / _CONSO).is_file() else path / "rrf"
    return tuple(f for f in (folder / _CONSO, folder / _REL) if f.is_file())


def _concepts(path: Path, haul: Haul, progress: Progress) -> dict[str, tuple[str, str]]:
    """RxCUI to (type, name) of RxNorm's own current atoms."""
    found: dict[str, tuple[str, str]] = {}
    for cells in _lines(path, 17, haul, progress):
        if cells[11] == "RXNORM" and cells[12] in _KINDS and cells[16] in {"", "N"} and cells[1] == "ENG":
            found[cells[0]] = (cells[12], cells[14])
    return found


def _link(parts: dict[str, set[str]], concepts: dict[str, tuple[str, str]], one: str, two: str) -> None:
    """Whatever the direction: the one that is no ingredient is made of the one that is."""
    kinds = concepts[one][0], concepts[two][0]
    if kinds[0] == "IN" and kinds[1] != "IN":
        parts[two].add(one)
    elif kinds[1] == "IN" and kinds[0] != "IN":
        parts[one].add(two)


def _name(haul: Haul, concepts: dict[str, tuple[str, str]], parts: dict[str, set[str]], vocabulary: Vocabulary) -> None:
    canonical = {code: name for name, code in vocabulary.rxcui.items()}
    for code, (kind, name) in concepts.items():
        if kind == "IN" and code not in canonical:
            known = vocabulary.resolve(name)
            canonical[code] = known[0] if len(known) == 1 else name.lower()
            if not known:
                haul.ingredients[name.lower()] = code
    for code, (kind, name) in concepts.items():
        if kind == "IN":
            if canonical[code] != name.lower() and not vocabulary.resolve(name):
                haul.names[name] = (canonical[code], "synonym")
        elif code not in parts:
            haul.skip(f"RxCUI {code}", "no ingredient is linked to the name", name)
        elif not vocabulary.resolve(name):
            haul.names[name] = ("|".join(sorted({canonical[p] for p in parts[code]})), _KINDS[kind])


def _lines(path: Path, columns: int, haul: Haul, progress: Progress) -> Iterator[list[str]]:
    if not path.is_file():
        raise InputError(f"{path}: the file is missing from this release")
    read = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            read += len(line)
            if number % 20_000 == 0:
                progress(read)
            cells = line.rstrip("\n").split("|")
            if len(cells) < columns:
                haul.skip(f"{path.name}:{number}", f"fewer than {columns} columns", "")
                continue
            yield cells
    progress(path.stat().st_size)
