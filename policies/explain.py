"""What a refused value means, in words for who wrote the policy: which entry, what is wrong, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError

from .document import Document
from .source import Branch, Items, Leaf, at, did_you_mean, nearest

Path: TypeAlias = tuple[int | str, ...]

_LATE = {"missing": 1, "too_short": 2}
"""Errors that are often the mere consequence of another, which is told first."""
_ENTRIES = {"rules": ("rule", "id"), "validators": ("validator", "use"), "tests": ("test", "name")}
"""Lists whose entries are called by a name, for their number in the merged policy tells nobody anything."""
_WORDS: Mapping[str, str] = {
    "string_type": "must be a text; put it in quotes",
    "int_type": "must be a whole number without quotes, as in 3",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list, each entry on a line that begins with '- '",
    "dict_type": "must be a mapping of keys to values, as in 'key: value'",
    "model_type": "must be a mapping of keys to values, as in 'key: value'",
    "string_too_short": "is empty; write a text or take the key out",
    "too_short": "is empty; write an entry or take the key out",
    "string_pattern_mismatch": "may hold letters, digits and . _ / - only, and begins with a letter or digit",
}


def explain(error: ValidationError, merged: Branch) -> str:
    """One line, with file and line, about the first thing to mend."""
    first: Any = min(error.errors(), key=lambda e: _LATE.get(e["type"], 0))  # pydantic types the context loosely
    loc: Path = first["loc"]
    mark = at(merged, loc).mark
    match first["type"]:
        case "extra_forbidden":
            return f"{mark}: {_unknown_key(str(loc[-1]), loc[:-1])}"
        case "missing":
            return f"{mark}: {_missing(str(loc[-1]), loc[:-1], merged)}"
        case "enum" | "literal_error":
            known = re.findall(r"'([^']+)'", str(first.get("ctx", {}).get("expected", "")))
            word = str(first["input"])
            return f"{mark}: {_shown(loc, merged)} is {word[:60]!r}{did_you_mean(word, known)}"
        case _:
            return f"{mark}: {_shown(loc, merged)} {_what(first)}"


def _what(error: Any) -> str:
    limits = error.get("ctx", {})
    match error["type"]:
        case "greater_than_equal":
            return f"must be at least {limits['ge']}"
        case "less_than_equal":
            return f"must be at most {limits['le']}"
        case "greater_than":
            return f"must be more than {limits['gt']:g}"
        case "value_error":
            return f"is wrong: {error['msg'].removeprefix('Value error, ').splitlines()[0]}"
        case kind if error["input"] is None and kind in _WORDS:
            return "is empty; write a value or take the key out"
        case kind:
            return _WORDS.get(kind, f"is wrong: {error['msg'].splitlines()[0]}")


def _unknown_key(key: str, owner: Path) -> str:
    if re.fullmatch(r"[\w./-]+", key) is None:
        return f"part of a value was read as a key ({key[:40]!r}); put the whole value in quotes"
    return f"unknown key {key!r}{did_you_mean(key, _known_keys(owner))}"


def _missing(key: str, owner: Path, merged: Branch) -> str:
    """A key that is missing in an entry that changes nothing inherited: its name may be misspelt."""
    if not owner:
        return f"key {key!r} is missing in the policy; add it"
    name, others = _siblings(owner, merged)
    guess = nearest(name, others) if name is not None else None
    hint = f"; did you mean {guess!r}, which is inherited?" if guess else ""
    return f"key {key!r} is missing in {_shown(owner, merged)}; add it{hint}"


def _siblings(owner: Path, merged: Branch) -> tuple[str | None, Iterable[str]]:
    """The name of a rule or queue, and the names of the others."""
    match owner:
        case ("rules", int(i)):
            names = {n: _named(merged, "rules", n) for n in range(_length(merged, "rules"))}
            return names.pop(i, None), [n for n in names.values() if n is not None]
        case ("queues", str(name)):
            queues = at(merged, ("queues",))
            return name, [q for q in queues.entries if q != name] if isinstance(queues, Branch) else []
        case _:
            return None, []


def _length(merged: Branch, key: str) -> int:
    items = at(merged, (key,))
    return len(items.items) if isinstance(items, Items) else 0


def _named(merged: Branch, section: str, i: int) -> str | None:
    name = at(merged, (section, i, _ENTRIES[section][1]))
    return name.value if isinstance(name, Leaf) and isinstance(name.value, str) else None


def _shown(loc: Path, merged: Branch) -> str:
    """`rule 'r': then`, `queues.ward.reviewers`; the model's own steps, which are not in the file, are left out."""
    start, head = 0, ""
    if len(loc) > 1 and loc[0] in _ENTRIES and isinstance(loc[1], int):
        word, start = _ENTRIES[str(loc[0])][0], 2
        name = _named(merged, str(loc[0]), loc[1])
        head = f"{word} {name!r}" if name is not None else f"an entry of {loc[0]!r}"
    steps = [str(loc[n]) for n in range(start, len(loc)) if _is_written(loc[: n + 1], merged)]
    return ": ".join(part for part in (head, ".".join(steps)) if part)


def _is_written(loc: Path, merged: Branch) -> bool:
    parent = at(merged, loc[:-1])
    return (isinstance(parent, Branch) and loc[-1] in parent.entries) or (
        isinstance(parent, Items) and isinstance(loc[-1], int)
    )


def _known_keys(path: Path) -> list[str]:
    """Keys that the model at a path of the document has."""
    model: type[BaseModel] = Document
    for step in path:
        field = next((f for n, f in model.model_fields.items() if step in (n, f.alias)), None)
        inner = _model_in(field.annotation) if field is not None else None
        model = inner or model
    return [f.alias or n for n, f in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_in(a)) is not None), None)
