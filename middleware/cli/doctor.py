"""`wardround doctor`: what is set up, what is missing, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from .errors import EXIT_STOPPED
from .options import AsJson, ConfigFile, DataDir, PolicyName, UpstreamUrl, settings_from
from .printing import STATUS_STYLES, console, print_json, styled

if TYPE_CHECKING:
    from .doctor_checks import Finding


def doctor(
    config: ConfigFile = None,
    upstream: UpstreamUrl = None,
    policy: PolicyName = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Look over the whole set-up, from settings to disk, and say how to mend it; exit code 1 where a check fails."""
    from . import logs
    from .doctor_checks import examine, shown_settings

    logs.configure("error")
    settings = settings_from(config, upstream_url=upstream, policy=policy, data_dir=data_dir)
    values = shown_settings(settings)
    findings = examine(settings)
    if as_json:
        print_json({"settings": values, "checks": [f._asdict() for f in findings]})
    else:
        _print(values, findings)
    if any(f.state == "fail" for f in findings):
        raise typer.Exit(EXIT_STOPPED)


def _print(values: dict[str, object], findings: list[Finding]) -> None:
    from rich.text import Text

    out = console()
    out.print("Settings", style="bold")
    for name, value in values.items():
        out.print(f"  {name} = {value}")
    out.print("\nChecks", style="bold")
    for found in findings:
        out.print(Text("  ").append_text(styled(found.state, STATUS_STYLES)), Text(f"{found.about}: {found.text}"))
        if found.mend:
            out.print(Text(f"       {found.mend}", style="dim"))
