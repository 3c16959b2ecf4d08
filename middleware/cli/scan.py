"""`wardround scan`: detectors of the safety agent over a file of texts or cases, without a policy or a database."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wardround.policies.errors import InputError, WardroundError

from .errors import EXIT_STOPPED
from .options import AsJson, argument, option

if TYPE_CHECKING:
    from wardround.agents.safety.detector import Detector
    from wardround.policies.finding import Finding, Severity
    from wardround.policies.request import Case

    from .batch_files import Line

Where = Literal["request", "evidence", "draft"]
_CHUNK = 64
"""Lines that are read ahead and shared out among the cores."""
_ON: Mapping[str, Where] = {"phi": "draft", "unsafe_advice": "draft", "language": "request"}
"""Where a bare text stands for each detector; the request for all others."""
_ALL = "all"
_MODERATE = 1
NEUTRAL = "Thank you for your question."
"""Stands for the answer when a bare text is scanned for a red-flag picture: a draft that sends nobody to care."""

Source = Annotated[Path, argument(metavar="IN.jsonl", help='Lines {"id", "text"} or batch lines; - is standard input.')]
Output = Annotated[Path, option("--output", "-o", metavar="OUT.jsonl", help="Where results go; - is standard output.")]
Names = Annotated[list[str], option("--detector", "-d", metavar="NAME", help="Detector; may be repeated; or all.")]
On = Annotated[str | None, option("--on", metavar="WHERE", help="What a bare text is: request, evidence or draft.")]
_FLAGS = "Lowest severity that counts as flagged; orders planted in evidence count from moderate on."
ShowFrom = Annotated[str, option("--flag-from", metavar="SEVERITY", help=_FLAGS)]
Rules = Annotated[bool, option("--rules-only", help="Leave the encoder out.")]
WantsBar = Annotated[bool | None, option("--progress/--no-progress", help="Progress bar; on a terminal by default.")]


def scan(
    source: Source,
    output: Output,
    detector: Names,
    on: On = None,
    flag_from: ShowFrom = "major",
    rules_only: Rules = False,
    progress: WantsBar = None,
    as_json: AsJson = False,
) -> None:
    """Run detectors over a file: offline, no model. A bad line becomes an error line and the exit code 1."""
    from wardround.policies.finding import Severity

    from . import batch_files

    detectors = _chosen(detector, rules_only=rules_only)
    if flag_from not in tuple(Severity):
        raise InputError(f"unknown severity {flag_from!r}: known are {', '.join(Severity)}")
    if on is not None and on not in {"request", "evidence", "draft"}:
        raise InputError(f"unknown place {on!r}: known are request, evidence, draft")
    batch_files.refuse_same(source, output)
    look = _looker(detectors, on, Severity(flag_from))
    counts: Counter[str] = Counter()
    begun = time.perf_counter()
    with batch_files.opened_input(source) as lines, batch_files.opened_output(output, 0) as target:
        total = batch_files.count_lines(source)
        for result in _watched(_results(batch_files.read_lines(lines), look), total, progress):
            counts.update(_counted(result))
            _write(target, result)
    _tell(counts, time.perf_counter() - begun, as_json=as_json)
    if counts["error"]:
        raise typer.Exit(EXIT_STOPPED)


def _chosen(names: Sequence[str], *, rules_only: bool) -> tuple[Detector, ...]:
    from wardround.agents.safety.agent import DETECTORS, without_encoder

    known = {d.name: d for d in (make() for make in DETECTORS)}
    wanted = tuple(known) if _ALL in names else tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in known:
            raise InputError(f"unknown detector {name!r}: known are {', '.join(known)}, all")
    found = tuple(known[name] for name in wanted)
    return tuple(without_encoder(d) for d in found) if rules_only else found


def _results(lines: Iterable[Line], look: Callable[[Line], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Results in the order of the lines, a chunk at a time on all cores."""
    rest = iter(lines)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        while chunk := list(islice(rest, _CHUNK)):
            yield from pool.map(look, chunk)


