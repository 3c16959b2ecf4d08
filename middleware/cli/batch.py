"""`wardround batch`: every line of a file through the round, a bounded number at a time, results in input order."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from wardround.policies.errors import InputError, StoreError, WardroundError

from .errors import EXIT_STOPPED
from .options import AsJson, ConfigFile, DataDir, PolicyName, UpstreamUrl, argument, option, settings_from

if TYPE_CHECKING:
    from ..service import Service
    from .batch_files import Done, Line
    from .judging import Result

APPLICATION = "batch"
_AHEAD = 4
"""How many lines per running one may be read and judged before the oldest of them is written."""


Source = Annotated[Path, argument(metavar="IN.jsonl", help="Lines to judge; - reads standard input.")]
Output = Annotated[Path, option("--output", "-o", metavar="OUT.jsonl", help="Where results go; - is standard output.")]
Concurrency = Annotated[int, option("--concurrency", metavar="N", min=1, max=256, help="Rounds at a time.")]
Resume = Annotated[bool, option("--resume/--no-resume", help="Go on behind the results that are there, or start over.")]
Model = Annotated[str, option("--model", metavar="NAME", help="Model that drafts where a line brings no draft.")]
WantsBar = Annotated[bool | None, option("--progress/--no-progress", help="Progress bar; on a terminal by default.")]


def batch(
    source: Source,
    output: Output,
    policy: PolicyName = None,
    concurrency: Concurrency = 8,
    resume: Resume = True,
    model: Model = "",
    upstream: UpstreamUrl = None,
    progress: WantsBar = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Judge every line of a file. A bad line becomes an error line and the exit code 1; the run goes on."""
    from . import batch_files
    from .opening import with_service

    settings = settings_from(config, policy=policy, upstream_url=upstream, data_dir=data_dir)
    batch_files.refuse_same(source, output)
    done = batch_files.read_done(output) if resume else batch_files.NOTHING_DONE
    counts: Counter[str] = Counter()

    async def work(service: Service) -> None:
        await _refuse_mixture(service, done, output)
        with batch_files.opened_input(source) as lines, batch_files.opened_output(output, done.size) as target:
            todo = _behind(batch_files.read_lines(lines), done, output)
            with bar(progress, batch_files.count_lines(source), len(done.ids)) as advance:
                async for result in in_order(todo, _judge(service, model), concurrency=concurrency):
                    _write(target, result)
                    counts["error" if result["error"] else str(result["action"])] += 1
                    advance()

    with_service(settings, work)
    _tell(counts, done, as_json=as_json)
    if counts["error"] or done.errors:
        raise typer.Exit(EXIT_STOPPED)


async def _refuse_mixture(service: Service, done: Done, output: Path) -> None:
    current = (await service.policy(service.settings.policy)).digest
    if done.digests - {current}:
        raise InputError(f"{output} holds results under another policy; name another output file, or use --no-resume")


def _behind(lines: Iterator[Line], done: Done, output: Path) -> Iterator[Line]:
    """Lines that have no result yet; raises `InputError` where the results belong to other lines."""
    for position, expected in enumerate(done.ids):
        line = next(lines, None)
        if line is None or line.id != expected:
            raise InputError(
                f"{output}:{position + 1}: the result belongs to another input; "
                "name another output file, or overwrite with --no-resume"
            )
    return lines


def _judge(service: Service, model: str) -> Callable[[Line], Awaitable[Result]]:
    from .judging import failed, judge, parse_request, result_of

    async def one(line: Line) -> Result:
        try:
            if line.mistake is not None:
                raise InputError(line.mistake)
            request = parse_request(line.raw)
            messages = line.raw["messages"]
            closed = await judge(service, request, application=APPLICATION, messages=messages, model=model)
        except StoreError:
            raise
        except WardroundError as error:
            return failed(line.id, f"line {line.number}: {error}")
        except Exception as error:  # noqa: BLE001 - one line that cannot be judged must not end the run
            return failed(line.id, f"line {line.number}: the round failed ({type(error).__name__})")
        return result_of(line.id, closed)

    return one


async def in_order(
    lines: Iterable[Line], judge: Callable[[Line], Awaitable[Result]], *, concurrency: int
) -> AsyncGenerator[Result, None]:
    """Results in the order of the lines, at most `concurrency` in work; the first one that raises ends the run."""
    gate = asyncio.Semaphore(concurrency)
    pending: deque[asyncio.Task[Result]] = deque()
    rest = iter(lines)

    async def guarded(line: Line) -> Result:
        async with gate:
            return await judge(line)

    try:
        while True:
            for line in islice(rest, concurrency * _AHEAD - len(pending)):
                pending.append(asyncio.ensure_future(guarded(line)))
            if not pending:
                return
            yield await pending[0]
            pending.popleft()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def _write(target: IO[bytes], result: Result) -> None:
    import orjson

    target.write(orjson.dumps(result) + b"\n")
    target.flush()


@contextmanager
def bar(wanted: bool | None, total: int | None, done: int) -> Generator[Callable[[], None], None, None]:
    """A progress bar on standard error, where it is wanted or a person looks; yields what moves it by one."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from .printing import console

    shown = console(stderr=True)
    if not (shown.is_terminal if wanted is None else wanted):
        yield lambda: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=shown, transient=True) as progress:
        task = progress.add_task("rounds", total=total, completed=done)
        yield lambda: progress.advance(task)


def _tell(counts: Counter[str], done: Done, *, as_json: bool) -> None:
    from .printing import print_json

    told: dict[str, Any] = {"judged": sum(counts.values()), "kept": len(done.ids), "results": dict(counts)}
    if as_json:
        print_json(told)
        return
    parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing to do"
    kept = f"; {told['kept']} kept from an earlier run" if done.ids else ""
    typer.echo(f"{told['judged']} lines: {parts}{kept}", err=True)
