"""Words of a PDF page with their places and sizes, as PDFium sees them. Lines and blocks are made elsewhere."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .superscript import raised

_WORD = re.compile(r"\S+")
_RAISABLE = frozenset("0123456789-+−")
_FIGURE_WITHIN = re.compile(r"(?<=.)\d")
_PLAIN = {
    **dict.fromkeys((0x02, 0xAD, 0xFFFE), "-"),  # how PDFium gives a hyphen at the end of a line
    **dict.fromkeys((0xF0B7, 0xF0A7, 0xF06E, 0xF0D8, 0xF0FC), "•"),  # bullets of the fonts Symbol and Wingdings
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)},  # ligatures
}
"""Characters by what they stand for."""
_BOLD_WEIGHT = 600
_NAME_BYTES = 128
_RAISED_SIZE = 0.85
"""Times the size of the first character, below which a figure may be raised."""


@dataclass(frozen=True, slots=True)
class Word:
    """Characters without space between them, in points from the page's lower left corner as it is shown."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    place: int
    """Its first character's index on the page."""

    @property
    def size(self) -> float:
        """Height of the font."""
        return self.top - self.bottom


class PageText:
    """The text of one page, read character by character. Close the page and its text yourself."""

    def __init__(self, text_page: Any, *, rotation: int, width: float, height: float) -> None:
        self._raw: Any = import_module("pypdfium2.raw")
        self._page = text_page
        self._turn = (rotation, width, height)
        self._box: Any = self._raw.FS_RECTF()
        self._name: Any = ctypes.create_string_buffer(_NAME_BYTES)
        self._flags = ctypes.c_int()

    def words(self) -> Iterator[Word]:
        """Every word, in the order of the file."""
        for match in _WORD.finditer(self._characters()):
            yield from self._split(match.start(), match[0])

    def _characters(self) -> str:
        """As many characters as PDFium counts, so that one's place in the text is its index."""
        count = self._page.count_chars()
        text: str = self._page.get_text_range(0, count) if count > 0 else ""
        if len(text) != count or "\0" in text:
            read = self._raw.FPDFText_GetUnicode
            text = "".join(chr(read(self._page, index) or 32) for index in range(count))
        return text

    def _split(self, start: int, text: str) -> Iterator[Word]:
        """One word, or two where a line ends without a space in the file."""
        end = start + len(text) - 1
        first, last = self._edges(start), self._edges(end)
        if len(text) > 1 and (last[2] > first[3] or last[3] < first[2] or last[1] < first[0]):
            cut = next((n for n in range(1, len(text)) if self._is_away(start + n - 1, start + n)), len(text))
            yield from self._split(start, text[:cut]) if cut < len(text) else ()
            if cut < len(text):
                yield from self._split(start + cut, text[cut:])
                return
        shown = self._shown(start, text, first)
        yield Word(shown, min(first[0], last[0]), max(first[1], last[1]), first[2], first[3], start)

    def _is_away(self, one: int, other: int) -> bool:
        a, b = self._edges(one), self._edges(other)
        return b[2] > a[3] or b[3] < a[2] or b[1] < a[0]

    def _shown(self, start: int, text: str, first: tuple[float, ...]) -> str:
        """The word as written: hyphens, bullets and ligatures in plain characters, raised figures raised."""
        if _FIGURE_WITHIN.search(text):
            text = "".join(
                raised(c) if n and c in _RAISABLE and self._is_raised(start + n, first) else c
                for n, c in enumerate(text)
            )
        return text if text.isascii() and text.isprintable() else text.translate(_PLAIN)

    def _is_raised(self, index: int, first: tuple[float, ...]) -> bool:
        _, _, bottom, top = self._edges(index)
        size = first[3] - first[2]
        return top - bottom < _RAISED_SIZE * size and bottom > first[2] + 0.15 * size

    def _edges(self, index: int) -> tuple[float, float, float, float]:
        """Left, right, bottom, top of a character's place, as the page is shown."""
        box = self._box
        self._raw.FPDFText_GetLooseCharBox(self._page, index, box)
        rotation, width, height = self._turn
        match rotation:
            case 90:
                return box.bottom, box.top, width - box.right, width - box.left
            case 180:
                return width - box.right, width - box.left, height - box.top, height - box.bottom
            case 270:
                return height - box.top, height - box.bottom, box.left, box.right
            case _:
                return box.left, box.right, box.bottom, box.top

    def is_bold(self, index: int) -> bool:
        """Whether the character at an index is, by the weight or name of its font."""
        if self._raw.FPDFText_GetFontWeight(self._page, index) >= _BOLD_WEIGHT:
            return True
        size = self._raw.FPDFText_GetFontInfo(self._page, index, self._name, _NAME_BYTES, self._flags)
        name = self._name.raw[: max(size - 1, 0)].lower() if size <= _NAME_BYTES else b""
        return any(mark in name for mark in (b"bold", b"black", b"heavy"))
