"""How well claims are told from what the evidence does not say, how well passages are found, and how fast.

    python benchmarks/claims.py pairs [DATA_DIR]     balanced accuracy on pairs that shaped no weight
    python benchmarks/claims.py store DATA_DIR       recall@5 on 20,000 passages, latency of a draft beside them
    python benchmarks/claims.py import               1,000 pages of PDF into an empty store

`claims/` holds pairs written apart from everything that the verifier learned from: claims as people make them, and
restatements that are wrong in one respect. DATA_DIR is the folder of the public data sets that the model card names.
Each command prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from wardround.agents.interactions.facts import formulary
from wardround.agents.knowledge.agent import KnowledgeAgent
from wardround.agents.safety.injection import gives_instructions
from wardround.alignment import sources
from wardround.alignment.pairs import Pair, everything, sentences_between
from wardround.alignment.verdicts import CONTRADICTED, NEUTRAL, SUPPORTED, UNSUPPORTED
from wardround.middleware.evidence.importing import Given, Importer
from wardround.middleware.evidence.retriever import EvidenceRetriever
from wardround.middleware.store.database import Database
from wardround.policies.finding import FindingKind
from wardround.policies.request import Audience, Case, Evidence, Message, RoundRequest, Task

T = TypeVar("T")
HERE = Path(__file__).parent / "claims"
PASSAGES = 20_000
QUERIES = 400
CLAIM_KINDS = {FindingKind.CLAIM_CONTRADICTED, FindingKind.CLAIM_UNSUPPORTED, FindingKind.UNSOURCED_DRUG_OR_DOSE}


class Inline:
    """Runs work where it is."""

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        """The `Compute` port."""
        return work(*args)


class Judged(NamedTuple):
    """A pair and what the agent said of it."""

    pair: Pair
    supported: bool
    contradicted: bool


def main() -> None:
    """Measure one thing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pairs", "store", "import"])
    parser.add_argument("data", type=Path, nargs="?")
    given = parser.parse_args()
    work: dict[str, Callable[[Path | None], Any]] = {"pairs": pairs, "store": store, "import": pages}
    print(json.dumps(work[given.what](given.data), indent=1))


def agent(retriever: EvidenceRetriever | None = None) -> KnowledgeAgent:
    """The agent as the registry builds it."""
    return KnowledgeAgent(Inline(), retriever, formulary=formulary(), attacks=gives_instructions)


def case(draft: str, evidence: str | None) -> Case:
    """A draft beside one passage."""
    sent = (Evidence(id="e", text=evidence),) if evidence else None
    request = RoundRequest(messages=(Message(role="user", text="Is this right?"),), draft=draft, evidence=sent)
    return Case(request=request, audience=Audience.CLINICIAN, language="en", task=Task.OTHER, draft=draft)


def pairs(data: Path | None) -> dict[str, Any]:
    """What the agent says of single claims; a claim counts as supported where no finding is on it."""
    known = [*apart()]
    if data is not None:
        known += [p for p in everything(data) if p.part == "measure" and p.source.partition("/")[0] in _HEALTH]
    found = asyncio.run(_judged(known))
    groups = sorted({j.pair.source for j in found})
    return {name: _figures([j for j in found if j.pair.source == name]) for name in groups}


_HEALTH = {"about", "own", "restated", "scifact", "pubmedqa", "medec", "medhallu", "citations", "dialogue"}


def apart() -> Iterator[Pair]:
    """The pairs in `claims/`."""
    for path in sorted(HERE.glob("written_apart*.jsonl.gz")):
        for group in _lines(path.name):
            for key, label in (("s", SUPPORTED), ("r", CONTRADICTED), ("n", NEUTRAL)):
                yield from (Pair(c, group["e"], label, path.name.partition(".")[0], "measure") for c in group[key])
    for path in sorted(HERE.glob("flips*.jsonl.gz")):
        for group in _lines(path.name):
            name = f"{path.name.partition('.')[0]}: {group['kind']}"
            yield Pair(group["ok"], group["e"], SUPPORTED, name, "measure")
            yield Pair(group["bad"], group["e"], UNSUPPORTED, name, "measure")


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress((HERE / name).read_bytes()).decode().splitlines()]


async def _judged(known: Sequence[Pair]) -> list[Judged]:
    by = agent()
    found: list[Judged] = []
    for pair in known:
        report = await by.check(case(pair.claim, pair.evidence), {})
        kinds = {f.kind for f in report.findings if f.kind in CLAIM_KINDS}
        found.append(Judged(pair, not kinds, FindingKind.CLAIM_CONTRADICTED in kinds))
    return found


def _figures(found: Sequence[Judged]) -> dict[str, Any]:
    yes = [j.supported for j in found if j.pair.label == SUPPORTED]
    no = [not j.supported for j in found if j.pair.label != SUPPORTED]
    wrong = [j.contradicted for j in found if j.pair.label == SUPPORTED]
    against = [j.contradicted for j in found if j.pair.label == CONTRADICTED]
    return {
        "pairs": len(found),
        "balanced_accuracy": round((_share(yes) + _share(no)) / 2, 3),
        "supported_found": round(_share(yes), 3),
        "others_flagged": round(_share(no), 3),
        "supported_called_contradicted": round(_share(wrong), 3),
        "contradicted_called_so": round(_share(against), 3) if against else None,
    }


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def store(data: Path | None) -> dict[str, Any]:
    """Passages of public health answers; queries are the project's own claims about sentences of them."""
    if data is None:
        raise SystemExit("store needs DATA_DIR")
    answers = sources.rows(data, "safety/medquad_open.jsonl.gz")
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(data_dir=Path(folder) / "pg")
        try:
            return asyncio.run(_store(database, answers, Path(folder), data))
        finally:
            database.close()


