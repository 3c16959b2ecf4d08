"""Passages of the evidence store found by words and by meaning, in PostgreSQL. How they got there: `evidence`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from .evidence import config, has_vectors, searchable, vector_text
from .schema import evidence_passages as passages

FOUND = 30
"""Passages that each way of searching gives for one query."""
RARE = 0.04
"""Words in more than this share of all passages say too little to search by, where a query has others."""
MAX_LEXEMES = 7
"""Words of a query that are searched by: the rarest."""
_EF_SEARCH = 120
"""Width of the search in the graph of vectors (pgvector's `hnsw.ef_search`)."""
_B = 0.6
"""Correction for the length of a passage, as in BM25."""
_GO_ON = (
    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true) FROM pg_extension"
    " WHERE extname = 'vector' AND extversion !~ '^0[.][0-7]([.]|$)'"
)
"""Replaced editions stay in the graph until a vacuum: without this they would take places of what is found."""

_BY_WORDS = """
    WITH asked AS (SELECT n - 1 AS n, text FROM unnest(%(queries)s::text[]) WITH ORDINALITY AS q(text, n)),
    size AS (SELECT %(all_of_them)s::float AS all_of_them, %(mean)s::float AS mean),
    words AS (
        SELECT a.n, l.lexeme, ln(1 + (s.all_of_them - l.passages + 0.5) / (l.passages + 0.5)) AS idf,
               row_number() OVER (PARTITION BY a.n ORDER BY l.passages, l.lexeme) AS place,
               l.passages <= %(rare)s * s.all_of_them AS rare
        FROM asked a CROSS JOIN size s
        CROSS JOIN LATERAL unnest(to_tsvector(%(config)s::regconfig, a.text)) AS w(lexeme, positions, weights)
        JOIN evidence_lexemes l ON l.lexeme = w.lexeme
    ),
    hits AS (
        SELECT w.n, p.id, sum(w.idf) / (1 - %(b)s + %(b)s * p.words / s.mean) AS score
        FROM words w CROSS JOIN size s
        JOIN evidence_passages p ON p.current AND p.lexemes @@ (quote_literal(w.lexeme)::tsquery)
        WHERE w.place <= %(most)s AND (w.rare OR w.place <= 2)
        GROUP BY w.n, p.id, p.words, s.mean
    )
    SELECT n, id, score FROM (
        SELECT n, id, score, row_number() OVER (PARTITION BY n ORDER BY score DESC, id) AS place FROM hits
    ) ranked WHERE place <= %(found)s ORDER BY n, place
"""
_BY_MEANING = """
    SELECT q.n - 1, v.passage_id, -v.distance
    FROM unnest(%(vectors)s::halfvec[]) WITH ORDINALITY AS q(vector, n)
    CROSS JOIN LATERAL (
        SELECT passage_id, vector <#> q.vector AS distance FROM evidence_vectors
        WHERE current ORDER BY vector <#> q.vector LIMIT %(found)s
    ) v ORDER BY q.n, v.distance, v.passage_id
"""

_NEARNESS = """
    SELECT p.query, v.passage_id, -(v.vector <#> q.vector)
    FROM unnest(%(queries)s::int[], %(passages)s::bigint[]) AS p(query, passage)
    JOIN evidence_vectors v ON v.passage_id = p.passage
    JOIN unnest(%(vectors)s::halfvec[]) WITH ORDINALITY AS q(vector, n) ON q.n = p.query + 1
"""


class Hit(NamedTuple):
    """A passage found."""

    query: int
    """Position of the query."""
    passage: int
    """Id of the passage."""
    score: float
    """Higher is better; of no meaning between ways of searching."""


class Size(NamedTuple):
    """How large the store is; a whole table is read for it, so it is asked once for each generation."""

    passages: int
    """Current ones."""
    mean_words: float
    """Of a passage."""


def size(connection: sa.Connection) -> Size:
    """The size of what is current."""
    query = sa.select(sa.func.count(), sa.func.avg(passages.c.words)).where(passages.c.current)
    count, mean = connection.execute(query).one()
    return Size(int(count), float(mean or 1.0))


def near_words(
    connection: sa.Connection, queries: Sequence[str], language: str, *, among: Size | None = None
) -> list[Hit]:
    """Passages by shared words, weighed by rarity and the passage's length, best first within each query.

    The idea is BM25's; that a word stands in a passage more than once counts nothing, passages being short.
    """
    among = among or size(connection)
    rows = connection.exec_driver_sql(
        _BY_WORDS,
        {
            "queries": [searchable(q) for q in queries],
            "config": config(language),
            "all_of_them": max(among.passages, 1),
            "mean": max(among.mean_words, 1.0),
            "rare": RARE,
            "most": MAX_LEXEMES,
            "b": _B,
            "found": FOUND,
        },
    )
    return [Hit(int(n), int(i), float(s)) for n, i, s in rows]


def near_meaning(connection: sa.Connection, vectors: Sequence[Sequence[float]]) -> list[Hit]:
    """Passages by nearness of their vectors, best first within each query. Nothing where none was ever imported."""
    if not has_vectors(connection):
        return []
    connection.exec_driver_sql(f"SET LOCAL hnsw.ef_search = {_EF_SEARCH}")
    connection.exec_driver_sql(_GO_ON)
    rows = connection.exec_driver_sql(
        _BY_MEANING,
        {"vectors": [vector_text(v) for v in vectors], "found": FOUND},
    )
    return [Hit(int(n), int(i), float(s)) for n, i, s in rows]


def nearness(
    connection: sa.Connection, pairs: Sequence[tuple[int, int]], vectors: Sequence[Sequence[float]]
) -> list[Hit]:
    """How near passages are to queries in meaning, for (query, passage) pairs."""
    rows = connection.exec_driver_sql(
        _NEARNESS,
        {
            "queries": [n for n, _ in pairs],
            "passages": [i for _, i in pairs],
            "vectors": [vector_text(v) for v in vectors],
        },
    )
    return [Hit(int(n), int(i), float(s)) for n, i, s in rows]
