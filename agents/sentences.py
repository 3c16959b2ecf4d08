"""Where a text may be cut: at the end of each sentence, or of the last whole one while it grows; in any script."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Ends of the sentences of one line, but the last. A label in brackets behind a full stop belongs before the cut.

    Finer than the reader's sentence at worst behind an abbreviation that is not listed here.
    """
    for match in _STOP.finditer(text, start, end):
        cut = match.end()
        label = _LABELS.match(text, cut, end)
        cut = label.end() if label else cut
        rest = text[cut:end].lstrip(" \t*_\"'“‘(")
        if rest and not (match[0][0] == "." and (rest[0].islower() or _is_short(text, start, match.start()))):
            yield cut


def _is_short(text: str, start: int, stop: int) -> bool:
    """Whether the full stop at `stop` belongs to a shortened word, or to the number that opens a line."""
    return text[start:stop].isdecimal() or bool(_SHORT.search(text, start, stop + 1))


_STOP = re.compile(r"(?:[.!?…]+[\"'”’)*_]*(?=\s|[\[【])|[。！？।｡]+[”’」』）\"*]*)")
_LABELS = re.compile(r"(?:[ \t]*[\[【][^\[\]【】\n]{1,60}[\]】](?!\()\.?)+")
_SHORT = re.compile(
    r"(?<![^\s(\[*_])(?:[^\W\d_]|[a-zA-Z]\.[a-zA-Z]|(?i:dr|prof|mr|mrs|ms|st|nr|vs|cf|al|fig|approx|ca|bzw|usw|ggf|max|min"
    r"|tab|tabl|inkl|evtl|mind|tgl|etc|resp|incl|vol|inj|sra?|dra|env|p\.?ej|n[º°]))\.$"
)
"""Ends with a word that is short for another, or with a bare letter."""
