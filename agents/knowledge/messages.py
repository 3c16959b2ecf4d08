"""The findings of the knowledge agent in words. They name drugs and kinds of quantity, never an identifier."""

from __future__ import annotations

from collections.abc import Sequence

from wardround.policies.finding import Citation, Finding, FindingKind, Severity, Span

from .entail import Cause, Verdict
from .figures import Figure, is_concentration
from .statement import Statement

AGENT = "knowledge"
"""Name of the agent in findings, receipts and the policy's `agents:` section."""
SURE = 0.7
"""From this confidence on a contradiction is major; below it is moderate."""
_SOURCED = frozenset({"mass", "activity", "amount", "equivalents", "pressure"})
"""Dimensions of doses and of thresholds that people act on."""
_WHY = {
    Cause.NEGATION: "the source says the opposite: one affirms what the other denies",
    Cause.DIRECTION: "the source says the opposite",
    Cause.QUANTITY: "the source gives another value",
    Cause.MEANING: "the source says otherwise",
}


def contradicted(span: Span, verdict: Verdict, citations: Sequence[Citation]) -> Finding:
    """The evidence speaks against a sentence."""
    about = ", ".join(verdict.subjects) or "this point"
    why = _WHY[verdict.cause or Cause.DIRECTION]
    return Finding(
        agent=AGENT,
        kind=FindingKind.CLAIM_CONTRADICTED,
        subjects=verdict.subjects,
        severity=Severity.MAJOR if verdict.confidence >= SURE else Severity.MODERATE,
        confidence=verdict.confidence,
        message=f"The draft contradicts its evidence on {about}: {why}. State what the source says, or leave it out.",
        span=span,
        citations=tuple(citations),
        code=f"knowledge.{verdict.cause or Cause.DIRECTION}",
    )


def unsupported(span: Span, statement: Statement, verdict: Verdict) -> Finding:
    """A specific fact that no passage states."""
    return Finding(
        agent=AGENT,
        kind=FindingKind.CLAIM_UNSUPPORTED,
        subjects=statement.drugs[:4],
        severity=Severity.MINOR,
        confidence=verdict.confidence,
        message="The evidence sent along does not state this. Check it, name a source, or leave it out.",
        span=span,
        code="knowledge.not-found",
    )


def unknown_citation(span: Span) -> Finding:
    """A citation of a passage that does not exist."""
    return Finding(
        agent=AGENT,
        kind=FindingKind.CLAIM_UNSUPPORTED,
        subjects=("citation",),
        severity=Severity.MODERATE,
        confidence=0.95,
        message="The draft cites a passage that was not sent. Cite one that exists, or drop the statement.",
        span=span,
        code="knowledge.unknown-citation",
    )


def stale_only(span: Span, statement: Statement, citations: Sequence[Citation]) -> Finding:
    """A fact that only an edition out of effect states."""
    return Finding(
        agent=AGENT,
        kind=FindingKind.CLAIM_UNSUPPORTED,
        subjects=statement.drugs[:4],
        severity=Severity.MINOR,
        confidence=0.9,
        message="Only an edition that is not in effect states this. Check the current one, or leave it out.",
        span=span,
        citations=tuple(citations),
        code="knowledge.stale-source",
    )


def unknown_drugs(span: Span, word: str) -> Finding:
    """The name of a medicine that stands nowhere."""
    return Finding(
        agent=AGENT,
        kind=FindingKind.UNSOURCED_DRUG_OR_DOSE,
        subjects=(word.casefold(),),
        severity=Severity.MAJOR,
        confidence=0.8,
        message="No table, evidence or record knows a medicine of this name. Check the name, or leave it out.",
        span=span,
        code="knowledge.unknown-drug",
    )


def missing_source(span: Span, verdict: Verdict, *, any_evidence: bool) -> list[Finding]:
    """A dose or threshold that stands nowhere: major where a drug is dosed, else moderate; thresholds are minor where
    there is no evidence that could state them."""
    figures = [f for f in verdict.missing if _acted_on(f)]
    if not figures:
        return []
    subjects = dict.fromkeys(s for f in figures for s in (*f.drugs[:1], f.subject))
    dosed = any(_doses(f) for f in figures)
    severity = Severity.MAJOR if dosed else Severity.MODERATE if any_evidence else Severity.MINOR
    return [
        Finding(
            agent=AGENT,
            kind=FindingKind.UNSOURCED_DRUG_OR_DOSE,
            subjects=tuple(subjects),
            severity=severity,
            confidence=0.7,
            message="A dose or threshold here stands neither in the request, the record, the evidence nor the drug "
            "tables. Verify it.",
            span=span,
            code="knowledge.unsourced-value",
        )
    ]


def _acted_on(figure: Figure) -> bool:
    head = figure.quantity.dimension.split("/")[0].split(" ")[0]
    return head in _SOURCED or figure.quantity.dimension == "volume/min"


def _doses(figure: Figure) -> bool:
    """Whether the figure is an amount of a drug."""
    return (
        bool(figure.drugs)
        and not is_concentration(figure.quantity)
        and figure.quantity.dimension.split("/")[0].split(" ")[0] in {"mass", "activity"}
    )
