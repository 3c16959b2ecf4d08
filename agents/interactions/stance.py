"""What a text says of each drug it names: advised, advised against, cautioned, or merely discussed. Works on clauses;
knows nothing of pharmacology. What a request says: `statuses`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from .cues import Cue, CueFinder, Hit
from .folding import fold
from .mentions import Finder, Mention

FLIP = 28
"""Characters over which a negation reaches the next directive of its clause."""
_END = re.compile(r"[.!?;]+(?=[\s\"')\]*]|$)|\n+|[\u3002\uff01\uff1f\uff1b\u0964]")
_ABBREVIATION = re.compile(r"\b(?:dr|st|e\.g|i\.e|vs|approx|no|mr|mrs|ms|etc|p\.o|b\.i\.d|t\.i\.d)$")
_COMMA = re.compile(r"[,:()\u2013\u2014\uff0c\uff1a]|--| - ")
_SAFETY_NET = re.compile(
    r"\s+(?:[^\s.]+\s+){0,4}?(?:(?:if|when)\s+(?!you(?:'re| are)? (?:take|taking|on|have|pregnant))|at the first\s|"
    r"and (?:call|seek|get|see|contact)\b[^.]*\b(?:if|for|with)\s)"
)
"""Stopping that depends on a symptom is no warning about the drug."""
_NEGATED_RISK = re.compile(
    r"(?:\bno|\bnot|\bwithout|n't|\bdoes not|\bnor|\bisn't|\blow|\blower|\bfree of|\blittle)(?:\s+\w+){0,3}\s+$"
)


class Stance(StrEnum):
    """What a draft says of one mention."""

    FOR = "for"
    AGAINST = "against"
    OPEN = "open"


class Status(StrEnum):
    """What a request or a record says of one mention."""

    TAKEN = "taken"
    ASKED = "asked"
    STOPPED = "stopped"
    ALLERGIC = "allergic"
    NEGATED = "negated"
    OTHER = "other"


@dataclass(slots=True)
class Clause:
    """A stretch of a sentence with one idea."""

    start: int
    end: int
    soft: bool
    """Divided from the clause before by a comma only."""
    cues: list[Hit] = field(default_factory=list[Hit])
    mentions: list[Mention] = field(default_factory=list[Mention])
    directives: list[tuple[Hit, bool]] = field(default_factory=list[tuple[Hit, bool]])
    """Directives in order; True where they are in favour."""


@dataclass(slots=True)
class Sentence:
    """A sentence with its clauses and what stands in them."""

    start: int
    end: int
    clauses: list[Clause]
    folded: str
    risk: bool = False
    """Some danger is named and not denied."""
    kinds: int = 0
    """All cues in it."""
    against_open: bool = False
    """A warning whose object is a pronoun, or left out."""
    favour_open: bool = False
    """An approval whose object is a pronoun, or left out."""
    mentions: list[Mention] = field(default_factory=list[Mention])
    named: frozenset[str] = frozenset()
    """All ingredients named in it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, read."""

    channel: str
    text: str
    folded: str
    sentences: tuple[Sentence, ...]
    mentions: tuple[Mention, ...]
    stances: tuple[Stance, ...]
    """One per mention."""


def read(channel: str, text: str, finder: Finder, cues: CueFinder) -> Reading:
    """Read a draft-like text: sentences, clauses, directives, and the stance on every mention."""
    folded = fold(text)
    mentions = finder.find(text, folded)
    hits = [h for h in _outside(cues.find(folded), mentions) if not _is_about_an_activity(folded, h)]
    sentences = tuple(_sentences(folded, mentions, hits))
    stances = {id(m): s for sentence in sentences for m, s in _judge(sentence)}
    return Reading(channel, text, folded, sentences, mentions, tuple(stances.get(id(m), Stance.OPEN) for m in mentions))


def _is_about_an_activity(folded: str, hit: Hit) -> bool:
    if not hit.kind & Cue.AVOID:
        return False
    wanted = _WANTED.search(folded[max(0, hit.start - 25) : hit.start]) is not None
    return wanted or _ACTIVITY.match(folded, hit.end, hit.end + 60) is not None


def _outside(hits: list[Hit], mentions: tuple[Mention, ...]) -> list[Hit]:
    """Cues that are not part of a drug's name."""
    out: list[Hit] = []
    position = 0
    for hit in hits:
        while position < len(mentions) and mentions[position].end <= hit.start:
            position += 1
        if position == len(mentions) or hit.end <= mentions[position].start:
            out.append(hit)
    return out


