"""`wardround review`: held rounds, and a person's decision on each."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wardround.policies.errors import InputError

from .opening import with_database, with_service
from .options import AsJson, ConfigFile, DataDir, RoundId, UpstreamUrl, option, settings_from
from .printing import console, finding_lines, print_json, table
from .reading import one_text

if TYPE_CHECKING:
    from ..audit import Record
    from ..holding import Resumed
    from ..service import Service
    from ..settings import Settings
    from ..store import Database
    from ..store.holds import Hold

review_app = typer.Typer(help="Held rounds: read them, decide on them.", no_args_is_help=True)

Verdict = Literal["approve", "edit", "reject", "redraft"]
Reviewer = Annotated[str | None, option("--reviewer", metavar="NAME", help="Who decides; the login name by default.")]
Reason = Annotated[str | None, option("--reason", metavar="TEXT", help="Why, for the record.")]
Digest = Annotated[
    str | None, option("--digest", metavar="SHA256", help="Decide only if the draft is still the one shown.")
]
Text = Annotated[str | None, option("--text", metavar="TEXT", help="The text.")]
TextFile = Annotated[Path | None, option("--file", metavar="FILE", help="File with the text; - reads it from input.")]


@review_app.command("list")
def list_holds(
    queue: Annotated[str | None, option("--queue", metavar="NAME", help="One queue of reviewers.")] = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, the most urgent first."""
    from ..store import holds

    async def read(database: Database) -> list[Hold]:
        return await holds.find(database, queue=queue)

    rows = [_row(hold) for hold in with_database(settings_from(config, data_dir=data_dir), read)]
    if as_json:
        print_json({"holds": rows})
    elif not rows:
        typer.echo("Nothing waits for a person.")
    else:
        table(("round_id", "due_at", "queue", "reason"), rows)


def _row(hold: Hold) -> dict[str, Any]:
    return {
        "round_id": hold.round_id,
        "queue": hold.queue,
        "status": str(hold.status),
        "opened_at": hold.opened_at.isoformat(timespec="seconds"),
        "due_at": hold.due_at.isoformat(timespec="seconds") if hold.due_at else None,
        "on_timeout": hold.on_timeout,
        "reason": hold.reason,
        "version": hold.version,
        "draft_digest": hold.draft_digest,
    }


@review_app.command("show")
def show(round_id: RoundId, config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a held round: the question, the draft, what was found and why it waits."""
    from ..store import holds
    from ..store.audit_log import records_of

    async def read(database: Database) -> tuple[Hold | None, tuple[Record, ...]]:
        return await holds.get(database, round_id), await records_of(database, round_id)

    hold, records = with_database(settings_from(config, data_dir=data_dir), read)
    if hold is None:
        raise InputError(f"no held round {round_id}: `wardround review list` shows what waits")
    request = [record.data for record in records if record.kind == "opened"]
    opened = request[0] if request else None
    if as_json:
        print_json(_row(hold) | {"draft": hold.draft, "findings": list(hold.findings), "request": opened})
    else:
        _print(hold, opened)


def _print(hold: Hold, opened: Mapping[str, Any] | None) -> None:
    from .timeline import tell

    out = console()
    out.print(f"Round {hold.round_id} waits in queue {hold.queue}, {hold.status}", style="bold")
    out.print(f"Reason: {hold.reason or 'none given'}")
    out.print(f"Due: {f'{hold.due_at:%Y-%m-%d %H:%M:%S} UTC' if hold.due_at else 'never'}, then: {hold.on_timeout}")
    out.print("\nRequest", style="bold")
    for line in tell("opened", opened or {}):
        out.print(line)
    out.print(f"\nDraft, version {hold.version}, digest {hold.draft_digest}", style="bold")
    out.print(hold.draft or "none: the model was not asked")
    out.print("\nFindings", style="bold")
    for line in finding_lines(hold.findings):
        out.print(line)


@review_app.command("approve")
def approve(
    round_id: RoundId,
    reviewer: Reviewer = None,
    reason: Reason = None,
    digest: Digest = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Release the draft as it is."""
    decision = _Decision(round_id, "approve", reviewer, None, reason, digest)
    _decide(decision, settings_from(config, data_dir=data_dir), as_json=as_json)


@review_app.command("reject")
def reject(
    round_id: RoundId,
    reviewer: Reviewer = None,
    reason: Reason = None,
    digest: Digest = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Answer with the policy's block message instead."""
    decision = _Decision(round_id, "reject", reviewer, None, reason, digest)
    _decide(decision, settings_from(config, data_dir=data_dir), as_json=as_json)


@review_app.command("edit")
def edit(
    round_id: RoundId,
    text: Text = None,
    file: TextFile = None,
    reviewer: Reviewer = None,
    reason: Reason = None,
    digest: Digest = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Release a text of your own; it is checked like any draft."""
    decision = _Decision(round_id, "edit", reviewer, one_text(text, file, what="the text to release"), reason, digest)
    _decide(decision, settings_from(config, data_dir=data_dir), as_json=as_json)


@review_app.command("redraft")
def redraft(
    round_id: RoundId,
    text: Text = None,
    file: TextFile = None,
    reviewer: Reviewer = None,
    reason: Reason = None,
    digest: Digest = None,
    upstream: UpstreamUrl = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Have the model write it again after instructions; the redraft comes back to you."""
    decision = _Decision(round_id, "redraft", reviewer, one_text(text, file, what="the instructions"), reason, digest)
    _decide(decision, settings_from(config, data_dir=data_dir, upstream_url=upstream), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What a person decided, as typed."""

    round_id: str
    verdict: Verdict
    reviewer: str | None
    text: str | None
    reason: str | None
    digest: str | None


def _decide(decision: _Decision, settings: Settings, *, as_json: bool) -> None:
    from wardround.agents.state import Review

    review = Review(decision.verdict, decision.reviewer or _login_name(), decision.text, decision.reason)

    async def carry_out(service: Service) -> Resumed:
        return await service.holding.decide(decision.round_id, review, draft_digest=decision.digest)

    _tell(with_service(settings, carry_out), as_json=as_json)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise InputError("nobody is logged in by name here: say who decides with --reviewer") from error


def _tell(resumed: Resumed, *, as_json: bool) -> None:
    if as_json:
        told = {"round_id": resumed.round_id, "status": resumed.status}
        print_json(told | {"answer": resumed.answer, "message": resumed.message})
        return
    match resumed.status:
        case "released":
            typer.echo(f"Round {resumed.round_id} is released:\n{resumed.answer or ''}")
        case "blocked":
            typer.echo(f"Round {resumed.round_id} is blocked. The client gets:\n{resumed.message or ''}")
        case _:
            typer.echo(f"Round {resumed.round_id} waits again: `wardround review show {resumed.round_id}`")
