"""`wardround key`: API keys of applications, each bound to a policy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .opening import with_database
from .options import AsJson, ConfigFile, DataDir, argument, option, settings_from
from .printing import print_json, table

if TYPE_CHECKING:
    from ..store import Database
    from ..store.keys import ApiKey, NewKey

key_app = typer.Typer(help="API keys of applications, each bound to a policy.", no_args_is_help=True)


@key_app.command("create")
def create(
    application: Annotated[str, option("--application", metavar="NAME", help="Whose key it is.")],
    policy: Annotated[
        str | None, option("--policy", metavar="NAME|FILE", help="Policy of its requests; without one the operator's.")
    ] = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its secret is shown once and kept as a hash."""
    from wardround.policies.load import load_policy, pack_names

    from ..store.keys import Keys

    settings = settings_from(config, data_dir=data_dir)
    bound = policy or settings.policy
    load_policy(bound)
    bound = bound if bound in pack_names() else str(Path(bound).resolve())

    async def make(database: Database) -> NewKey:
        return await Keys(database).create(application, policy=bound, at=datetime.now(UTC))

    made = with_database(settings, make)
    if as_json:
        print_json(_shown(made.key) | {"secret": made.secret})
        return
    typer.echo(made.secret)
    typer.echo(
        f"Key {made.key.id} for {application} under policy {bound}. The line above is shown once: "
        "send it as `Authorization: Bearer ...`.",
        err=True,
    )


@key_app.command("list")
def list_keys(config: ConfigFile = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List keys, newest first; never their secrets."""
    from ..store.keys import Keys

    async def read(database: Database) -> list[ApiKey]:
        return await Keys(database).list()

    keys = [_shown(key) for key in with_database(settings_from(config, data_dir=data_dir), read)]
    if as_json:
        print_json({"keys": keys})
    elif not keys:
        typer.echo("No keys yet: `wardround key create --application NAME` makes one.")
    else:
        table(("id", "application", "policy", "created_at", "revoked_at"), keys)


@key_app.command("revoke")
def revoke(
    key_id: Annotated[str, argument(metavar="ID", help="The key's id, as listed.")],
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Stop a key: running proxies refuse it within 30 seconds."""
    from ..store.keys import Keys

    async def stop(database: Database) -> None:
        await Keys(database).revoke(key_id, at=datetime.now(UTC))

    with_database(settings_from(config, data_dir=data_dir), stop)
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        typer.echo(f"Key {key_id} is revoked.")


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "application": key.application,
        "policy": key.policy,
        "created_at": key.created_at.isoformat(timespec="seconds"),
        "revoked_at": key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
    }
