"""Names of people, from their surroundings first: titles, kin, labels, greetings, signatures. Lexicons only support.

Eponyms, drugs, diseases, institutions and cited authors are protected: they are no names by their looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ..language import detect_language
from .detector import Reading
from .phi_lexicon import any_of, family_names, given_names, known_words, lexicon
from .phi_patterns import Hit

MAX_TOKENS = 5
"""Longest name in words; a longer run of capitalised words is a heading."""

_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+){0,4}")
_UPPER = "".join(c for c in map(chr, range(0x250)) if c.isupper()) + "Α-ΡΣ-ΫЀ-Я"
_CAPITALISED = re.compile(rf"(?<!\w)(?<!\w['’-])[{_UPPER}][^\W\d_]*(?:['’-][^\W\d_]+){{0,4}}")
_SPACES = frozenset({" ", "  ", "\u00a0"})
BRIDGE_CHARS = 14
"""Longest stretch between two words of one name: three particles."""
_CITED = re.compile(r"\s*(?:et al|\((?:19|20)\d\d|,? (?:19|20)\d\d\b|and colleagues|& [A-Z])")

GERMAN = 0.6
"""Probability from which a text is German."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    low: str
    start: int
    end: int

    @property
    def known(self) -> bool:
        return self.low in known_words()

    @property
    def listed(self) -> bool:
        return self.low in given_names() or self.low in family_names()


def names(where: Reading) -> list[Hit]:
    """Names in a text: first those that their surroundings show, then the same words met again."""
    runs = list(_runs(where.text))
    hits: list[Hit] = []
    rest: list[list[_Token]] = []
    for run in runs:
        hit = _judge(where, run)
        if hit is None:
            rest.append(run)
        else:
            hits.append(hit)
    if not where.channel.startswith("draft"):
        hits.extend(_lower_case(where, hits))
    hits.extend(_chinese(where))
    return hits + _again(where, hits, rest)


def _runs(text: str) -> Iterator[list[_Token]]:
    """Capitalised words that stand together, joined by a space, an initial's point or a particle."""
    run: list[_Token] = []
    last_end = 0
    for m in _CAPITALISED.finditer(text):
        token = _token(m.group(), m.start())
        bridge = _bridge(text, last_end, m.start(), run[-1]) if run else None
        if bridge is None:
            if run:
                yield run
            run = [token]
        else:
            run += [*bridge, token]
        last_end = m.end()
    if run:
        yield run


def _bridge(text: str, end: int, start: int, before: _Token) -> list[_Token] | None:
    """What joins two capitalised words in one name: nothing but a space, or particles; None where they stay apart."""
    if start - end > BRIDGE_CHARS:
        return None
    gap = text[end:start]
    if gap in _SPACES or (gap in (". ", ".") and (len(before.text) == 1 or before.low in _titles())):
        return []
    words = gap.split()
    if not words or not gap.startswith(" ") or "\n" in gap or not lexicon().particles.issuperset(words):
        return None
    return [_token(m.group(), end + m.start()) for m in _TOKEN.finditer(gap)]


def _token(word: str, start: int) -> _Token:
    for ending in ("'s", "’s", "'S"):
        word = word.removesuffix(ending)
    return _Token(word, word.lower().replace("’", "'"), start, start + len(word))


@cache
def _titles() -> frozenset[str]:
    return lexicon().titles | lexicon().clinician_titles


