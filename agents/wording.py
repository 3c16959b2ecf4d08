"""From a draft's text to the text that goes out: sentences left out or marked, identifiers replaced.

Which findings ask for it is told in `release`; what hangs on what in a text, in `layout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from wardround.policies.finding import How

from .layout import Layout
from .lines import Kind
from .numbering import renumbered
from .state import Edit, Sent

_NOTHING_SENT = Sent(0, 0, "")
_BOLD = "**"


class Cut(NamedTuple):
    """A span whose sentence is to be left out or marked."""

    start: int
    end: int
    how: How


class Identifier(NamedTuple):
    """A span that is to be replaced."""

    start: int
    end: int
    label: str
    """What it is: `date of birth`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done to one text."""

    cuts: tuple[Cut, ...] = ()
    """Sentences."""
    identifiers: tuple[Identifier, ...] = ()
    """Identifiers."""
    mark: str = ""
    """What stands behind a sentence that is marked."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What becomes of a text."""

    edits: tuple[Edit, ...]
    """Changes behind what has been sent, in order; none straddles the end of a sentence."""
    gone: frozenset[int]
    """Units of the layout that are left out."""
    late: bool
    """Whether something that was to be changed has been sent as it was: then the text cannot be made good."""


def work(layout: Layout, asked: Asked, sent: Sent = _NOTHING_SENT) -> Worked | None:
    """The changes that were asked for; None where a span lies outside the text.

    What was left out of a stream stays left out, and takes with it what hangs on it.
    """
    dropped = [layout.touched(e.start, e.end) for e in sent.edits if e.kind == "drop"]
    wanted = [(c.how, layout.touched(c.start, c.end)) for c in asked.cuts]
    if not all(units for _, units in wanted):
        return None
    cut = {i for units in dropped for i in units} | {
        i for how, units in wanted for i in units if how == "drop" or not _can_be_marked(layout, i)
    }
    gone, emptied = _closure(layout, cut)
    marked = {i for how, units in wanted for i in units if how == "soften"} - gone
    drops = (*_drops(layout, gone), *renumbered(layout, gone))
    identifiers = tuple(_replaced(asked.identifiers, drops, layout.text))
    marks = tuple(_mark(layout, i, asked.mark, identifiers) for i in sorted(marked))
    kept = [e for e in drops if e.kind != "number" or not any(i.start < e.end and e.start < i.end for i in identifiers)]
    plan = sorted((*kept, *identifiers, *marks), key=lambda e: (e.start, e.end))
    owed = [Edit(layout.units[i].start, layout.units[i].end, "", "drop") for i in gone - emptied]
    late = any(not _is_done(e, sent) for e in (*owed, *identifiers, *marks) if e.start < sent.upto)
    return Worked(tuple(_fresh(plan, sent)), gone, late)


def applied(text: str, edits: Iterable[Edit], *, start: int = 0, end: int | None = None) -> str:
    """`text[start:end]` with its changes."""
    pieces: list[str] = []
    at = start
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        pieces += [text[at : max(at, edit.start)], edit.text]
        at = max(at, edit.end)
    return "".join([*pieces, text[at:end]])


def moved(edits: Sequence[Edit], start: int, end: int) -> tuple[int, int] | None:
    """Where a span of the draft's text stands in the text that goes out; None where any of it was left out."""
    if any(e.kind == "drop" and e.start < end and start < e.end for e in edits):
        return None
    return _moved(edits, start, is_end=False), _moved(edits, end, is_end=True)


def _moved(edits: Sequence[Edit], place: int, *, is_end: bool) -> int:
    shift = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        put_in_behind = is_end and edit.start == edit.end == place
        if edit.end <= place and not put_in_behind:
            shift += len(edit.text) - (edit.end - edit.start)
        elif edit.start < place < edit.end:
            return edit.start + shift + (len(edit.text) if is_end else 0)
    return place + shift


def _closure(layout: Layout, cut: set[int]) -> tuple[frozenset[int], frozenset[int]]:
    """(all units that go, those of them that go only because nothing is left of what they introduce)."""
    gone, emptied = set(cut), set[int]()
    size = -1
    while size != len(gone):
        size = len(gone)
        own = gone - emptied
        said = {key for i in own if " " in (key := layout.key(i))}
        gone |= {i for i in range(len(layout.units)) if said and layout.key(i) in said}
        for i in own:
            gone |= _carried(layout, i, gone)
        empty = {i for i, led in enumerate(layout.led) if led and i not in gone and gone.issuperset(led)}
        emptied |= empty
        gone |= empty
    return frozenset(gone), frozenset(emptied)


