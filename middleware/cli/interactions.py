"""`wardround interactions`: what the tables say of drugs together, one by one or for a file of pairs."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from wardround.policies.errors import InputError, WardroundError

from .errors import EXIT_BAD_INPUT
from .options import AsJson, argument, option

Drugs = Annotated[list[str] | None, argument(metavar="DRUG ...", help="Two or more drugs, by any name.")]
PairsFile = Annotated[
    Path | None, option("--pairs", metavar="FILE", help="CSV with columns drug_a and drug_b; answers in CSV.")
]
_COLUMNS = ("drug_a", "drug_b", "severity", "rules", "mechanism", "citation")


def interactions(
    drugs: Drugs = None,
    pairs: PairsFile = None,
    as_json: AsJson = False,
) -> None:
    """Look up drugs together in the interaction tables: offline, no patient context."""
    try:
        if (pairs is None) == (not drugs):
            raise InputError("name two or more drugs, or give --pairs FILE.csv, not both")
        rows = _from_file(pairs) if pairs is not None else _from_names(drugs or [])
        _print(_judged(rows), as_json=as_json, table=pairs is None)
    except WardroundError as error:
        typer.echo(f"wardround interactions: {error}", err=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None


def _from_names(drugs: list[str]) -> list[tuple[str, str]]:
    from wardround.agents.interactions.agent import tables

    if len(drugs) < 2:
        raise InputError("one drug has nothing to interact with: name at least two")
    for drug in drugs:
        if not tables().vocabulary.resolve(drug):
            raise InputError(f"unknown drug {drug!r}: check the spelling or use the generic name")
    return list(itertools.combinations(drugs, 2))


def _from_file(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: check path and encoding") from error
    reader = csv.DictReader(text.splitlines())
    if not {"drug_a", "drug_b"} <= set(reader.fieldnames or ()):
        raise InputError(f"{path}:1: columns drug_a and drug_b are needed: add a header line")
    return [(row["drug_a"] or "", row["drug_b"] or "") for row in reader]


def _judged(rows: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
    from wardround.agents.interactions.agent import severity_of_pair

    for a, b in rows:
        verdict = severity_of_pair(a, b)
        severity = verdict.severity.value if verdict.severity else "none"
        values = (a, b, severity, " ".join(verdict.rules), verdict.mechanism, verdict.citation)
        yield dict(zip(_COLUMNS, values, strict=True))


def _print(found: Iterator[dict[str, str]], *, as_json: bool, table: bool) -> None:
    if as_json:
        typer.echo(json.dumps(list(found), ensure_ascii=False, indent=2))
    elif table:
        for row in found:
            line = f"{row['drug_a']} + {row['drug_b']}: {row['severity']}"
            typer.echo(line + (f" - {row['mechanism']} ({row['citation']})" if row["rules"] else ""))
    else:
        writer = csv.DictWriter(sys.stdout, list[str](_COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