def _sentences(folded: str, mentions: tuple[Mention, ...], hits: list[Hit]) -> list[Sentence]:
    inside = {p for m in mentions for p in range(m.start, m.end)}
    bounds: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(folded):
        if match.start() in inside or (match.group() == "." and _ABBREVIATION.search(folded, start, match.start())):
            continue
        bounds.append((start, match.end()))
        start = match.end()
    bounds.append((start, len(folded)))
    out: list[Sentence] = []
    m = h = 0
    for low, high in bounds:
        m2, h2 = m, h
        while m2 < len(mentions) and mentions[m2].start < high:
            m2 += 1
        while h2 < len(hits) and hits[h2].start < high:
            h2 += 1
        if folded[low:high].strip():
            out.append(_sentence(folded, low, high, mentions[m:m2], hits[h:h2]))
        m, h = m2, h2
    return out


_LISTING = frozenset({"and", "y", "et", "und"})
"""Between two names these make a list, not a new clause."""


def _sentence(folded: str, low: int, high: int, mentions: Sequence[Mention], hits: list[Hit]) -> Sentence:
    cuts = [(low, False)]
    names = [(x.start, x.end) for x in mentions]
    for match in _COMMA.finditer(folded, low, high):
        at = match.start()
        if not any(s <= at < e for s, e in names) and not (
            at and folded[at - 1].isdigit() and folded[at + 1 : at + 2].isdigit()
        ):
            cuts.append((match.end(), True))
    starts = {s for s, _ in names}
    cuts.extend(
        (h.start, False)
        for h in hits
        if h.kind & Cue.CLAUSE and h.start > low and not (h.text in _LISTING and h.end + 1 in starts)
    )
    cuts.sort()
    edges = [*cuts[1:], (high, False)]
    clauses = [Clause(at, end[0], soft) for (at, soft), end in zip(cuts, edges, strict=True) if end[0] > at]
    named = frozenset(i for m in mentions for i in m.ingredients)
    sentence = Sentence(low, high, clauses, folded[low:high], mentions=list(mentions), named=named)
    _fill(sentence, hits)
    for clause in clauses:
        clause.directives = _directives(folded, clause)
    sentence.risk = any(_risky(folded, sentence, h) for h in hits)
    return sentence


def _fill(sentence: Sentence, hits: list[Hit]) -> None:
    for hit in hits:
        sentence.kinds |= hit.kind
        for clause in sentence.clauses:
            if clause.start <= hit.start < clause.end:
                clause.cues.append(hit)
    for mention in sentence.mentions:
        for clause in sentence.clauses:
            if clause.start <= mention.start < clause.end:
                clause.mentions.append(mention)


def _risky(folded: str, sentence: Sentence, hit: Hit) -> bool:
    if not hit.kind & Cue.RISK:
        return False
    return _NEGATED_RISK.search(folded[max(sentence.start, hit.start - 32) : hit.start]) is None


def _directives(folded: str, clause: Clause) -> list[tuple[Hit, bool]]:
    out: list[tuple[Hit, bool]] = []
    negated_until = -1
    for hit in clause.cues:
        if hit.kind & Cue.NEGATE and not hit.kind & (Cue.AVOID | Cue.OK):
            negated_until = hit.end + FLIP
            continue
        if not hit.kind & (Cue.ACT | Cue.OK | Cue.AVOID | Cue.MINIMISE):
            continue
        favour = not hit.kind & Cue.AVOID
        if hit.start <= negated_until:
            favour = not favour
            if hit.kind & Cue.ACT and out and out[-1][1] is False:
                negated_until = -1
        elif favour and out and not out[-1][1] and _INHERITS.fullmatch(folded, out[-1][0].end, hit.start):
            favour = False
        elif not favour and hit.text in _STOPPING and _SAFETY_NET.match(folded, hit.end, hit.end + 120):
            continue
        out.append((hit, favour))
    return out


