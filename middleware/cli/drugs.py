"""`wardround drugs`: find drugs in a text, and manage imported drug tables."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardround.policies.errors import InputError

from .options import AsJson, ConfigFile, DataDir, argument, option, settings_from
from .reading import one_text

if TYPE_CHECKING:
    from wardround.agents.interactions.importers.haul import Haul, Progress
    from wardround.agents.interactions.shelves import Card

drugs_app = typer.Typer(help="Find drugs in a text; import, list and remove drug tables.", no_args_is_help=True)


class Kind(StrEnum):
    """Formats that can be imported."""

    RXNORM = "rxnorm"
    OPENFDA = "openfda"
    DDINTER = "ddinter"
    HOSPITAL = "hospital"


_RANKS = {Kind.RXNORM: 40, Kind.OPENFDA: 40, Kind.DDINTER: 30, Kind.HOSPITAL: 80}
_TITLES = {
    Kind.RXNORM: "RxNorm",
    Kind.OPENFDA: "openFDA drug labels",
    Kind.DDINTER: "DDInter",
    Kind.HOSPITAL: "hospital table",
}
_CERTAINTY = {Kind.OPENFDA: "possible", Kind.DDINTER: "probable", Kind.HOSPITAL: "established"}

TextArgument = Annotated[str | None, argument(metavar="TEXT|-", help="The text; - reads it from input.")]
TextFile = Annotated[Path | None, option("--file", metavar="FILE", help="File with the text.")]
KindArgument = Annotated[Kind, argument(metavar="KIND", help="rxnorm, openfda, ddinter or hospital.")]
Source = Annotated[Path, argument(metavar="PATH", help="File or folder to import.")]
NameOption = Annotated[str | None, option("--name", metavar="NAME", help="Name by which policies choose the source.")]
RankOption = Annotated[
    int | None, option("--rank", help="Order of speaking: above 50 before the built-in tables.", min=0, max=100)
]
TitleOption = Annotated[str | None, option("--title", metavar="TEXT", help="What citations call it.")]
EditionOption = Annotated[
    str | None, option("--edition", metavar="DATE", help="Edition of the source, YYYY[-MM[-DD]].")
]
NameArgument = Annotated[str, argument(metavar="NAME", help="The imported source.")]
Language = Annotated[str | None, option("--language", metavar="CODE", help="Language of the text, ISO 639-1.")]


@drugs_app.command("find")
def find(
    text: TextArgument = None,
    file: TextFile = None,
    language: Language = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Name every drug in a text: ingredients, codes, and what the text says of it."""
    given = one_text(None if text == "-" else text, Path("-") if text == "-" else file, what="the text")
    rows = _found(given, language, settings_from(config, data_dir=data_dir).drug_tables)
    from .printing import print_json, table

    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("No drug is named in this text.")
    else:
        table(("text", "ingredients", "kind", "rxcui", "atc", "said_of_it"), (_shown(row) for row in rows))


def _shown(row: dict[str, Any]) -> dict[str, str]:
    joined = {key: " ".join(row[key]) for key in ("rxcui", "atc")}
    ingredients = " + ".join(row["ingredients"]) or f"class {row['class']}"
    shown = row["text"] if row["exact"] else f"{row['text']} ({row['name']}?)"
    return {"text": shown, "kind": row["kind"], "ingredients": ingredients, "said_of_it": row["status"], **joined}


def _found(text: str, language: str | None, imported: Path) -> list[dict[str, Any]]:
    from wardround.agents.interactions.agent import tables
    from wardround.agents.interactions.stance import read
    from wardround.agents.interactions.statuses import request_status
    from wardround.agents.language import detect_language

    known = tables(imported)
    reading = read("text", text, known.finder, known.cue_finder(language or detect_language(text)[0]))
    vocabulary = known.vocabulary
    return [
        {
            "text": text[m.start : m.end],
            "start": m.start,
            "end": m.end,
            "ingredients": list(m.ingredients) if m.name.class_id is None else [],
            "class": m.name.class_id,
            "kind": m.name.kind,
            "name": m.name.text,
            "exact": m.exact,
            "rxcui": [vocabulary.rxcui[i] for i in m.ingredients if i in vocabulary.rxcui and m.name.class_id is None],
            "atc": [vocabulary.atc[i] for i in m.ingredients if i in vocabulary.atc and m.name.class_id is None],
            "status": status.value,
        }
        for m, status in zip(reading.mentions, request_status(reading), strict=True)
    ]


