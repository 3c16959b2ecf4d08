"""An answer out of the supplied evidence alone, word for word: the draft where no model is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wardround.policies.request import Evidence

from .claims import CITATION, sentence_spans
from .retrieve import Index, compile_passages
from .statement import Statement, compile_statement, weight

MAX_SENTENCES = 4
"""Sentences that an extract has at most."""
MIN_COVERAGE = 0.34
"""Share of the question's words that a sentence and its passage must have."""
MIN_WEIGHT = 1.5
"""Weight of the shared words at least, so that one ordinary word in common is no answer."""
PREAMBLE = "No language model is configured here: this answers only from the evidence sent with the request."
"""Opens every extract, so that nobody takes it for more."""


class _Pick(NamedTuple):
    score: float
    passage: int
    sentence: int
    identity: str
    text: str


def extract_answer(question: str, evidence: Sequence[Evidence]) -> str | None:
    """The sentences of the evidence that answer a question best, verbatim, each with its passage's id in brackets.

    None where no sentence shares enough with the question. The text is quoted, never followed.
    """
    asked = compile_statement(question, "en")
    picks = sorted(_picks(asked, evidence), key=lambda p: (-p.score, p.passage, p.sentence))
    if not picks:
        return None
    best = [p for p in picks if p.score >= picks[0].score / 2][:MAX_SENTENCES]
    ordered = sorted(best, key=lambda p: (p.passage, p.sentence))
    return "\n".join([PREAMBLE, *(f"{p.text} [{p.identity}]" for p in ordered)])


def _picks(asked: Statement, evidence: Sequence[Evidence]) -> list[_Pick]:
    """Sentences that share enough with the question."""
    total = weight(asked.tokens)
    passages = compile_passages(evidence, "en")
    order = {p.id: n for n, p in enumerate(passages)}
    weights = {t.key: t.weight for t in asked.tokens}
    found: list[_Pick] = []
    for passage in Index(passages).search(asked.keys, limit=8):
        position = order[passage.id]
        source = evidence[position].text
        around = sum(w for k, w in weights.items() if k in passage.counts)
        for number, (start, end) in enumerate(sentence_spans(source)):
            own = sum(w for k, w in weights.items() if k in passage.statements[number].keys)
            if own and around >= MIN_WEIGHT and around >= MIN_COVERAGE * total:
                text = CITATION.sub("", source[start:end]).strip()
                found.append(_Pick(own + 0.25 * around, position, number, passage.id, text))
    return found
