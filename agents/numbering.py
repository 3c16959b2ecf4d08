"""The numbers of a list of which items were left out."""

from __future__ import annotations

from collections.abc import Iterator

from .layout import Layout
from .state import Edit


def renumbered(layout: Layout, gone: frozenset[int]) -> Iterator[Edit]:
    """New numbers for items that stay behind one that goes, where the list counted up by one."""
    if not gone:
        return
    left = {u.line for i, u in enumerate(layout.units) if i not in gone}
    counts: dict[int, tuple[int, int]] = {}
    for n, line in enumerate(layout.lines):
        if line.number is None:
            continue
        number = int(layout.text[slice(*line.number)])
        counts = {depth: count for depth, count in counts.items() if depth <= line.indent}
        last, missing = counts.get(line.indent, (number, 0))
        missing = missing if number == last + 1 else 0
        if n not in left:
            missing += 1
        elif missing:
            yield Edit(*line.number, str(number - missing), "number")
        counts[line.indent] = (number, missing)
