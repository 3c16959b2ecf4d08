"""The blocks of one section as texts of a passage's size. Where headings begin and end is not decided here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from wardround.agents.knowledge.claims import sentence_spans

from .cleaning import clean
from .document import Block, BlockKind

ENOUGH = 400
"""Characters from which on a passage may end at the end of a block."""
FULL = 900
"""Characters beyond which a passage takes nothing more, if it has enough already."""
LIMIT = 1500
"""Characters that no passage exceeds."""
_REMAINDER = 200
"""A last piece smaller than this goes to the one before, where the limit allows."""
_MAX_LEAD = 300
"""A longer lead-in is not repeated."""
_MAX_CAPTION = 200
"""A longer paragraph before a table is no caption."""
_CAPTION = re.compile(r"(?i)(?:table|box|tabelle|tab\.|tableau|tabla|tabela|tabella|tabel|таблица|表)\s*\d")
"""How captions begin in the languages that are checked."""
_WINDOW = 8000
"""Characters of a block looked at in one go for its sentences."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text on its way to a passage: a sentence, an item, a row; or, packed, the whole passage."""

    text: str
    page: int | None
    begins_block: bool = True
    """Whether a line begins with it."""
    lead: str = ""
    """Line that must stand before it in the same passage: the words that lead to its list, or its header row."""
    captions: tuple[str, ...] = ()
    """Headings of its own, below those of the section: the caption of a table."""
    group: int = 0
    """Pieces of different groups never share a passage."""
    left: int = 0
    """Characters of its block from here on."""


def pieces(blocks: Sequence[Block]) -> Iterator[Piece]:
    """The blocks of a section as pieces. Rows under a header are a group of their own, which begins with it."""
    list_lead, caption, group = "", "", 0
    for (is_table, header), run in groupby(blocks, key=_run):
        group += 1 if is_table else 0
        for block in run:
            text = clean(block.text)
            if is_table:
                yield from _row(text, block.page, header, caption, group)
            elif block.kind is BlockKind.PARAGRAPH or block.kind is BlockKind.HEADING:
                yield from _sentences(text, block.page, "", group)
                caption = _lead_in(text)
                list_lead = caption if caption.endswith((":", "：")) else ""
            else:
                yield from _sentences(text, block.page, list_lead, group)
                caption = ""  # the words before a list say nothing of a table behind it
        group += 1 if is_table else 0
        list_lead, caption = ("", "") if is_table else (list_lead, caption)


def _run(block: Block) -> tuple[bool, str]:
    header = clean(block.header or "") if block.kind is BlockKind.TABLE_ROW else ""
    return bool(header), header


def _lead_in(text: str) -> str:
    """What of a paragraph leads to the list or table behind it: its last sentence with a colon, or a whole caption."""
    if text.endswith((":", "：")):
        last = list(_cut(text))[-1]
        return last if len(last) <= _MAX_LEAD else ""
    is_caption = len(text) <= _MAX_CAPTION and not text.endswith((".", "!", "?", ";", ",", "。"))
    return text if is_caption or len(text) <= _MAX_CAPTION and _CAPTION.match(text) else ""


def _row(text: str, page: int | None, header: str, lead: str, group: int) -> Iterator[Piece]:
    """A row under its header, whole unless both are longer than a passage."""
    captions = (lead.rstrip(":： "),) if lead.rstrip(":： ") else ()
    room = LIMIT - len(header) - 1
    if room < ENOUGH:  # a header this long cannot be repeated in a line of its own
        yield from _sentences(f"{header} | {text}", page, "", group)
        return
    for part in _words(text, room if len(text) > room else LIMIT):
        yield Piece(part, page, True, header, captions, group, len(part))


def _sentences(text: str, page: int | None, lead: str, group: int) -> Iterator[Piece]:
    left = len(text)
    room = LIMIT - len(lead) - 1
    for number, sentence in enumerate(_cut(text)):
        for part in _words(sentence, FULL if len(sentence) > room else LIMIT):
            is_first = number == 0 and left == len(text)
            yield Piece(part, page, is_first, lead, (), group, left)
            left -= len(part) + 1


def _cut(text: str) -> Iterator[str]:
    """The sentences of one line, with everything between them."""
    start = 0
    while len(text) - start > 0:
        window = text[start : start + _WINDOW]
        starts = [first for first, _ in sentence_spans(window)][1:]
        if start + _WINDOW >= len(text):
            starts.append(len(window))
        elif not starts:
            starts.append(max(window.rfind(" "), 0) + 1 if " " in window else len(window))
        position = 0
        for end in starts:
            if sentence := window[position:end].strip():
                yield sentence
            position = end
        start += position


def _words(text: str, room: int) -> Iterator[str]:
    """The text in parts of at most `room` characters, cut between words where there are any."""
    while len(text) > room:
        end = text.rfind(" ", 1, room + 1)
        end = end if end > 0 else room
        yield text[:end]
        text = text[end:].lstrip(" ")
    if text:
        yield text


def packed(found: Iterable[Piece]) -> list[Piece]:
    """The pieces joined, each result a passage."""
    texts: list[list[Piece]] = []
    text = ""
    for piece in found:
        last = texts[-1][-1] if texts else None
        together = _with(text, last, piece)
        if last is not None and _fits(len(text), len(together), last, piece):
            texts[-1].append(piece)
            text = together
        else:
            texts.append([piece])
            text = _with("", None, piece)
    _take_lead_ins_along(texts)
    _join_remainders(texts)
    return [Piece(joined(group), group[0].page, captions=group[0].captions) for group in texts]


def joined(group: Sequence[Piece]) -> str:
    """One text: a line a block, the lead where it has not just been said."""
    text = ""
    last: Piece | None = None
    for piece in group:
        text, last = _with(text, last, piece), piece
    return text


def _with(text: str, last: Piece | None, piece: Piece) -> str:
    """The text, which ends with `last`, and the piece behind it."""
    is_led = bool(piece.lead) and (last is None or piece.lead != last.lead) and not text.endswith(piece.lead)
    if is_led:
        return text + ("\n" if text else "") + piece.lead + "\n" + piece.text
    return text + ("\n" if piece.begins_block and text else " " if text else "") + piece.text


def _fits(size: int, together: int, last: Piece, piece: Piece) -> bool:
    """Whether a passage of `size` characters that ends with `last` goes on with the piece."""
    if (piece.group, piece.captions) != (last.group, last.captions) or together > LIMIT:
        return False
    if piece.begins_block and size >= ENOUGH:
        return size + piece.left < FULL
    return together <= FULL or size < ENOUGH


def _take_lead_ins_along(texts: list[list[Piece]]) -> None:
    """Move a lead-in that ended up last in its passage to the list that it leads to."""
    for before, after in zip(texts, texts[1:], strict=False):
        lead = after[0].lead
        if lead and len(before) > 1 and before[-1].text == lead and before[-1].group == after[0].group:
            after.insert(0, before.pop())


def _join_remainders(texts: list[list[Piece]]) -> None:
    for number in range(len(texts) - 1, 0, -1):
        before, last = texts[number - 1], texts[number]
        is_alike = (before[-1].group, before[-1].captions) == (last[0].group, last[0].captions)
        if is_alike and len(joined(last)) < _REMAINDER and len(joined([*before, *last])) <= LIMIT:
            texts[number - 1 : number + 1] = [[*before, *last]]