def _carried(layout: Layout, i: int, gone: set[int]) -> set[int]:
    """What goes with a unit: what it introduces, and what is nested in an item of which nothing is left."""
    if layout.lines[layout.units[i].line].kind is Kind.BREAK:
        return set()
    nested = layout.nested[i] if gone.issuperset(layout.beside(i)) else ()
    return {*layout.led[i], *nested}


def _drops(layout: Layout, gone: frozenset[int]) -> Iterator[Edit]:
    """Each unit that goes with the white space before it; behind a run of them, what parts its neighbours."""
    text, units = layout.text, layout.units
    for i in sorted(gone):
        before = units[i - 1].end if i else 0
        kept_before = any(k not in gone for k in layout.beside(i) if k < i)
        yield Edit(before, units[i].end, _BOLD if kept_before and _is_odd(layout, i) else "", "drop")
        after = i + 1
        if after in gone or after == len(units):
            continue
        begin = layout.reach(after)
        first = i
        while first - 1 in gone:
            first -= 1
        gap = "" if first == 0 else _widest(layout, first, after)
        instead = gap + _prefix(layout, after, gone)
        if instead != text[units[i].end : begin]:
            yield Edit(units[i].end, begin, instead, "gap")


def _widest(layout: Layout, first: int, after: int) -> str:
    """The widest white space between the units `first - 1` and `after`."""
    gaps = [layout.text[layout.units[k - 1].end : layout.reach(k)] for k in range(first, after + 1)]
    return max(gaps, key=lambda gap: gap.count("\n"))


def _prefix(layout: Layout, after: int, gone: frozenset[int]) -> str:
    """Bullet and opening bold of a line whose first sentences went, for the first one that stays."""
    before = [k for k in layout.beside(after) if k < after]
    if not before or not gone.issuperset(before):
        return ""
    line = layout.lines[layout.units[after].line]
    bullet = layout.text[line.start : line.begin]
    number = next((e for e in renumbered(layout, gone) if line.number == (e.start, e.end)), None)
    if number is not None:
        bullet = applied(layout.text, [number], start=line.start, end=line.begin)
    return bullet + (_BOLD if sum(_is_odd(layout, k) for k in before) % 2 else "")


def _is_odd(layout: Layout, i: int) -> bool:
    unit = layout.units[i]
    return layout.text.count(_BOLD, unit.start, unit.end) % 2 == 1


def _replaced(identifiers: Iterable[Identifier], drops: Sequence[Edit], text: str) -> Iterator[Edit]:
    """Every identifier once, what is left of it where a sentence beside it goes."""
    at = 0
    for start, end, label in sorted(identifiers):
        rest = f"[{label}]" if start >= at else ""
        begin = max(start, at)
        for drop in (d for d in drops if d.kind != "number" and d.start < end and begin < d.end):
            if drop.start > begin:
                yield Edit(begin, drop.start, rest, "identifier")
                rest = ""
            begin = max(begin, drop.end)
            while begin < end and text[begin : begin + 1].isspace():
                begin += 1
        if begin < min(end, len(text)):
            yield Edit(begin, min(end, len(text)), rest, "identifier")
        at = max(at, min(end, len(text)))


def _can_be_marked(layout: Layout, i: int) -> bool:
    return layout.lines[layout.units[i].line].kind not in {Kind.RULER, Kind.BREAK}


def _mark(layout: Layout, i: int, mark: str, identifiers: Sequence[Edit]) -> Edit:
    """The remark behind a unit: in the last cell of a row, below a fenced block."""
    unit, kind = layout.units[i], layout.lines[layout.units[i].line].kind
    place, written = unit.end, layout.text[unit.start : unit.end]
    if kind is Kind.ROW and written.endswith("|"):
        place = unit.start + len(written[:-1].rstrip())
    place = next((e.end for e in identifiers if e.start < place < e.end), place)
    return Edit(place, place, spaced(mark, "\n" if kind is Kind.CODE else " "), "mark")


def spaced(text: str, space: str = " ") -> str:
    """A remark with the space before it that its script wants."""
    return text if space == " " and text[:1] in {"（", "［", "【"} else space + text


def _is_done(edit: Edit, sent: Sent) -> bool:
    if edit.kind == "mark":
        return any(e.kind == "mark" and e.start == edit.start for e in sent.edits)
    at = edit.start
    for done in sorted((e for e in sent.edits if e.kind in {"drop", "identifier"}), key=lambda e: e.start):
        if done.start <= at < done.end:
            at = done.end
    return at >= edit.end


def _fresh(plan: Iterable[Edit], sent: Sent) -> Iterator[Edit]:
    """Changes behind what was sent. A remark right behind the last sentence that left can still be made."""
    for edit in plan:
        if edit.end > sent.upto:
            yield replace(edit, start=max(edit.start, sent.upto))
        elif edit.start == edit.end == sent.upto and edit.kind == "mark" and edit not in sent.edits:
            yield edit
