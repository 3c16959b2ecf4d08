"""The knowledge agent: every claim of the draft against the evidence. The comparing lives in `comparing`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from wardround.policies.errors import WardroundError
from wardround.policies.finding import Finding
from wardround.policies.request import Case

from ..ports import Compute, Formulary, ModelClient, Report, Retrieved, Retriever, StoredPassage
from .certificate import Certificate, installed_verifier, load_certificate
from .claims import Claim, ClaimKind, find_claims
from .comparing import Comparison, Judged
from .messages import AGENT
from .omission import find_omissions
from .second_opinion import Judge, judge_of
from .sources import Sources, gather
from .statement import compile_statement

MAX_CLAIMS = 400
"""Claims of a draft that are compared at most; the rest is named in the notes."""
STORED = 3
"""Passages asked of the store for one claim."""
VERSION = "claims-2"
"""Version of the comparison, for the receipt; counted up with every change of its verdicts."""


class KnowledgeAgent:
    """Claims of the draft against evidence: deterministic and offline, but for the second opinion a policy may ask."""

    name = AGENT

    def __init__(
        self,
        compute: Compute,
        retriever: Retriever | None = None,
        *,
        formulary: Formulary | None = None,
        attacks: Callable[[str], bool] = lambda text: False,
        model: ModelClient | None = None,
    ) -> None:
        """`attacks` tells text that tries to give instructions: it supports nothing. `model` gives second opinions."""
        self._compute = compute
        self._retriever = retriever
        self._formulary = formulary
        self._attacks = attacks
        self._model = model
        compile_statement("Warfarin 1 mg twice daily, and 2 to 3 tablets.", "en")  # reads the tables before a request

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Nothing to compare before there is a draft."""
        del case, settings
        return Report()

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Compare every claim of the draft with the evidence sent along, the store, the record and the drug tables."""
        if not case.draft:
            return Report()
        asked, certificate = judge_of(settings, self._model), _certificate(settings)
        claims = await self._compute.run(find_claims, case.draft, case.language)
        read = claims[:MAX_CLAIMS]
        stored = await self._stored(case, read)
        release_at = _threshold(certificate, case)
        sources, judged = await self._compute.run(self._compare, case, read, stored, release_at)
        if asked is not None:
            judged = await self._second_opinions(asked, sources, judged)
        told = partial(_report, unread=len(claims) - len(read), judge=asked)
        report = await self._compute.run(told, case, sources, judged)
        if certificate is not None:
            held = "none holds for this round" if release_at is None else f"released from {release_at:g} on"
            report = replace(report, notes={**report.notes, "certificate": f"{certificate.made}: {held}"})
        searched = (Retrieved(tuple(p.id for p in found)) for found in stored if found is not None)
        return replace(report, retrieved=tuple(searched))

    async def _stored(self, case: Case, claims: Sequence[Claim]) -> list[Sequence[StoredPassage] | None]:
        """For each claim what the store has on it; None where it was not asked."""
        if self._retriever is None:
            return [None] * len(claims)
        asked = [c.standalone if needs_evidence(c) else "" for c in claims]
        queries = [q for q in asked if q]
        found = iter(await self._retriever.search(queries, language=case.language, limit=STORED) if queries else ())
        return [next(found) if q else None for q in asked]

    def _compare(
        self,
        case: Case,
        claims: Sequence[Claim],
        stored: Sequence[Sequence[StoredPassage] | None],
        release_at: float | None,
    ) -> tuple[Sources, list[Judged]]:
        known = [found or () for found in stored]
        sources = gather(case, known, self._attacks)
        return sources, Comparison(case, sources, self._formulary, release_at).judge(claims, known)

    async def _second_opinions(self, judge: Judge, sources: Sources, judged: Sequence[Judged]) -> list[Judged]:
        """Side by side: one after the other, a slow judge would use up the deadline of the whole agent."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(judge.ask(j, sources)) for j in judged]
        return [task.result() for task in asked]


def needs_evidence(claim: Claim) -> bool:
    """Whether a claim is more than talk."""
    return claim.kind is not ClaimKind.TALK or bool(claim.citations)


def _report(case: Case, sources: Sources, judged: Sequence[Judged], *, unread: int, judge: Judge | None) -> Report:
    findings: list[Finding] = [f for j in judged for f in j.findings]
    if case.complete:
        used = frozenset(c.passage or c.source for j in judged if j.support for c in j.support.citations)
        findings.extend(find_omissions(case, sources, used))
    findings.sort(key=lambda f: -f.severity.rank)
    notes = {"knowledge": VERSION, "evidence": sources.told()}
    if sources.attacked:
        notes["attacked"] = f"{sources.attacked} sentences of evidence read like instructions and support nothing"
    if unread:
        notes["unread"] = f"{unread} claims past the first {MAX_CLAIMS}"
    if judge is not None:
        notes["judge"] = judge.told()
    supported = tuple(j.support for j in judged if j.support is not None)
    return Report(tuple(findings), (case.draft_channel,), notes, supported)


def _threshold(certificate: Certificate | None, case: Case) -> float | None:
    """The certified probability; None where none holds, as of a certificate for another verifier."""
    if certificate is None or certificate.verifier != installed_verifier():
        return None
    return certificate.threshold(case.task, case.language)


def _certificate(settings: Mapping[str, Any]) -> Certificate | None:
    """The certificate that the policy names. Raises `WardroundError` where it cannot be read: nothing is certified."""
    named = settings.get("certificate")
    if named is None:
        return None
    path = Path(str(named))
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise WardroundError(f"agents.knowledge.certificate: {named} cannot be read") from error
    return _loaded(path, changed)


@lru_cache(maxsize=8)
def _loaded(path: Path, changed: int) -> Certificate:
    del changed
    return load_certificate(path)
