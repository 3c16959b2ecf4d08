"""Findings of this agent in one shape, and the order in which they are reported."""

from __future__ import annotations

from collections.abc import Iterable

from wardround.policies.finding import Citation, Explanation, Finding, FindingKind, Severity, Span

from .draft import DraftView
from .mentions import Mention

AGENT = "interactions"
"""Name of the agent in findings, receipts and the policy's `agents:` section."""


def finding(
    kind: FindingKind,
    subjects: tuple[str, ...],
    severity: Severity,
    message: str,
    *,
    source: str,
    code: str,
    span: Span | None = None,
    confidence: float = 0.95,
    explanation: Explanation | None = None,
) -> Finding:
    """A finding of the interactions agent. Without an explanation the message is all that is said."""
    return Finding(
        agent=AGENT, kind=kind, subjects=subjects, severity=severity, confidence=confidence, message=message,
        span=span, citations=(Citation(source=source),), code=code,
        explanation=explanation,
    )  # fmt: skip


def span_of(view: DraftView, mention: Mention | None) -> Span | None:
    """The span of a mention in the draft."""
    if mention is None:
        return None
    return Span(channel=view.reading.channel, start=mention.start, end=mention.end)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per kind and subjects, the most severe; most severe first, else in the order found."""
    best: dict[tuple[FindingKind, frozenset[str]], Finding] = {}
    for found in findings:
        key = (found.kind, frozenset(found.subjects))
        if key not in best or found.severity.rank > best[key].severity.rank:
            best[key] = found
    return tuple(sorted(best.values(), key=lambda f: -f.severity.rank))


def lower(severity: Severity, cap: Severity) -> Severity:
    """The lesser of two severities."""
    return severity if severity.rank <= cap.rank else cap
