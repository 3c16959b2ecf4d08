"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..settings import Settings


def option(*names: str, help: str, metavar: str | None = None, **limits: Any) -> Any:
    """A typer option. Named here once: typer's own signature leaves a type open that strict checking refuses."""
    return typer.Option(*names, help=help, metavar=metavar, **limits)  # pyright: ignore[reportUnknownMemberType]


def argument(*, help: str, metavar: str | None = None) -> Any:
    """A typer argument, as `option`."""
    return typer.Argument(help=help, metavar=metavar)  # pyright: ignore[reportUnknownMemberType]


ConfigFile = Annotated[
    Path | None, option("--config", metavar="FILE", help="Settings file; ./wardround.yaml is read where it exists.")
]
DataDir = Annotated[Path | None, option("--data-dir", metavar="DIR", help="Where the embedded database lives.")]
PolicyName = Annotated[
    str | None, option("--policy", metavar="NAME|FILE", help="Policy that judges: a pack's name or a YAML file.")
]
UpstreamUrl = Annotated[
    str | None, option("--upstream", metavar="URL", help="Base URL of the OpenAI-compatible upstream.")
]
AsJson = Annotated[bool, option("--json", help="Print the result as JSON.")]
RoundId = Annotated[str, argument(metavar="ROUND", help="The round's id, as in the header x-wardround-round-id.")]


def settings_from(config: Path | None, **overrides: Any) -> Settings:
    """The operator's settings; raises `SettingsError`. Options left out (None) change nothing."""
    from ..settings import load_settings

    return load_settings(config, **overrides)
