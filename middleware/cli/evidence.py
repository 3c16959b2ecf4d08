"""`wardround evidence`: import documents, list their editions, search them, show one, take one out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardround.policies.errors import InputError

from .errors import EXIT_STOPPED
from .options import AsJson, ConfigFile, DataDir, argument, option, settings_from

if TYPE_CHECKING:
    from wardround.agents.ports import StoredPassage

    from ..evidence.importing import Heard, Outcome
    from ..settings import Settings
    from ..store.evidence import Edition, Stored

evidence_app = typer.Typer(help="Documents that drafts are checked against.", no_args_is_help=True)

Paths = Annotated[list[Path], argument(metavar="PATH...", help="Files, or folders of files, to import.")]
TitleOption = Annotated[str | None, option("--title", metavar="TEXT", help="Title, in place of the document's own.")]
PublisherOption = Annotated[str | None, option("--publisher", metavar="TEXT", help="Who answers for it.")]
EditionOption = Annotated[str | None, option("--edition", metavar="TEXT", help="Edition or version, as written.")]
EffectiveOption = Annotated[str | None, option("--effective", metavar="DATE", help="First day it holds, YYYY-MM-DD.")]
ExpiresOption = Annotated[
    str | None, option("--expires", metavar="DATE", help="Last day it holds; after it, it supports nothing.")
]
JurisdictionOption = Annotated[str | None, option("--jurisdiction", metavar="TEXT", help="Where it holds, e.g. US.")]
AudienceOption = Annotated[str | None, option("--audience", metavar="TEXT", help="For whom it is written.")]
LanguageOption = Annotated[str | None, option("--language", metavar="CODE", help="Language, ISO 639-1.")]
MaxOption = Annotated[int, option("--max-mb", help="Largest file that is read, megabytes.", min=1, max=2_000)]
AllOption = Annotated[bool, option("--all", help="Replaced and removed editions too.")]
Query = Annotated[str, argument(metavar="TEXT", help="A question or a claim.")]
Limit = Annotated[int, option("--limit", help="Passages at most.", min=1, max=30)]
Shown = Annotated[str, argument(metavar="ID", help="An edition's number, or a passage's id such as kb:12.")]
EditionNumber = Annotated[int, argument(metavar="EDITION", help="Number of the edition, as listed.")]
_MB = 2**20


@evidence_app.command("import")
def import_evidence(
    paths: Paths,
    title: TitleOption = None,
    publisher: PublisherOption = None,
    edition: EditionOption = None,
    effective: EffectiveOption = None,
    expires: ExpiresOption = None,
    jurisdiction: JurisdictionOption = None,
    audience: AudienceOption = None,
    language: LanguageOption = None,
    max_mb: MaxOption = 100,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Import PDF, DOCX, HTML, Markdown, text, JSONL, FHIR DocumentReference or openFDA labels.

    A document that was imported before is replaced by its new edition; the old one stays for the replay of old rounds.
    Exit code 1 where a document was refused; the others are in.
    """
    from ..evidence.importing import Given, Importer, files_of
    from .opening import open_database

    files = files_of(paths)
    if not files:
        raise InputError(f"{paths[0]}: the folder holds no files")
    given = Given(
        title, publisher, edition, _day("--effective", effective), _day("--expires", expires), jurisdiction, audience,
        _code(language),
    )  # fmt: skip
    with open_database(settings_from(config, data_dir=data_dir)) as database, _progress(files) as listen:
        importer = Importer(database, lambda: datetime.now(UTC), listen)
        outcomes = asyncio.run(importer.run(files, given, max_bytes=max_mb * _MB))
    _report(outcomes, as_json=as_json)
    if any(o.status == "refused" for o in outcomes):
        raise typer.Exit(EXIT_STOPPED)


def _code(language: str | None) -> str | None:
    """`en` of `en`, `EN` or `en-US`; None where none is given."""
    if language is None:
        return None
    code, *_ = language.strip().lower().replace("_", "-").split("-")
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise InputError(f"--language: {language!r} is no ISO 639-1 code; write it like en")
    return code


def _day(name: str, given: str | None) -> date | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InputError(f"{name}: {given!r} is no date; write it like 2026-01-31") from None


