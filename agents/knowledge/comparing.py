"""Every claim of a draft compared with its sources: exact checks, the network, the drug tables. Pure; no waiting.

Steps for the claims of a draft: 1. candidates for each: passages sent along, those it cites, what the store found for
it; 2. exact checks; 3. the network reads the nearest stretches of all claims at once; 4. both are weighed; 5. verdicts
become findings and supports; 6. what is left without support may stand on rows of the drug tables (`tabled`). The
network reads English; claims in other languages have the exact checks alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wardround.policies.finding import Finding, FindingKind, Span
from wardround.policies.request import Case

from ..ports import Formulary, StoredPassage, Support
from .claims import CITATION, Claim, ClaimKind
from .entail import Label, Verdict, judge
from .messages import contradicted, missing_source, stale_only, unknown_citation, unknown_drugs, unsupported
from .omission import SOURCE_TASKS
from .retrieve import Passage
from .sources import SENT, Sources
from .statement import Statement, compile_statement
from .tabled import borne_out
from .verifier import Scores, verifier
from .weighing import Weighed, exact_only, weigh, weights
from .windows import Window, windows

PAIRS = 18
"""Stretches of evidence that the network reads for one draft, all claims together: about 0.1 s on two cores."""
MOST_PAIRS = 4
"""Stretches for one claim at most."""
READS = frozenset({"en", "und"})
"""Languages that the network reads."""
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """One claim with what follows from its verdict."""

    claim: Claim
    findings: tuple[Finding, ...] = ()
    support: Support | None = None
    weighed: Weighed | None = None
    unsure: bool = False
    """Whether a second opinion may be asked."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One claim with its candidates and the exact verdict on it."""

    claim: Claim
    statement: Statement
    unknown_label: bool
    exact: Verdict
    stale: Verdict | None
    """What passages out of effect say, where no other speaks."""
    near: tuple[Window, ...]


