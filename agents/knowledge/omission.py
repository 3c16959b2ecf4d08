"""What a summary or letter leaves out of its source note: allergies, abnormal results, follow-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from wardround.policies.finding import Citation, Finding, FindingKind, Severity

from .retrieve import Passage
from .statement import Statement, Token, compile_statement
from .vocabulary import strip_accents, table


class _Topic(NamedTuple):
    """One kind of thing that a summary must carry over."""

    name: str
    cues: frozenset[str]
    """Words that announce it in the note."""
    none: tuple[str, ...]
    """Phrases that say there is none."""
    severity: Severity
    advice: str


def find_omissions(draft: str, passages: Sequence[Passage], language: str) -> Iterator[Finding]:
    """Findings on what stands in the note and not in the draft; each topic of a passage is reported once."""
    written = compile_statement(draft, language)
    for passage in passages:
        for topic in _topics():
            lost = [s for s in passage.statements if _announces(s, topic) and _lost(s, topic, written)]
            if lost:
                yield _finding(topic, lost[0], passage)


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
