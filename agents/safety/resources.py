"""Where someone in a crisis can turn, by locale, from a dated table. When it is offered is the policy's affair."""

from __future__ import annotations

from datetime import date
from functools import cache

from pydantic import BaseModel, ConfigDict

from .lexicon import load_yaml

MOST = 3
"""No one in a crisis reads a longer list."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = "crisis line"
    name: str
    phone: str
    note: str = ""


class Resource(_Line):
    """A crisis line or an emergency number."""

    country: str = ""
    """ISO 3166 code, empty where it holds anywhere."""
    as_of: date
    """When the table was last gone through."""


class _Country(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    emergency: str
    lines: list[_Line]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    source: str
    fallback: dict[str, _Line]
    emergency_names: dict[str, str]
    countries: dict[str, _Country]


def crisis_resources(locale: str | None) -> tuple[Resource, ...]:
    """One to three resources for a BCP 47 locale ("en-GB", "fr_CA"); the general advice where no region is named.

    A language alone names no country: "en" gets the general advice, never a number that may be wrong.
    """
    table = _table()
    region = _region(locale)
    country = table.countries.get(region)
    if country is None:
        return (_resource(table.fallback.get(_language(locale), table.fallback["en"]), "", table.as_of),)
    named = table.emergency_names.get(_language(locale), table.emergency_names["en"])
    number = _Line(kind="emergency", name=named, phone=country.emergency)
    return tuple(_resource(line, region, table.as_of) for line in (*country.lines, number)[:MOST])


def written_out(locale: str | None) -> str:
    """The resources of a locale as one sentence, to stand behind a colon: "Samaritans 116 123 (day and night); …"."""
    found = crisis_resources(locale)
    if not found[0].country:
        return found[0].note
    return "; ".join(f"{r.name} {r.phone}{f' ({note})' if (note := r.note.rstrip('.。')) else ''}" for r in found) + "."


def _language(locale: str | None) -> str:
    return (locale or "").replace("_", "-").partition("-")[0].lower()


def _region(locale: str | None) -> str:
    parts = (locale or "").replace("_", "-").split("-")[1:]
    return next((p.upper() for p in parts if len(p) == 2 and p.isalpha()), "")


def _resource(line: _Line, country: str, as_of: date) -> Resource:
    return Resource(kind=line.kind, name=line.name, phone=line.phone, note=line.note, country=country, as_of=as_of)


@cache
def _table() -> _Table:
    return load_yaml("resources.yaml", _Table)
