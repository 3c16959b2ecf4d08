"""Words of a page as lines in reading order: columns one after the other, cells of a table row side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from .headings import bullet_end
from .pdf_words import Word

_GAP_EMS = 1.4
"""Space between words, in font heights, from which on they are cells of a row."""
_COLUMN_LINES = 6
"""Fewer lines side by side are a table, not columns of text."""
_COLUMN_WORDS = 4
"""Median words of a line in a column of running text; cells of a table have fewer."""
_GUTTER = 0.012
"""Least width of the space between columns, as a part of the page's width."""


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one line without a wide gap between them."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    words: int
    is_bold: bool
    """Whether its words are, going by its first, middle and last."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a reader sees it."""

    page: int
    """From 1."""
    runs: tuple[Run, ...]
    """Left to right; more than one where the line looks like a row of a table."""
    column: tuple[float, float]
    """Left and right edge of the text around it."""
    is_at_edge: bool = False
    """Whether it lies where running headers and footers do."""

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(run.text for run in self.runs)

    @property
    def top(self) -> float:
        """Upper edge, points."""
        return max(run.top for run in self.runs)

    @property
    def bottom(self) -> float:
        """Lower edge, points."""
        return min(run.bottom for run in self.runs)

    @property
    def size(self) -> float:
        """Height of its font, points; that of the longest run."""
        longest = max(self.runs, key=lambda run: len(run.text))
        return longest.top - longest.bottom

    @property
    def is_bold(self) -> bool:
        """Whether each of its words is."""
        return all(run.is_bold for run in self.runs)

    @property
    def left(self) -> float:
        """Left edge, points."""
        return self.runs[0].left

    @property
    def right(self) -> float:
        """Right edge, points."""
        return self.runs[-1].right


def lines(
    words: Sequence[Word], *, page: int, width: float, height: float, is_bold: Callable[[int], bool]
) -> list[Line]:
    """The lines of a page in reading order. `is_bold` tells of the character at a place."""
    runs = sorted(_runs(words, is_bold), key=lambda run: -run.top)
    edge = 0.1 * height
    outer = [r for r in runs if r.top < edge or r.bottom > height - edge]
    inner = [r for r in runs if not (r.top < edge or r.bottom > height - edge)]
    gutter = _gutter(inner, width) if len(inner) >= 2 * _COLUMN_LINES else None
    found: list[Line] = []
    for group in _ordered(runs, gutter):
        found.extend(_visual(group, page))
    at_edge = {id(run) for run in outer}
    return [Line(each.page, each.runs, each.column, all(id(run) in at_edge for run in each.runs)) for each in found]


def _runs(words: Sequence[Word], is_bold: Callable[[int], bool]) -> Iterator[Run]:
    """Neighbours in the file that are neighbours on the page, as runs."""
    waiting: list[Word] = []
    for word in words:
        if waiting and not _goes_on(waiting[-1], word):
            yield _run(waiting, is_bold)
            waiting = []
        waiting.append(word)
    if waiting:
        yield _run(waiting, is_bold)


def _goes_on(last: Word, word: Word) -> bool:
    size = max(last.size, word.size, 1.0)
    gap = word.left - last.right
    return -0.5 * size < gap < _GAP_EMS * size and _overlap(last, word) > 0.5


def _overlap(one: Word | Run, other: Word | Run) -> float:
    """Part of the lower one's height that lies beside the other."""
    shared = min(one.top, other.top) - max(one.bottom, other.bottom)
    return shared / max(min(one.top - one.bottom, other.top - other.bottom), 0.1)


def _run(words: list[Word], is_bold: Callable[[int], bool]) -> Run:
    main = max(words, key=lambda word: (word.size, len(word.text)))
    return Run(
        " ".join(word.text for word in words),
        words[0].left,
        max(word.right for word in words),
        main.bottom,
        main.top,
        len(words),
        all(is_bold(words[n].place) for n in {0, len(words) // 2, len(words) - 1}),
    )


def _gutter(runs: Sequence[Run], width: float) -> float | None:
    """Middle of the space between two columns of running text; None on a page that has no such columns."""
    best: tuple[int, float] | None = None
    for step in range(30, 71):
        x = width * step / 100
        half = width * _GUTTER / 2
        left = [r for r in runs if r.right <= x - half]
        right = [r for r in runs if r.left >= x + half]
        crossing = len(runs) - len(left) - len(right)
        if crossing * 3 > len(runs) or not (_is_text(left) and _is_text(right)):
            continue
        if best is None or crossing < best[0]:
            best = (crossing, x)
    return best[1] if best is not None else None


def _is_text(runs: Sequence[Run]) -> bool:
    if len(runs) < _COLUMN_LINES or median(r.words for r in runs) < _COLUMN_WORDS:
        return False
    column = max(r.right for r in runs) - min(r.left for r in runs)
    return median(r.right - r.left for r in runs) > 0.6 * column


def _ordered(runs: Sequence[Run], gutter: float | None) -> Iterator[list[Run]]:
    """Runs that are read together, from top to bottom: what spans both columns parts what stands in them."""
    if gutter is None:
        yield from filter(None, [list(runs)])
        return
    left: list[Run] = []
    right: list[Run] = []
    wide: list[Run] = []
    for run in runs:
        if run.left < gutter < run.right:
            yield from filter(None, (left, right))
            left, right = [], []
            wide.append(run)
            continue
        if wide:
            yield wide
            wide = []
        (left if run.right <= gutter else right).append(run)
    yield from filter(None, (left, right, wide))


def _visual(runs: list[Run], page: int) -> Iterator[Line]:
    """Runs at one height as one line, left to right; bullets and numbers go with the text behind them."""
    column = (min(r.left for r in runs), max(r.right for r in runs))
    waiting: list[Run] = []
    for run in runs:
        if waiting and _overlap(waiting[0], run) <= 0.5:
            yield Line(page, _with_marks(waiting), column)
            waiting = []
        waiting.append(run)
    if waiting:
        yield Line(page, _with_marks(waiting), column)


def _with_marks(runs: list[Run]) -> tuple[Run, ...]:
    found: list[Run] = []
    for run in sorted(runs, key=lambda r: r.left):
        last = found[-1] if found else None
        if last is not None and (_is_mark(last, is_first=len(found) == 1) or _is_close(last, run)):
            both = Run(
                f"{last.text} {run.text}",
                last.left,
                max(last.right, run.right),
                min(last.bottom, run.bottom),
                max(last.top, run.top),
                last.words + run.words,
                last.is_bold and run.is_bold,
            )
            found[-1] = both
        else:
            found.append(run)
    return tuple(found)


def _is_close(one: Run, other: Run) -> bool:
    return other.left - one.right < _GAP_EMS * min(one.top - one.bottom, other.top - other.bottom)


def _is_mark(run: Run, *, is_first: bool) -> bool:
    """Whether a run is but a bullet or number, as of a list item or heading."""
    is_number = run.text.rstrip(".").replace(".", "").isdigit() and len(run.text) <= 8 and "." in run.text
    return is_first and (is_number or bullet_end(f"{run.text} x") == len(run.text) + 1)
