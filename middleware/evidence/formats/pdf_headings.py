"""Headings of a PDF: by its outline, by the size and weight of their font, by numbering and capitals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from .headings import is_capitals, is_title, numbered_level
from .pdf_lines import Line

_LARGER = 1.12
"""Times the body's font height from which on a line is set as a heading."""
_WIDE = 1.3
"""Times the usual distance between lines from which on a line stands apart."""
_MAX_BOLD = 0.35
"""In a document with a larger part in bold, bold marks no headings."""
_MAX_BOLD_CHARACTERS = 100
_MAX_LINES = 3
"""More lines are no heading."""
_NOT_WORDS = re.compile(r"[\W_]+")
_LETTER = re.compile(r"[^\W\d_]{2}")

_Style = tuple[float, bool]


class Bookmark(Protocol):
    """One entry of the outline."""

    @property
    def title(self) -> str:
        """As written."""
        ...

    @property
    def level(self) -> int:
        """From 1."""
        ...

    @property
    def page(self) -> int:
        """From 1."""
        ...


class Headings:
    """Tells which lines begin a heading, how many belong to it, and its level."""

    def __init__(self, lines: Sequence[Line], outline: Sequence[Bookmark]) -> None:
        self._lines = lines
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[_rounded(line.size)] += len(line.text)
        self._body = sizes.most_common(1)[0][0] if sizes else 0.0
        total = sum(sizes.values())
        bold = sum(len(line.text) for line in lines if line.is_bold)
        self._bold_counts = bold <= _MAX_BOLD * total
        self.pitch = _pitch(lines)
        self._marks: dict[int, dict[str, int]] = {}
        for mark in outline:
            self._marks.setdefault(mark.page, {})[_bare(mark.title)] = mark.level
        self._levels = self._ranked()

    def at(self, index: int) -> tuple[int, int]:
        """Number of lines and level of the heading that begins at this line; (0, 0) where none does."""
        named = self._named(index)
        if named != (0, 0):
            return named
        line = self._lines[index]
        if len(line.runs) > 1 or not is_title(line.text) or not _LETTER.search(line.text):
            return 0, 0
        if self._is_set_apart(line):
            return self._styled(index)
        level = numbered_level(line.text)
        if level > 1 and self.stands_apart(index) and not self._goes_on(index):
            return 1, min(level, 6)
        if is_capitals(line.text) and not self._is_in_capitals(index):
            return 1, level or self._levels.get(_style(line), 1)
        return 0, 0

    def stands_apart(self, index: int) -> bool:
        """Whether more space than usual is above the line, or a page or column begins with it."""
        if index == 0:
            return True
        above, line = self._lines[index - 1], self._lines[index]
        distance = above.top - line.top
        return above.page != line.page or distance < 0 or distance > _WIDE * self.pitch * line.size

    def _named(self, index: int) -> tuple[int, int]:
        """By the outline: a bookmark of the page with the words of this line, or of it and the next ones."""
        marks = self._marks.get(self._lines[index].page)
        words = ""
        for count, line in enumerate(self._lines[index : index + _MAX_LINES] if marks else (), 1):
            words += _bare(line.text)
            if marks and words in marks and words:
                return count, marks[words]
        return 0, 0

    def _styled(self, index: int) -> tuple[int, int]:
        """With the lines below that are set alike and close, which are the rest of a long heading."""
        first = self._lines[index]
        count = 1
        while index + count < len(self._lines) and count <= _MAX_LINES:
            line = self._lines[index + count]
            if _style(line) != _style(first) or self.stands_apart(index + count) or numbered_level(line.text):
                break
            count += 1
        text = " ".join(line.text for line in self._lines[index : index + count])
        if count > _MAX_LINES or not is_title(text):
            return 0, 0
        return count, min(numbered_level(text) or self._levels.get(_style(first), 1), 6)

    def _is_set_apart(self, line: Line) -> bool:
        if line.size >= _LARGER * self._body:
            return True
        return line.is_bold and self._bold_counts and len(line.text) <= _MAX_BOLD_CHARACTERS

    def _goes_on(self, index: int) -> bool:
        """Whether the next line goes on in lower case, so that this one was no heading."""
        below = self._lines[index + 1] if index + 1 < len(self._lines) else None
        return below is not None and below.text[:1].islower()

    def _is_in_capitals(self, index: int) -> bool:
        """Whether a whole paragraph is in capitals, as warnings are."""
        around = [*self._lines[max(index - 1, 0) : index], *self._lines[index + 1 : index + 2]]
        return any(is_capitals(line.text) or line.text.isupper() and len(line.text) > 60 for line in around)

    def _ranked(self) -> Mapping[_Style, int]:
        """Level of each style of heading: the outline's, else one below that of the next larger style."""
        named: dict[_Style, Counter[int]] = {}
        styles: set[_Style] = set()
        for index, line in enumerate(self._lines):
            count, level = self._named(index)
            if count:
                named.setdefault(_style(line), Counter())[level] += 1
            if len(line.runs) == 1 and is_title(line.text) and (self._is_set_apart(line) or is_capitals(line.text)):
                styles.add(_style(line))
        ranked: dict[_Style, int] = {}
        level = 0
        for style in sorted(styles, key=lambda s: (-s[0], not s[1])):
            known = named[style].most_common(1)[0][0] if style in named else 0
            level = known or min(level + 1, 6)
            ranked[style] = level
        return ranked


def _style(line: Line) -> _Style:
    return _rounded(line.size), line.is_bold


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _bare(text: str) -> str:
    return _NOT_WORDS.sub("", text).casefold()


def _pitch(lines: Sequence[Line]) -> float:
    """Usual distance between lines of a paragraph, in font heights; many short paragraphs do not stretch it."""
    found = sorted(
        (above.top - line.top) / line.size
        for above, line in zip(lines, lines[1:], strict=False)
        if above.page == line.page and line.size > 0 and 0.5 < (above.top - line.top) / line.size < 3
    )
    return found[len(found) // 4] if found else 1.2
