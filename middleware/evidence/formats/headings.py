"""Headings, bullets and rows of a table, told from plain lines of text. Fonts and markup are the readers' own."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_HEADING_CHARACTERS = 150
"""A longer line is no heading."""
_NUMBERED = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+(\S.*)")
_BULLET = re.compile(r"(?:[•●▪■◦○‣⁃∙·➢➤✓✔–—*-]|o)\s+|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s+")
_ENDS_SENTENCE = re.compile(r"[.!?;:,][\"'”’)]*$")
_LETTERS = re.compile(r"[^\W\d_]")
_MIN_CAPITALS = 4
_NUMBERS = re.compile(r"\d")


def numbered_level(line: str) -> int:
    """Depth of a numbered heading such as `4.2 Posology`; 0 where the line is none."""
    match = _NUMBERED.fullmatch(line)
    if match is None or not is_title(match[2]) or len(match[2].split()) > 14:
        return 0
    first = _LETTERS.search(match[2][:3])
    return match[1].count(".") + 1 if first is not None and first[0].isupper() else 0


def is_capitals(line: str) -> bool:
    """Whether the line is a heading written in capitals, such as `DOSAGE AND ADMINISTRATION`."""
    letters = _LETTERS.findall(line)
    if len(letters) < _MIN_CAPITALS or not is_title(line):
        return False
    return all(not c.islower() for c in letters) and any(c.isupper() for c in letters) and "|" not in line


def is_title(line: str) -> bool:
    """Whether a line may be a heading at all, going by its length and its end."""
    return 0 < len(line) <= MAX_HEADING_CHARACTERS and not _ENDS_SENTENCE.search(line)


def bullet_end(line: str) -> int:
    """Where the text begins behind a bullet or number of a list; 0 where there is neither."""
    match = _BULLET.match(line)
    return match.end() if match is not None and line[match.end() :].strip() else 0


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a table reads as its header: filled, short, and without the figures of the others."""
    if len(rows) < 2 or len(rows[0]) < 2 or not all(cell.strip() for cell in rows[0][1:]):
        return False
    first, others = rows[0], rows[1:]
    if sum(map(len, first)) > 2 * MAX_HEADING_CHARACTERS or any(_ENDS_SENTENCE.search(cell) for cell in first):
        return False
    figures = sum(any(_NUMBERS.search(cell) for cell in row) for row in others)
    return not any(_NUMBERS.search(cell) for cell in first) and figures * 2 >= len(others)
