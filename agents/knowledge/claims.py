"""The draft as claims: each says one thing, with its span, its class, its citations and what it needs to be understood.

Sentences are cut in `layout`, what they say apart in `clauses`, their class told in `kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from .clauses import Part, lacks_subject, split_sentence
from .kinds import ClaimKind, classify, names_something_medical
from .layout import CITATION, Line, LineKind, cited_labels, lines, sentence_spans, sentences
from .vocabulary import strip_accents, table, vocabulary

__all__ = ["CITATION", "Claim", "ClaimKind", "cited_labels", "classify", "find_claims", "sentence_spans"]

CONTEXT_CHARS = 200
"""Characters of the sentence before that a context has at most."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one sentence, list item or table row says, or a part of it that can be true by itself."""

    start: int
    """First character in the draft."""
    end: int
    """One past its last character, citation marks included."""
    text: str
    """Exactly `draft[start:end]`."""
    kind: ClaimKind
    citations: tuple[str, ...]
    """Labels in brackets, as written, in order; those of the next part of its sentence where it has none."""
    sentence: tuple[int, int] = (0, 0)
    """Start and end of the sentence it belongs to."""
    context: str = ""
    """What must be read before it: the lead-in of a list, the cells of a row with their headers, a heading, the subject
    of an elliptical part, or the sentence that its pronoun points back to."""

    @property
    def standalone(self) -> str:
        """Context and text as one statement; a row is its context alone."""
        if not self.context:
            return self.text
        if self.text.count("|") >= 2:
            return self.context
        return joined(self.context, self.text)


def find_claims(draft: str, language: str = "en") -> tuple[Claim, ...]:
    """Every claim of a draft, in order, never overlapping; together they cover every sentence, item and row."""
    return tuple(_Reader(draft, language).claims())


def joined(context: str, text: str) -> str:
    """A context and what it is read before: a full stop ends the one, a connective opens the other no more."""
    body = _connective().sub("", text, count=1)
    if context[-1] in ".!?…。" and body:
        body = body[0].upper() + body[1:]
    return f"{context} {body}"


