"""Citations that a client can render: one number for each passage, and in the text, where the policy wants it so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wardround.policies.finding import Citation

from .ports import Support
from .state import Edit
from .wording import moved, spaced

Passage = tuple[str, str | None]
"""Source and locator: what has one number."""


def markers(supported: Iterable[Support]) -> dict[Passage, int]:
    """1, 2, ... for every passage, in the order in which they are first cited."""
    numbers: dict[Passage, int] = {}
    for support in supported:
        for citation in support.citations:
            numbers.setdefault(passage(citation), len(numbers) + 1)
    return numbers


def passage(citation: Citation) -> Passage:
    """What a citation cites, whatever its edition."""
    return citation.source, citation.locator


@dataclass(frozen=True, slots=True)
class Cited:
    """What the marks in one text are made of."""

    supported: Sequence[Support]
    """Claims of this text that evidence bears out, in order."""
    numbers: Mapping[Passage, int]
    """The number of every passage of the round."""
    evidence: Sequence[str]
    """Ids of the passages sent along, in order: a draft may cite the first as `[1]`."""
    heading: str
    """Stands over the list of sources."""


def cite(text: str, cited: Cited, edits: Sequence[Edit]) -> tuple[tuple[Edit, ...], str]:
    """(marks behind the claims that stay, the list of sources for the end). A label that the draft wrote stays.

    Where the draft counts its passages otherwise, its number in a claim becomes the one of the list.
    """
    marks: list[Edit] = []
    used: dict[int, Citation] = {}
    for support in cited.supported:
        start, end = support.span.start, min(support.span.end, len(text))
        if moved(edits, start, end) is None:
            continue
        end = start + len(text[start:end].rstrip())
        labels = _labels(text, start, end)
        fresh: list[int] = []
        for citation in support.citations:
            number = cited.numbers[passage(citation)]
            used.setdefault(number, citation)
            own = [label for label in labels if _means(label[2], citation, cited.evidence)]
            marks += [Edit(a, b, str(number), "cite") for a, b, label in own if label != citation.source]
            if not own:
                fresh.append(number)
        if fresh:
            mark = "".join(f"[{n}]" for n in sorted(set(fresh)))
            marks.append(Edit(_place(text, end), _place(text, end), spaced(mark), "cite"))
    listed = "\n".join(f"- [{n}] {_written(c)}" for n, c in sorted(used.items()))
    return _apart(marks, edits), f"{cited.heading}\n{listed}" if used else ""


def _apart(marks: Sequence[Edit], edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Marks that stand where the text is kept; each place once."""
    free = (m for m in marks if not any(e.start < max(m.end, m.start + 1) and m.start < e.end for e in edits))
    behind = (m for m in marks if m.start == m.end and any(e.start == m.start < e.end for e in edits))
    return tuple({(m.start, m.end): m for m in (*free, *behind)}.values())


def _labels(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """(start, end, label) of every label in brackets in a claim and right behind it."""
    behind = _TRAILING.match(text, end)
    found: list[tuple[int, int, str]] = []
    for bracket in _BRACKET.finditer(text, start, behind.end() if behind else end):
        for part in re.finditer(r"[^,;，、\s^][^,;，、]*", bracket[1]):
            begin = bracket.start(1) + part.start()
            found.append((begin, begin + len(part[0].rstrip()), part[0].rstrip()))
    return found


def _means(label: str, citation: Citation, evidence: Sequence[str]) -> bool:
    if label.casefold() == citation.source.casefold():
        return True
    return label.isdecimal() and 0 < int(label) <= len(evidence) and evidence[int(label) - 1] == citation.source


def _place(text: str, end: int) -> int:
    """Behind labels that the draft wrote right after the claim, before the bar that closes a row."""
    behind = _TRAILING.match(text, end)
    if behind:
        return behind.end()
    return len(text[: end - 1].rstrip()) if text[end - 1 : end] == "|" else end


def _written(citation: Citation) -> str:
    return ", ".join(part for part in (citation.source, citation.locator, citation.edition) if part)


_BRACKET = re.compile(r"[\[【]\^?([^\[\]【】\n]{1,60})[\]】]")
_TRAILING = re.compile(r"(?:[ \t]*[\[【][^\[\]【】\n]{1,60}[\]】](?!\())+")
