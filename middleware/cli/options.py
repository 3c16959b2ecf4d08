"""Options that several commands share, and the settings they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wardround.middleware.settings import Settings

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; ./wardround.yaml is read where it exists."),
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", metavar="DIR", help="Where the embedded database lives.")]
PolicyName = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME|FILE", help="Policy that judges: a pack's name or a YAML file."),
]
Upstream = Annotated[
    str | None, typer.Option("--upstream", metavar="URL", help="Base URL of the OpenAI-compatible upstream.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def settings_from(config: Path | None, **overrides: Any) -> Settings:
    """The operator's settings; raises `SettingsError`. Options left out (None) change nothing."""
    from wardround.middleware.settings import load_settings

    return load_settings(config, **overrides)
