"""The pharmacist's second look: reads request, record and draft, and reports what the tables say of them together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from wardround.policies.finding import Finding, FindingKind
from wardround.policies.request import Case, Message, Patient, RoundRequest, Task

from ..ports import Compute, Report
from . import combinations, duplicates, fitness, regimens
from .cues import CueFinder, load_cues
from .draft import DraftView
from .folding import fold
from .ingredients import load_vocabulary
from .limits import Limits
from .mentions import Finder
from .pairs import PairTable, PairVerdict
from .patient import Charter
from .report import AGENT, worst_first
from .shelves import ImportedPairs, cards, load_pairs, with_names
from .stance import Reading, read
from .tables import DATA, Reader, Refused, digest

_LOG = logging.getLogger(__name__)
_LOGGED = 20
"""Rows left out that are logged one by one."""
_INLINE_CHARS = 8_000
"""Longer texts go through the pool; below, a whole case takes about a millisecond."""


class Tables:
    """Everything that is known, loaded once; `refused` lists the rows that were left out. Raises `TableError`."""

    def __init__(self, folder: Path = DATA, imported: Path | None = None) -> None:
        reader = Reader(folder)
        self.vocabulary = load_vocabulary(reader)
        self.shelves = tuple(card for _, card in cards(imported))
        refused: list[Refused] = []
        for place, card in cards(imported):
            self.vocabulary, bad = with_names(self.vocabulary, place, card)
            refused.extend(bad)
        shelves: list[ImportedPairs] = []
        for place, card in cards(imported):
            shelf, bad = load_pairs(place, card, self.vocabulary)
            shelves.append(shelf)
            refused.extend(bad)
        self.finder = Finder(self.vocabulary)
        self.cues = load_cues(reader)
        self.pairs = PairTable(self.vocabulary, reader, shelves)
        self.limits = Limits(self.vocabulary, reader)
        self.charter = Charter(self.finder, self.limits)
        self.refused = (*reader.refused, *refused)
        self.digest = "+".join((digest(folder), *(f"{card.name}:{card.digest[:12]}" for card in self.shelves)))

    @cached_property
    def notes(self) -> dict[str, str]:
        """What the receipt says of the tables."""
        left_out = {"rows_left_out": str(len(self.refused))} if self.refused else {}
        return {"tables": self.digest, **left_out}

    def verdict(self, a: str, b: str) -> PairVerdict:
        """What is known of two drugs by any name; severity None where nothing is, or where a name is unknown."""
        return self.pairs.verdict(self._ingredients(a), self._ingredients(b))

    def nearest(self, name: str) -> str | None:
        """The known name most like an unknown one, if any is like it."""
        from rapidfuzz import process

        found = process.extractOne(fold(name), self.vocabulary.names.keys(), score_cutoff=80)
        return self.vocabulary.names[found[0]].text if found else None

    def _ingredients(self, name: str) -> tuple[str, ...]:
        """A name as it stands, else the drugs that stand in it: `Zestril 10 mg`."""
        exact = self.vocabulary.resolve(name)
        if exact:
            return exact
        mentions = (m for m in self.finder.find(name) if m.exact and m.name.class_id is None)
        return tuple(dict.fromkeys(i for m in mentions for i in m.ingredients))

    def cue_finder(self, language: str) -> CueFinder:
        """The grammar of a language, English where there is none."""
        return self.cues.get(language, self.cues["en"])


@lru_cache(maxsize=4)
def tables(imported: Path | None = None) -> Tables:
    """The built-in tables and those imported into a folder, loaded on first use; rows left out are logged."""
    known = Tables(DATA, imported)
    for row in known.refused[:_LOGGED]:
        _LOG.warning("drug tables: left out %s", row)
    return known


class InteractionsDetector:
    """The agent as a plain detector, for guardrails: all sources, no settings."""

    name = AGENT
    kind = FindingKind.INTERACTION

    def screen(self, case: Case) -> tuple[Finding, ...]:
        """Findings on the request and the record."""
        known = tables()
        return _screen(case, known, known.pairs).findings

    def check(self, case: Case) -> tuple[Finding, ...]:
        """Findings on the draft."""
        return judged(case, tables()).findings


def severity_of_pair(a: str, b: str) -> PairVerdict:
    """What the built-in tables know of two drugs by any name; severity None where nothing, or for an unknown name."""
    return tables().verdict(a, b)


def proposed(drugs: Sequence[str], patient: Patient, known: Tables) -> tuple[Finding, ...]:
    """Findings if these drugs, each with or without a dose, were started in a patient. Raises nothing of its own."""
    order = "\n".join(f"- start {drug}" for drug in drugs)
    request = RoundRequest(messages=(Message(role="user", text=""),), draft=order, patient=patient)
    case = Case(request=request, audience=None, language="en", task=Task.DECISION_SUPPORT, draft=order)
    return judged(case, known).findings


def judged(case: Case, known: Tables, pairs: PairTable | None = None) -> Report:
    """What the agent says of a draft; `pairs`: the sources that speak, all where None."""
    return _check(case, known, known.pairs if pairs is None else pairs)


class InteractionsAgent:
    """Interactions, contraindications, allergies, doses, duplicates, pregnancy, kidneys and age. Offline, no model."""

    def __init__(self, compute: Compute, imported: Path | None = None) -> None:
        self._compute = compute
        self._imported = imported

    @property
    def name(self) -> str:
        """`interactions`."""
        return AGENT

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Record what the patient already takes together; moderate at most."""
        return await self._run(_screen, case, settings)

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Judge the draft in the light of request and record."""
        return await self._run(_check, case, settings)

    async def _run(self, work: _Work, case: Case, settings: Mapping[str, Any]) -> Report:
        known = tables(self._imported)
        chosen: Sequence[str] | None = settings.get("sources")
        pairs = known.pairs if chosen is None else known.pairs.speaking(tuple(chosen))
        size = len(case.draft or "") + sum(len(t) for _, t in case.user_texts())
        if size > _INLINE_CHARS:
            return await self._compute.run(work, case, known, pairs)
        return work(case, known, pairs)


_Work = Callable[[Case, Tables, PairTable], Report]


def _requests(case: Case, known: Tables) -> tuple[Reading, ...]:
    cues = known.cue_finder(case.language)
    return tuple(read(channel, text, known.finder, cues) for channel, text in case.user_texts() if text)


def _screen(case: Case, known: Tables, pairs: PairTable) -> Report:
    readings = _requests(case, known)
    chart = known.charter.chart(case, readings)
    found = worst_first(combinations.recorded(chart, pairs))
    return Report(found, tuple(r.channel for r in readings), known.notes)


def _check(case: Case, known: Tables, pairs: PairTable) -> Report:
    readings = _requests(case, known)
    chart = known.charter.chart(case, readings)
    cues = known.cue_finder(case.language)
    texts = [(case.draft_channel, case.draft)] if case.draft else []
    texts.extend((f"tool_call[{c.id}]", c.arguments) for c in case.tool_calls if c.arguments)
    found: list[Finding] = []
    for number, (channel, text) in enumerate(texts):
        view = DraftView(read(channel, text or "", known.finder, cues), chart)
        whole = case.complete and number == 0 and bool(case.draft)
        found.extend(combinations.checked(chart, view, pairs, complete=whole))
        found.extend(combinations.still_acting(chart, view, pairs, known.limits))
        found.extend(fitness.checked(chart, view, known.limits, complete=whole))
        if whole:
            found.extend(fitness.unmonitored(chart, view, known.limits))
        found.extend(regimens.checked(chart, view, known.limits, complete=whole))
        found.extend(duplicates.checked(chart, view, known.vocabulary, complete=whole))
    return Report(worst_first(found), tuple(c for c, _ in texts), known.notes)
