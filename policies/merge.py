"""Merging a policy with what it extends, every value keeping its line. The files are found and read by `load`."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import PolicyError
from .source import Branch, Items, Leaf, Located, Mark

OWN_KEYS = frozenset({"policy", "version", "mode", "extends", "tests"})
"""Keys that speak for their own file only and are not inherited."""
_KEYED = {"rules": "id", "validators": "use"}
"""Lists that merge by a key of their entries."""


def merge(files: Sequence[Branch]) -> Branch:
    """One mapping out of several, base first: later files win key by key; rules merge by id."""
    for file in files:
        _refuse_empty_rules(file)
    own = {k: v for k, v in files[-1].entries.items() if k in OWN_KEYS}
    merged: dict[str, Located] = {}
    for file in files:
        for key, value in file.entries.items():
            if key not in OWN_KEYS:
                merged[key] = _merge_section(key, merged.get(key), value)
    if "rules" in merged:
        merged["rules"] = _without_disabled(merged["rules"])
    return Branch({**own, **merged}, files[-1].mark)


def _refuse_empty_rules(file: Branch) -> None:
    rules = file.entries.get("rules")
    if isinstance(rules, Items) and not rules.items:
        raise PolicyError(f"{rules.mark}: the list of rules is empty; write a rule or take the key out")


def _merge_section(key: str, old: Located | None, new: Located) -> Located:
    name = _KEYED.get(key)
    if name is None or not isinstance(new, Items):
        return _deep(old, new)
    return _merge_keyed(old if isinstance(old, Items) else None, new, name)


def _deep(old: Located | None, new: Located) -> Located:
    if isinstance(old, Branch) and isinstance(new, Branch):
        entries = dict(old.entries)
        for key, value in new.entries.items():
            entries[key] = _deep(entries.get(key), value)
        return Branch(entries, new.mark)
    return new


def _merge_keyed(old: Items | None, new: Items, name: str) -> Items:
    _refuse_twice(new, name)
    places: dict[object, Located] = {_identity(i, name): i for i in (old.items if old else ())}
    for item in new.items:
        key = _identity(item, name)
        places[key] = _deep(places.get(key), item)
    return Items(tuple(places.values()), new.mark)


def _identity(item: Located, name: str) -> object:
    """The value of the naming key; an entry without one stands for itself and fails validation later."""
    named = entry(item, name)
    return named if named is not None else id(item)


def entry(item: Located, name: str) -> object:
    """A scalar entry of a mapping, None where there is none."""
    value = item.entries.get(name) if isinstance(item, Branch) else None
    return value.value if isinstance(value, Leaf) else None


def _refuse_twice(items: Items, name: str) -> None:
    seen: dict[object, Mark] = {}
    for item in items.items:
        key = _identity(item, name)
        if key in seen:
            raise PolicyError(f"{item.mark}: {name} {key!r} is already used at {seen[key]}; rename one of them")
        seen[key] = item.mark


def _without_disabled(rules: Located) -> Located:
    if not isinstance(rules, Items):
        return rules
    kept = tuple(r for r in rules.items if entry(r, "enabled") is not False)
    if rules.items and not kept:
        raise PolicyError(f"{rules.mark}: every rule is switched off; a policy needs at least one rule")
    return Items(kept, rules.mark)