@cache
def _before() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What stands right before a name: a label with colon, a word for a person or oneself, a word of contact."""
    words = lexicon()
    return (
        re.compile(rf"(?<!\w){any_of(words.name_labels)}\s?(?:\(s\))?[:=]\s{{0,4}}$"),
        re.compile(rf"(?<!\w){any_of(words.person_cues | words.self_cues)}(?:,|:|\s-)?\s$"),
        re.compile(rf"(?<!\w)(?:{any_of(words.contact_cues)}|(?:bed|room|rm)\s?\d{{1,4}}[a-z]?[:,]?)\s$"),
    )


@cache
def _after() -> re.Pattern[str]:
    tails = any_of(lexicon().name_tails)
    kin = any_of(lexicon().person_cues)
    return re.compile(
        rf"(?:,?\s?\(?,?\s?{tails}(?!\w)|,?\s(?:is\s)?(?:an?\s)?\(?\d{{1,3}}[ -]?(?:year|yr|y/?o|[mf]\b|años|ans)"
        rf"|'s\s(?:{kin}|chart|record|results|labs|room|appointment|mrn|dob|phone|address)(?!\w))"
    )


def _judge(where: Reading, run: list[_Token]) -> Hit | None:
    """The name in a run of capitalised words, with how sure its surroundings make it."""
    if len(run) == 1 and _common(run[0]) and not _behind_label(where.text, run[0].start):
        return None
    if labelled := _name_field(where, run):
        return Hit("name", labelled[0].start, labelled[-1].end, 0.95, "phi.name.label")
    title, run = _split_title(run)
    if not title and run[0].low in {"st", "saint", "san", "santa"}:
        return None
    core = _trim(run, keep=bool(title))
    if not core or len(core) > MAX_TOKENS:
        return None
    evidence = _titled(where, title, core) or _surrounded(where, core) or _looks(where, core)
    if evidence is None:
        return None
    confidence, code, role = evidence
    return Hit("name", core[0].start, core[-1].end, confidence, code, role)


@cache
def _field() -> re.Pattern[str]:
    own = {label for label in lexicon().name_labels if re.search(r"name|nombre|apellid|nom$|nom[e]$|prénom", label)}
    return re.compile(rf"(?<!\w){any_of(own)}\s?(?:\(s\))?[:=][ \t]{{0,4}}(?:{any_of(lexicon().particles)}\s)?$")


def _behind_label(text: str, start: int) -> bool:
    """Whether a colon stands right before: then even a known word may be a name."""
    before = text[max(0, start - 6) : start]
    return ":" in before or "=" in before


def _name_field(where: Reading, run: list[_Token]) -> list[_Token]:
    """The run behind `Name:`, whatever words it is made of, unless it is a heading."""
    begin = run[0].start
    line = max(where.folded.rfind("\n", 0, begin) + 1, begin - 30)
    if len(run) > MAX_TOKENS or not _field().search(where.folded[line:begin]):
        return []
    return [] if _institution_after(where, run) or run[0].low in _titles() else run


def _split_title(run: list[_Token]) -> tuple[str, list[_Token]]:
    """The last title among the leading words, and the words after it."""
    titles = _titles()
    for position in range(min(len(run), 4) - 1, -1, -1):
        token = run[position]
        if token.low in titles and position + 1 < len(run) and _reads_as_title(token, run[position + 1]):
            return token.low, run[position + 1 :]
    return "", run


def _reads_as_title(token: _Token, following: _Token) -> bool:
    """`Ms`, `M.` and `DR SMITH`, but not `MS Contin` or `MR imaging`."""
    if len(token.text) == 1:
        return token.text == "M" and following.start - token.end == 2
    return not token.text.isupper() or following.text.isupper()


def _trim(run: Sequence[_Token], *, keep: bool) -> list[_Token]:
    """The run without known words at its ends; behind a title the first word stays whatever it is."""
    core = list(run)
    while core and not (keep and len(core) == 1) and _common(core[-1]):
        core.pop()
    while core and not keep and _common(core[0]):
        core.pop(0)
    return core if any(len(t.text) > 1 for t in core) else []


def _common(token: _Token) -> bool:
    """A word that is no name by itself; initials and listed names may be."""
    if len(token.text) == 1:
        return False
    if token.low in lexicon().particles:
        return True
    acronym = token.text.isupper() and len(token.text) > 1
    return not token.listed and (token.known or acronym) or token.low in lexicon().institutions


def _titled(where: Reading, title: str, core: Sequence[_Token]) -> tuple[float, str, str] | None:
    if not title or core[0].low in lexicon().institutions | lexicon().eponym_heads or len(core[0].text) < 2:
        return None
    if title in lexicon().clinician_titles:
        return (0.85, "phi.name.clinician", "clinician")
    return (0.95, "phi.name.title", "")


def _surrounded(where: Reading, core: Sequence[_Token]) -> tuple[float, str, str] | None:
    """Evidence of the words right before and after."""
    if _institution_after(where, core) or all(t.text.isupper() and not t.listed for t in core):
        return None
    fresh = any(not t.known or t.low in given_names() for t in core if len(t.text) > 1)
    line = max(where.folded.rfind("\n", 0, core[0].start) + 1, core[0].start - 40)
    before = where.folded[line : core[0].start]
    label, person, contact = _before()
    if fresh and (m := label.search(before)):
        role = "clinician" if m.group().strip(" :=") in lexicon().clinician_labels else ""
        return (0.93, "phi.name.label", role)
    if fresh and person.search(before):
        return (0.88, "phi.name.cue", "")
    if fresh and _after().match(where.folded, core[-1].end):
        return (0.85, "phi.name.tail", "")
    if fresh and _signed(where, core):
        return (0.8, "phi.name.signature", "")
    if contact.search(before) and _person_like(core):
        return (0.75, "phi.name.contact", "")
    return None


def _person_like(core: Sequence[_Token]) -> bool:
    """A listed given name, or two words that are no known words; a single unknown word is too little."""
    if core[0].low in given_names():
        return len(core) > 1 or core[0].low not in lexicon().countries_states
    return len(core) > 1 and not any(t.known for t in core if len(t.text) > 1)


def _looks(where: Reading, core: Sequence[_Token]) -> tuple[float, str, str] | None:
    """Evidence of the name itself, where nothing around it speaks."""
    if _institution_after(where, core) or _CITED.match(where.text, core[-1].end):
        return None
    words = [t for t in core if len(t.text) > 1]
    if any(t.text.isupper() for t in words):
        return None
    given = core[0].low in given_names()
    if len(words) == 1:
        alone = given and not words[0].known and not _placed(where, core)
        return (0.6, "phi.name.given", "") if alone and len(core) == 1 else _initialled(core)
    if given and (words[-1].low in family_names() or not words[-1].known):
        return (0.85, "phi.name.given", "")
    fresh = not any(t.known or "-" in t.text for t in words)
    if fresh and not _placed(where, core) and (any(t.listed for t in words) or not _writes_nouns_large(where)):
        return (0.65, "phi.name.looks", "")
    return None


def _writes_nouns_large(where: Reading) -> bool:
    """Whether the text is German, where two capitals side by side say nothing."""
    told, sure = detect_language(where.text)
    return told == "de" and sure >= GERMAN


def _initialled(core: Sequence[_Token]) -> tuple[float, str, str] | None:
    """An initial with a listed family name: `J. Okafor`."""
    listed = len(core) > 1 and any(t.listed and not t.known for t in core)
    return (0.7, "phi.name.initial", "") if listed else None


_PLACE_BEFORE = re.compile(r"(?<!\w)(?:in|at|near|within|across|outside|en|à|em)\s$")


def _placed(where: Reading, core: Sequence[_Token]) -> bool:
    """Behind `in` or `at`, a capitalised word is a place."""
    return _PLACE_BEFORE.search(where.folded[max(0, core[0].start - 9) : core[0].start]) is not None


_NEXT = re.compile(r"(?:'s|’s|s')?[ -]+(?:[^\W\d_]+ +)?([^\W\d_]+)")
_FIRST = re.compile(r"(?:'s|’s|s')?[\s-]+([^\W\d_]+)")


def _institution_after(where: Reading, core: Sequence[_Token]) -> bool:
    """The run, or the word after it, names an institution, a disease or a device."""
    words = lexicon()
    heads = words.institutions | words.eponym_heads
    if any(t.low in heads for t in core[1:]):
        return True
    first = _FIRST.match(where.folded, core[-1].end)
    if first is not None and first.group(1) in heads and "\n" not in first.group():
        return not (first.group(1) in {"home", "house", "crisis", "point", "tests", "test"} and len(core) > 1)
    capital = _NEXT.match(where.text, core[-1].end)
    return capital is not None and capital.group(1)[0].isupper() and capital.group(1).lower() in words.institutions


@cache
def _closing() -> re.Pattern[str]:
    return re.compile(rf"(?:^|\n)\s{{0,4}}{any_of(lexicon().closings)},?\s{{0,3}}\n\s{{0,4}}$")


def _signed(where: Reading, core: Sequence[_Token]) -> bool:
    before = where.folded[max(0, core[0].start - 60) : core[0].start]
    return "\n" in before and _closing().search(before) is not None


@cache
def _lower_cues() -> re.Pattern[str]:
    words = lexicon()
    named = {c for c in words.self_cues if "name" in c or "llam" in c or "appelle" in c or "heiße" in c or "cham" in c}
    titles = {t for t in words.titles if len(t) > 1} | {"dr", "doctor"}
    word = r"[^\W\d_]{2,20}(?:['-][^\W\d_]{2,20})?"
    people = any_of(words.person_cues | titles | {"im", "i am"})
    cues = rf"(?:({any_of(named)})\s|(mr|mrs|ms|dr)\.?\s|({people}),?\s)"
    return re.compile(rf"(?<!\w){cues}({word})(?:\s({word}))?")


def _lower_case(where: Reading, found: Sequence[Hit]) -> Iterator[Hit]:
    """Names typed without capitals, behind a title or a word for a person."""
    taken = {h.start for h in found}
    for m in _lower_cues().finditer(where.folded):
        first, second = m.group(4), m.group(5)
        if m.start(4) in taken or where.text[m.start(4)].isupper():
            continue
        listed = first in given_names() or (m.group(2) is not None and first in family_names())
        fresh = first not in known_words() and (m.group(1) is not None or m.group(2) is not None)
        if not (listed or fresh) or (first in known_words() and m.group(1) is None):
            continue
        both = second is not None and second not in known_words()
        role = "clinician" if (m.group(2) or m.group(3) or "") in lexicon().clinician_titles else ""
        yield Hit("name", m.start(4), m.end(5) if both else m.end(4), 0.75, "phi.name.lower", role)


@cache
def _zh() -> re.Pattern[str]:
    surname = f"[{lexicon().zh_surnames}]"
    before = r"(?:我叫|我是|姓名\s?[:：]?\s?|患者|病人|名叫|叫做)"
    return re.compile(rf"{before}({surname}[\u4e00-\u9fff]{{1,2}})(?=[,，。;；、 \n男女先的]|$)")


def _chinese(where: Reading) -> Iterator[Hit]:
    for m in _zh().finditer(where.text):
        yield Hit("name", m.start(1), m.end(1), 0.8, "phi.name.label")


def _again(where: Reading, hits: Sequence[Hit], rest: Sequence[Sequence[_Token]]) -> list[Hit]:
    """Further places where a word of a name already found stands alone."""
    private = {
        t.group().lower(): h
        for h in hits
        if h.confidence >= 0.7
        for t in _TOKEN.finditer(where.text, h.start, h.end)
        if len(t.group()) > 2
        and t.group().lower() not in known_words()
        and t.group().lower() not in lexicon().particles
    }
    return [
        Hit("name", t.start, t.end, 0.75, "phi.name.again", private[t.low].role)
        for run in rest
        for t in run
        if t.low in private
    ]
