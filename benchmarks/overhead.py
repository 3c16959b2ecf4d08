"""What Wardround adds to a request, beside the direct upstream, a bare proxy and two peers, all in one interleaved run.

`python benchmarks/overhead.py [--quick] [--only passthrough,wardround,nemo,litellm] [--json FILE]`
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peers
import subjects
from rich.console import Console
from rich.table import Table
from subjects import Running


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of load."""

    title: str
    job: dict[str, Any]
    delay_s: float
    """The upstream's own latency, seconds."""


@dataclass(slots=True)
class Seen:
    """All that was measured of one subject in one phase, over all rounds."""

    latencies_s: list[float] = field(default_factory=list[float])
    first_s: list[float] = field(default_factory=list[float])
    sentence_s: list[float] = field(default_factory=list[float])
    errors: dict[str, int] = field(default_factory=dict[str, int])
    seconds: float = 0.0
    cpu_s: float = 0.0

    def add(self, result: dict[str, Any]) -> None:
        """One round's result of the load generator."""
        for name in ("latencies_s", "first_s", "sentence_s"):
            getattr(self, name).extend(result.get(name, ()))
        self.seconds += result.get("seconds", 0.0)
        for why, count in result["errors"].items():
            self.errors[why] = self.errors.get(why, 0) + count

    def figures(self) -> dict[str, float | int | None]:
        """Percentiles in ms, throughput a second, and counts."""
        return {
            "p50_ms": _percentile(self.latencies_s, 50),
            "p95_ms": _percentile(self.latencies_s, 95),
            "p99_ms": _percentile(self.latencies_s, 99),
            "per_s": round(len(self.latencies_s) / self.seconds, 1) if self.seconds else None,
            "cpu_ms_each": round(self.cpu_s / len(self.latencies_s) * 1000, 2) if self.latencies_s else None,
            "first_text_p50_ms": _percentile(self.first_s, 50),
            "first_sentence_lag_p50_ms": _percentile(self.sentence_s, 50),
            "first_sentence_lag_max_ms": _percentile(self.sentence_s, 100),
            "answers": len(self.latencies_s) or len(self.sentence_s),
            "errors": sum(self.errors.values()),
        }


def phases(quick: bool) -> tuple[Phase, ...]:
    """The loads of the report; `quick` a third of each."""
    part = 1 if quick else 3
    return (
        Phase("one at a time, 50 ms", {"kind": "closed", "concurrency": 1, "count": 15 * part, "seconds": 20}, 0.05),
        Phase("open loop 50/s, 50 ms", {"kind": "open", "rate": 50, "seconds": 1.5 * part}, 0.05),
        Phase("open loop 150/s, 50 ms", {"kind": "open", "rate": 150, "seconds": 1.5 * part}, 0.05),
        Phase("32 at a time, 0 ms", {"kind": "closed", "concurrency": 32, "seconds": 1.0 * part}, 0.0),
        Phase("stream, 20 ms a token", {"kind": "stream", "count": 1 + part}, 0.05),
    )


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the load, two rounds; about two minutes")
    parser.add_argument("--only", default="", help="subjects beside the direct upstream, by comma")
    parser.add_argument("--json", type=Path, default=peers.OUT / "overhead.json", help="where the figures go")
    options = parser.parse_args()
    peers.OUT.mkdir(exist_ok=True)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="wr-") as folder, ExitStack() as stack:
        upstream = stack.enter_context(_upstream(Path(folder)))
        made = subjects.all_subjects(f"{upstream}/v1", Path(folder), [n for n in options.only.split(",") if n])
        running = [r for r in (_start(stack, s, Path(folder), console) for s in made) if r is not None]
        load = stack.enter_context(_load())
        report = _measure(running, load, upstream, quick=options.quick, console=console)
    options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    show(report, Console(width=132))


def _start(stack: ExitStack, subject: peers.Subject, folder: Path, console: Console) -> Running | None:
    console.print(f"starting {subject.name}")
    try:
        return stack.enter_context(Running(subject, folder))
    except (RuntimeError, OSError) as error:
        console.print(f"[red]left out: {subject.name}: {error}")
        return None


