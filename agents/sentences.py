"""Where a growing text may be cut: the end of its last whole sentence, in any script."""

from __future__ import annotations

import re

_END = re.compile(r"(?:[.!?…][\"'”’)\]*_]*(?=\s)|[。！？।｡][”’」』）]*|\n)")
_TAIL = re.compile(r"(?<![\d\s.])[.!?…][\"'”’)\]*_]*$")
_WORD = re.compile(r"[^\W\d_]{4,}[.!?…][\"'”’)\]*_]*$")


def last_boundary(text: str, start: int) -> int:
    """End of the last whole sentence of `text` after `start`, or `start` where none ends.

    A full stop at the very end counts when a word of four letters or more stands before it: `today.` ends a
    sentence, `3.` may be half a number and `e.g.` an abbreviation.
    """
    if _TAIL.search(text, start) and _WORD.search(text, start):
        return len(text)
    end = start
    for match in _END.finditer(text, start):
        end = match.end()
    return end
