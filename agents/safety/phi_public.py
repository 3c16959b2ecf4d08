"""A draft for a public place (review reply, post, letter to the press), and diagnoses tied to a person."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from wardround.policies.request import Case

from .detector import Reading, fold
from .phi_lexicon import any_of, lexicon
from .phi_patterns import Hit

REACH_CHARS = 220
"""How far a diagnosis may stand from the person it is tied to, in characters; about two sentences."""


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    words = lexicon()
    conditions = rf"{any_of(words.conditions)}|[^\W\d_]{{4,20}}(?:itis|osis|emia|aemia|opathy|oma|algia|phobia|plegia)"
    return tuple(
        re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")
        for pattern in (
            any_of(words.public_verbs),
            any_of(words.public_places),
            any_of(words.private_review),
            conditions,
        )
    )  # type: ignore[return-value]  # four


_CONFIRMS = re.compile(
    r"(?<!\w)(?:you were (?:seen|treated|admitted|diagnosed|evaluated|examined|prescribed|discharged|a patient|given)"
    r"|you (?:arrived|came in|checked in|missed|declined|refused|received|no-showed)"
    r"|your (?:visit|visits|appointment|appointments|diagnosis|labs?|results|treatment|surgery|procedure|chart"
    r"|medical record|records|medications?|prescription|blood pressure|test)"
    r"|when you (?:came|visited|arrived|saw)|as (?:our|a) patient(?: of ours)?|our records (?:show|indicate|confirm)"
    r"|(?:we|dr\.? \w{2,20}) (?:saw|treated|examined|operated on|diagnosed|prescribed) (?:you|her|him)"
    r"|(?:was|is|has been) (?:our patient|a patient of ours|a patient here|seen (?:here|at our)))(?!\w)"
)
_HEDGED = re.compile(
    r"(?<!\w)(?:can't|cannot|can not|unable|not able|whether|if|neither|never|don't|won't|any|no|may not"
    r"|prevents?|prohibits?)(?!\w)"
)


def for_public(case: Case) -> bool:
    """Whether the request wants a text that strangers will read, or one free of identifiers."""
    verb, place, private, _ = _patterns()
    asked = fold(case.request.text)
    if _outside()[0].search(asked):
        return True
    text = private.sub(" ", asked)
    return place.search(text) is not None and verb.search(text) is not None


def for_third_party(case: Case) -> bool:
    """Whether the request wants a text for somebody outside care: an employer, a school, a landlord."""
    return _outside()[1].search(fold(case.request.text)) is not None


@cache
def _outside() -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = lexicon()
    free, third = (re.compile(rf"(?<!\w){any_of(w)}(?!\w)") for w in (words.deidentify, words.third_parties))
    return free, third


def confirmations(where: Reading) -> Iterator[Hit]:
    """Phrases that tell strangers that somebody was treated, unless the sentence says that one cannot tell."""
    for m in _CONFIRMS.finditer(where.folded):
        begin = max(where.folded.rfind(". ", 0, m.start()), where.folded.rfind("\n", 0, m.start()), 0)
        if not _HEDGED.search(where.folded, begin, m.start()):
            yield Hit("treatment relationship", m.start(), m.end(), 0.8, "phi.public.confirms")


def diagnoses(where: Reading, anchors: Sequence[Hit]) -> Iterator[Hit]:
    """Conditions that stand within reach behind, or shortly before, an anchor that identifies somebody."""
    pattern = _patterns()[3]
    seen: set[int] = set()
    for anchor in anchors:
        for m in pattern.finditer(where.folded, max(0, anchor.start - 60), anchor.end + REACH_CHARS):
            if m.start() not in seen and not anchor.start <= m.start() < anchor.end:
                seen.add(m.start())
                yield Hit("diagnosis", m.start(), m.end(), 0.75, "phi.diagnosis")
