"""YAML read with the line of every value, and the nearest known word to a misspelt one. What it means: `document`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from .errors import PolicyError

Scalar: TypeAlias = str | int | float | bool | None
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 32
"""Deepest nesting of a policy file; a guard against files made to exhaust the stack."""
MAX_BYTES = 2_000_000
"""Largest policy file, bytes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of a source: `wardround/base:12` or `policies/ward.yaml:12`."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar where it is written."""

    value: Scalar
    mark: Mark


@dataclass(frozen=True, slots=True)
class Items:
    """A list where it is written."""

    items: tuple[Located, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping where it is written; the key's line is the entry's mark."""

    entries: dict[str, Located]
    mark: Mark


Located: TypeAlias = Leaf | Items | Branch


def read(text: str, source: str) -> Branch:
    """The one mapping of a YAML file; raises `PolicyError` with file and line for anything else."""
    if len(text) > MAX_BYTES:
        raise PolicyError(f"{source}: larger than {MAX_BYTES} characters: not a policy")
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise PolicyError(_broken(error, text, source)) from error
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError(f"{source}:1: a policy file is one YAML mapping that starts with 'policy: NAME'")
    return _branch(node, source, 0)


def _broken(error: yaml.YAMLError, text: str, source: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"{source}:{line}: broken YAML: a control character that no text may hold; take it out"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    line = mark.line + 1 if mark is not None else 1
    lines = text.splitlines()
    return f"{source}:{line}: broken YAML: {problem}; {_mend(lines[line - 1] if line <= len(lines) else '', problem)}"


def _mend(line: str, problem: str) -> str:
    """What is most likely wrong with the line at which the reader gave up."""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces, not with tabs"
    if "another document" in problem:
        return "a file holds one policy: take the '---' out"
    if re.match(r"\s*-?\s*when:", line):
        return "put the whole condition in single quotes"
    return "check indentation, quotes and colons near this line"


def _located(node: yaml.Node, source: str, depth: int) -> Located:
    mark = Mark(source, node.start_mark.line + 1)
    if depth > MAX_DEPTH:
        raise PolicyError(f"{mark}: nested deeper than {MAX_DEPTH} levels (an alias that contains itself?)")
    if isinstance(node, yaml.MappingNode):
        return _branch(node, source, depth)
    if isinstance(node, yaml.SequenceNode):
        return Items(tuple(_located(n, source, depth + 1) for n in node.value), mark)
    return Leaf(_scalar(node, mark), mark)


def _branch(node: yaml.MappingNode, source: str, depth: int) -> Branch:
    entries: dict[str, Located] = {}
    for key_node, value_node in node.value:
        mark = Mark(source, key_node.start_mark.line + 1)
        key = _key(key_node, mark)
        if key in entries:
            raise PolicyError(f"{mark}: key {key!r} is written twice in the same mapping; keep one")
        entries[key] = _remark(_located(value_node, source, depth + 1), mark)
    return Branch(entries, Mark(source, node.start_mark.line + 1))


def _key(node: yaml.Node, mark: Mark) -> str:
    """A key as text; YAML 1.1 reads a bare `on` as true, here it is the word."""
    if not isinstance(node, yaml.ScalarNode):
        raise PolicyError(f"{mark}: a key must be a plain word")
    if node.value == "<<":
        raise PolicyError(f"{mark}: merge keys ('<<') are not supported; use 'extends'")
    return str(node.value)


def _remark(value: Located, mark: Mark) -> Located:
    """Lists and scalars report the line of their key, which is where a reader looks."""
    if isinstance(value, Leaf):
        return Leaf(value.value, mark)
    return Items(value.items, mark) if isinstance(value, Items) else Branch(value.entries, mark)


def _scalar(node: yaml.Node, mark: Mark) -> Scalar:
    try:
        constructor: Any = yaml.constructor.SafeConstructor()  # its stub leaves the node untyped
        value: object = constructor.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError(f"{mark}: unreadable value; put quotes round it") from error
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(node.value)


def plain(located: Located) -> Plain:
    """The value without its lines."""
    if isinstance(located, Leaf):
        return located.value
    if isinstance(located, Items):
        return [plain(i) for i in located.items]
    return {k: plain(v) for k, v in located.entries.items()}


def at(located: Located, path: Iterable[str | int]) -> Located:
    """The deepest value on a path that exists."""
    for step in path:
        if isinstance(located, Branch) and isinstance(step, str) and step in located.entries:
            located = located.entries[step]
        elif isinstance(located, Items) and isinstance(step, int) and step < len(located.items):
            located = located.items[step]
        else:
            break
    return located


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` most likely meant, None where none is near."""
    choices = {k.lower(): k for k in known}
    best = process.extractOne(word.lower(), list(choices), scorer=fuzz.ratio, score_cutoff=60)
    if best is not None:
        return choices[best[0]]
    near = (k for low, k in choices.items() if OSA.distance(word.lower(), low) <= 1 or _begins(low, word.lower()))
    return next(near, None)


def _begins(longer: str, word: str) -> bool:
    return len(word) >= 3 and longer.startswith(word)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, else the list of known words where it is short, else nothing."""
    choices = sorted(set(known))
    guess = nearest(word, choices)
    if guess is not None:
        return f"; did you mean {guess!r}?"
    return f"; known are {', '.join(choices)}" if 0 < len(choices) <= 24 else ""