_INHERITS = re.compile(r"\s+(?:(?:to|of|from|the|any|also|ever|both|on)\s+){0,2}")
"""What may stand between two directives of one phrase: `avoid taking`, `not safe to use`."""
_ACTIVITY = re.compile(
    r"\s+(?:(?:any|all|the|from|to|too|much|direct|bright|strong|heavy|sudden)\s+){0,3}"
    r"(?:driv|operat|machinery|sun(?:light|shine|burn|\b)|heat\b|stand(?:ing)?\b|lying|lie\b|getting up|rising|exercis|"
    r"exertion|lifting|sports?\b|miss(?:ing)?\b|dehydrat|coffee|caffeine|spicy|salt|meals?\b|eating|snack|smok|crowds|"
    r"stress|work\b|swimming|bath|screens?\b|conduir|manejar|conducir|autofahren|auto\b|dirigir|conduzir|guidare|"
    r"maschinen|machines|maquin|macchinari|sol\b|soleil|sonne|sole\b)|"
    r"(?:\u5f00\u8f66|\u9a7e\u9a76|\u9a7e\u8f66|\u66b4\u6652|\u65e5\u6652)"
)
"""Something to avoid that is no drug: such advice warns of nothing that is taken."""
_WANTED = re.compile(r"\b(?:chances?|odds|success|likelihood|way|help\w*|goal) (?:of|to|in|with|for) (?:\w+ )?$")
"""Before `stopping` or `quitting`: that is what the drug is for."""
_STOPPING = frozenset({"stop", "stopping", "discontinue", "hold", "pause", "skip"})


def _judge(sentence: Sentence) -> list[tuple[Mention, Stance]]:
    """Which directive governs which mention, and which are left over."""
    out: list[tuple[Mention, Stance]] = []
    carried: bool | None = None
    for number, clause in enumerate(sentence.clauses):
        if not clause.soft:
            carried = None
        for mention in clause.mentions:
            verdict = _governing(clause, mention)
            if verdict is False and mention is not clause.mentions[0] and _beside(sentence, mention):
                out.append((mention, Stance.OPEN))
                continue
            if verdict is None:
                verdict = carried if carried is not None else _ahead(sentence.clauses, number)
            out.append((mention, Stance.OPEN if verdict is None else Stance.FOR if verdict else Stance.AGAINST))
        if clause.directives:
            carried = clause.directives[-1][1]
        _leftover(sentence, clause)
    return out


_BESIDE = re.compile(
    r"\b(?:with|on|while taking|while on|alongside|during|because of|as you take|"
    r"together with)\s+(?:your |the |his |her |my )?$"
)


def _beside(sentence: Sentence, mention: Mention) -> bool:
    """Named as what the unwanted drug would be combined with."""
    at = mention.start - sentence.start
    return _BESIDE.search(sentence.folded[max(0, at - 30) : at]) is not None


def _governing(clause: Clause, mention: Mention) -> bool | None:
    before = [f for h, f in clause.directives if h.start < mention.start]
    after = [(h, f) for h, f in clause.directives if h.start >= mention.end]
    if after and not after[-1][1] and not any(m.start > after[-1][0].start for m in clause.mentions):
        return False
    if before:
        return before[-1]
    return after[0][1] if after else None


def _ahead(clauses: list[Clause], number: int) -> bool | None:
    for later in clauses[number + 1 :]:
        if not later.soft:
            return None
        if later.directives:
            hit, favour = later.directives[0]
            return None if any(m.start < hit.start for m in later.mentions) and favour else favour
    return None


def _leftover(sentence: Sentence, clause: Clause) -> None:
    if clause.mentions or not clause.directives:
        return
    strongest = all(f for _, f in clause.directives)
    if strongest:
        sentence.favour_open = True
    elif _has_own_object(sentence, clause):
        return
    elif any(h.kind & Cue.TOGETHER for h in clause.cues) or len(sentence.clauses) == 1 or not sentence.mentions:
        sentence.against_open = True


def _has_own_object(sentence: Sentence, clause: Clause) -> bool:
    """What is warned of is named and is no drug: `avoid picking`, `hold prophylaxis on the day`."""
    hit = next(h for h, favour in clause.directives if not favour)
    if hit.text not in _TRANSITIVE:
        return False
    rest = sentence.folded[hit.end - sentence.start : clause.end - sentence.start]
    return _OTHER_OBJECT.match(rest) is not None


_TRANSITIVE = frozenset(
    {"avoid", "avoiding", "skip", "skipping", "hold", "holding", "stop", "stopping", "omit", "pause"}
)
_OTHER_OBJECT = re.compile(
    r"\s+(?!(?:it|its|that|this|them|these|those|both|either|all|any|the|your|his|her|their|one|some|altogether|"
    r"entirely|completely|together|until|unless|if|because|in|with|on|at|when|during|while|for|now|and|or|by|here|two|"
    r"tak\w+|us\w+|combin\w+|mix\w+|add\w+|start\w+|giv\w+|pair\w+|buy\w+|anti\w+|medic\w+|drugs?|pills?|tablets?|"
    r"supplements?|herb\w*|oral|concomitant|concurrent|co-?\w+)\b)[a-z]"
)
