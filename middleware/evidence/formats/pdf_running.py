"""Running headers, footers and page numbers: lines at the edge of a page that repeat over pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .pdf_lines import Line

_NUMBER = re.compile(r"\d{1,4}")
_ROMAN = re.compile(r"[ivxlc]{1,7}", re.IGNORECASE)
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_POINTS = 4.0
"""How far apart, in points, lines may lie on two pages and still be at one place."""
_MAX_NUMBERS = 4
_LARGER = 1.12
"""Times the body's font height from which on a line is a title."""
_LEAST = 3
"""Pages on which a line must repeat; two in a document of two."""
_TABLE_RUNS = 3
"""A line of as many cells may be the header of a table that goes on; it is left to the table."""


def without_running(pages: Sequence[list[Line]]) -> Iterator[Line]:
    """All lines but those that repeat at the edge of pages.

    A line repeats where its words are the same, or differ in one number that grows as the pages do: `250 mg` and
    `500 mg` at the foot of two pages are no page numbers.
    """
    body = _body_size(pages)
    counts: Counter[tuple[str, int]] = Counter()
    for number, lines in enumerate(pages):
        counts.update({mark for line in lines if line.is_at_edge for mark in _marks(line, number, body)})
    least = min(_LEAST, len(pages))
    for number, lines in enumerate(pages):
        for line in lines:
            repeats = least > 1 and line.is_at_edge and any(counts[m] >= least for m in _marks(line, number, body))
            if not repeats or _is_table_header(line):
                yield line


def _body_size(pages: Sequence[list[Line]]) -> float:
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _marks(line: Line, page: int, body: float) -> set[tuple[str, int]]:
    """Ways in which the line may repeat, each at its place and the one beside it.

    What is set larger than the body is a title: `Chapter 1`, `Chapter 2` on one page after the other stay.
    """
    place = int(line.bottom // _POINTS)
    texts = {line.text, *(_counted(line.text, page) if line.size <= _LARGER * body else ())}
    return {(text, near) for text in texts for near in (place, place + 1)}


def _counted(text: str, page: int) -> Iterator[str]:
    """The text with one of its numbers told by its distance from the page's own."""
    if _ROMAN.fullmatch(text):
        yield f"#{_roman(text.lower()) - page}"
    for match in list(_NUMBER.finditer(text))[:_MAX_NUMBERS]:
        yield f"{text[: match.start()]}#{int(match[0]) - page}{text[match.end() :]}"


def _roman(text: str) -> int:
    values = [_ROMAN_VALUES[c] for c in text]
    return sum(-v if any(v < later for later in values[n + 1 : n + 2]) else v for n, v in enumerate(values))


def _is_table_header(line: Line) -> bool:
    return len(line.runs) >= _TABLE_RUNS and not _NUMBER.search(line.text)
