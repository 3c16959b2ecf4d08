"""Where one sentence says two things that can be true apart. Sentences and their contexts are in `claims`.

A sentence is left whole whenever a condition, a negation, an attribution or a comparison might reach over the cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .grammar import Joint, Script, grammar, plain, script
from .kinds import instructive
from .layout import trimmed
from .reading import STRONG, TOKEN, Gap, Sentence, Shape

LEAST_CONTENT = 3
"""Content words that a part has at least, the subject it borrows included."""
_TIGHT = frozenset({Joint.AND, Joint.COMMA})
_OWN = frozenset({Shape.CLAUSE, Shape.LED, Shape.IMPERATIVE})


class Part(NamedTuple):
    """A stretch of a sentence that says one thing."""

    start: int
    """First character in the draft."""
    end: int
    """One past the last character."""
    context: str
    """The subject it lacks, or with a comma at its end the clause that its `which` refers to; else empty."""


def split_sentence(text: str, start: int, end: int, language: str) -> tuple[Part, ...]:
    """The parts of the sentence at `text[start:end]`, in order; the whole where it says one thing or none is sure."""
    marks = script(language)
    if marks is not None:
        return _split_script(text, start, end, marks)
    known = grammar(language)
    lowered = text[start:end].lower().replace("’", "'")
    if known is None or len(lowered) != end - start or not _MAYBE.search(lowered):
        return (Part(start, end, ""),)
    masked = _ZONE.sub(lambda m: " " * len(m[0]), lowered)
    return tuple(_Splitter(text, start, end, Sentence(masked, language, known)).parts())


def lacks_subject(text: str, language: str) -> bool:
    """Whether a sentence opens with its verb or has none: a fragment or an instruction."""
    known = grammar(language)
    if known is None:
        return False
    words = [plain(m[0]) for m in TOKEN.finditer(text)]
    if not words or instructive(words, language) or words[0] in known.third | known.finite:
        return True
    return known.verbs.isdisjoint(words)


class _Splitter:
    """One sentence while it is cut."""

    def __init__(self, text: str, start: int, end: int, read: Sentence) -> None:
        self._text, self._start, self._end, self._read = text, start, end, read

    def parts(self) -> Iterable[Part]:
        """The parts, left to right; each is compared with what is left of the sentence."""
        part, start, context, subject = 0, self._start, "", ""
        for position in range(1, len(self._read.words)):
            if position <= part:
                continue
            gap = self._read.gap(part, position)
            shape = self._read.shape(gap) if gap else None
            if gap is None or shape is None or not self._apart(gap, shape, subject):
                continue
            cut = self._start + self._read.cut(gap)
            first, last = trimmed(self._text, start, cut)
            yield Part(first, last, context)
            borrowed = self._subject(gap, shape) or subject
            context = self._context(gap, shape, borrowed, self._text[first:last])
            subject = borrowed if shape not in _OWN else ""
            part, start = gap.after, cut
        first, last = trimmed(self._text, start, self._end)
        yield Part(first, last, context)

    # whether the two are apart

    def _apart(self, gap: Gap, shape: Shape, subject: str) -> bool:
        main = self._read.main(gap.part, gap.joint)
        verb_first = main == gap.part or bool(subject and main is None and self._read.has_verb(gap.part, gap.joint))
        if main is None and not verb_first and not self._read.commanded(gap.part):
            opens = self._read.words[gap.part].word in self._read.known.of("leads")
            if gap.kind is not Joint.SEMICOLON or shape is not (Shape.LED if opens else Shape.CLAUSE):
                return False
        return (
            self._agrees(gap, shape, main)
            and self._free_of_conditions(gap, shape)
            and self._free_of_scope(gap, shape, main)
            and self._fits_joint(gap, shape)
            and self._full(gap, shape, main, subject)
        )

    def _agrees(self, gap: Gap, shape: Shape, main: int | None) -> bool:
        """Whether a verb without a subject has the form of the verb before it."""
        if shape in _OWN:
            return True
        if main is not None and self._read.contains("negations", gap.part, main):
            return gap.kind in STRONG and bool(self._subject(gap, shape))
        if main is None:
            return shape is Shape.VERB and not self._read.commanded(gap.part)
        known, word = self._read.known, self._read.words[main].word
        behind = [w.word for w in self._read.words[main + 1 : gap.joint]]
        match shape:
            case Shape.VERB:
                return self._read.words[gap.after].word in known.finite or not (
                    word in known.base or word in known.base_noun or word in known.past
                )
            case Shape.BASE:
                shared = word in known.of("modals") or word in known.base or word in known.base_noun
                return shared and known.of("purposes").isdisjoint(behind)
            case Shape.PAST:
                return word in known.past and known.of("purposes").isdisjoint(behind)
            case Shape.PARTICIPLE:
                near = behind[:4] if "be" in behind[:2] or "been" in behind[:2] else behind[:2]
                passive = word in known.of("be") or "be" in near or "been" in near
                return passive and any(w.endswith("ed") or w in known.of("participles") for w in near)
            case _:
                return True

    def _free_of_conditions(self, gap: Gap, shape: Shape) -> bool:
        """Whether no condition on one side may hold for the other too."""
        left = self._read.within("conditions", gap.part, gap.joint)
        leads = self._leads(gap.part)
        right = self._read.within("conditions", gap.after, gap.reach)
        if shape is Shape.LED:
            return True
        if leads or (left and not right) or self._afterthought(gap):
            return False
        if shape is Shape.CLAUSE or gap.kind in STRONG or gap.kind is Joint.RELATIVE:
            return True
        first = self._read.words[gap.after].word
        if first in self._read.known.of("modals") and not self._read.contains("modals", gap.part, gap.joint):
            return True
        own = first in self._read.known.finite or self._read.within("trailing", gap.part, gap.joint)
        trailing = self._read.within("trailing", gap.after, gap.reach) and not own
        return not (right and not left) and not trailing

    def _leads(self, part: int) -> bool:
        """Whether a side opens with what limits the rest of it: `In adults, …`."""
        if self._read.words[part].word not in self._read.known.of("leads"):
            return False
        return not self._read.within("discourse", part, part + 1)

    def _afterthought(self, gap: Gap) -> bool:
        """A condition behind a comma belongs to all before it."""
        first, last = self._read.words[gap.after].start, self._read.words[gap.reach - 1].end
        return any(
            first < place < last and self._read.masked[:place].rstrip().endswith(",")
            for place in self._read.found["conditions"]
        )

    def _free_of_scope(self, gap: Gap, shape: Shape, main: int | None) -> bool:
        """Whether no negation, comparison, reason or attribution reaches over the joint."""
        own = shape in {Shape.CLAUSE, Shape.LED}
        left = (gap.part, gap.joint)
        if gap.kind in {Joint.AND, Joint.COMMA, Joint.BUT} and self._correlated(gap):
            return False
        if gap.kind in _TIGHT and (self._read.within("attributions", *left) or self._read.within("reasons", *left)):
            return False
        if not own and self._read.words[gap.part].word in self._read.known.of("existential"):
            return False  # not the same `some people`
        if self._compared(gap, own=own or gap.kind in STRONG):
            return False
        relative = self._read.contains("relativizers", (main or gap.part) + 1, gap.joint)
        if relative and (not own or (gap.kind is Joint.AND and not gap.comma)) and gap.kind is not Joint.RELATIVE:
            return gap.kind in {Joint.SEMICOLON, Joint.SO}
        if shape in {Shape.BASE, Shape.IMPERATIVE} and gap.kind in _TIGHT:
            return not self._read.contains("negations", *left) or self._read.contains(
                "negations", gap.after, gap.after + 3
            )
        return True

    def _compared(self, gap: Gap, *, own: bool) -> bool:
        """Whether a comparison may reach over the joint: `fewer bleeds` behind `as effective as warfarin`."""
        if not own:
            return self._read.within("comparisons", gap.part, gap.reach)
        compares = self._read.within("comparisons", gap.part, gap.joint)
        return compares and self._read.contains("comparatives", gap.after, gap.reach)

    def _correlated(self, gap: Gap) -> bool:
        first, last = self._read.words[gap.part].start, self._read.words[gap.joint].start
        return any(first < place < last for place in self._read.found["correlatives"]) or (
            self._read.words[gap.part].word in {"neither", "either", "not"}
        )

    def _fits_joint(self, gap: Gap, shape: Shape) -> bool:
        """What one kind of joint asks besides."""
        word = self._read.words[gap.after].word
        match gap.kind:
            case Joint.CONTRAST:
                return shape is Shape.CLAUSE and not (self._read.words[gap.joint].word == "while" and word == "you")
            case Joint.SO:
                return shape in {Shape.CLAUSE, Shape.IMPERATIVE}
            case Joint.COLON:
                before = self._read.words[gap.joint - 1].word
                whole = shape in {Shape.CLAUSE, Shape.IMPERATIVE}
                return (
                    whole
                    and before not in self._read.known.of("colon_leads")
                    and not self._read.within("attributions", gap.part, gap.joint)
                )
            case Joint.COMMA:
                return shape in {Shape.VERB, Shape.BASE} and self._listed(gap, shape)
            case Joint.RELATIVE:
                return not self._continued(gap)
            case _:
                return True

    def _listed(self, gap: Gap, shape: Shape) -> bool:
        """Whether a comma stands in a list of verb phrases: a last one follows behind `and`."""
        for position in range(gap.after + 1, gap.reach - 1):
            ways = self._read.known.joints.get(self._read.words[position].word, ())
            if any(kind is Joint.AND for _, kind in ways):
                after = self._read.skip(position + 1, Joint.AND)
                last = Gap(Joint.AND, gap.part, position, after, gap.reach, comma=False)
                if after < gap.reach and self._read.bare(last, self._read.words[after].word) is shape:
                    return True
        return False

    def _continued(self, gap: Gap) -> bool:
        """Whether the sentence goes on behind the relative clause, so that its end is unsure."""
        return any(
            self._read.words[position].word == ","
            and self._read.has_verb(position + 1, min(position + 4, gap.reach))
            and not self._read.turns(position + 1)
            for position in range(gap.after, gap.reach - 1)
        )

    def _full(self, gap: Gap, shape: Shape, main: int | None, subject: str) -> bool:
        """Whether both sides say enough."""
        left = self._read.content(gap.part, gap.joint) + len(subject.split())
        right = self._read.content(gap.after, gap.reach)
        if shape in {Shape.VERB, Shape.BASE, Shape.PAST, Shape.PARTICIPLE}:
            right += len(subject.split()) if main is None or main == gap.part else self._read.content(gap.part, main)
        if gap.kind is Joint.RELATIVE:
            right += 1
        return left >= LEAST_CONTENT and right >= LEAST_CONTENT

    # what the right side borrows

    def _subject(self, gap: Gap, shape: Shape) -> str:
        main = self._read.main(gap.part, gap.joint)
        if main is None or main == gap.part:
            return ""
        stop = main
        behind = self._read.words[main + 1].word if main + 1 < len(self._read.words) else ""
        if shape is Shape.BASE and self._read.words[main].word in self._read.known.of("modals"):
            stop = main + 1
        elif shape is Shape.PARTICIPLE:
            stop = main + (2 if behind in {"be", "been"} else 1)
        denied = next((n for n in range(gap.part, main) if self._read.contains("negations", n, n + 1)), None)
        if denied is not None:
            stop = denied
        if stop == gap.part:
            return ""
        first = self._start + self._read.words[gap.part].start
        return self._text[first : self._start + self._read.words[stop - 1].end]

    def _context(self, gap: Gap, shape: Shape, subject: str, left: str) -> str:
        if gap.kind is Joint.RELATIVE:
            return left if left.endswith(",") else f"{left},"
        return "" if shape in _OWN else subject


def _split_script(text: str, start: int, end: int, marks: Script) -> tuple[Part, ...]:
    """Parts at the marks; whole where a condition is named or a part would be too short."""
    if marks.condition.search(text, start, end):
        return (Part(start, end, ""),)
    edges = [start]
    for match in marks.cut.finditer(text, start, end):
        edge = match.end() if match[0] in ";；" else match.start()
        if edge - edges[-1] >= marks.least and end - edge >= marks.least:
            edges.append(edge)
    spans = (trimmed(text, a, b) for a, b in zip(edges, [*edges[1:], end], strict=True))
    return tuple(Part(a, b, "") for a, b in spans)


_ZONE = re.compile(r"\([^()]*\)|\[[^\]]*\]|【[^】]*】|\"[^\"]*\"|“[^”]*”|«[^»]*»|„[^“”]*[“”]")
_MAYBE = re.compile(r"[,;；]|:\s|\b(?:and|but|so|yet|y|e|et|mais|pero|und|aber|mas)\b")
