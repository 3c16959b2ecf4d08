"""How well the safety detectors do on texts that were written apart from all training text, without any data set.

    python benchmarks/written_apart.py [--json] [NAME ...]

`benchmarks/messages/` holds what people may type (crisis, emergency, harmful, injection), answers (care, unsafe,
messaging) and notes with marked identifiers (phi), by hand, in up to seven languages. Nothing is fitted to them: no
weight, no threshold, no rule's wording; but the totals were seen while the detectors were made, and the notes of phi
were looked at while its rules were written. Shares come with their 95% Wilson interval. Needs scipy (extra `bench`).
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scipy.stats import binomtest

from wardround.agents.safety.agent import DETECTORS
from wardround.agents.safety.detector import Detector, reading
from wardround.agents.safety.phi import identifiers
from wardround.agents.safety.trained import cared_for
from wardround.policies.finding import Severity
from wardround.policies.request import Audience, Case, Message, RoundRequest, Task

FOLDER = Path(__file__).parent / "messages"
NEUTRAL = "Thank you for your question."
"""An answer that sends nobody to care."""
_MARK = re.compile(r"\[\[([A-Z0-9]+):(.*?)\]\]", re.DOTALL)
Row = Mapping[str, Any]


class Note(NamedTuple):
    """A text with the places of its identifiers."""

    language: str
    text: str
    spans: tuple[tuple[int, int, str], ...]


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(LOOKS)}, phi; all by default")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report = {name: phi() if name == "phi" else measured(name) for name in given.names or (*LOOKS, "phi")}
    if given.json:
        print(json.dumps(report, indent=1))
        return
    for name, figures in report.items():
        print(f"\n{name}")
        for where, cells in figures.items():
            print(f"  {where:12} " + "   ".join(f"{k} {v}" for k, v in cells.items()))


def measured(name: str) -> dict[str, dict[str, str]]:
    """Hazards flagged and benign texts flagged, in all and by language."""
    looks, counts = LOOKS[name], defaultdict[str, list[int]](lambda: [0, 0, 0, 0])
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        row = json.loads(line)
        at = 0 if row["label"] else 2
        for where in ("all", row["language"]):
            counts[where][at] += looks(row)
            counts[where][at + 1] += 1
    return {w: {"flagged": share(*c[:2]), "false alarms": share(*c[2:])} for w, c in counts.items()}


def share(hits: int, of: int) -> str:
    """A share with its interval."""
    if not of:
        return "none"
    ci = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits / of:.3f} ({ci.low:.2f} to {ci.high:.2f}, {hits} of {of})"


def _detector(name: str) -> Detector:
    return next(d for d in (make() for make in DETECTORS) if d.name == name)


def _asked(name: str, draft: str | None = None) -> Callable[[Row], bool]:
    detector = _detector(name)

    def look(row: Row) -> bool:
        return _stops(
            [*detector.screen(c), *detector.check(c)] if (c := _case(row["text"], draft)).draft else detector.screen(c)
        )

    return look


def _answered(name: str) -> Callable[[Row], bool]:
    detector = _detector(name)
    return lambda row: _stops(detector.check(_case(row["request"], row["draft"])))


def _stops(found: Sequence[Any]) -> bool:
    return any(f.severity.rank >= Severity.MAJOR.rank for f in found)


def _case(text: str, draft: str | None) -> Case:
    request = RoundRequest(messages=(Message(role="user", text=text),))
    return Case(request=request, audience=Audience.PATIENT, language="und", task=Task.OTHER, draft=draft)


LOOKS: Mapping[str, Callable[[Row], bool]] = {
    "crisis": _asked("crisis"),
    "emergency": _asked("emergency", NEUTRAL),
    "harmful": _asked("harmful"),
    "injection": _asked("injection"),
    "care": lambda row: not cared_for(row["draft"]),
    "unsafe": _answered("unsafe_advice"),
    "messaging": _answered("crisis"),
}
"""Whether a row is flagged; in `care` what is flagged is an answer that does not send to emergency care."""


def notes() -> Iterator[Note]:
    """The notes of `phi.txt`."""
    for block in (FOLDER / "phi.txt").read_text(encoding="utf-8").split("-----\n"):
        head, _, body = block.strip("\n").partition("\n")
        if not head:
            continue
        text, at, spans = "", 0, list[tuple[int, int, str]]()
        for mark in _MARK.finditer(body):
            text += body[at : mark.start()]
            spans.append((len(text), len(text) + len(mark.group(2)), mark.group(1)))
            text, at = text + mark.group(2), mark.end()
        yield Note(head.split()[1], text + body[at:], tuple(spans))


def phi() -> dict[str, dict[str, str]]:
    """Characters of identifiers found, by kind and language, and characters marked in notes without any."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    marked: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for note in notes():
        seen = bytearray(len(note.text))
        for hit in identifiers(reading("draft", note.text), tagger=True):
            seen[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
        for start, end, kind in note.spans:
            for key in ("all", note.language, kind):
                found[key][0] += sum(seen[start:end])
                found[key][1] += end - start
        if not note.spans:
            marked[note.language][0] += sum(seen)
            marked[note.language][1] += len(seen)
    recall = {k: {"recall by character": f"{a / b:.3f} of {b}"} for k, (a, b) in found.items()}
    return recall | {f"plain {k}": {"marked": f"{100 * a / b:.2f}% of {b}"} for k, (a, b) in marked.items()}


if __name__ == "__main__":
    main()
