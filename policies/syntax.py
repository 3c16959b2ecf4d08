"""The checked syntax tree of a CEL condition: what it mentions, and words it compares that can never be equal.

The evaluator hands out its tree as serialized `cel.expr.CheckedExpr`; only the fields that are needed are declared here
(cel-spec, proto/cel/expr/syntax.proto and checked.proto).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import (  # type: ignore[import-untyped]  # protobuf ships no types
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

from .source import did_you_mean
from .variables import CLOSED, MESSAGES, PACKAGE, RANKS, VARIABLES

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"int64": _FIELD.TYPE_INT64, "int32": _FIELD.TYPE_INT32, "string": _FIELD.TYPE_STRING,
            "bool": _FIELD.TYPE_BOOL, "double": _FIELD.TYPE_DOUBLE, "uint64": _FIELD.TYPE_UINT64}  # fmt: skip
_TREE: Mapping[str, tuple[tuple[int, str, str], ...]] = {
    "Constant": ((2, "bool_value", "bool"), (3, "int64_value", "int64"), (4, "uint64_value", "uint64"),
                 (5, "double_value", "double"), (6, "string_value", "string")),
    "Ident": ((1, "name", "string"),),
    "Select": ((1, "operand", "Expr"), (2, "field", "string"), (3, "test_only", "bool")),
    "Call": ((1, "target", "Expr"), (2, "function", "string"), (3, "args", "Expr*")),
    "CreateList": ((1, "elements", "Expr*"),),
    "Comprehension": ((1, "iter_var", "string"), (2, "iter_range", "Expr"), (3, "accu_var", "string"),
                      (4, "accu_init", "Expr"), (5, "loop_condition", "Expr"), (6, "loop_step", "Expr"),
                      (7, "result", "Expr")),
    "Expr": ((2, "id", "int64"), (3, "const_expr", "Constant"), (4, "ident_expr", "Ident"),
             (5, "select_expr", "Select"), (6, "call_expr", "Call"), (7, "list_expr", "CreateList"),
             (9, "comprehension_expr", "Comprehension")),
    "Nothing": (),
    "Type": ((1, "dyn", "Nothing"), (9, "message_type", "string")),
    "TypeEntry": ((1, "key", "int64"), (2, "value", "Type")),
    "PositionEntry": ((1, "key", "int64"), (2, "value", "int32")),
    "SourceInfo": ((4, "positions", "PositionEntry*"),),
    "CheckedExpr": ((3, "type_map", "TypeEntry*"), (4, "expr", "Expr"), (5, "source_info", "SourceInfo")),
}  # fmt: skip
_ORDER = frozenset({"_<_", "_<=_", "_>_", "_>=_"})
_EQUAL = frozenset({"_==_", "_!=_"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a character of a condition."""

    offset: int
    what: str


@dataclass(frozen=True, slots=True)
class Tree:
    """What is worth knowing of a checked condition."""

    names: frozenset[str]
    """Variables it mentions."""
    fields: frozenset[str]
    """Fields it reads: `Finding.kind`, `Patient.age_years`."""
    asked: frozenset[str]
    """Fields it asks about with `has()` or compares with null."""
    words: Mapping[str, frozenset[str]]
    """Words compared with each closed field or variable."""
    patterns: tuple[tuple[int, str], ...]
    """Literal patterns of `matches`, with their offset."""
    problems: tuple[Problem, ...]
    """Comparisons that make no sense."""


def read(serialized: bytes) -> Tree:
    """The tree of a compiled condition."""
    wrapped = any_pb2.Any.FromString(serialized)
    checked = _CHECKED.FromString(wrapped.value)
    return _Reader(checked).tree()


def _declare() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="wardround/cel.proto", package=f"{PACKAGE}.cel", syntax="proto2")
    for name, fields in _TREE.items():
        message = file.message_type.add(name=name)
        for number, field, kind in fields:
            label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
            bare = kind.rstrip("*")
            shape = {"type": _SCALARS[bare]} if bare in _SCALARS else {"type_name": f".{PACKAGE}.cel.{bare}"}
            message.field.add(name=field, number=number, label=label, **{"type": _FIELD.TYPE_MESSAGE, **shape})
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.cel.CheckedExpr"))


_CHECKED = _declare()


