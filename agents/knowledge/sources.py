"""What a draft may stand on: evidence sent along, stored passages, and what the request and the record say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from wardround.policies.finding import Citation
from wardround.policies.request import Case

from ..ports import StoredPassage
from .retrieve import Index, Passage, compile_passages, compile_texts
from .statement import Statement, compile_statement

SENT = 8
"""Passages sent along that a claim is compared with at most: the best by BM25, and those it cites."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that a draft is compared with."""

    sent: Index
    """Passages that came with the request."""
    stored: Mapping[str, Passage]
    """Passages of the store that may support, by id."""
    stale: Mapping[str, Passage]
    """Passages of the store that are not in effect."""
    about: Mapping[str, StoredPassage]
    """What the store says of its passages, by id."""
    given: tuple[Statement, ...]
    """What the conversation and the record state: figures in there need no further source."""
    attacked: int
    """Sentences of evidence that were left out, because they try to give instructions."""
    tabled: Mapping[str, StoredPassage] = field(default_factory=dict[str, StoredPassage])
    """Rows of the drug tables that bear a claim out, by id: cited, but no evidence that a draft must keep to."""

    @property
    def any(self) -> bool:
        """Whether there is evidence at all."""
        return bool(self.sent.passages or self.stored)

    def told(self) -> str:
        """One line for the receipt."""
        counts = {"sent": len(self.sent.passages), "stored": len(self.stored), "stale": len(self.stale)}
        return ", ".join(f"{n} {what}" for what, n in counts.items() if n) or "none"

    def cited(self, ids: Sequence[str]) -> tuple[Citation, ...]:
        """Citations of passages by id."""
        return tuple(self._citation(i) for i in ids)

    def _citation(self, identity: str) -> Citation:
        row = self.tabled.get(identity)
        if row is not None:
            return Citation(source=row.title, locator=row.locator, edition=row.edition)
        stored = self.about.get(identity)
        if stored is None:
            return Citation(source=identity)
        return Citation(source=stored.title, locator=stored.locator, edition=stored.edition, passage=stored.id)


def gather(case: Case, stored: Sequence[Sequence[StoredPassage]], attacks: Callable[[str], bool]) -> Sources:
    """Compile what there is. Evidence sent along is untrusted: sentences that try to give instructions are left out;
    passages of the store were looked at when they were imported."""
    language = case.language
    whole = compile_passages(case.request.evidence or (), language)
    sent = [_harmless(p, attacks) for p in whole]
    own = {p.id for p in sent}
    about = {s.id: s for s in chain.from_iterable(stored) if s.id not in own}
    compiled = {s.id: compile_texts(s.id, s.text, language) for s in about.values()}
    return Sources(
        sent=Index(sent),
        stored={i: p for i, p in compiled.items() if not about[i].stale},
        stale={i: p for i, p in compiled.items() if about[i].stale},
        about=about,
        given=_given(case),
        attacked=sum(len(p.statements) for p in whole) - sum(len(p.statements) for p in sent),
    )


def _harmless(passage: Passage, attacks: Callable[[str], bool]) -> Passage:
    if not attacks(" ".join(s.text for s in passage.statements)):
        return passage
    kept = tuple(s for s in passage.statements if not attacks(s.text))
    if len(kept) == len(passage.statements):  # the attack runs over several sentences
        kept = ()
    return replace(passage, statements=kept)


def _given(case: Case) -> tuple[Statement, ...]:
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