async def _store(database: Database, answers: Sequence[dict[str, Any]], folder: Path, data: Path) -> dict[str, Any]:
    file = folder / "answers.jsonl"
    wanted = _queries(answers)
    records = ({"id": f"a{i}", "title": r["focus"], "text": r["answer"]} for i, r in enumerate(answers))
    file.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    began = time.perf_counter()
    told = await Importer(database, lambda: datetime.now(UTC)).run([file], Given(language="en"), max_bytes=2**30)
    took = time.perf_counter() - began
    retriever = EvidenceRetriever(database, lambda: datetime.now(UTC))
    asked = [(r["question"], r["answer"][:400]) for r in answers[:: len(answers) // QUERIES]]
    drafts = [" ".join(c for c, _ in wanted[n : n + 10]) for n in range(0, 200, 10)]
    draft = " ".join(claim.rstrip(".") + "." for claim, _ in wanted[:10])
    return {
        "passages": sum(o.passages for o in told),
        "import_s": round(took, 1),
        "queries": len(wanted),
        "recall_at_5_of_claims": await _recall(retriever, wanted),
        "recall_at_5_of_questions": await _recall(retriever, asked),
        "ten_sentences_ms": await _timed(retriever, drafts),
        "same_ten_sentences_twice": await _same(retriever, draft),
    }


async def _recall(retriever: EvidenceRetriever, wanted: Sequence[tuple[str, str]]) -> float:
    """Share of queries with a passage among the first five that holds the text they were made from."""
    hits = 0
    for query, text in wanted:
        [found] = await retriever.search([query], language="en", limit=5)
        hits += any(_holds(p.text, text) for p in found)
    return round(hits / len(wanted), 3)


def _queries(answers: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Claims that a sentence of an answer supports, with that sentence's beginning."""
    from wardround.alignment.corpus import FOLDER

    found: list[tuple[str, str]] = []
    for path in sorted((FOLDER / "claims").glob("about_*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            group = json.loads(line)
            kind, row, *rest = group["ref"].split(":")
            if kind == "medquad":
                evidence = sentences_between(answers[int(row)]["answer"], int(rest[0]), int(rest[1]))
                found.append((group["s"][0], evidence))
    return found[:QUERIES]


def _holds(passage: str, evidence: str) -> bool:
    """Whether a passage holds any long stretch of the evidence."""
    plain, wanted = _squeezed(passage), _squeezed(evidence)
    return any(wanted[i : i + 50] in plain for i in range(0, max(1, len(wanted) - 50), 20))


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


async def _timed(retriever: EvidenceRetriever, drafts: Sequence[str]) -> dict[str, float]:
    by = KnowledgeAgent(_Threads(), retriever, formulary=formulary(), attacks=gives_instructions)
    took: list[float] = []
    for draft in drafts:
        began = time.perf_counter()
        await by.check(case(draft, None), {})
        took.append(1000 * (time.perf_counter() - began))
    return {"p50": round(statistics.median(took), 1), "p95": round(sorted(took)[int(len(took) * 0.95)], 1)}


class _Threads:
    """The `Compute` port on threads."""

    async def run(self, work: Callable[..., T], /, *args: Any) -> T:
        """Run `work(*args)` in a thread."""
        return await asyncio.to_thread(work, *args)


async def _same(retriever: EvidenceRetriever, draft: str) -> bool:
    return await agent(retriever).check(case(draft, None), {}) == await agent(retriever).check(case(draft, None), {})


def pages(data: Path | None) -> dict[str, Any]:
    """A PDF of 1,000 pages of made-up prose and tables."""
    del data
    from fpdf import FPDF

    made = FPDF()
    made.set_font("helvetica", size=10)
    for page in range(1000):
        made.add_page()
        made.set_font("helvetica", style="B", size=14)
        made.cell(text=f"{page + 1}. Section on drug {page}", new_x="LMARGIN", new_y="NEXT")
        made.set_font("helvetica", size=10)
        for n in range(6):
            made.multi_cell(0, text=_prose(page, n), new_x="LMARGIN", new_y="NEXT")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.pdf"
        made.output(str(path))
        database = Database.open(data_dir=Path(folder) / "pg")
        try:
            began = time.perf_counter()
            importer = Importer(database, lambda: datetime.now(UTC))
            [told] = asyncio.run(importer.run([path], Given(), max_bytes=2**30))
            return {"pages": 1000, "passages": told.passages, "seconds": round(time.perf_counter() - began, 1)}
        finally:
            database.close()


def _prose(page: int, n: int) -> str:
    return (
        f"Drug {page} at {page % 90 + 10} mg lowered the measured value in group {n} by {page % 40 + n} percent over "
        f"{n + 2} weeks, and {page % 7 + 1} of {page % 30 + 40} participants reported headache or mild nausea. Kidney "
        f"function below {page % 50 + 20} mL/min calls for half of the dose. "
    )


if __name__ == "__main__":
    main()
