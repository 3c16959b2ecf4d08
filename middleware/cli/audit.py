"""`wardround audit`: list rounds, tell one round's story, prove that nothing was altered, export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from wardround.policies.errors import InputError

from .errors import EXIT_STOPPED
from .opening import open_database, with_database
from .options import AsJson, ConfigFile, DataDir, RoundId, argument, option, settings_from
from .printing import console, print_json, table

if TYPE_CHECKING:
    from ..audit import Problem, Record
    from ..store import Database
    from ..store.rounds import Page, Round

audit_app = typer.Typer(help="The record of every round.", no_args_is_help=True)

Word = TypeVar("Word", bound=StrEnum)

_COLUMNS = ("round_id", "opened_at", "status", "action", "application")


@audit_app.command("list")
def list_rounds(
    since: Annotated[
        str | None, option("--since", metavar="WHEN", help="A date, a time, or how long ago: 2026-05-01, 30m, 7d.")
    ] = None,
    status: Annotated[
        str | None, option("--status", metavar="STATUS", help="open, released, blocked, pending_review or failed.")
    ] = None,
    action: Annotated[str | None, option("--action", metavar="ACTION", help="What the policy decided.")] = None,
    application: Annotated[str | None, option("--application", metavar="NAME", help="Whose requests.")] = None,
    limit: Annotated[int, option("--limit", metavar="N", min=1, max=1000, help="How many at most.")] = 50,
    cursor: Annotated[str | None, option("--cursor", metavar="CURSOR", help="Where the page before ended.")] = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List rounds, newest first, without their texts."""
    from wardround.policies.finding import Action

    from ..store.rounds import RoundStatus, find

    moment = _moment(since)
    chosen_status, chosen_action = _one_of(RoundStatus, status, "--status"), _one_of(Action, action, "--action")

    async def read(database: Database) -> Page:
        return await find(
            database, application=application, status=chosen_status, action=chosen_action, since=moment,
            limit=limit, cursor=cursor,
        )  # fmt: skip

    page = with_database(settings_from(config, data_dir=data_dir), read)
    rows = [_row(found) for found in page.rounds]
    if as_json:
        print_json({"rounds": rows, "cursor": page.cursor})
    elif not rows:
        typer.echo("No rounds match.")
    else:
        table(_COLUMNS, rows)
        if page.cursor:
            typer.echo(f"More: --cursor {page.cursor}", err=True)


def _one_of(kind: type[Word], word: str | None, where: str) -> Word | None:
    if word is None or word in set(kind):
        return None if word is None else kind(word)
    raise InputError(f"{where}: {word!r} is none of {', '.join(kind)}")


def _moment(text: str | None) -> datetime | None:
    from wardround.policies.document import seconds

    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return datetime.now(UTC) - timedelta(seconds=float(str(seconds(text))))
    except (ValueError, OverflowError) as error:
        raise InputError(f"--since: {text!r} is no date or duration; write 2026-05-01, 30m, 12h or 7d") from error


def _row(found: Round) -> dict[str, Any]:
    return {
        "round_id": found.round_id,
        "opened_at": found.opened_at.isoformat(timespec="seconds"),
        "closed_at": found.closed_at.isoformat(timespec="seconds") if found.closed_at else None,
        "status": str(found.status),
        "action": str(found.action) if found.action else None,
        "application": found.application,
        "policy": found.policy,
        "policy_digest": found.policy_digest,
        "queue": found.queue,
        "trace_id": found.trace_id,
    }


@audit_app.command("show")
def show(round_id: RoundId, config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Tell the story of one round, texts included: what was asked, drafted, found, decided and sent."""
    from ..store import rounds
    from ..store.audit_log import records_of
    from .timeline import event_of, print_timeline

    async def read(database: Database) -> tuple[Round | None, tuple[Record, ...]]:
        return await rounds.get(database, round_id), await records_of(database, round_id)

    found, records = with_database(settings_from(config, data_dir=data_dir), read)
    if not records:
        raise InputError(f"there is no round {round_id}: `wardround audit list` shows the newest")
    if as_json:
        print_json({"round": _row(found) if found else None, "events": [event_of(r) for r in records]})
    else:
        print_timeline(console(), round_id, records)


@audit_app.command("verify")
def verify(config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Prove that no record was altered, removed, moved or added; exit code 1 and each damaged record otherwise."""
    with open_database(settings_from(config, data_dir=data_dir)) as database:
        count, problems = verified(database)
    if as_json:
        print_json({"intact": not problems, "records": count, "problems": [_problem(p) for p in problems]})
    else:
        for problem in problems:
            typer.echo(problem.message + (f" It belongs to round {problem.round_id}." if problem.round_id else ""))
        typer.echo(_verdict(count, problems), err=bool(problems))
    if problems:
        raise typer.Exit(EXIT_STOPPED)


def verified(database: Database) -> tuple[int, list[Problem]]:
    """How many records were read, and what is wrong with them; with a progress bar on a terminal."""
    from rich.progress import Progress

    from ..store.audit_log import verify_all

    read = 0
    shown = console(stderr=True)
    with Progress(console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task("records", total=None)

        def advance(seen: int, total: int) -> None:
            nonlocal read
            read = seen
            progress.update(task, completed=seen, total=total)

        problems = verify_all(database, advance)
    return read, problems


def _verdict(count: int, problems: list[Problem]) -> str:
    if problems:
        return f"The audit log is damaged: {len(problems)} problems in {count:,} records."
    if not count:
        return "The audit log is empty: there is nothing to verify yet."
    return f"The audit log is unaltered: {count:,} records, each in its place."


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "trouble": str(problem.trouble),
        "stream": problem.stream,
        "seq": problem.seq,
        "last_seq": problem.last_seq,
        "round_id": problem.round_id,
        "message": problem.message,
    }


@audit_app.command("export")
def export(
    round_ids: Annotated[list[str], argument(metavar="ROUND...", help="Ids of the rounds.")],
    output: Annotated[Path, option("--output", "-o", metavar="FILE", help="Where the records go, one JSON a line.")],
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write the sealed records of rounds to a file, byte for byte as they were hashed."""
    from ..audit import record_line
    from ..store.audit_log import records_of

    async def read(database: Database) -> list[tuple[Record, ...]]:
        return [await records_of(database, round_id) for round_id in round_ids]

    found = with_database(settings_from(config, data_dir=data_dir), read)
    for round_id, records in zip(round_ids, found, strict=True):
        if not records:
            raise InputError(f"there is no round {round_id}: `wardround audit list` shows the newest")
    lines = [record_line(record) + b"\n" for records in found for record in records]
    try:
        output.write_bytes(b"".join(lines))
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json({"file": str(output), "rounds": len(found), "records": len(lines)})
    else:
        typer.echo(f"{len(lines)} records of {len(found)} rounds are in {output}.")
