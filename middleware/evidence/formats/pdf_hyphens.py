"""Words that a line's end has cut in two, joined: `medi-` and `cation`, but not `low-` and `dose`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CUT = re.compile(r"([^\W\d_]+)-$")
_MAX_WORD = 60
_REST = re.compile(r"[^\W\d_]+")


class Hyphens:
    """Joins lines, going by how the document itself writes a word elsewhere."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words: set[str] = set()
        is_rest = False
        for text in texts:
            words = [m[0].lower() for m in _WORD.finditer(text)]
            is_cut = text.endswith("-")
            self._words.update(words[int(is_rest) : len(words) - int(is_cut)])
            is_rest = is_cut

    def join(self, lines: Sequence[str]) -> str:
        """The lines as one text."""
        parts: list[str] = []
        for line, below in zip(lines, [*lines[1:], ""], strict=True):
            if not line.endswith("-") or not below:
                parts.append(f"{line} ")
                continue
            cut, rest = _CUT.search(line[-_MAX_WORD:]), _REST.match(below)
            if cut is not None and rest is not None and rest[0][0].islower():
                parts.append(line if self._is_compound(cut[1].lower(), rest[0].lower()) else line[:-1])
            else:
                parts.append(line if line[-2:-1].isdigit() else f"{line} ")
        return "".join(parts).strip()

    def _is_compound(self, one: str, other: str) -> bool:
        """Whether the hyphen belongs to the word."""
        if one + other in self._words:
            return False
        return f"{one}-{other}" in self._words or {one, other} <= self._words