@drugs_app.command("import")
def import_source(
    kind: KindArgument,
    path: Source,
    name: NameOption = None,
    rank: RankOption = None,
    title: TitleOption = None,
    edition: EditionOption = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import a table beside the built-in ones; an earlier import of the same name is replaced."""
    from wardround.agents.interactions.agent import tables
    from wardround.agents.interactions.importers.haul import file_digest, shelve
    from wardround.agents.interactions.shelves import Card

    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    folder = settings_from(config, data_dir=data_dir).drug_tables
    read, files = _reader(kind, path)
    with _progress(f"Reading {path.name}", sum(f.stat().st_size for f in files)) as progress:
        haul = read(path, tables().vocabulary, progress)
    try:
        card = Card.model_validate({
            "name": name or kind.value, "title": title or _TITLES[kind], "kind": kind.value,
            "rank": _RANKS[kind] if rank is None else rank, "certainty": _CERTAINTY.get(kind, "established"),
            "date": edition or datetime.now(UTC).date().isoformat(), "digest": file_digest(files),
        })  # fmt: skip
    except ValueError as error:
        raise InputError("--name: lower-case letters, digits and dashes, beginning with a letter") from error
    done = shelve(folder, card, haul)
    tables.cache_clear()
    _report(done, haul, folder, as_json=as_json)


def _reader(kind: Kind, path: Path) -> tuple[Callable[..., Haul], tuple[Path, ...]]:
    from wardround.agents.interactions.importers import ddinter, hospital, openfda, rxnorm

    match kind:
        case Kind.RXNORM:
            return rxnorm.read, rxnorm.files(path)
        case Kind.OPENFDA:
            return openfda.read, openfda.files(path)
        case Kind.DDINTER:
            return ddinter.read, tuple(sorted(path.glob("*.csv"))) if path.is_dir() else (path,)
        case Kind.HOSPITAL:
            if path.is_dir():
                raise InputError(f"{path}: name one CSV file, not a folder")
            return hospital.read, (path,)


@contextmanager
def _progress(title: str, size: int) -> Generator[Progress]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    shown = Console(stderr=True)
    with Bar(console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task(title, total=size or None)
        yield lambda read: bar.update(task, completed=min(read, size))


def _report(card: Card, haul: Haul, folder: Path, *, as_json: bool) -> None:
    from .printing import print_json

    reasons = [{"reason": reason, "rows": rows} for reason, rows in haul.reasons()]
    if as_json:
        print_json({**card.model_dump(mode="json"), "skipped_because": reasons})
        return
    typer.echo(
        f"Imported {card.name}: {card.pairs:,} pairs, {card.names:,} names, rank {card.rank}, edition {card.date}."
    )
    if reasons:
        typer.echo(f"Skipped {card.skipped:,} rows; each is in {folder / card.name / 'skipped.csv'}:")
        for reason in reasons[:8]:
            typer.echo(f"  {reason['rows']:>8,}  {reason['reason']}")
    typer.echo(
        "A running proxy reads it at its next start. A policy may choose: agents: {interactions: {sources: [...]}}"
    )


@drugs_app.command("sources")
def sources(config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the sources in the order in which they speak, and rows that had to be left out."""
    from wardround.agents.interactions.agent import tables
    from wardround.agents.interactions.shelves import BUILT_IN, RANK

    from .printing import print_json, table

    known = tables(settings_from(config, data_dir=data_dir).drug_tables)
    vocabulary = known.vocabulary
    own = {
        "name": BUILT_IN, "title": "built-in tables", "rank": RANK, "pairs": known.pairs.derived_pairs(),
        "names": len(vocabulary.names), "date": "", "digest": known.digest.split("+")[0],
        "rules": len(known.pairs.rules), "ingredients": len(vocabulary.ingredients),
    }  # fmt: skip
    cards = {card.name: card.model_dump(mode="json") for card in known.shelves}
    rows = [own if name == BUILT_IN else cards[name] for name in known.pairs.sources]
    refused = [str(r) for r in known.refused]
    if as_json:
        print_json({"sources": rows, "refused": refused})
        return
    counts = ({**row, "pairs": f"{row['pairs']:,}", "names": f"{row['names']:,}"} for row in rows)
    table(("name", "title", "rank", "pairs", "names", "date"), counts)
    for line in refused:
        typer.echo(f"left out: {line}", err=True)


@drugs_app.command("remove")
def remove_source(
    name: NameArgument, config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Take an imported source away."""
    from wardround.agents.interactions.agent import tables
    from wardround.agents.interactions.importers.haul import remove

    from .printing import print_json

    remove(settings_from(config, data_dir=data_dir).drug_tables, name)
    tables.cache_clear()
    if as_json:
        print_json({"removed": name})
    else:
        typer.echo(f"Removed {name}. A running proxy forgets it at its next start.")