def _looker(detectors: Sequence[Detector], on: str | None, least: Severity) -> Callable[[Line], dict[str, Any]]:
    def look(line: Line) -> dict[str, Any]:
        try:
            found = {d.name: _look(d, line, on, least) for d in detectors}
        except WardroundError as error:
            return {"id": line.id, "detectors": None, "error": f"line {line.number}: {error}"}
        except Exception as error:  # noqa: BLE001 - one line that cannot be read must not end the run
            return {"id": line.id, "detectors": None, "error": f"line {line.number}: failed ({type(error).__name__})"}
        return {"id": line.id, "detectors": found, "error": None}

    return look


def _look(detector: Detector, line: Line, on: str | None, least: Severity) -> dict[str, Any]:
    """What one detector says of one line."""
    from wardround.agents.safety.agent import MAX_CHARS

    text = line.raw.get("text")
    if line.mistake is not None and text is None:
        raise InputError(line.mistake)
    if text is not None and not isinstance(text, str):
        raise InputError("text: expected a string")
    if sum(len(str(v)) for v in line.raw.values()) > MAX_CHARS:
        raise InputError(f"more than {MAX_CHARS:,} characters: send less at a time")
    case = _of_line(line.raw) if text is None else _of_text(text, detector, on or _ON.get(detector.name, "request"))
    found = [*detector.screen(case), *(detector.check(case) if case.draft is not None else ())]
    place = on or _ON.get(detector.name, "request")
    read = getattr(detector, "probability", None) if place == _ON.get(detector.name, "request") else None
    return _told(found, least, read(text) if read and text is not None else None)


def _told(found: Sequence[Finding], least: Severity, probability: float | None) -> dict[str, Any]:
    top = max(found, key=lambda f: (f.severity.rank, f.confidence), default=None)
    return {
        "flagged": any(f.severity.rank >= _least(f, least) for f in found),
        "severity": top.severity.value if top else None,
        "confidence": top.confidence if top else None,
        "probability": probability,
        "findings": [f.as_json() for f in found],
    }


def _least(found: Finding, least: Severity) -> int:
    """The rank that flags: an order in a text that nobody vouches for is moderate at most until a draft follows it."""
    channel = found.span.channel if found.span is not None else ""
    planted = found.kind == "injection" and channel.startswith("evidence[")
    return min(least.rank, _MODERATE) if planted else least.rank


def _of_line(raw: Mapping[str, Any]) -> Case:
    from wardround.agents.intake import understand
    from wardround.policies.request import Case

    from .judging import parse_request

    request = parse_request(raw)
    known = understand(request)
    return Case(request=request, audience=known.audience, language=known.language, task=known.task, draft=request.draft)


def _of_text(text: str, detector: Detector, on: str) -> Case:
    from wardround.policies.request import Case, Evidence, Message, RoundRequest, Task

    asked = text if on == "request" else "Please answer."
    evidence = (Evidence(id="text", text=text),) if on == "evidence" else None
    draft = text if on == "draft" else NEUTRAL if detector.name == "emergency" else None
    request = RoundRequest(messages=(Message(role="user", text=asked),), evidence=evidence)
    return Case(request=request, audience=None, language="und", task=Task.OTHER, draft=draft)


def _counted(result: Mapping[str, Any]) -> Iterator[str]:
    yield "lines"
    if result["error"]:
        yield "error"
        return
    yield from (name for name, found in result["detectors"].items() if found["flagged"])


def _watched(results: Iterator[dict[str, Any]], total: int | None, wanted: bool | None) -> Iterator[dict[str, Any]]:
    from .batch import bar

    with bar(wanted, total, 0) as advance:
        for result in results:
            yield result
            advance()


def _write(target: Any, result: Mapping[str, Any]) -> None:
    import orjson

    target.write(orjson.dumps(result) + b"\n")


def _tell(counts: Counter[str], elapsed_s: float, *, as_json: bool) -> None:
    from .printing import print_json

    lines, errors = counts.pop("lines", 0), counts["error"]
    flagged = {name: n for name, n in counts.items() if name != "error"}
    rate = round(lines / elapsed_s, 1) if elapsed_s else 0.0
    if as_json:
        print_json({"lines": lines, "errors": errors, "flagged": flagged, "texts_per_s": rate})
        return
    parts = ", ".join(f"{n} flagged for {name}" for name, n in sorted(flagged.items())) or "nothing flagged"
    bad = f", {errors} bad" if errors else ""
    typer.echo(f"{lines} lines{bad}: {parts}; {rate:g} texts a second", err=True)