@contextmanager
def _progress(files: Sequence[Path]) -> Generator[Callable[[Heard], None]]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    shown = Console(stderr=True)
    size = sum(f.stat().st_size for f in files if f.exists())
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[passages]:,} passages"))
    with Progress(*columns, TimeElapsedColumn(), console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task(f"Importing {len(files):,} file{'s' * (len(files) != 1)}", total=size or None, passages=0)
        yield lambda heard: bar.update(task, completed=heard.bytes_done, passages=heard.passages)


def _report(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    from .printing import print_json

    if as_json:
        print_json([o._asdict() for o in outcomes])
        return
    for o in outcomes:
        if o.status == "refused":
            typer.echo(f"refused: {o.where}: {o.why}", err=True)
        for note in o.notes:
            typer.echo(f"note: {o.where}: {note}", err=True)
    counts = {s: [o for o in outcomes if o.status == s] for s in ("imported", "replaced", "unchanged", "refused")}
    for o in [*counts["imported"], *counts["replaced"]][:20]:
        typer.echo(f"{o.status}: edition {o.edition}, {o.title}: {o.passages:,} passages")
    told = ", ".join(f"{len(found):,} {status}" for status, found in counts.items() if found)
    typer.echo(f"{told or 'nothing to import'}; a running proxy uses them from its next round on.")


@evidence_app.command("list")
def list_evidence(
    everything: AllOption = False, config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """List the editions that drafts are checked against."""
    from ..evidence.retriever import is_stale
    from ..store import evidence as store
    from .opening import with_database
    from .printing import print_json, table

    settings = settings_from(config, data_dir=data_dir)
    found = with_database(settings, lambda d: d.read(lambda c: store.editions(c, everything=everything)))
    today = datetime.now(UTC).date()
    rows = [{**_told(e), "state": _state(e, stale=is_stale(e, today))} for e in found]
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo("No evidence is imported. Begin with: wardround evidence import FILE_OR_FOLDER")
    else:
        columns = ("id", "title", "edition", "publisher", "effective", "expires", "language", "passages", "state")
        table(columns, ({k: "" if v is None else str(v) for k, v in row.items()} for row in rows))


def _told(edition: Edition) -> dict[str, Any]:
    return {name: getattr(edition, name) for name in type(edition).__slots__}


def _state(edition: Edition, *, stale: bool) -> str:
    if edition.removed_at is not None:
        return "removed"
    if edition.replaced_at is not None:
        return "replaced"
    return "stale" if stale else "current"


@evidence_app.command("search")
def search(
    text: Query,
    limit: Limit = 5,
    language: LanguageOption = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the passages that speak to a question or claim, best first."""
    from .printing import print_json

    asked = text.strip()
    if not asked:
        raise InputError("there is nothing to search for")
    found = _search(settings_from(config, data_dir=data_dir), asked, _code(language) or _looks_like(asked), limit)
    if as_json:
        print_json([{name: getattr(p, name) for name in type(p).__slots__} for p in found])
        return
    if not found:
        typer.echo("No passage speaks to this. What is imported: wardround evidence list")
    for passage in found:
        typer.echo(f"{passage.id}  {_source(passage)}")
        typer.echo("\n".join(f"    {line}" for line in passage.text.splitlines()))


def _looks_like(text: str) -> str:
    """The language of a few words is a guess, and a wrong one finds nothing by its words."""
    from wardround.agents.intake import MINIMUM_CONFIDENCE
    from wardround.agents.language import UNKNOWN, detect_language

    code, confidence = detect_language(text)
    return code if confidence >= MINIMUM_CONFIDENCE else UNKNOWN


def _source(passage: StoredPassage) -> str:
    told = (passage.title, passage.locator, passage.edition and f"edition {passage.edition}")
    return ", ".join(t for t in told if t) + (" (stale: supports nothing by itself)" if passage.stale else "")


def _search(settings: Settings, text: str, language: str, limit: int) -> Sequence[StoredPassage]:
    from ..evidence.retriever import EvidenceRetriever
    from .opening import open_database

    with open_database(settings) as database:
        retriever = EvidenceRetriever(database, lambda: datetime.now(UTC))
        [found] = asyncio.run(retriever.search([text], language=language, limit=limit))
        return found


@evidence_app.command("show")
def show(identity: Shown, config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show an edition with its passages, or one passage; replaced and removed ones too."""
    from .printing import print_json

    edition, passages = _read(settings_from(config, data_dir=data_dir), identity)
    if as_json:
        told = [{"id": f"kb:{p.id}", "locator": p.locator, "text": p.text} for p in passages]
        print_json({**_told(edition), "passages": told})
        return
    for name, value in _told(edition).items():
        if value is not None:
            typer.echo(f"{name}: {value}")
    for passage in passages:
        typer.echo(f"\nkb:{passage.id}  {passage.locator}")
        typer.echo("\n".join(f"    {line}" for line in passage.text.splitlines()))


def _read(settings: Settings, identity: str) -> tuple[Edition, list[Stored]]:
    from ..evidence.retriever import PREFIX, number
    from ..store import evidence as store
    from .opening import open_database

    if identity.startswith(PREFIX):
        one = number(identity)
        with open_database(settings) as database:
            passage = asyncio.run(database.read(lambda c: store.by_id(c, [one]))).get(one)
        if passage is None:
            raise InputError(f"there is no passage {identity}: see `wardround evidence search`")
        return passage.edition, [passage]
    if not identity.isdecimal() or len(identity) > 18:
        raise InputError(f"{identity!r} is neither an edition's number nor a passage's id such as {PREFIX}12")
    with open_database(settings) as database:
        edition = asyncio.run(database.read(lambda c: store.edition(c, int(identity))))
        if edition is None:
            raise InputError(f"there is no edition {identity}: see `wardround evidence list --all`")
        return edition, asyncio.run(database.read(lambda c: store.passages_of(c, int(identity))))


@evidence_app.command("remove")
def remove_evidence(
    edition: EditionNumber, config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Let no draft be checked against an edition any more. Its passages stay for the replay of old rounds."""
    from ..evidence.importing import remove
    from .opening import with_database
    from .printing import print_json

    settings = settings_from(config, data_dir=data_dir)
    with_database(settings, lambda d: remove(d, edition, datetime.now(UTC)))
    if as_json:
        print_json({"removed": edition})
    else:
        typer.echo(
            f"Edition {edition} supports nothing from now on. It stays readable: wardround evidence show {edition}"
        )
