"""The `wardround` command: which commands there are. What each does lives in a file of its own."""

from __future__ import annotations

import typer

from .audit import audit_app
from .batch import batch
from .calibrate import calibrate_app
from .check import check
from .demo import demo
from .doctor import doctor
from .drugs import drugs_app
from .errors import OneLineErrors
from .evidence import evidence_app
from .interactions import interactions
from .key import key_app
from .policy import policy_app
from .review import review_app
from .scan import scan
from .serve import serve

app = typer.Typer(
    name="wardround",
    cls=OneLineErrors,
    help="A ward round for every answer of a clinical LLM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

app.command()(demo)
app.command()(serve)
app.command()(check)
app.command()(batch)
app.command()(scan)
app.command()(interactions)
app.add_typer(drugs_app, name="drugs")
app.add_typer(evidence_app, name="evidence")
app.add_typer(policy_app, name="policy")
app.add_typer(review_app, name="review")
app.add_typer(audit_app, name="audit")
app.add_typer(calibrate_app, name="calibrate")
app.add_typer(key_app, name="key")
app.command()(doctor)


def main() -> None:
    """Run the command line."""
    app(prog_name="wardround")
