"""What the interactions agent costs, against a floor in the same run: `python benchmarks/interactions.py [--json]`.

The floor of a round is one pass of the bare automaton over the same texts; that of the pairs is a dictionary look-up.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from wardround.agents.interactions.agent import Tables, judged, tables
from wardround.agents.interactions.folding import fold
from wardround.policies.request import Case, Message, Patient, RoundRequest, Task

PAIRS = 10_000
ROUNDS = 400
TARGETS = {"ten_ms": 3.0, "forty_ms": 20.0, "pairs_s": 10.0, "load_s": 1.0, "memory_mb": 150.0}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    figures = {**_load(), **_rounds(), **_pairs()}
    if parser.parse_args().json:
        print(json.dumps(figures, indent=2))
        return
    for name, value in figures.items():
        target = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
        print(f"{name:24} {value:10.3f}{target}")


def _load() -> dict[str, float]:
    """A fresh process that loads the tables, against one that only imports the module."""
    begin = "import time, resource; from wardround.agents.interactions.agent import tables; b = time.perf_counter(); "
    end = "print(time.perf_counter() - b, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    floor = _printed(begin + end)
    loaded = _printed(begin + "tables(); " + end)
    return {"load_s": loaded[0], "memory_mb": loaded[1] - floor[1]}


def _printed(code: str) -> list[float]:
    out = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return [float(x) for x in out.split()]


def _rounds() -> dict[str, float]:
    known = tables()
    out: dict[str, float] = {}
    for name, size in (("ten", 10), ("forty", 40)):
        cases = [_case(known, size, seed) for seed in range(ROUNDS)]
        texts = [fold((c.draft or "") + c.request.text + "\n".join(c.patient.medications or ())) for c in cases]
        own = _p50(lambda c: judged(c, known), cases)
        floor = _p50(known.finder.find, texts)
        out |= {f"{name}_ms": own, f"{name}_floor_ms": floor, f"{name}_ratio": own / floor}
    return out


def _p50(work: Callable[..., object], items: list[object] | list[Case] | list[str]) -> float:
    work(items[0])
    times: list[float] = []
    for item in items:
        begun = time.perf_counter()
        work(item)
        times.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(times)


def _case(known: Tables, size: int, seed: int) -> Case:
    """A patient with `size` drugs of which the draft speaks of four, at the length of a usual answer."""
    picked = random.Random(seed).sample(  # noqa: S311 - a sample, no secret
        _drugs(known), size
    )
    taken, new = picked[:-2], picked[-2:]
    draft = (
        f"Thank you for your question. You can start {new[0]} 10 mg daily together with {taken[0]}. "
        f"Many people take {new[1]} as well, usually 5 mg twice a day with food. Your {taken[1]} can go on as it is. "
        "Watch for dizziness, drink enough, and call your doctor if anything worries you. "
        "A blood test in two weeks is a good idea, and bring your list of medicines to the next visit."
    )
    patient = Patient(age_years=70, medications=tuple(f"{t} 20 mg daily" for t in taken), egfr_ml_min=55)
    request = RoundRequest(
        messages=(Message(role="user", text=f"I take {taken[0]} and {taken[1]}. May I add {new[0]}?"),),
        draft=draft,
        patient=patient,
    )
    return Case(request=request, audience=None, language="en", task=Task.DRUG_QUESTION, draft=draft)


def _drugs(known: Tables) -> list[str]:
    return sorted({i for i, _ in known.limits.doses})


def _pairs() -> dict[str, float]:
    """The command on a file, a fresh process, against reading the same file into a dictionary."""
    known = tables()
    names = _drugs(known)
    rows = random.Random(1).sample(list(itertools.combinations(names, 2)), PAIRS)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.csv"
        with file.open("w", newline="") as out:
            csv.writer(out).writerows([("drug_a", "drug_b"), *rows])
        command = Path(sys.executable).with_name("wardround")
        begun = time.perf_counter()
        subprocess.run([command, "interactions", "--pairs", file], check=True, capture_output=True)  # noqa: S603
        own = time.perf_counter() - begun
    table = dict.fromkeys(rows[::2], "major")
    begun = time.perf_counter()
    for pair in rows:
        table.get(pair)
    floor = time.perf_counter() - begun
    return {"pairs_s": own, "pairs_floor_s": floor}


if __name__ == "__main__":
    os.environ.setdefault("WARDROUND_DATA_DIR", tempfile.gettempdir() + "/wardround-benchmark")
    main()
