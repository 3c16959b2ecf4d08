"""`wardround check`: judge one draft as batch does, and say why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import EXIT_STOPPED
from .options import AsJson, ConfigFile, DataDir, PolicyName, argument, option, settings_from
from .reading import one_text, read_json, read_text

if TYPE_CHECKING:
    from ..service import Service
    from .judging import Result


DraftFile = Annotated[Path | None, argument(metavar="[FILE|-]", help="File with the draft; - reads it from input.")]
DraftText = Annotated[str | None, option("--text", metavar="DRAFT", help="The draft itself.")]
Request = Annotated[str, option("--request", metavar="TEXT", help="What the user asked.")]
PatientFile = Annotated[
    Path | None, option("--patient", metavar="FILE", help="JSON file with what is known of the patient.")
]
EvidenceFiles = Annotated[
    list[Path] | None, option("--evidence", metavar="FILE", help="Text file with a passage; may be repeated.")
]
Reader = Annotated[str | None, option("--audience", metavar="WHO", help="patient, clinician or pharmacist.")]
Language = Annotated[str | None, option("--language", metavar="CODE", help="Language of the answer.")]


def check(
    file: DraftFile = None,
    text: DraftText = None,
    request: Request = "",
    policy: PolicyName = None,
    patient: PatientFile = None,
    evidence: EvidenceFiles = None,
    audience: Reader = None,
    language: Language = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Judge one draft: exit code 0 where it may go out, 1 where it is stopped."""
    from .opening import with_service

    raw: dict[str, Any] = {
        "messages": [{"role": "user", "content": request}],
        "draft": one_text(text, file, what="the draft"),
        "audience": audience,
        "language": language,
        "patient": read_json(patient) if patient else None,
        "evidence": [{"id": path.name, "text": read_text(path)} for path in evidence or ()],
    }
    settings = settings_from(config, policy=policy, data_dir=data_dir)

    async def work(service: Service) -> tuple[Result, str | None]:
        return await _judged(service, raw)

    result, message = with_service(settings, work)
    _show(result, message, as_json=as_json)
    if result["answer"] is None:
        raise typer.Exit(EXIT_STOPPED)


async def _judged(service: Service, raw: dict[str, Any]) -> tuple[Result, str | None]:
    from .judging import judge, parse_request, result_of

    closed = await judge(service, parse_request(raw), application="check")
    return result_of(None, closed), closed.message


def _show(result: Result, message: str | None, *, as_json: bool) -> None:
    from .printing import ACTION_STYLES, console, finding_lines, print_json, styled

    if as_json:
        print_json(result)
        return
    out = console()
    out.print(styled(result["action"], ACTION_STYLES), "by", ", ".join(result["rules"]) or "no rule")
    for line in finding_lines(result["findings"]):
        out.print(line)
    if result["answer"] is not None:
        out.print("\nGoes out:\n" + result["answer"])
    else:
        out.print("\nStopped. The client gets:\n" + (message or "nothing"))
    out.print(f"\nRecorded as {result['round_id']}: `wardround audit show {result['round_id']}`", style="dim")
