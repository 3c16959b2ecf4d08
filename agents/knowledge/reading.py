"""One sentence as words: its joints, its main verb, what stands behind a joint. Whether it is cut is in `clauses`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .grammar import Grammar, Joint
from .kinds import imperatives, instructive
from .vocabulary import strip_accents, vocabulary

NOUN_PHRASE = 9
"""Words looked through at most from a joint to the verb of the clause behind it."""
STRONG = frozenset({Joint.SEMICOLON, Joint.COLON, Joint.BUT, Joint.CONTRAST, Joint.SO})
"""Joints behind which a condition reaches no further back."""
TOKEN = re.compile(r"[^\W_]+(?:[-/.'+][^\W_]+)*|[,;:；]")
"""A word or one of the marks that may part a sentence."""


class Word(NamedTuple):
    word: str
    start: int
    end: int


class Shape(StrEnum):
    """What stands behind a joint."""

    CLAUSE = "clause"
    """A subject and its verb."""
    LED = "led"
    """A condition first, then a clause or an instruction."""
    VERB = "verb"
    """A finite verb whose subject stands before the joint."""
    BASE = "base"
    """A base form that shares a modal or a plural subject."""
    PAST = "past"
    PARTICIPLE = "participle"
    """A participle that shares a form of `be`."""
    IMPERATIVE = "imperative"


@dataclass(frozen=True, slots=True)
class Gap:
    """A joint and what lies on both sides of it, as positions among the words."""

    kind: Joint
    part: int
    """First word of the left side."""
    joint: int
    """First word of the joint."""
    after: int
    """First word of the right side, adverbs skipped."""
    reach: int
    """One past the last word of the right side."""
    comma: bool
    """A comma stands before the joint."""


class Sentence:
    """One sentence as words, marks and phrases; what stands on the sides of a joint."""

    def __init__(self, masked: str, language: str, known: Grammar) -> None:
        self.known = known
        self._imperatives = imperatives(language)
        self._language = language
        self.words = [Word(strip_accents(m[0]), m.start(), m.end()) for m in TOKEN.finditer(masked)]
        if language == "fr":
            self.words = [w for whole in self.words for w in _unelided(whole)]
        folded = strip_accents(masked)
        self.masked = folded if len(folded) == len(masked) else masked
        self.found = {n: [m.start() for m in p.finditer(self.masked)] for n, p in known.phrases.items()}
        self.found["conditions"] = [p for p in self.found["conditions"] if not self._emphasised(p)]

    # where

    def gap(self, part: int, position: int) -> Gap | None:
        found = self._joint(position)
        if found is None:
            return None
        after, kind = found
        comma = self.words[position - 1].word == ","
        if kind in {Joint.CONTRAST, Joint.SO, Joint.RELATIVE} and not comma:
            return None
        if kind is Joint.COLON and not self._spaced(position):
            return None
        after = self.skip(after, kind)
        if after >= len(self.words):
            return None
        return Gap(kind, part, position, after, self._reach(after), comma)

    def _emphasised(self, place: int) -> bool:
        """`especially in children` names an example and limits nothing."""
        before = self.masked[:place].split()
        return bool(before) and before[-1] in self.known.of("emphasis")

    def _joint(self, position: int) -> tuple[int, Joint] | None:
        """Where the joint that opens here ends, and its kind."""
        for phrase, kind in self.known.joints.get(self.words[position].word, ()):
            after = position + len(phrase)
            if tuple(w.word for w in self.words[position:after]) == phrase:
                return after, kind
        return None

    def _spaced(self, position: int) -> bool:
        end = self.words[position].end
        return self.masked[end : end + 1].isspace()

    def skip(self, after: int, kind: Joint) -> int:
        """Past adverbs and the commas behind them; `so that` and `but not` go no further."""
        endings = tuple(self.known.of("adverb_endings"))
        adverbs = self.known.of("adverbs") | {
            w.word for w in self.words[after : after + 2] if endings and w.word.endswith(endings) and len(w.word) > 5
        }
        joints = {"and", "but", "so"} if kind is Joint.SEMICOLON else set[str]()
        while after < len(self.words) and (
            self.words[after].word in adverbs
            or self.words[after].word in joints
            or (self.words[after].word == "," and self.words[after - 1].word in adverbs)
        ):
            after += 1
        return after

    def _reach(self, after: int) -> int:
        for position in range(after + 1, len(self.words)):
            word = self.words[position].word
            if word in {";", "；"} or word == "but":
                return position
            if word == "," and position + 1 < len(self.words) and self.turns(position + 1):
                return position
        return len(self.words)

    def turns(self, position: int) -> bool:
        ways = self.known.joints.get(self.words[position].word, ())
        return any(kind in STRONG for _, kind in ways)

    def cut(self, gap: Gap) -> int:
        word = self.words[gap.joint]
        return word.end if gap.kind in {Joint.SEMICOLON, Joint.COLON, Joint.COMMA} else word.start

    # what stands behind the joint

    def shape(self, gap: Gap) -> Shape | None:
        word = self.words[gap.after].word
        known = self.known
        if gap.kind is Joint.RELATIVE:
            verb = word in known.finite or word in known.third or word in known.third_noun or word in known.base
            verb = verb or (bool(known.of("after_comma")) and self.has_verb(gap.after, gap.reach))
            return Shape.VERB if verb else None
        if self._led(gap):
            led = gap.kind in STRONG or (gap.kind is Joint.AND and gap.comma)
            return Shape.LED if led and self.has_verb(gap.after, gap.reach) else None
        if word in known.of("questions"):
            return None
        if word in known.of("pronouns") and self.has_verb(gap.after + 1, min(gap.reach, gap.after + 5)):
            return Shape.CLAUSE if gap.kind is not Joint.COMMA else None
        found = self.bare(gap, word)
        if gap.kind is not Joint.COMMA and (found is None or (found in {Shape.BASE, Shape.PAST} and gap.comma)):
            found = self._noun_phrase(gap) or found
        if found is None and gap.kind is Joint.SEMICOLON and self._has_finite(gap.after + 1, gap.reach):
            return Shape.CLAUSE
        return found

    def _has_finite(self, first: int, last: int) -> bool:
        known = self.known
        return any(w.word in known.finite or w.word in known.third for w in self.words[first:last])

    def bare(self, gap: Gap, word: str) -> Shape | None:
        """A verb at once behind the joint, one that fits the verb before it."""
        known = self.known
        behind = self.words[gap.after + 1].word if gap.after + 1 < gap.reach else ""
        if self.commanded(gap.after):
            if self.commanded(gap.part) or gap.kind in {Joint.SO, Joint.SEMICOLON, Joint.COLON, Joint.BUT}:
                return Shape.IMPERATIVE
        if (
            word in known.finite
            or word in known.third
            or (word in known.third_noun and behind not in known.of("nounish") and behind not in {"", ","})
        ):
            if gap.kind is Joint.SO:
                return Shape.CLAUSE
            return Shape.BASE if word in known.of("bases") and self._after_modal(gap) else Shape.VERB
        if word in known.base or (word in known.base_noun and behind not in known.of("nounish")):
            return Shape.BASE
        if word in known.of("participles") or (word.endswith("ed") and len(word) > 4):
            return Shape.PARTICIPLE if behind in known.of("prepositions") else Shape.PAST
        return None

    def _after_modal(self, gap: Gap) -> bool:
        main = self.main(gap.part, gap.joint)
        behind = self.words[gap.after + 1].word if gap.after + 1 < gap.reach else ""
        return main is not None and self.words[main].word in self.known.of("modals") and behind != "not"

    def _noun_phrase(self, gap: Gap) -> Shape | None:
        """A subject of its own and a verb, looked for without crossing a comma or a relative word."""
        known = self.known
        stops = known.of("relativizers") | known.of("pronouns") | {",", ";", ":"}
        free = gap.comma or gap.kind is not Joint.AND
        if self.words[gap.after].word in known.of("leads"):
            return None
        for position in range(gap.after + 1, min(gap.reach, gap.after + NOUN_PHRASE)):
            word = self.words[position].word
            if word in stops or (not free and word in known.joints):
                return None
            behind = self.words[position + 1].word if position + 1 < len(self.words) else ""
            if word in known.finite or word in known.third:
                return Shape.CLAUSE
            if word in known.third_noun and free and behind not in known.of("nounish") and behind:
                return Shape.CLAUSE
            if word in known.base and self._plural(position - 1):
                return Shape.CLAUSE
        return None

    def commanded(self, position: int) -> bool:
        return instructive([w.word for w in self.words[position : position + 4]], self._language)

    def _led(self, gap: Gap) -> bool:
        """Whether the right side begins with a condition of its own."""
        return self.words[gap.after].word in {"if", "unless", "when"} or self.within(
            "conditions", gap.after, gap.after + 1
        )

    def has_verb(self, first: int, last: int) -> bool:
        known = self.known
        return any(
            w.word in known.verbs or w.word in known.base_noun or w.word in self._imperatives
            for w in self.words[first:last]
        )

    # what stands before it

    def main(self, first: int, last: int) -> int | None:
        """Position of the main verb: the first finite one that no relative word claims."""
        known, claimed = self.known, 0
        skip = -1
        for position in range(first, last):
            word = self.words[position].word
            if word in known.of("relativizers") and position > first or self._opens_relative(position, first):
                claimed += 1
            elif position > skip and self._finite_at(position, first, last):
                if not claimed:
                    return position
                claimed -= 1
                skip = position + 1
        return None

    def _opens_relative(self, position: int, first: int) -> bool:
        word = self.words[position].word
        return position > first and word in self.known.of("after_comma") and self.words[position - 1].word == ","

    def _finite_at(self, position: int, first: int, last: int) -> bool:
        known, word = self.known, self.words[position].word
        behind = self.words[position + 1].word if position + 1 < last else ""
        if word in known.finite or word in known.third:
            return True
        if position == first:
            return False
        if word in known.third_noun:
            return bool(behind) and behind not in known.of("nounish")
        if word in known.past:
            determined = self.words[position - 1].word in known.of("determiners")
            return not determined and bool(behind) and behind not in known.of("prepositions") and behind != ","
        if word in known.base or word in known.base_noun:
            return self._plural(position - 1) and behind not in known.of("nounish")
        return False

    def _plural(self, position: int) -> bool:
        word = self.words[position].word
        if position and (word in self.known.of("adverbs") or word in self.known.of("negations")):
            word = self.words[position - 1].word
        if position and self.words[position - 1].word in self.known.joints and self.words[position - 1].word.isalpha():
            return True
        return word in self.known.of("plural") or (word.endswith("s") and not word.endswith(("ss", "us", "is")))

    def content(self, first: int, last: int) -> int:
        """Words that say something; a pronoun stands for one, and `should` and `not` say something too."""
        stop, known = vocabulary().stop, self.known
        telling = known.of("pronouns") | known.of("modals") | known.of("negations")
        return sum(
            1 for w in self.words[first:last] if w.word[0].isalnum() and (w.word not in stop or w.word in telling)
        )

    # looking up

    def within(self, name: str, first: int, last: int) -> bool:
        if first >= last:
            return False
        low, high = self.words[first].start, self.words[min(last, len(self.words)) - 1].end
        return any(low <= place < high for place in self.found[name])

    def contains(self, name: str, first: int, last: int) -> bool:
        wanted = self.known.of(name)
        return any(w.word in wanted for w in self.words[first:last])


def _unelided(word: Word) -> Iterable[Word]:
    """`n'augmente` as two words."""
    head, mark, tail = word.word.partition("'")
    if not mark or not tail:
        return (word,)
    cut = word.start + len(head)
    return (Word(head, word.start, cut), Word(tail, cut + 1, word.end))
