"""The pharmacist's second look: reads request, record and draft, and reports what the tables say of them together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from wardround.policies.finding import Finding
from wardround.policies.request import Case

from ..ports import Compute, Report
from . import combinations, fitness, regimens
from .cues import CueFinder, load_cues
from .draft import DraftView
from .ingredients import load_vocabulary
from .limits import Limits
from .mentions import Finder
from .pairs import PairTable, PairVerdict
from .patient import Charter
from .report import AGENT, worst_first
from .stance import Reading, read
from .tables import DATA, Reader, digest

_INLINE_CHARS = 8_000
"""Longer texts go through the pool; below, a whole case takes about a millisecond."""


class Tables:
    """Everything that is known, loaded once; `refused` lists the rows that were left out. Raises `TableError`."""

    def __init__(self, folder: Path = DATA) -> None:
        reader = Reader(folder)
        self.vocabulary = load_vocabulary(reader)
        self.finder = Finder(self.vocabulary)
        self.cues = load_cues(reader)
        self.pairs = PairTable(self.vocabulary, reader)
        self.limits = Limits(self.vocabulary, reader)
        self.charter = Charter(self.finder, self.limits)
        self.refused = tuple(reader.refused)
        self.digest = digest(folder)

    def cue_finder(self, language: str) -> CueFinder:
        """The grammar of a language, English where there is none."""
        return self.cues.get(language, self.cues["en"])


@lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables, loaded on first use."""
    return Tables()


def severity_of_pair(a: str, b: str) -> PairVerdict:
    """What is known of two drugs by any name; severity None where nothing is, or where a name is unknown."""
    known = tables()
    return known.pairs.verdict(known.vocabulary.resolve(a), known.vocabulary.resolve(b))


class InteractionsAgent:
    """Interactions, contraindications, allergies, doses, duplicates, pregnancy, kidneys and age. Offline, no model."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    @property
    def name(self) -> str:
        """`interactions`."""
        return AGENT

    async def screen(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Record what the patient already takes together; moderate at most."""
        return await self._run(_screen, case)

    async def check(self, case: Case, settings: Mapping[str, Any]) -> Report:
        """Judge the draft in the light of request and record."""
        return await self._run(_check, case)

    async def _run(self, work: Any, case: Case) -> Report:
        size = len(case.draft or "") + sum(len(t) for _, t in case.user_texts())
        if size > _INLINE_CHARS:
            report: Report = await self._compute.run(work, case)
            return report
        done: Report = work(case)
        return done


def _requests(case: Case, known: Tables) -> tuple[Reading, ...]:
    cues = known.cue_finder(case.language)
    return tuple(read(channel, text, known.finder, cues) for channel, text in case.user_texts() if text)


def _screen(case: Case) -> Report:
    known = tables()
    readings = _requests(case, known)
    chart = known.charter.chart(case, readings)
    found = worst_first(combinations.recorded(chart, known.pairs))
    return Report(found, tuple(r.channel for r in readings), {"tables": known.digest})


def _check(case: Case) -> Report:
    known = tables()
    readings = _requests(case, known)
    chart = known.charter.chart(case, readings)
    cues = known.cue_finder(case.language)
    texts = [(case.draft_channel, case.draft)] if case.draft else []
    texts.extend((f"tool_call[{c.id}]", c.arguments) for c in case.tool_calls if c.arguments)
    found: list[Finding] = []
    for number, (channel, text) in enumerate(texts):
        view = DraftView(read(channel, text or "", known.finder, cues), chart)
        whole = case.complete and number == 0 and bool(case.draft)
        found.extend(combinations.checked(chart, view, known.pairs, complete=whole))
        found.extend(fitness.checked(chart, view, known.limits, complete=whole))
        found.extend(regimens.checked(chart, view, known.limits, known.vocabulary, complete=whole))
    return Report(worst_first(found), tuple(c for c, _ in texts), {"tables": known.digest})
