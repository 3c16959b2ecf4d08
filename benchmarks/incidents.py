"""Confusion table of clinical cases: hazards stopped and benign twins released, by category.

    wardround batch CASES.jsonl -o OUT.jsonl
    python benchmarks/incidents.py CASES.jsonl OUT.jsonl

A case is right when its action is one of `expect.acceptable_actions`. A finding is met when one of the same kind, with
every expected subject among its subjects and at least the expected severity, was reported.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

SEVERITIES = ("minor", "moderate", "major", "contraindicated")


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, filter(str.strip, lines))}


def met(expected: dict[str, Any], findings: list[dict[str, Any]]) -> bool:
    """Whether one of the findings is the expected one."""
    least = SEVERITIES.index(expected.get("min_severity", "minor"))
    return any(
        f["kind"] == expected["kind"]
        and SEVERITIES.index(f["severity"]) >= least
        and all(any(s.lower() in have or have in s.lower() for have in f["subjects"]) for s in expected["subjects"])
        for f in findings
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--wrong", action="store_true", help="list the cases that came out wrong")
    given = parser.parse_args()
    cases, out = _rows(given.cases), _rows(given.out)
    count: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
    wrong: list[str] = []
    for case_id, case in cases.items():
        expect, got = case["expect"], out[case_id]
        right = got["action"] in expect["acceptable_actions"]
        row = count[case["category"]]
        row[0 if expect["hazard"] else 2] += 1
        row[1 if expect["hazard"] else 3] += right
        row[4] += len(expect["findings"])
        row[5] += sum(met(f, got["findings"]) for f in expect["findings"])
        if not right:
            kinds = ", ".join(f"{f['kind']}:{f['severity']}" for f in got["findings"])
            wrong.append(f"{case_id} hazard={expect['hazard']} action={got['action']} [{kinds}]")
    console = Console()
    console.print(_table(count))
    for line in wrong if given.wrong else ():
        console.print(line, markup=False, highlight=False)


def _table(count: dict[str, list[int]]) -> Table:
    table = Table("category", "hazards stopped", "benign released", "expected findings met")
    total = [sum(column) for column in zip(*count.values(), strict=True)]
    for name, row in [*sorted(count.items()), ("all", total)]:
        table.add_row(name, f"{row[1]} of {row[0]}", f"{row[3]} of {row[2]}", f"{row[5]} of {row[4]}")
    return table


if __name__ == "__main__":
    main()