class Comparison:
    """What the claims of one draft are compared with."""

    def __init__(
        self, case: Case, sources: Sources, formulary: Formulary | None, release_at: float | None = None
    ) -> None:
        """`release_at` is the certified probability from which a claim counts as supported; None: the usual one."""
        self._case = case
        self._release_at = release_at
        self._sources = sources
        self._formulary = formulary
        self._by_label = {p.id.casefold(): p for p in sources.sent.passages}

    def judge(self, claims: Sequence[Claim], stored: Sequence[Sequence[StoredPassage]]) -> list[Judged]:
        """Findings and supports, claim by claim."""
        worth = [(c, s) for c, s in zip(claims, stored, strict=True) if c.kind is not ClaimKind.TALK or c.citations]
        each = max(1, min(MOST_PAIRS, PAIRS // max(1, len(worth))))
        looks = [self._look(claim, found, each) for claim, found in worth]
        pairs = [(_bare(look.claim), w.text) for look in looks for w in look.near]
        scores = iter(verifier().read(pairs) if pairs else ())
        judged = [self._outcome(look, [(w, next(scores)) for w in look.near]) for look in looks]
        judged = self._tabled(judged, pairs=max(0, PAIRS - len(pairs)))
        invented = self._invented()
        return [*judged, *([invented] if invented else [])]

    def _tabled(self, judged: list[Judged], *, pairs: int) -> list[Judged]:
        """Claims that only the drug tables bear out, with the rows; a note or letter stands on its source alone."""
        if self._formulary is None or self._case.language not in READS or self._case.task in SOURCE_TASKS:
            return judged
        open_claims = [n for n, j in enumerate(judged) if _may_stand_on_tables(j)]
        texts = [_bare(judged[n].claim) for n in open_claims]
        found = borne_out(texts, self._formulary, self._sources.given, pairs=pairs)
        told = list(judged)
        for n, borne in zip(open_claims, found, strict=True):
            if borne is not None and self._certified(borne.weighed).label is Label.SUPPORTED:
                claim, weighed = judged[n].claim, borne.weighed
                span = Span(channel=self._case.draft_channel, start=claim.start, end=claim.end)
                cited = replace(self._sources, tabled=borne.rows).cited(weighed.verdict.passages)
                told[n] = Judged(claim, support=Support(span, cited, round(weighed.probability, 4)), weighed=weighed)
        return told

    def _look(self, claim: Claim, found: Sequence[StoredPassage], each: int) -> _Look:
        cited, unknown = self._resolve(claim.citations)
        statement = compile_statement(CITATION.sub(" ", claim.text), self._case.language)
        asked = compile_statement(_bare(claim), self._case.language) if claim.context else statement
        fresh = [self._sources.stored[s.id] for s in found if s.id in self._sources.stored]
        passages = tuple({p.id: p for p in (*cited, *self._sent(asked), *fresh)}.values())
        marks = frozenset(p.id for p in cited)
        exact = judge(statement, passages, cited=marks, known=self._sources.given)
        old = tuple(self._sources.stale[s.id] for s in found if s.id in self._sources.stale)
        stale = judge(statement, old, known=self._sources.given) if old and exact.label is Label.NOT_FOUND else None
        reads = self._case.language in READS and bool(passages) and len(statement.text.split()) >= _MIN_WORDS
        near = tuple(windows(asked, passages, most=each)) if reads else ()
        return _Look(claim, statement, unknown, exact, stale, near)

    def _sent(self, statement: Statement) -> tuple[Passage, ...]:
        if len(self._sources.sent.passages) <= SENT:
            return self._sources.sent.passages
        return self._sources.sent.search(statement.keys, limit=SENT)

    def _resolve(self, labels: Sequence[str]) -> tuple[tuple[Passage, ...], bool]:
        """Passages that the labels name, by id or by position, and whether any label names none."""
        found: dict[str, Passage] = {}
        unknown = False
        for label in labels:
            passage = self._by_label.get(label.casefold())
            if passage is None and label.isdigit() and 0 < int(label) <= len(self._sources.sent.passages):
                passage = self._sources.sent.passages[int(label) - 1]
            if passage is None:
                unknown = True
            else:
                found[passage.id] = passage
        return tuple(found.values()), unknown

    def _outcome(self, look: _Look, read: Sequence[tuple[Window, Scores]]) -> Judged:
        weighed = weigh(look.statement, look.exact, read) if read else exact_only(look.exact)
        return self.told(look.claim, look.statement, weighed, unknown_label=look.unknown_label, stale=look.stale)

    def told(
        self, claim: Claim, statement: Statement, weighed: Weighed, *, unknown_label: bool, stale: Verdict | None
    ) -> Judged:
        """What follows from a verdict."""
        span = Span(channel=self._case.draft_channel, start=claim.start, end=claim.end)
        verdict = self._certified(weighed)
        findings = [unknown_citation(span)] if unknown_label else []
        support = None
        match verdict.label:
            case Label.CONTRADICTED:
                findings.append(contradicted(span, verdict, self._sources.cited(verdict.passages)))
            case Label.NOT_FOUND:
                findings.extend(self._not_found(span, claim, statement, verdict, stale))
            case Label.SUPPORTED:
                support = Support(span, self._sources.cited(verdict.passages), round(weighed.probability, 4))
        low, high = weights().unsure
        open_to_doubt = self._release_at is None and verdict.label is not Label.CONTRADICTED
        unsure = open_to_doubt and bool(weighed.best) and low <= weighed.probability < high
        return Judged(claim, tuple(findings), support, weighed, unsure)

    def _certified(self, weighed: Weighed) -> Verdict:
        """The verdict; a support below the certified probability is none."""
        verdict = weighed.verdict
        if self._release_at is None or verdict.label is not Label.SUPPORTED or weighed.probability >= self._release_at:
            return verdict
        return replace(verdict, label=Label.NOT_FOUND, confidence=1 - weighed.probability)

    def _not_found(
        self, span: Span, claim: Claim, statement: Statement, verdict: Verdict, stale: Verdict | None
    ) -> list[Finding]:
        """A dose or threshold without a source; else a statement that no passage bears out."""
        figures = self._without_table(claim, verdict)
        if figures.missing:
            sourceless = missing_source(span, figures, any_evidence=self._sources.any)
            if sourceless:
                return sourceless
        if not self._sources.any and stale is None:
            return []
        if stale is not None and stale.label is Label.SUPPORTED:
            return [stale_only(span, statement, self._sources.cited(stale.passages))]
        if claim.kind is ClaimKind.TALK or not self._expects_support(claim, statement):
            return []
        return [unsupported(span, statement, verdict)]

    def _expects_support(self, claim: Claim, statement: Statement) -> bool:
        """Whether silence of the evidence is worth a word: in languages without the network only where a drug or
        quantity is named, since other words may say the same."""
        if claim.kind is ClaimKind.PATIENT and self._case.task not in SOURCE_TASKS and not self._sources.sent.passages:
            return False
        if self._case.language in READS:
            return True
        specific = bool(statement.drugs) or any(not q.dimension.startswith("count") for q in statement.quantities)
        return specific and claim.kind not in {ClaimKind.PATIENT, ClaimKind.QUOTATION}

    def _without_table(self, claim: Claim, verdict: Verdict) -> Verdict:
        """The verdict without missing figures that the drug tables bear out."""
        if self._formulary is None or not verdict.missing:
            return verdict
        head = f"{claim.context}\n" if claim.context else ""
        doses = self._formulary.doses(head + claim.text, self._case.language)
        sourced = [(d.start - len(head), d.end - len(head)) for d in doses if d.citation is not None]
        left = tuple(
            f for f in verdict.missing
            if not any(start < f.quantity.end and f.quantity.start < end for start, end in sourced)
        )  # fmt: skip
        return replace(verdict, missing=left)

    def _invented(self) -> Judged | None:
        """Names of medicines that stand nowhere: not in a table, the request, the record or the evidence."""
        draft = self._case.draft or ""
        if self._formulary is None:
            return None
        asked = self._case.request.model_dump_json(exclude={"draft"})
        known = " ".join((asked, *(s.text for s in self._sources.about.values()))).casefold()
        found = self._formulary.unknown_drugs(draft, self._case.language)
        unknown = [u for u in found if u.word.casefold() not in known]
        if not unknown:
            return None
        spans = [Span(channel=self._case.draft_channel, start=u.start, end=u.end) for u in unknown]
        first = Claim(unknown[0].start, unknown[0].end, unknown[0].word, ClaimKind.FACT, ())
        return Judged(first, tuple(unknown_drugs(s, u.word) for s, u in zip(spans, unknown, strict=True)))


def _may_stand_on_tables(judged: Judged) -> bool:
    """A fact or advice without support, not contradicted, which names no source of its own."""
    if judged.support is not None or judged.claim.citations:
        return False
    against = any(f.kind is FindingKind.CLAIM_CONTRADICTED for f in judged.findings)
    return judged.claim.kind in {ClaimKind.FACT, ClaimKind.INSTRUCTION} and not against


def _bare(claim: Claim) -> str:
    """The claim as it is read alone, without citation marks."""
    return CITATION.sub(" ", claim.standalone).strip()