class _Reader:
    """What has been read of a draft so far."""

    def __init__(self, draft: str, language: str) -> None:
        self._draft, self._language = draft, language
        self._openers = _openers(language)
        self._heading = ""
        self._leads: list[tuple[int, str]] = []
        self._headers: tuple[str, ...] = ()
        self._before = ""
        self._anchor = ""

    def claims(self) -> Iterator[Claim]:
        """Claims line by line."""
        read = list(lines(self._draft))
        for line, after in pairwise([*read, None]):
            if line is None or line.kind is LineKind.RULE:
                continue
            if line.kind is LineKind.ROW:
                yield self._row(line, header=after is not None and after.kind is LineKind.RULE)
                continue
            self._headers = ()
            if line.kind is LineKind.HEADING:
                yield from self._headed(line)
                continue
            yield from self._sentences(line)

    def _row(self, line: Line, *, header: bool) -> Claim:
        text = self._draft[line.start : line.end]
        cells = _cells(text)
        span = (line.start, line.end)
        if header:
            self._headers = cells
            return Claim(*span, text, ClaimKind.TALK, cited_labels(text), span)
        context = "; ".join(
            f"{head}: {cell}" if head else cell for head, cell in zip(self._headers, cells, strict=False) if cell
        )
        kind = classify(context or text, self._language)
        return Claim(*span, text, kind, cited_labels(text), span, context)

    def _headed(self, line: Line) -> Iterator[Claim]:
        """A heading is talk, except one that is a whole medical statement."""
        text = self._draft[line.start : line.end]
        self._heading = _cleaned(text).rstrip(" :.")
        self._leads, self._before, self._anchor = [], "", ""
        for start, end in sentences(self._draft, line):
            part = self._draft[start:end]
            states = not lacks_subject(part, self._language) and names_something_medical(part, self._language)
            kind = classify(part, self._language) if states else ClaimKind.TALK
            yield Claim(start, end, part, kind, cited_labels(part), (start, end))

    def _sentences(self, line: Line) -> Iterator[Claim]:
        lead = self._lead(line)
        for number, (start, end) in enumerate(sentences(self._draft, line)):
            parts = split_sentence(self._draft, start, end, self._language)
            context = self._context(parts[0], lead, first=number == 0)
            labels = _labels(self._draft, parts)
            for position, part in enumerate(parts):
                text = self._draft[part.start : part.end]
                own = context if position == 0 else self._part_context(parts, position, context)
                said = text.rstrip(" ,;:") if position + 1 < len(parts) else text
                kind = self._kind(said, own, lead, elliptical=bool(part.context) and not part.context.endswith(","))
                own = own if kind is not ClaimKind.TALK else ""
                claim = Claim(part.start, part.end, text, kind, labels[position], (start, end), own)
                self._remember(claim, elliptical=bool(part.context))
                yield claim
        self._note_lead(line)

    def _kind(self, text: str, context: str, lead: str, *, elliptical: bool) -> ClaimKind:
        if elliptical:
            return classify(joined(context, text).rstrip(" ,;:"), self._language)
        own = classify(_connective().sub("", text, count=1), self._language)
        if own in {ClaimKind.TALK, ClaimKind.QUOTATION, ClaimKind.INSTRUCTION}:
            return own
        if lead and context.startswith(lead):
            return classify(f"{lead.rstrip(' :：')} {text}", self._language)
        return own

    # contexts

    def _context(self, part: Part, lead: str, *, first: bool) -> str:
        """What the first part of a sentence needs."""
        text = self._draft[part.start : part.end]
        if first and lead:
            return lead
        if self._points_back(text):
            return self._referent() or lead or self._headed_by(text)
        if lacks_subject(text, self._language):
            commands = classify(text, self._language) is ClaimKind.INSTRUCTION
            named = not commands or names_something_medical(self._heading, self._language)
            return lead or (self._headed_by(text) if named else "")
        return ""

    def _part_context(self, parts: Sequence[Part], position: int, base: str) -> str:
        """What a later part of a sentence needs: the subject it shares, or what its pronoun points back to."""
        part = parts[position]
        if part.context:
            return f"{base} {part.context}" if base else part.context
        return self._referent() if self._points_back(self._draft[part.start : part.end]) else ""

    def _points_back(self, text: str) -> bool:
        body = strip_accents(_connective().sub("", _cleaned(text), count=1).lower().replace("’", "'"))
        if self._language == "zh":
            return body.startswith(tuple(self._openers))
        words = _WORDS.findall(body)
        return bool(words) and words[0] in self._openers and not _expletive().match(body)

    def _referent(self) -> str:
        """The sentence before; with the one that names the subject where that sentence only points back too."""
        both = f"{self._anchor} {self._before}".strip()
        if not self._anchor or self._anchor == self._before:
            return _shortened(self._before)
        return both if len(both) <= CONTEXT_CHARS else _shortened(self._anchor)

    def _remember(self, claim: Claim, *, elliptical: bool) -> None:
        if claim.kind is ClaimKind.TALK:
            return
        text = _cleaned(claim.standalone if elliptical else claim.text).rstrip(" ,;:，；：")
        text = _connective().sub("", text, count=1)
        stop = {"zh": "。", "hi": "।"}.get(self._language, ".")
        self._before = text if text.endswith((".", "!", "?", "…", "。", "।", "！", "？")) else f"{text}{stop}"
        self._before = self._before[0].upper() + self._before[1:]
        if not self._points_back(claim.text) or not self._anchor:
            self._anchor = self._before

    def _headed_by(self, text: str) -> str:
        if not self._heading or self._heading.lower() in text.lower() or self._heading.endswith("?"):
            return ""
        return f"{self._heading}:"

    # lists

    def _lead(self, line: Line) -> str:
        """The lead-ins that a list item stands under, outermost first."""
        if line.kind is not LineKind.ITEM:
            self._leads = []
            return ""
        self._leads = [lead for lead in self._leads if lead[0] <= line.indent]
        said = [text for _, text in self._leads if text]
        return " ".join(said) or (f"{self._heading}:" if self._heading and not self._before else "")

    def _note_lead(self, line: Line) -> None:
        """Remember a line that ends in a colon; one without content leads to nothing."""
        text = _cleaned(self._draft[line.start : line.end])
        if not text.endswith((":", "：")):
            return
        last = list(sentences(self._draft, line))[-1]
        text = _cleaned(self._draft[last[0] : last[1]])
        content = [w for w in _WORDS.findall(text.lower()) if w not in vocabulary().stop]
        told = bool(content) and (self._language == "zh" or not _announces().match(text.lower()))
        self._leads.append((line.indent + (line.kind is LineKind.ITEM), text if told else ""))


def _labels(draft: str, parts: Sequence[Part]) -> list[tuple[str, ...]]:
    """Citations by part; a mark at the end of a sentence stands for the parts before it that have none."""
    found: list[tuple[str, ...]] = []
    behind: tuple[str, ...] = ()
    for part in reversed(parts):
        behind = cited_labels(draft[part.start : part.end]) or behind
        found.append(behind)
    return found[::-1]


def _cells(row: str) -> tuple[str, ...]:
    inner = CITATION.sub("", row).strip().strip("|")
    return tuple(_cleaned(cell) for cell in inner.split("|"))


def _cleaned(text: str) -> str:
    """Without citation marks and emphasis."""
    return " ".join(_EMPHASIS.sub("", CITATION.sub("", text)).split()).replace(" .", ".")


def _shortened(text: str) -> str:
    if len(text) <= CONTEXT_CHARS:
        return text
    return text[: CONTEXT_CHARS - 1].rsplit(" ", 1)[0] + "…"


@cache
def _openers(language: str) -> frozenset[str]:
    return frozenset(strip_accents(w.lower()) for w in table("claims.yaml")["openers"].get(language, ()))


@cache
def _expletive() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{strip_accents(p)})" for p in table("claims.yaml")["expletive"]))


@cache
def _announces() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in table("claims.yaml")["announcing"]))


@cache
def _connective() -> re.Pattern[str]:
    words = sorted(table("claims.yaml")["connectives"], key=lambda w: -len(w))
    latin = "|".join(re.escape(w) for w in words if w.isascii() or ord(w[0]) < 0x250)
    other = "|".join(re.escape(w) for w in words if ord(w[0]) >= 0x250)
    return re.compile(rf"^\s*(?:(?:{latin})\b|(?:{other}))[\s,]*", re.IGNORECASE)


_EMPHASIS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")
_WORDS = re.compile(r"(?:[^\W\d_]|[\u0900-\u0963])+(?:-[^\W\d_]+)*")