def _measure(
    running: Sequence[Running], load: subprocess.Popen[str], upstream: str, *, quick: bool, console: Console
) -> dict[str, Any]:
    sentence = subjects.get_json(f"{upstream}/last_stream")["text"]
    released = {r.subject.name: _released(r) for r in running}
    idle = {r.subject.name: r.memory_mb() for r in running}
    seen: dict[str, dict[str, Seen]] = {r.subject.name: {} for r in running}
    for phase in phases(quick):
        subjects.get_json(f"{upstream}/set", {"delay_s": phase.delay_s})
        for turn in range(2 if quick else 3):
            for subject in running if turn % 2 == 0 else running[::-1]:
                console.print(f"{phase.title}, round {turn + 1}: {subject.subject.name}")
                url = subject.subject.url
                if turn == 0:
                    warm_up = {"kind": "closed", "concurrency": 4, "count": 40, "seconds": 3}
                    _do(load, {**warm_up, "url": url})
                job = {**phase.job, "url": url, "seed": turn, "upstream": upstream, "sentence": sentence}
                own = seen[subject.subject.name].setdefault(phase.title, Seen())
                before = subject.cpu_s()
                own.add(_do(load, job))
                own.cpu_s += subject.cpu_s() - before
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"python": platform.python_version(), "processor": platform.machine(), "quick": quick},
        "subjects": {
            r.subject.name: {
                "released": released[r.subject.name],
                "start_up_s": round(r.start_up_s, 2),
                "memory_idle_mb": [round(m) for m in idle[r.subject.name]],
                "memory_after_mb": [round(m) for m in r.memory_mb()],
                "phases": {title: s.figures() | {"why": s.errors} for title, s in seen[r.subject.name].items()},
            }
            for r in running
        },
    }


def _released(running: Running) -> str:
    """What the subject said that it did with a harmless chat; empty where it says nothing."""
    said = subjects.chat(running.subject.url).get("wardround") or {}
    return f"{said.get('action', '')} {said.get('status', '')}".strip()


def show(report: dict[str, Any], console: Console) -> None:
    """The report as tables. Added latency is against the direct upstream in the same run."""
    names = list(report["subjects"])
    for title in next(iter(report["subjects"].values()))["phases"]:
        table = Table(title=title, title_justify="left")
        rows = {n: report["subjects"][n]["phases"][title] for n in names}
        columns = [c for c in rows[names[0]] if c != "why" and any(rows[n][c] is not None for n in names)]
        for column in ("", *columns, *(("added p50_ms",) if "p50_ms" in columns else ())):
            table.add_column(column, justify="left" if not column else "right")
        for name in names:
            cells = [f"{rows[name][c]}" for c in columns]
            if "p50_ms" in columns:
                floor, own = rows[names[0]]["p50_ms"], rows[name]["p50_ms"]
                cells.append("" if floor is None or own is None else f"{own - floor:+.2f}")
            table.add_row(name, *cells)
        console.print(table)
    table = Table(
        "", "harmless chat", "start-up s", "idle MB (+ database)", "after MB (+ database)", title="start-up, memory"
    )
    for name, s in report["subjects"].items():
        idle, after = s["memory_idle_mb"], s["memory_after_mb"]
        table.add_row(name, s["released"], f"{s['start_up_s']}", f"{idle[0]} + {idle[1]}", f"{after[0]} + {after[1]}")
    console.print(table)


def _percentile(values: Sequence[float], percent: int) -> float | None:
    if not values:
        return None
    if percent == 100 or len(values) == 1:
        return round(max(values) * 1000, 2)
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1] * 1000, 2)


@contextmanager
def _upstream(folder: Path) -> Iterator[str]:
    port = subjects.free_port()
    command = (sys.executable, str(peers.HERE / "upstream_server.py"), str(port))
    server = peers.Subject("benchmark upstream", command, f"http://127.0.0.1:{port}/v1/chat/completions")
    with Running(server, folder):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _load() -> Iterator[subprocess.Popen[str]]:
    command = (sys.executable, str(peers.HERE / "load.py"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.terminate()


def _do(load: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, Any]:
    if load.stdin is None or load.stdout is None:
        raise RuntimeError("the load generator has no pipes")
    load.stdin.write(json.dumps(job) + "\n")
    load.stdin.flush()
    line = load.stdout.readline()
    if not line:
        raise RuntimeError("the load generator ended")
    result: dict[str, Any] = json.loads(line)
    return result


if __name__ == "__main__":
    main()
