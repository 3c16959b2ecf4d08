"""Which stored passages speak to a text: by words and by meaning, the two rankings fused. Read-only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import cache, partial

import sqlalchemy as sa

from wardround.agents.knowledge.embedder import embedder
from wardround.agents.ports import StoredPassage
from wardround.policies.errors import StoreError

from ..store import evidence as store
from ..store import evidence_search as searching
from ..store.database import Database

PREFIX = "kb:"
"""How the id of a stored passage begins."""
FUSED = 60
"""Constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""
BATCH = 50
"""Queries that the database is asked at once."""
DEADLINE_S = 3.0
"""How long the database may take for a batch, seconds."""
THREADS = 2
"""Queries that are embedded side by side, all searches together; each takes one core."""
QUERY_CHARS = 1_000
"""Characters of a query that are read."""
KEPT = 5_000
"""Queries whose answers are kept, as ids."""
_MAX_DIGITS = 18
"""Digits of a number that the database can hold."""
_Asked = tuple[str, str, int]


class EvidenceRetriever:
    """The `Retriever` port on the evidence store. Answers with nothing while nothing was imported."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._generation = ""
        self._kept: dict[_Asked, list[int]] = {}
        self._size: tuple[str, searching.Size] | None = None

    async def search(self, queries: Sequence[str], *, language: str, limit: int) -> Sequence[Sequence[StoredPassage]]:
        """See the port. Queries of the draft so far, which a stream asks again and again, are answered once.

        About 15 ms a query and core for its vector, and as much in the database beside 20,000 passages.
        """
        generation = await self._database.read(store.generation, deadline_s=DEADLINE_S)
        if generation is None:
            return [[] for _ in queries]
        kept = self._kept_of(generation)
        asked = list(dict.fromkeys(q for q in queries if (q, language, limit) not in kept))
        if asked:
            for query, ids in zip(asked, await self._find(asked, language, limit, generation), strict=True):
                kept[query, language, limit] = ids
        wanted = [kept[q, language, limit] for q in queries]
        ids = sorted({i for found in wanted for i in found})
        found = await self._database.read(lambda c: store.by_id(c, ids), deadline_s=DEADLINE_S)
        today = self._now().date()
        return [[shown(found[i], today) for i in ids if i in found] for ids in wanted]

    async def _find(self, queries: Sequence[str], language: str, limit: int, generation: str) -> list[list[int]]:
        among = await self._size_of(generation)
        asked = [q[:QUERY_CHARS] for q in queries]
        loop = asyncio.get_running_loop()
        vectors = await asyncio.gather(*(loop.run_in_executor(_pool(), _vector, q) for q in asked))
        found: list[list[int]] = []
        for first in range(0, len(asked), BATCH):
            part = slice(first, first + BATCH)
            search = partial(
                _ranked, queries=asked[part], vectors=vectors[part], language=language, limit=limit, among=among
            )
            found.extend(await self._database.read(search, deadline_s=DEADLINE_S))
        return found

    async def _size_of(self, generation: str) -> searching.Size:
        kept = self._size
        if kept is None or kept[0] != generation:
            kept = (generation, await self._database.read(searching.size, deadline_s=DEADLINE_S))
            self._size = kept
        return kept[1]

    def _kept_of(self, generation: str) -> dict[_Asked, list[int]]:
        """Answers of this generation of the store; those of an earlier one are dropped, all where there are many."""
        if self._generation != generation or len(self._kept) > KEPT:
            self._generation, self._kept = generation, {}
        return self._kept


class PinnedRetriever:
    """Answers every search as an earlier one was answered: for the replay of a round with the editions of its day."""

    def __init__(self, database: Database, answers: Sequence[Sequence[str]], on: date) -> None:
        """`answers` are the ids that the round's record names, search by search, `on` the day of the round."""
        self._database = database
        self._answers = answers
        self._on = on

    async def search(self, queries: Sequence[str], *, language: str, limit: int) -> Sequence[Sequence[StoredPassage]]:
        """The passages of then. Raises `StoreError` where the draft asks other questions or a passage is gone."""
        del language, limit
        if len(queries) != len(self._answers):
            raise StoreError("the record names evidence for another draft: nothing is replayed")
        ids = sorted({number(i) for ids in self._answers for i in ids})
        found = await self._database.read(lambda c: store.by_id(c, ids), deadline_s=DEADLINE_S)
        gone = [i for i in ids if i not in found]
        if gone:
            raise StoreError(f"passage {PREFIX}{gone[0]} of the record is not in this evidence store")
        return [[shown(found[number(i)], self._on) for i in ids] for ids in self._answers]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="wardround-search")


def _vector(query: str) -> list[float]:
    return embedder().vector(query)


def _ranked(
    connection: sa.Connection,
    *,
    queries: Sequence[str],
    vectors: Sequence[Sequence[float]],
    language: str,
    limit: int,
    among: searching.Size,
) -> list[list[int]]:
    """Ids for each query, best first: words and meaning vote by place."""
    scores: list[dict[int, float]] = [{} for _ in queries]
    for hits in (
        searching.near_words(connection, queries, language, among=among),
        searching.near_meaning(connection, vectors),
    ):
        places = [0] * len(queries)
        for hit in hits:
            scores[hit.query][hit.passage] = scores[hit.query].get(hit.passage, 0.0) + 1 / (FUSED + places[hit.query])
            places[hit.query] += 1
    return [[i for i, _ in sorted(s.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]] for s in scores]


def number(identity: str) -> int:
    """The number in a passage's id. Raises `StoreError` where it is none."""
    digits = identity.removeprefix(PREFIX)
    if not digits.isdecimal() or len(digits) > _MAX_DIGITS:
        raise StoreError(f"{identity!r} is no id of a stored passage: they look like {PREFIX}123")
    return int(digits)


def shown(passage: store.Stored, on: date) -> StoredPassage:
    """A passage as the agents see it on a day."""
    edition = passage.edition
    return StoredPassage(
        id=f"{PREFIX}{passage.id}",
        text=passage.text,
        title=edition.title,
        locator=passage.locator,
        edition=edition.edition or (edition.effective.isoformat() if edition.effective else None),
        stale=is_stale(edition, on),
    )


def is_stale(edition: store.Edition, on: date) -> bool:
    """Whether an edition is past its last day, or not in effect yet."""
    ended = edition.expires is not None and edition.expires < on
    return ended or (edition.effective is not None and edition.effective > on)
