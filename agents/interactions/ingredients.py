"""The vocabulary: canonical ingredients, every name they go by, and the classes they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from .folding import fold
from .tables import DATA, Row, TableError, read_csv, read_yaml, rows

NameKind = Literal["ingredient", "synonym", "salt", "brand", "combination", "abbreviation", "inn", "class"]


class _IngredientRow(Row):
    ingredient: str
    rxcui: str = ""
    source: str


class _NameRow(Row):
    name: str
    ingredients: str
    kind: NameKind
    source: str


class ClassRow(Row):
    """A class of ingredients."""

    id: str
    source: str
    terms: tuple[str, ...] = ()
    members: tuple[str, ...]
    duplicate: Literal["moderate", "major", "contraindicated"] | None = None


class OrdinaryRow(Row):
    """A name that is also an ordinary word, and what makes it a drug."""

    name: str
    rule: Literal["never", "capital", "dose", "intake", "alcohol"]
    forms: tuple[str, ...] = ()
    source: str


@dataclass(frozen=True, slots=True)
class Name:
    """What one name stands for."""

    text: str
    """The name as the table writes it."""
    ingredients: tuple[str, ...]
    """Canonical ingredients, one or more; the members where the name is a class."""
    kind: NameKind
    """How the name relates to them."""
    class_id: str | None = None
    """The class, where the name is one."""


@dataclass(frozen=True)
class Vocabulary:
    """Everything that can be recognised. Names are keyed by their folded form."""

    names: Mapping[str, Name]
    classes: Mapping[str, frozenset[str]]
    duplicates: Mapping[str, str]
    """Class id to the severity of two members at once."""
    ordinary: Mapping[str, OrdinaryRow]
    rxcui: Mapping[str, str]

    @cached_property
    def ingredients(self) -> frozenset[str]:
        """All canonical ingredients."""
        return frozenset(i for n in self.names.values() for i in n.ingredients)

    def resolve(self, name: str) -> tuple[str, ...]:
        """Ingredients of a name as given, combinations split; empty where it is unknown."""
        found = self.names.get(fold(name.strip()))
        return found.ingredients if found and found.class_id is None else ()

    def expand(self, members: Iterable[str], where: str) -> frozenset[str]:
        """`@class` and ingredient entries as one set of ingredients. Raises `TableError` for an unknown class."""
        out: set[str] = set()
        for member in members:
            if not member.startswith("@"):
                out.add(member)
            elif member[1:] in self.classes:
                out |= self.classes[member[1:]]
            else:
                raise TableError(f"{where}: unknown class {member}: add it to classes.yaml or mend the spelling")
        return frozenset(out)


def load_vocabulary(folder: Path = DATA) -> Vocabulary:
    """Read and check the vocabulary's files. Raises `TableError`."""
    names, rxcui = _names(folder)
    path = folder / "classes.yaml"
    classes: dict[str, frozenset[str]] = {}
    duplicates: dict[str, str] = {}
    for row in rows(path, ClassRow, read_yaml(path)):
        classes[row.id] = _members(row, classes, path)
        if row.duplicate:
            duplicates[row.id] = row.duplicate
        for term in row.terms:
            names.setdefault(fold(term), Name(term, tuple(sorted(classes[row.id])), "class", row.id))
    ordinary_path = folder / "ordinary.yaml"
    ordinary = {fold(r.name): r for r in rows(ordinary_path, OrdinaryRow, read_yaml(ordinary_path))}
    return Vocabulary(names, classes, duplicates, ordinary, rxcui)


def _members(row: ClassRow, known: Mapping[str, frozenset[str]], path: Path) -> frozenset[str]:
    out: set[str] = set()
    for member in row.members:
        if not member.startswith("@"):
            out.add(member)
        elif member[1:] in known:
            out |= known[member[1:]]
        else:
            raise TableError(f"{path.name}: class {row.id}: {member} is unknown or stands further down")
    return frozenset(out)


def _names(folder: Path) -> tuple[dict[str, Name], dict[str, str]]:
    names: dict[str, Name] = {}
    rxcui: dict[str, str] = {}
    for row in read_csv(folder / "ingredients.csv", _IngredientRow):
        names[fold(row.ingredient)] = Name(row.ingredient, (row.ingredient,), "ingredient")
        if row.rxcui:
            rxcui[row.ingredient] = row.rxcui
    for named in read_csv(folder / "names.csv", _NameRow):
        names.setdefault(fold(named.name), Name(named.name, tuple(named.ingredients.split("|")), named.kind))
    return names, rxcui
