"""`wardround calibrate`: certify release thresholds from labelled claims, hold a certificate against fresh ones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from wardround.policies.errors import InputError

from .errors import EXIT_STOPPED
from .options import AsJson, argument, option
from .printing import print_json, table

if TYPE_CHECKING:
    import click

    from wardround.agents.knowledge.certificate import Certificate, Certified, Refused
    from wardround.alignment.drift import Compared
    from wardround.alignment.labels import Labels

_FIT = "fit"


class FitUnlessNamed(typer.core.TyperGroup):
    """Reads `calibrate LABELS` as `calibrate fit LABELS`; a file that is named like a command is written ./check."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `fit` first where no command is named."""
        named = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if named else [_FIT, *args])


calibrate_app = typer.Typer(
    cls=FitUnlessNamed,
    help="Certify from labelled claims how sure the verifier must be; `fit` may be left out.",
    no_args_is_help=True,
)

LabelsFile = Annotated[
    Path,
    argument(metavar="LABELS.jsonl", help="Lines {task, language, probability, supported} and round_id where known."),
]
Output = Annotated[Path | None, option("--output", "-o", metavar="FILE", help="Write the certificate, as JSON.")]
Alpha = Annotated[float, option("--alpha", help="Highest share of unsupported claims among those released.")]
Delta = Annotated[float, option("--delta", help="Probability that the promise fails to hold.")]
Floor = Annotated[float, option("--floor", help="No threshold lies lower.")]
_JOINTLY = "Make all promises hold together: delta is shared out among the groups."
Jointly = Annotated[bool, option("--jointly", help=_JOINTLY)]
Verifier = Annotated[
    str | None, option("--verifier", metavar="VERSION", help="Verifier that gave the probabilities; the installed one.")
]
Made = Annotated[str | None, option("--made", metavar="DATE", help="Date of the certificate; today, in UTC.")]
CertificateFile = Annotated[Path, option("--certificate", "-c", metavar="FILE", help="The certificate to be checked.")]
_SIGNIFICANCE = "Probability with which a group that has not drifted may be told to have."
Significance = Annotated[float, option("--significance", help=_SIGNIFICANCE)]


@calibrate_app.command("fit")
def fit(
    labels: LabelsFile,
    output: Output = None,
    alpha: Alpha = 0.05,
    delta: Delta = 0.1,
    floor: Floor = 0.5,
    jointly: Jointly = False,
    verifier: Verifier = None,
    made: Made = None,
    as_json: AsJson = False,
) -> None:
    """Certify a threshold for each task and language, or refuse where labels are too few or too bad.

    Exit code 1 where no group at all is certified; the certificate is written all the same, and names none.
    """
    from wardround.alignment.certify import Terms, certify

    if output is not None and output.resolve() == labels.resolve():
        raise InputError(f"{output} is the input itself: name another file with -o")
    terms = Terms(alpha=alpha, delta=delta, floor=floor, jointly=jointly)
    version = verifier or _installed()
    certificate = certify(_read(labels), terms, verifier=version, made=_day(made))
    if output is not None:
        _write(output, certificate.model_dump_json(indent=2) + "\n")
    if as_json:
        print_json(certificate.model_dump(mode="json"))
    else:
        _print(certificate)
    if not certificate.certified:
        raise typer.Exit(EXIT_STOPPED)


@calibrate_app.command("check")
def check_certificate(
    labels: LabelsFile,
    certificate: CertificateFile,
    significance: Significance = 0.05,
    as_json: AsJson = False,
) -> None:
    """Hold fresh labels against a certificate, so that drift shows.

    Exit code 1 where the observed rate of a group is not compatible with the promise (exact binomial test).
    """
    from wardround.agents.knowledge.certificate import load_certificate
    from wardround.alignment.drift import Verdict, compare

    if not 0 < significance < 1:
        raise InputError("--significance: expected a number between 0 and 1, such as 0.05")
    loaded = load_certificate(certificate)
    found = compare(loaded, _read(labels), significance=significance)
    drifted = sum(c.verdict is Verdict.DRIFTED for c in found)
    if as_json:
        print_json({"alpha": loaded.alpha, "verifier": loaded.verifier, "groups": [c.model_dump() for c in found]})
    else:
        table(_CHECKED, [_compared_row(c) for c in found])
        typer.echo(f"{len(found)} groups against at most {loaded.alpha:.1%} unsupported: {drifted} drifted", err=True)
    if drifted:
        raise typer.Exit(EXIT_STOPPED)


def _read(path: Path) -> Labels:
    from wardround.alignment.labels import read_labels

    try:
        return read_labels(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from error


def _installed() -> str:
    from wardround.agents.knowledge.certificate import installed_verifier

    version = installed_verifier()
    if version is None:
        raise InputError("no verifier is installed: say which one gave the probabilities with --verifier VERSION")
    return version


def _day(made: str | None) -> date:
    if made is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(made)
    except ValueError as error:
        raise InputError("--made: expected a date such as 2026-05-01") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or type(error).__name__}") from error


_FITTED = (
    "task",
    "language",
    "threshold",
    "claims",
    "tested",
    "released",
    "unsupported",
    "rate",
    "upper bound",
    "coverage",
)
_CHECKED = ("task", "language", "threshold", "tested", "released", "unsupported", "rate", "upper bound", "p", "verdict")


def _print(certificate: Certificate) -> None:
    from wardround.agents.knowledge.certificate import Refused

    table(_FITTED, [_group_row(g) for g in certificate.groups])
    for group in certificate.groups:
        if isinstance(group, Refused):
            typer.echo(f"{group.task} {group.language}: {group.reason}")
    holds = "all together" if certificate.jointly else "each by itself, not all together"
    typer.echo(
        f"{len(certificate.certified)} of {len(certificate.groups)} groups certified: at most {certificate.alpha:.1%} "
        f"unsupported with confidence {1 - certificate.delta:.1%}, {holds}; verifier {certificate.verifier}",
        err=True,
    )


def _group_row(group: Certified | Refused) -> dict[str, Any]:
    from wardround.agents.knowledge.certificate import Certified

    row = _counts(group) | {"claims": group.claims, "threshold": "refused"}
    if isinstance(group, Certified):
        row |= {"threshold": f"{group.threshold:g}"}
        row |= {"upper bound": f"{group.upper_bound:.1%}", "coverage": f"{group.coverage:.1%}"}
    return row


def _compared_row(found: Compared) -> dict[str, Any]:
    return _counts(found) | {
        "threshold": f"{found.threshold:g}",
        "upper bound": f"{found.upper_bound:.1%}",
        "p": f"{found.p_value:.3g}",
        "verdict": found.verdict.replace("_", " "),
    }


def _counts(found: Certified | Refused | Compared) -> dict[str, Any]:
    return {
        "task": found.task,
        "language": found.language,
        "tested": found.n,
        "released": found.n_released,
        "unsupported": found.n_unsupported,
        "rate": None if found.observed_rate is None else f"{found.observed_rate:.1%}",
    }