class _Reader:
    """Walks one tree; the protobuf nodes are untyped and stay in here."""

    def __init__(self, checked: Any) -> None:
        self._root = checked.expr
        self._types = {e.key: e.value for e in checked.type_map}
        self._offsets: dict[int, int] = {e.key: e.value for e in checked.source_info.positions}
        self._problems: list[Problem] = []
        self._asked: set[str] = set()
        self._words: dict[str, set[str]] = {}
        self._patterns: list[tuple[int, str]] = []

    def tree(self) -> Tree:
        nodes = list(_walk(self._root))
        for node in nodes:
            if node.HasField("call_expr"):
                self._call(node.call_expr)
            elif node.HasField("select_expr"):
                self._select(node)
        fields = {self._field(n) for n in nodes}
        return Tree(
            names=frozenset(n.ident_expr.name for n in nodes if n.HasField("ident_expr")),
            fields=frozenset(f for f in fields if f and "." in f),
            asked=frozenset(self._asked),
            words={k: frozenset(v) for k, v in self._words.items()},
            patterns=tuple(self._patterns),
            problems=tuple(self._problems),
        )

    def _field(self, node: Any) -> str | None:
        """`Finding.kind` for a field of a message, `audience` for a plain variable."""
        if node.HasField("ident_expr"):
            name = str(node.ident_expr.name)
            return name if name in VARIABLES else None
        if not node.HasField("select_expr"):
            return None
        kind = self._types.get(node.select_expr.operand.id)
        owner = kind.message_type.rpartition(".")[2] if kind is not None else ""
        return f"{owner}.{node.select_expr.field}" if owner in MESSAGES else None

    def _dynamic(self, node: Any) -> bool:
        kind = self._types.get(node.id)
        return kind is not None and kind.HasField("dyn")

    def _say(self, node: Any, what: str) -> None:
        self._problems.append(Problem(self._offsets.get(node.id, 0), what))

    def _select(self, node: Any) -> None:
        if node.select_expr.test_only and (field := self._field(node)):
            self._asked.add(field)
        if self._dynamic(node.select_expr.operand):
            self._say(node, f"a text has no field {node.select_expr.field!r}")

    def _call(self, call: Any) -> None:
        if call.function == "matches":
            pattern = call.args[-1]
            if pattern.const_expr.HasField("string_value"):
                self._patterns.append((self._offsets.get(pattern.id, 0), pattern.const_expr.string_value))
        if len(call.args) != 2:
            return
        left, right = call.args
        if call.function in _EQUAL or call.function in _ORDER:
            self._compare(call.function, left, right)
            self._compare(call.function, right, left)
        elif call.function == "@in" and right.HasField("list_expr"):
            for element in right.list_expr.elements:
                self._compare("_==_", left, element)

    def _compare(self, function: str, side: Any, other: Any) -> None:
        field = self._field(side)
        constant = other.const_expr if other.HasField("const_expr") else None
        if constant is None:
            return
        if not constant.ListFields():
            self._asked.add(field or "")
        elif field is None:
            self._untyped(side, constant, other)
        elif field in CLOSED:
            self._closed(field, function, constant, other)
        elif field == "Finding.rank" and constant.HasField("int64_value"):
            self._rank(constant.int64_value, other)

    def _untyped(self, side: Any, constant: Any, node: Any) -> None:
        if self._dynamic(side) and not constant.HasField("string_value"):
            self._say(node, "a text is compared with a value that is no text; it can never hold")

    def _closed(self, field: str, function: str, constant: Any, node: Any) -> None:
        if function in _ORDER:
            hint = "; compare f.rank instead, as in f.rank >= MAJOR" if field == "Finding.severity" else ""
            self._say(node, f"{_shown(field)} is a word and has no order{hint}")
        elif constant.HasField("string_value"):
            word = constant.string_value
            self._words.setdefault(field, set()).add(word)
            if word not in CLOSED[field]:
                self._say(node, f"{_shown(field)} is never {word!r}{did_you_mean(word, CLOSED[field])}")

    def _rank(self, value: int, node: Any) -> None:
        if value not in RANKS.values():
            ranks = ", ".join(f"{n} {r}" for n, r in RANKS.items())
            self._say(node, f"rank is never {value}: {ranks}")


def _shown(field: str) -> str:
    owner, _, name = field.rpartition(".")
    return f"{name} of a {owner.lower()}" if owner else name


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for _, value in node.ListFields():
        for child in _children(value):
            yield from _walk(child)


def _children(value: Any) -> Iterator[Any]:
    """Expressions directly below a part of an expression."""
    name = getattr(getattr(value, "DESCRIPTOR", None), "name", None)
    if name == "Expr":
        yield value
    elif name is not None:
        for _, inner in value.ListFields():
            yield from _children(inner)
    elif not isinstance(value, str | bytes | int | float):
        for inner in value:
            yield from _children(inner)


MISSPELT_FIELD = re.compile(r"undefined field '(?P<word>[^']+)' not found in struct '(?P<owner>[^']+)'")
MISSPELT_NAME = re.compile(r"undeclared reference to '(?P<word>[^']+)'")
NO_OVERLOAD = re.compile(r"found no matching overload for '(?P<op>[^']+)' applied to '\((?P<types>.*)\)'")
"""How the checker words its errors, to add a suggestion."""
