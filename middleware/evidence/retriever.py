"""Which stored passages speak to a text: by words and by meaning, the two rankings fused. Read-only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import cache, partial

from wardround.agents.knowledge.embedder import embedder
from wardround.agents.ports import StoredPassage
from wardround.policies.errors import StoreError

from ..store import evidence as store
from ..store import evidence_search as searching
from ..store.database import Database

PREFIX = "kb:"
"""How the id of a stored passage begins."""
WORDS = 0.1
"""What shared words count beside nearness in meaning, both at most 1: more costs recall on 20,000 public passages."""
WORDS_ALONE = 2.0
"""The same in languages that the embedder does not know."""
_EMBEDDED = frozenset({"en", "und"})
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
        found: list[list[int]] = []
        for first in range(0, len(asked), BATCH):
            found.extend(await self._batch(asked[first : first + BATCH], language, limit, among))
        return found

    async def _batch(self, queries: Sequence[str], language: str, limit: int, among: searching.Size) -> list[list[int]]:
        """By words and by meaning side by side; then how near in meaning the passages are that only words gave."""
        by_words = partial(searching.near_words, queries=queries, language=language, among=among)
        worded, (vectors, meant) = await asyncio.gather(
            self._database.read(by_words, deadline_s=DEADLINE_S), self._by_meaning(queries)
        )
        known = {(h.query, h.passage) for h in meant}
        others = [(h.query, h.passage) for h in worded if (h.query, h.passage) not in known]
        nearness = partial(searching.nearness, pairs=others, vectors=vectors)
        more = await self._database.read(nearness, deadline_s=DEADLINE_S) if others else []
        share = WORDS if language in _EMBEDDED else WORDS_ALONE
        return _fused(len(queries), [*meant, *more], worded, share=share, limit=limit)

    async def _by_meaning(self, queries: Sequence[str]) -> tuple[list[list[float]], list[searching.Hit]]:
        loop = asyncio.get_running_loop()
        vectors = list(await asyncio.gather(*(loop.run_in_executor(_pool(), _vector, q) for q in queries)))
        near = partial(searching.near_meaning, vectors=vectors)
        return vectors, await self._database.read(near, deadline_s=DEADLINE_S)

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


def _fused(
    count: int, meant: Sequence[searching.Hit], worded: Sequence[searching.Hit], *, share: float, limit: int
) -> list[list[int]]:
    """Ids for each query, best first: nearness in meaning, and `share` of the weight of shared words, at most 1."""
    scores: list[dict[int, float]] = [{} for _ in range(count)]
    most = [max((h.score for h in worded if h.query == n), default=1.0) for n in range(count)]
    for hit in meant:
        scores[hit.query][hit.passage] = hit.score
    for hit in worded:
        scores[hit.query][hit.passage] = scores[hit.query].get(hit.passage, 0.0) + share * hit.score / most[hit.query]
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
