"""What a draft leaves out: of its source note, of what the evidence rules out, of when to seek help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from wardround.policies.finding import Citation, Finding, FindingKind, Severity
from wardround.policies.request import Audience, Case, Task

from .retrieve import Passage
from .sources import Sources
from .statement import Statement, Token, compile_statement
from .vocabulary import strip_accents, table

SOURCE_TASKS = frozenset({Task.RECORD_SUMMARY, Task.LETTER})
"""Tasks whose every statement must stand in the source note, those about the patient too."""


class _Topic(NamedTuple):
    """One kind of thing that a summary must carry over."""

    name: str
    cues: frozenset[str]
    """Words that announce it in the note."""
    none: tuple[str, ...]
    """Phrases that say there is none."""
    severity: Severity
    advice: str


def find_omissions(case: Case, sources: Sources, used: frozenset[str]) -> Iterator[Finding]:
    """What the draft should not leave out.

    1. Of a summary or letter: allergies, abnormal results and follow-up of the source note.
    2. A condition of this patient in which the evidence says not to use a drug that the draft speaks of.
    3. When to seek help, where a passage that bears the draft out says it and the reader is no clinician. `used` names
       those passages.
    """
    written = compile_statement(case.draft or "", case.language)
    if case.task in SOURCE_TASKS:
        yield from _of_note(written, sources.sent.passages)
    passages = (*sources.sent.passages, *sources.stored.values())
    for drug, passage in _contraindications(case, written, passages):
        yield _contraindicated(drug, sources.cited([passage.id]))
    if case.audience in {None, Audience.PATIENT}:
        bearing = _red_flags(case.draft or "", [p for p in passages if p.id in used])
        if bearing is not None:
            yield _red_flag(sources.cited([bearing.id]))


def _of_note(written: Statement, passages: Sequence[Passage]) -> Iterator[Finding]:
    """Each topic of a passage is reported once."""
    for passage in passages:
        for topic in _topics():
            lost = [s for s in passage.statements if _announces(s, topic) and _lost(s, topic, written)]
            if lost:
                yield _finding(topic, lost[0], passage)


def _contraindications(case: Case, written: Statement, passages: Sequence[Passage]) -> Iterator[tuple[str, Passage]]:
    """(drug, passage that rules it out), once for each drug and condition."""
    record = [*(case.patient.conditions or ()), *(case.patient.allergies or ())]
    if case.patient.pregnant:
        record.append("pregnancy")
    conditions = [(c, _content(compile_statement(c, case.language))) for c in record]
    told: set[tuple[str, str]] = set()
    for passage in passages:
        for statement in passage.statements:
            for drug, condition in _ruled_out(statement, written, conditions):
                if (drug, condition) not in told:
                    told.add((drug, condition))
                    yield drug, passage


def _ruled_out(
    statement: Statement, written: Statement, conditions: Sequence[tuple[str, frozenset[str]]]
) -> Iterator[tuple[str, str]]:
    """(drug, condition) of the record that the statement rules out and the draft, naming the drug, is silent on."""
    shared = [d for d in statement.drugs if d in written.keys]
    if not shared or not any(t.key == "@advice" and t.side == "against" and not t.negated for t in statement.tokens):
        return
    for condition, keys in conditions:
        if keys and keys <= statement.keys and not keys & written.keys:
            yield shared[0], condition


def _content(statement: Statement) -> frozenset[str]:
    return frozenset(t.key for t in statement.tokens if t.weight >= 1 and t.key[0] != "@")


def _contraindicated(drug: str, citations: tuple[Citation, ...]) -> Finding:
    return Finding(
        agent="knowledge",
        kind=FindingKind.OMISSION,
        subjects=(drug, "contraindication"),
        severity=Severity.MAJOR,
        confidence=0.75,
        message=f"The evidence rules {drug} out in a condition that the record lists, and the draft does not say so.",
        citations=citations,
        code="knowledge.omitted-contraindication",
    )


def _red_flags(draft: str, passages: Sequence[Passage]) -> Passage | None:
    """The first passage that says when to seek help, where the draft does not."""
    cues = _red_flag_cues()
    if _says(draft, cues):
        return None
    return next((p for p in passages if any(_says(s.text, cues) for s in p.statements)), None)


def _red_flag(citations: tuple[Citation, ...]) -> Finding:
    return Finding(
        agent="knowledge",
        kind=FindingKind.OMISSION,
        subjects=("when to seek help",),
        severity=Severity.MODERATE,
        confidence=0.7,
        message="The passage that the draft rests on says when to seek medical help; the draft does not.",
        citations=citations,
        code="knowledge.omitted-red-flag",
    )


def _says(text: str, cues: frozenset[str]) -> bool:
    plain = strip_accents(text.lower().replace("’", "'"))
    return any(c in plain for c in cues)


@cache
def _red_flag_cues() -> frozenset[str]:
    return frozenset(strip_accents(c.lower()) for c in table("omissions.yaml")["red_flags"])


def _announces(statement: Statement, topic: _Topic) -> bool:
    text = strip_accents(statement.text.lower())
    return any(c in text for c in topic.cues) and not any(n in text for n in topic.none)


def _lost(statement: Statement, topic: _Topic, written: Statement) -> bool:
    """Whether the draft has none of the sentence's telling words."""
    telling = _telling(statement, topic)
    return bool(telling) and not any(t.key in written.keys for t in telling)


def _telling(statement: Statement, topic: _Topic) -> list[Token]:
    """What it is about: the ingredients, else the content words apart from the announcing ones."""
    drugs = [t for t in statement.tokens if t.drug]
    plain = [t for t in statement.tokens if t.weight >= 1 and t.key[0] != "@" and not _cue(t.word, topic)]
    return drugs or plain


def _cue(word: str, topic: _Topic) -> bool:
    return any(word.startswith(c) or c.startswith(word) for c in topic.cues)


def _finding(topic: _Topic, statement: Statement, passage: Passage) -> Finding:
    words = dict.fromkeys(t.key if t.drug else t.word for t in _telling(statement, topic))
    return Finding(
        agent="knowledge",
        kind=FindingKind.OMISSION,
        subjects=(topic.name, *tuple(words)[:3]),
        severity=topic.severity,
        confidence=0.7,
        message=f"The source note states {topic.advice} that the draft leaves out. Add it.",
        citations=(Citation(source=passage.id),),
        code=f"knowledge.omitted-{topic.name.replace(' ', '-')}",
    )


@cache
def _topics() -> tuple[_Topic, ...]:
    return tuple(
        _Topic(
            name,
            frozenset(strip_accents(c.lower()) for c in raw["cues"]),
            tuple(strip_accents(n.lower()) for n in raw["none"]),
            Severity(raw["severity"]),
            raw["advice"],
        )
        for name, raw in table("omissions.yaml")["topics"].items()
    )
