"""The knowledge agent: every sentence of the draft against the evidence. The comparing lives in `entail`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wardround.policies.finding import Citation, Finding, Span
from wardround.policies.request import Case, Evidence, Task

from ..ports import Compute, Report, Retriever, Support
from .claims import CITATION, Claim, ClaimKind, find_claims
from .entail import Label, Verdict, judge
from .messages import AGENT, contradicted, missing_source, unknown_citation, unsupported
from .omission import find_omissions
from .retrieve import Index, Passage, compile_passages
from .statement import Statement, compile_statement

INLINE_CHARS = 20_000
"""Drafts and evidence with more characters than this together are compared off the event loop."""
MAX_CLAIMS = 400
"""Sentences of a draft that are compared at most; the rest is named in the notes."""
CANDIDATES = 8
"""Passages that a sentence is compared with: the best by BM25, and those it cites."""
STORED = 8
"""Passages asked of the store for a draft."""
VERSION = "exact-1"
"""Version of the comparison, for the receipt; counted up with every change of its verdicts."""
_SOURCE_TASKS = frozenset({Task.RECORD_SUMMARY, Task.LETTER})


class KnowledgeAgent:
    """Claims of the draft against evidence: deterministic, offline, without a model."""

    name = AGENT

    def __init__(self, compute: Compute, retriever: Retriever | None = None) -> None:
        self._compute = compute
        self._retriever = retriever
        compile_statement("Warfarin 1 mg twice daily, and 2 to 3 tablets.", "en")  # reads the tables before a request

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Nothing to compare before there is a draft."""
        del case, settings
        return Report()

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Compare every sentence of the draft with the evidence sent along, and with the store's where there is one."""
        del settings
        if not case.draft:
            return Report()
        evidence = (*(case.request.evidence or ()), *await self._stored(case))
        if len(case.draft) + sum(len(e.text) for e in evidence) > INLINE_CHARS:
            return await self._compute.run(_check, case, evidence)
        return _check(case, evidence)

    async def _stored(self, case: Case) -> Sequence[Evidence]:
        if self._retriever is None:
            return ()
        sent = {e.id for e in case.request.evidence or ()}
        query = f"{case.request.text}\n{case.draft}"
        return [e for e in await self._retriever.search(query, limit=STORED) if e.id not in sent]


def _check(case: Case, evidence: Sequence[Evidence]) -> Report:
    """Claims, verdicts, findings."""
    draft = case.draft or ""
    channels = (case.draft_channel,)
    if not evidence:
        return Report((), channels, {"knowledge": VERSION, "evidence": "none"})
    claims = find_claims(draft, case.language)
    passages = compile_passages(evidence, case.language)
    comparison = _Comparison(case, passages)
    findings: list[Finding] = []
    supported: list[Support] = []
    for claim in claims[:MAX_CLAIMS]:
        found, support = comparison.look(claim)
        findings.extend(found)
        supported.extend(support)
    if case.complete and case.task in _SOURCE_TASKS:
        findings.extend(find_omissions(draft, passages, case.language))
    findings.sort(key=lambda f: -f.severity.rank)
    notes = {"knowledge": VERSION, "evidence": str(len(passages))}
    if len(claims) > MAX_CLAIMS:
        notes["unread"] = f"{len(claims) - MAX_CLAIMS} sentences past the first {MAX_CLAIMS}"
    return Report(tuple(findings), channels, notes, tuple(supported))


class _Comparison:
    """What the sentences of one draft are compared with."""

    def __init__(self, case: Case, passages: Sequence[Passage]) -> None:
        self._case = case
        self._index = Index(passages)
        self._by_label = {p.id.casefold(): p for p in passages}
        self._known = _given(case)

    def look(self, claim: Claim) -> tuple[list[Finding], list[Support]]:
        """Findings on one sentence, and its support where evidence bears it out."""
        if claim.kind is ClaimKind.TALK and not claim.citations:
            return [], []
        span = Span(channel=self._case.draft_channel, start=claim.start, end=claim.end)
        cited, unknown = self._resolve(claim.citations)
        statement = compile_statement(_without_marks(claim), self._case.language)
        passages = self._candidates(statement, cited)
        verdict = judge(statement, passages, cited=frozenset(p.id for p in cited), known=self._known)
        findings = [unknown_citation(span)] if unknown else []
        match verdict.label:
            case Label.CONTRADICTED:
                findings.append(contradicted(span, verdict))
            case Label.NOT_FOUND:
                findings.extend(_not_found(span, claim, statement, verdict))
            case Label.SUPPORTED:
                return findings, [
                    Support(span, tuple(Citation(source=i) for i in verdict.passages), verdict.confidence)
                ]
        return findings, []

    def _resolve(self, labels: Sequence[str]) -> tuple[tuple[Passage, ...], bool]:
        """Passages that the labels name, by id or by position, and whether any label names none."""
        found: dict[str, Passage] = {}
        unknown = False
        for label in labels:
            passage = self._by_label.get(label.casefold())
            if passage is None and label.isdigit() and 0 < int(label) <= len(self._index.passages):
                passage = self._index.passages[int(label) - 1]
            if passage is None:
                unknown = True
            else:
                found[passage.id] = passage
        return tuple(found.values()), unknown

    def _candidates(self, statement: Statement, cited: Sequence[Passage]) -> tuple[Passage, ...]:
        if len(self._index.passages) <= CANDIDATES:
            return self._index.passages
        best = self._index.search(statement.keys, limit=CANDIDATES)
        return tuple({p.id: p for p in (*cited, *best)}.values())


def _not_found(span: Span, claim: Claim, statement: Statement, verdict: Verdict) -> list[Finding]:
    """A dose or threshold without a source; else a specific fact that no passage states."""
    sourceless = missing_source(span, verdict)
    if sourceless:
        return sourceless
    specific = bool(statement.drugs) or any(not q.dimension.startswith("count") for q in statement.quantities)
    if not specific or claim.kind in {ClaimKind.TALK, ClaimKind.PATIENT, ClaimKind.QUOTATION}:
        return []
    return [unsupported(span, statement, verdict)]


def _given(case: Case) -> tuple[Statement, ...]:
    """What the conversation and the record state: numbers in there need no further source."""
    patient = case.patient
    record = [*(patient.medications or ()), *(patient.conditions or ()), *(patient.allergies or ())]
    if patient.egfr_ml_min is not None:
        record.append(f"eGFR {patient.egfr_ml_min:g} mL/min")
    if patient.weight_kg is not None:
        record.append(f"weight {patient.weight_kg:g} kg")
    if patient.age_years is not None:
        record.append(f"age {patient.age_years:g} years")
    texts = [m.text for m in case.request.messages if m.role in {"user", "tool"} and m.text]
    return tuple(compile_statement(text, case.language) for text in (*texts, *record))


def _without_marks(claim: Claim) -> str:
    return CITATION.sub(" ", claim.text)
