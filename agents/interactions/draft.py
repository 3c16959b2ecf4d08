"""What the draft makes of one drug, or of two together: affirmed, warned, cautioned, silent. No pharmacology here."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .cues import Cue
from .dose import says_how_often
from .mentions import Mention
from .patient import Chart
from .prescribed import doses_of
from .stance import Reading, Sentence, Stance, Status

_DOSE_AFTER = re.compile(
    r"(?:\s+(?:ds|xl|sr|er|xr|cr|dr|ec|hct|extended[- ]release|tablets?|succinate|"
    r"tartrate|elixir|liquid|syrup|suspension|drops|solution|cream|gel))?"
    r"[\s,:(]*(?:at |dose of |of )?(?:\d[\d.,]*(?:\s?(?:-|to)\s?\d[\d.,]*)?"
    r"\s?(?:mg|mcg|g|ml|units?|tablets?|puffs?|iu|meq)\b|(?:once|twice|three times) (?:a day|daily)|"
    r"(?:one|two|half a) tablets?|daily\b|bid\b|tid\b)"
)
_ORDER_REACH = 40
"""Characters behind a name in which a frequency makes it an order."""
_ALLERGY_BEFORE = re.compile(
    r"(?:allerg(?:y|ic|ies)|anaphylaxis|hypersensitiv\w+|reaction|intoleran\w+|"
    r"hives)(?:\s+\w+){0,2}?\s+(?:to|with|from)\s+(?:\w+\s+)?$"
)
_ALLERGY_AFTER = re.compile(r"[\s-]*(?:allerg|anaphyla|hypersensit)")
_ROUTINE = re.compile(
    r"\b(?:routine|as usual|usual|unchanged|no change|same dose|next (?:visit|appointment)|monthly|annual\w*|yearly)\b"
)
"""Monitoring that would have happened anyway manages nothing."""
_REDUCED = re.compile(
    r"\b(?:reduc\w+|halv\w+|half|lower(?:ed|ing)? (?:the )?(?:\w+ )?dose|cut|quarter|third|"
    r"decreas\w+|adjust\w*|titrat\w+|cap(?:ped)?|at most|lowest)\b"
)


@dataclass(slots=True)
class Spoken:
    """All that a draft says of one ingredient."""

    mentions: list[Mention] = field(default_factory=list[Mention])
    named: list[Mention] = field(default_factory=list[Mention])
    """Mentions by name, not through a class."""
    affirmed: list[Mention] = field(default_factory=list[Mention])
    against: bool = False


class DraftView:
    """A read draft, asked about ingredients."""

    def __init__(self, reading: Reading, chart: Chart) -> None:
        self.reading = reading
        self._chart = chart
        self.spoken: dict[str, Spoken] = defaultdict(Spoken)
        for mention, stance in zip(reading.mentions, reading.stances, strict=True):
            self._note(mention, stance)
        self._resolve_open()
        self.kinds = 0
        for sentence in reading.sentences:
            self.kinds |= sentence.kinds
        self.favours = any(s.favour_open for s in reading.sentences) or any(x.affirmed for x in self.spoken.values())
        self.opens_against = any(s.against_open for s in reading.sentences)

    def _note(self, mention: Mention, stance: Stance) -> None:
        for ingredient in mention.ingredients:
            spoken = self.spoken[ingredient]
            spoken.mentions.append(mention)
            if mention.name.class_id is None:
                spoken.named.append(mention)
            if mention.name.class_id is None and (
                stance is Stance.FOR or (stance is Stance.OPEN and self._dosed(mention))
            ):
                if not self._as_allergen(mention):
                    spoken.affirmed.append(mention)
            if stance is Stance.AGAINST:
                spoken.against = True
                for class_name in (mention.name.class_id,):
                    if class_name:
                        self.spoken[class_name].against = True

    def _dosed(self, mention: Mention) -> bool:
        """A dose or a frequency follows directly: an order, even without a verb."""
        if _DOSE_AFTER.match(self.reading.folded, mention.end) is not None:
            return True
        if len(mention.ingredients) == 1 and doses_of(self.reading, mention) is not None:
            return True
        return says_how_often(self.reading.folded, mention.end, self._reach(mention))

    def _reach(self, mention: Mention) -> int:
        """Where what is said directly of a mention ends: with its sentence, at the next drug, or after some words."""
        sentence = next((s for s in self.reading.sentences if s.start <= mention.start < s.end), None)
        end = len(self.reading.folded) if sentence is None else sentence.end
        following = (m.start for m in self.reading.mentions if m.start >= mention.end)
        return min(end, next(following, end), mention.end + _ORDER_REACH)

    def _as_allergen(self, mention: Mention) -> bool:
        """Named as what the patient is allergic to."""
        before = self.reading.folded[max(0, mention.start - 40) : mention.start]
        after = self.reading.folded[mention.end : mention.end + 20]
        return _ALLERGY_BEFORE.search(before) is not None or _ALLERGY_AFTER.match(after) is not None

    def _resolve_open(self) -> None:
        """A warning or approval about `it` goes to what was named last, else to what the user asked about."""
        last: list[Mention] = []
        for sentence in self.reading.sentences:
            nearest = sentence.mentions or last
            if sentence.against_open:
                for ingredient in self._objects(nearest):
                    self.spoken[ingredient].against = True
            last = sentence.mentions or last

    def _objects(self, nearest: list[Mention]) -> Iterable[str]:
        if nearest:
            yield from (i for m in nearest for i in m.ingredients)
        else:
            yield from (h.ingredient for h in self._chart.with_status(Status.ASKED))

    def of(self, ingredient: str) -> Spoken:
        """What is said of an ingredient; empty where nothing is."""
        return self.spoken.get(ingredient) or _NOTHING

    def cautioned(self, subjects: tuple[str, ...], effects: tuple[str, ...]) -> bool:
        """A sentence names a danger of the subjects together, or of one of them with the effect in question."""
        return any(self._cautions(s, subjects, effects) for s in self.reading.sentences)

    def _cautions(self, sentence: Sentence, subjects: tuple[str, ...], effects: tuple[str, ...]) -> bool:
        if sentence.kinds & Cue.MINIMISE:
            return False
        named = sentence.named
        hit = sum(1 for s in subjects if s in named)
        told = hit > 1 and not sentence.kinds & Cue.OK
        if not sentence.risk and not sentence.kinds & Cue.AVOID and not told:
            return False
        effect = any(e in sentence.folded for e in effects)
        if not sentence.risk and not effect:
            return False
        both = hit >= min(2, len(subjects)) if len(subjects) > 1 else bool(hit) and effect
        return (
            both
            or (effect and (bool(hit) or bool(sentence.kinds & Cue.TOGETHER)))
            or (bool(hit) and bool(sentence.kinds & Cue.TOGETHER) and sentence.risk)
        )

    def managed(self, subjects: tuple[str, ...], effects: tuple[str, ...]) -> bool:
        """A sentence reduces or monitors one of the subjects, or names the effect to be watched."""
        for sentence in self.reading.sentences:
            if not sentence.kinds & Cue.MANAGE or _ROUTINE.search(sentence.folded):
                continue
            named = sentence.named
            reduced = _reduces(sentence.folded) and any(s in named for s in subjects)
            watched = [e for e in effects if e in sentence.folded]
            own_level = bool(watched) and all(_OF_ONE_DRUG.search(e) for e in watched)
            about = (
                not named
                or all(s in named for s in subjects)
                or any(s in named and (not own_level or self._established(s)) for s in subjects)
            )
            if reduced or (watched and about):
                return True
        return False

    def _established(self, ingredient: str) -> bool:
        held = self._chart.held.get(ingredient)
        return held is not None and held.status is Status.TAKEN and not held.new

    @property
    def kinds_warn(self) -> bool:
        """Some danger is named somewhere, or something is advised against."""
        return any(s.risk for s in self.reading.sentences) or any(x.against for x in self.spoken.values())

    @property
    def minimises(self) -> bool:
        """The draft plays a danger down."""
        return bool(self.kinds & Cue.MINIMISE)

    @property
    def defers(self) -> bool:
        """The draft sends the question to somebody else."""
        return bool(self.kinds & Cue.DEFER)


def _reduces(folded: str) -> bool:
    """A dose is lowered, and not by a sentence that says that no adjustment is needed."""
    found = _REDUCED.search(folded)
    return found is not None and _DENIED.search(folded[max(0, found.start() - 30) : found.start()]) is None


_OF_ONE_DRUG = re.compile(r"level|trough|concentration")
"""Watching the level of the new drug says nothing of the one that it changes."""
_DENIED = re.compile(r"\b(?:no|not|without|never|doesn't|don't|needn't)\b[^,;]{0,25}$")
_NOTHING = Spoken()
