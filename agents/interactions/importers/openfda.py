"""openFDA drug label JSON: brand names, and pairs read from the sections on interactions and contraindications.

What is read from running text is possible, not established: the shelf says so, and speaks below the built-in tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from wardround.policies.errors import InputError

from ..folding import fold
from ..ingredients import Vocabulary
from ..mentions import Finder
from ..shelves import PairLevel
from .haul import Haul, Pair, Progress

_SENTENCE = re.compile(r"(?<=[.;:])\s+(?=[A-Z(])|\n+")
_NOTHING = re.compile(
    r"\b(?:no (?:clinically|significant|relevant|dose|dosage|interaction|effect|adjust)|"
    r"not (?:affect|alter|expected|likely|require|necessary|significant)\w*|did not|does not|"
    r"do not (?:affect|alter)|without (?:affecting|clinically)|"
    r"hypersensitiv\w+|allerg\w+|in vitro|minimal(?:ly)?|unaffected)\b"
)
_FORBIDDEN = re.compile(r"\bcontraindicat\w+|\bmust not\b|\bdo not (?:co-?administer|use|take|give)\b")
_AVOID = re.compile(r"\bavoid\w*|\bnot recommended\b|\bshould not\b|\bfatal\w*|\blife-threatening\b|\bserious\b")
_EFFECT = re.compile(
    r"\b(?:increas\w+|decreas\w+|reduc\w+|rais\w+|lower\w*|potentiat\w+|enhanc\w+|inhibit\w*|induc\w+|monitor\w*|caution\w*|"
    r"toxicity|additive|exposure|concentration\w*|risk|adjust\w*|prolong\w*|antagoni\w+)\b"
)
_TOGETHER = re.compile(r"\b(?:with|concomitant\w*|co-?administ\w+|concurrent\w*|combin\w+|taking|receiving|use of)\b")
_MEMBERS = 40
"""Classes larger than this are too vague to be taken apart."""
_PARTS = 4
"""Products of more substances are kits, and their names mean little."""
_SECTIONS = ("contraindications", "boxed_warning", "drug_interactions")


class _Names(BaseModel):
    substance_name: list[str] = []
    generic_name: list[str] = []
    brand_name: list[str] = []


class _Label(BaseModel):
    openfda: _Names = _Names()
    contraindications: list[str] = []
    boxed_warning: list[str] = []
    drug_interactions: list[str] = []
    effective_time: str = ""


class _Download(BaseModel):
    results: list[Any]


def read(path: Path, vocabulary: Vocabulary, progress: Progress) -> Haul:
    """Labels of a download (`{"results": [...]}`, one label a line, or a folder of such files). Raises `InputError`."""
    haul = Haul()
    finder = Finder(vocabulary)
    for place, label in _labels(path, haul, progress):
        _label(haul, place, label, vocabulary, finder)
    return haul


def files(path: Path) -> tuple[Path, ...]:
    """The files that are read."""
    return tuple(sorted([*path.glob("*.json"), *path.glob("*.jsonl")])) if path.is_dir() else (path,)


def _labels(path: Path, haul: Haul, progress: Progress) -> Iterator[tuple[str, Any]]:
    before = 0
    for file in files(path):
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise InputError(f"{file}: cannot be read: check the path") from error
        before += len(raw)
        try:
            found = list(_whole(orjson.loads(raw)))
        except orjson.JSONDecodeError:
            found = list(_by_line(file, raw, haul))
        if not found:
            raise InputError(f"{file}: no label found: expected openFDA's {{'results': [...]}} or one label a line")
        yield from ((f"{file.name} label {n}", label) for n, label in enumerate(found, 1))
        progress(before)


def _whole(document: Any) -> Iterator[Any]:
    """The labels of a document: under `results`, in a list, or the one label itself."""
    try:
        yield from _Download.model_validate(document).results
    except ValidationError:
        yield from document if isinstance(document, list) else [document]


def _by_line(file: Path, raw: bytes, haul: Haul) -> Iterator[Any]:
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            haul.skip(f"{file.name}:{number}", "not valid JSON")


def _label(haul: Haul, place: str, raw: Any, vocabulary: Vocabulary, finder: Finder) -> None:
    try:
        label = _Label.model_validate(raw)
    except ValidationError as error:
        where = error.errors(include_input=False)[0]["loc"]
        haul.skip(place, "not a label as openFDA writes them", ".".join(map(str, where)))
        return
    generic = [*label.openfda.substance_name, *label.openfda.generic_name]
    if not generic:
        haul.skip(place, "the label names no substance")
        return
    own = _substances(generic, vocabulary)
    if not own:
        haul.skip(place, "the substance is unknown", generic[0])
        return
    first, *others = own
    for brand in label.openfda.brand_name:
        if not vocabulary.resolve(brand) and fold(brand) not in vocabulary.ordinary and len(own) <= _PARTS:
            haul.names[brand] = ("|".join(own), "brand" if len(own) == 1 else "combination")
    if others:
        return  # which part of a combination interacts is not said
    day = label.effective_time
    dated = f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else ""
    for section in _SECTIONS:
        for text in getattr(label, section):
            _section(haul, place, first, section, text, finder, dated)


def _substances(names: list[str], vocabulary: Vocabulary) -> list[str]:
    parts = (part.strip() for name in names for part in re.split(r",| and |;", name.lower()))
    return list(dict.fromkeys(i for part in parts for i in vocabulary.resolve(part)))


def _section(haul: Haul, place: str, own: str, section: str, text: str, finder: Finder, date: str) -> None:
    for sentence in _SENTENCE.split(text):
        folded = fold(sentence)
        severity = _severity(section, folded)
        if severity is None:
            continue
        pair = Pair(
            severity, "as the label states", f"named in the section {section.replace('_', ' ')} of the label",
            "read the label", f"openFDA label of {own}, {section.replace('_', ' ')}", date,
        )  # fmt: skip
        for mention in finder.find(sentence, folded):
            if own not in mention.ingredients and len(mention.ingredients) <= _MEMBERS:
                for other in mention.ingredients:
                    haul.add(own, other, pair, place)


def _severity(section: str, folded: str) -> PairLevel | None:
    if _NOTHING.search(folded) or (section != "drug_interactions" and not _TOGETHER.search(folded)):
        return None
    if section == "contraindications" or _FORBIDDEN.search(folded):
        return "contraindicated"
    if section == "boxed_warning" or _AVOID.search(folded):
        return "major"
    return "moderate" if _EFFECT.search(folded) else None
