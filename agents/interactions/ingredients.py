"""The vocabulary: canonical ingredients, every name they go by, and the classes they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .folding import fold
from .products import Affixes, Products, known_names, load_affixes
from .tables import Reader, Sourced, TableError

NameKind = Literal["ingredient", "synonym", "salt", "brand", "combination", "abbreviation", "inn", "class"]


class IngredientRow(Sourced):
    """A canonical ingredient."""

    ingredient: str
    rxcui: str = ""
    atc: str = ""


class NameRow(Sourced):
    """A name of one or more ingredients, joined by `|`."""

    name: str
    ingredients: str
    kind: NameKind


class ClassRow(Sourced):
    """A class of ingredients."""

    id: str
    terms: tuple[str, ...] = ()
    members: tuple[str, ...]
    duplicate: Literal["moderate", "major", "contraindicated"] | None = None


class ClassTermsRow(Sourced):
    """What a language calls a class of `classes/`."""

    id: str
    language: str
    terms: tuple[str, ...]


class _LookalikeRow(Sourced):
    word: str


class OrdinaryRow(Sourced):
    """A name that is also an ordinary word, and what makes it a drug."""

    name: str
    rule: Literal["never", "capital", "word", "dose", "intake", "alcohol"]
    forms: tuple[str, ...] = ()


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
    ingredients: frozenset[str]
    """All canonical ingredients."""
    lookalikes: frozenset[str]
    """Ordinary words that are nearly a drug's name."""
    rxcui: Mapping[str, str]
    """Ingredient to RxNorm concept id."""
    atc: Mapping[str, str]
    """Ingredient to ATC code, the main one."""
    affixes: Affixes
    """Words of product names that do not change the drug."""

    def resolve(self, name: str) -> tuple[str, ...]:
        """Ingredients of a name as given: salts, forms and strengths left aside, combinations split; empty where it
        is unknown or a class."""
        found = self.names.get(fold(name.strip()))
        if found is not None:
            return found.ingredients if found.class_id is None else ()
        return self._products.ingredients(name)

    @cached_property
    def _products(self) -> Products:
        return Products(
            known_names((n.text, n.ingredients) for n in self.names.values() if n.class_id is None), self.affixes
        )

    def expand(self, members: Iterable[str]) -> frozenset[str]:
        """`@class` and ingredient entries as one set of ingredients. Raises `TableError` for an unknown one."""
        out: set[str] = set()
        for member in members:
            if member.startswith("@"):
                if member[1:] not in self.classes:
                    raise TableError(f"unknown class {member}: add it to classes/ or mend the spelling")
                out |= self.classes[member[1:]]
            elif member in self.ingredients:
                out.add(member)
            else:
                raise TableError(f"unknown ingredient {member!r}: add it to ingredients.csv or mend the spelling")
        return frozenset(out)


def load_vocabulary(reader: Reader) -> Vocabulary:
    """Read and check the vocabulary's files; bad rows are left with the reader."""
    names: dict[str, Name] = {}
    rxcui: dict[str, str] = {}
    atc: dict[str, str] = {}
    for _, row in reader.csv("vocabulary/ingredients.csv", IngredientRow):
        names[fold(row.ingredient)] = Name(row.ingredient, (row.ingredient,), "ingredient")
        for codes, code in ((rxcui, row.rxcui), (atc, row.atc)):
            if code:
                codes[row.ingredient] = code
    ingredients = frozenset(n.text for n in names.values())
    for place, named in reader.csv("vocabulary/names*.csv", NameRow):
        parts = tuple(named.ingredients.split("|"))
        unknown = [p for p in parts if p not in ingredients]
        if unknown:
            reader.refuse(place, f"ingredients: unknown ingredient {unknown[0]!r}")
        else:
            names.setdefault(fold(named.name), Name(named.name, parts, named.kind))
    rows = {row.id: (place, row) for place, row in reader.yaml("classes/*.yaml", ClassRow)}
    classes = _classes(rows, ingredients, reader)
    for key, term in _terms(rows, reader):
        if key in classes:
            names.setdefault(fold(term), Name(term, tuple(sorted(classes[key])), "class", key))
    return Vocabulary(
        names=names,
        classes=classes,
        duplicates={k: r.duplicate for k, (_, r) in rows.items() if r.duplicate and k in classes},
        ordinary={fold(r.name): r for _, r in reader.yaml("vocabulary/ordinary*.yaml", OrdinaryRow)},
        ingredients=ingredients,
        lookalikes=frozenset(r.word for _, r in reader.csv("vocabulary/lookalikes.csv", _LookalikeRow)),
        rxcui=rxcui,
        atc=atc,
        affixes=load_affixes(reader),
    )


def _terms(rows: Mapping[str, tuple[str, ClassRow]], reader: Reader) -> Iterator[tuple[str, str]]:
    """(class, what it is called), first from the class itself, then from the languages."""
    for key, (_, group) in rows.items():
        yield from ((key, term) for term in group.terms)
    for place, said in reader.yaml("vocabulary/class_terms.yaml", ClassTermsRow):
        if said.id not in rows:
            reader.refuse(place, f"id: unknown class {said.id!r}")
        yield from ((said.id, term) for term in said.terms)


def _classes(
    rows: Mapping[str, tuple[str, ClassRow]], ingredients: frozenset[str], reader: Reader
) -> dict[str, frozenset[str]]:
    """Classes of classes resolved in any order; a class with an unknown member, or one inside itself, is refused."""
    done: dict[str, frozenset[str]] = {}
    bad: set[str] = set()

    def resolve(key: str, inside: tuple[str, ...]) -> frozenset[str]:
        if key in done:
            return done[key]
        if key in inside or key not in rows or key in bad:
            raise TableError(f"class @{key} is unknown, refused or contains itself")
        out: set[str] = set()
        for member in rows[key][1].members:
            if member.startswith("@"):
                out |= resolve(member[1:], (*inside, key))
            elif member in ingredients:
                out.add(member)
            else:
                raise TableError(f"unknown ingredient {member!r}: add it to ingredients.csv or mend the spelling")
        done[key] = frozenset(out)
        return done[key]

    for key, (place, _) in rows.items():
        try:
            resolve(key, ())
        except TableError as error:
            bad.add(key)
            reader.refuse(place, f"class {key}: {error}")
    return done
