"""`wardround interactions`: what the tables say of drugs together: alone, in one patient, or for a file of pairs."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardround.policies.errors import InputError

from .options import AsJson, ConfigFile, DataDir, argument, option, settings_from
from .reading import read_json

if TYPE_CHECKING:
    from wardround.agents.interactions.agent import Tables
    from wardround.policies.finding import Finding

Drugs = Annotated[list[str] | None, argument(metavar="DRUG ...", help="Drugs by any name; a dose may follow the name.")]
PairsFile = Annotated[
    Path | None, option("--pairs", metavar="FILE", help="CSV with columns drug_a and drug_b; answers in CSV.")
]
PatientFile = Annotated[
    Path | None,
    option(
        "--patient", metavar="FILE", help="JSON of the patient, or a FHIR R4 Bundle: judge the drugs as new for them."
    ),
]
_COLUMNS = ("drug_a", "drug_b", "severity", "rules", "mechanism", "citation")


def interactions(
    drugs: Drugs = None,
    pairs: PairsFile = None,
    patient: PatientFile = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Look up drugs together, or judge them as new for a patient: offline, no model."""
    from wardround.agents.interactions.agent import tables

    known = tables(settings_from(config, data_dir=data_dir).drug_tables)
    if pairs is not None:
        if drugs or patient:
            raise InputError("--pairs stands alone: name drugs or a patient in another call")
        _print_pairs(_judged(_from_file(pairs), known), as_json=as_json)
    elif patient is not None:
        _print_findings(_in_patient(drugs or [], patient, known), as_json=as_json)
    else:
        _print_names(_judged(_from_names(drugs or [], known), known), as_json=as_json)


def _from_names(drugs: list[str], known: Tables) -> list[tuple[str, str]]:
    if len(drugs) < 2:
        raise InputError("name two or more drugs, or one with --patient FILE, or give --pairs FILE.csv")
    for drug in drugs:
        _need_known(drug, known)
    return list(itertools.combinations(drugs, 2))


def _need_known(drug: str, known: Tables) -> None:
    if known.vocabulary.resolve(drug) or any(m.exact and m.name.class_id is None for m in known.finder.find(drug)):
        return
    near = known.nearest(drug)
    hint = f"did you mean {near!r}?" if near else "check the spelling or use the generic name"
    raise InputError(f"unknown drug {drug!r}: {hint}")


def _from_file(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: check path and encoding") from error
    reader = csv.DictReader(text.splitlines())
    if not {"drug_a", "drug_b"} <= set(reader.fieldnames or ()):
        raise InputError(f"{path}:1: columns drug_a and drug_b are needed: add a header line")
    return [(row["drug_a"] or "", row["drug_b"] or "") for row in reader]


def _judged(rows: Iterable[tuple[str, str]], known: Tables) -> Iterator[dict[str, str]]:
    for a, b in rows:
        verdict = known.verdict(a, b)
        yield {
            "drug_a": a,
            "drug_b": b,
            "severity": verdict.severity.value if verdict.severity else "none",
            "rules": " ".join(verdict.rules),
            "mechanism": verdict.mechanism,
            "citation": verdict.citation,
            "effect": verdict.effect,
            "manage": verdict.manage,
            "certainty": verdict.certainty.value if verdict.severity else "",
        }


def _in_patient(drugs: list[str], path: Path, known: Tables) -> tuple[Finding, ...]:
    from wardround.agents.interactions.agent import proposed

    from ..wire.fields import parse_fields

    if not drugs:
        raise InputError("name the drugs that are to be judged in this patient")
    for drug in drugs:
        _need_known(drug, known)
    try:
        patient = parse_fields({"patient": read_json(path)}).patient
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix('wardround.')}") from error
    if patient is None:
        raise InputError(f"{path}: expected an object: what is known of the patient, or a FHIR Bundle")
    return proposed(drugs, patient, known)


def _print_findings(found: tuple[Finding, ...], *, as_json: bool) -> None:
    from .printing import console, finding_lines, print_json

    if as_json:
        print_json([f.as_json() for f in found])
        return
    if not found:
        typer.echo("Nothing in the tables speaks against this. What they do not know, they cannot say.")
    for line in finding_lines([f.as_json() for f in found]):
        console().print(line)


def _print_names(found: Iterator[dict[str, str]], *, as_json: bool) -> None:
    from .printing import SEVERITY_STYLES, console, print_json, styled

    rows = list(found)
    if as_json:
        print_json(rows)
        return
    out = console()
    for row in rows:
        out.print(f"{row['drug_a']} + {row['drug_b']}:", styled(row["severity"], SEVERITY_STYLES))
        if row["rules"]:
            out.print(f"  What may happen: {row['effect']} ({row['mechanism']})")
            out.print(f"  What to do: {row['manage']}")
            out.print(f"  {row['certainty']}; {row['citation']}", style="dim")


def _print_pairs(found: Iterator[dict[str, Any]], *, as_json: bool) -> None:
    from .printing import print_json

    if as_json:
        print_json(list(found))
        return
    writer = csv.DictWriter(sys.stdout, list[str](_COLUMNS), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(found)
