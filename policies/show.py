"""The merged policy for reading: every line with the file and line it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from .load import Policy
from .source import Branch, Items, Leaf, Located, Scalar

_ORDER = ("policy", "version", "mode", "extends", "agents", "validators", "rules", "queues", "messages", "tests")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the merged policy."""

    text: str
    """YAML."""
    origin: str
    """`source:line`, empty where the line only opens a mapping merged from several places."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the merged policy."""

    path: str
    """`rules[3].when`, with the rule's id in place of its number where it has one: `rules[crisis].when`."""
    value: Scalar
    """The value."""
    origin: str
    """`source:line`."""


def show_lines(policy: Policy, *, with_tests: bool = False) -> tuple[Line, ...]:
    """The merged policy as YAML lines; reading them back gives the same policy."""
    return tuple(line for key in _keys(policy, with_tests) for line in _entry(key, policy.merged.entries[key], 0))


def show_values(policy: Policy, *, with_tests: bool = False) -> tuple[Value, ...]:
    """Every single value of the merged policy with its origin."""
    return tuple(v for key in _keys(policy, with_tests) for v in _values(key, policy.merged.entries[key]))


def render(policy: Policy, *, with_tests: bool = False) -> str:
    """The merged policy in two columns: the line, and where it comes from."""
    lines = show_lines(policy, with_tests=with_tests)
    width = min(max(len(line.text) for line in lines), 100)
    return "\n".join(f"{line.text:<{width}}  # {line.origin}" if line.origin else line.text for line in lines)


def _keys(policy: Policy, with_tests: bool) -> list[str]:
    """Sections in the file's order. `extends` is left out: what it brought is already here."""
    return [k for k in _ORDER if k in policy.merged.entries and k != "extends" and (with_tests or k != "tests")]


def _entry(key: str, value: Located, depth: int) -> Iterator[Line]:
    indent = "  " * depth
    if isinstance(value, Leaf):
        yield Line(f"{indent}{_key(key)}: {_scalar(value.value)}", str(value.mark))
    elif isinstance(value, Branch) and value.entries:
        yield Line(f"{indent}{_key(key)}:", "")
        for name, inner in value.entries.items():
            yield from _entry(name, inner, depth + 1)
    elif isinstance(value, Items) and value.items:
        yield Line(f"{indent}{_key(key)}:", "")
        for item in value.items:
            yield from _item(item, depth + 1)
    else:
        yield Line(f"{indent}{_key(key)}: {'[]' if isinstance(value, Items) else '{}'}", str(value.mark))


def _item(value: Located, depth: int) -> Iterator[Line]:
    indent = "  " * depth
    if isinstance(value, Leaf):
        yield Line(f"{indent}- {_scalar(value.value)}", str(value.mark))
        return
    if isinstance(value, Items):
        yield Line(f"{indent}- {json.dumps(_flow(value), ensure_ascii=False)}", str(value.mark))
        return
    lines = [line for name, inner in value.entries.items() for line in _entry(name, inner, depth + 1)]
    for n, line in enumerate(lines):
        yield Line(f"{indent}- {line.text.strip()}", line.origin) if n == 0 else line


def _flow(value: Located) -> object:
    if isinstance(value, Leaf):
        return value.value
    if isinstance(value, Items):
        return [_flow(i) for i in value.items]
    return {k: _flow(v) for k, v in value.entries.items()}


def _scalar(value: Scalar) -> str:
    """A scalar as YAML on one line: plain where that reads back the same, else quoted."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _plain(value):
        return value
    return json.dumps(value, ensure_ascii=False) if "\n" in value or "'" in value else f"'{value}'"


def _key(key: str) -> str:
    """A key; policy files read a bare `on` as the word."""
    return key if key.replace("_", "").replace("-", "").isalnum() else _scalar(key)


def _plain(value: str) -> bool:
    try:
        return bool(yaml.safe_load(f"- k: {value}") == [{"k": value}]) and "\n" not in value
    except yaml.YAMLError:
        return False


def _values(path: str, value: Located) -> Iterator[Value]:
    if isinstance(value, Leaf):
        yield Value(path, value.value, str(value.mark))
    elif isinstance(value, Branch):
        for name, inner in value.entries.items():
            yield from _values(f"{path}.{name}", inner)
    else:
        for n, item in enumerate(value.items):
            yield from _values(f"{path}[{_name(item, n)}]", item)


def _name(item: Located, n: int) -> str:
    if isinstance(item, Branch):
        for key in ("id", "use", "name"):
            named = item.entries.get(key)
            if isinstance(named, Leaf):
                return str(named.value)
    return str(n)
