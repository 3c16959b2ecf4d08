"""Editions of evidence and their passages in PostgreSQL: kept for ever.

Not how a document is read (`evidence.reading`) and not how passages are found (`evidence_search`).
An edition that was replaced or removed is found no more, and stays readable by id for the replay of old rounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast

import psycopg
import sqlalchemy as sa
from psycopg.rows import TupleRow
from sqlalchemy import exc
from sqlalchemy.dialects.postgresql import REGCONFIG

from wardround.policies.errors import StoreError

from .schema import evidence_documents as documents
from .schema import evidence_passages as passages

WIDTH = 384
"""Numbers of a vector."""
_LOCK = 0x65766964656E6365
"""Advisory lock of whoever changes the evidence: one at a time."""
_CHANGE_S = 120.0
"""How long a change may take, seconds, whatever it changes: waiting for another import counts."""
_PASSAGE_S = 0.02
"""How much longer for each passage; the graph of vectors takes a few milliseconds to take one in."""
CONFIGS: Mapping[str, str] = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish",
    "fr": "french", "hi": "hindi", "hu": "hungarian", "id": "indonesian", "it": "italian", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
"""PostgreSQL's full-text configuration by language; `simple` for the others."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a document, as stored."""

    id: int
    key: str
    """What its editions have in common."""
    title: str
    publisher: str | None
    edition: str | None
    effective: date | None
    expires: date | None
    jurisdiction: str | None
    audience: str | None
    language: str
    """ISO 639-1 code."""
    source: str
    """Name of the file it came from."""
    digest: str
    """SHA-256 of its text and what it says of itself, hexadecimal."""
    passages: int
    imported_at: datetime
    replaced_at: datetime | None = None
    removed_at: datetime | None = None

    @property
    def current(self) -> bool:
        """Whether drafts are compared with it."""
        return self.replaced_at is None and self.removed_at is None


class NewPassage(NamedTuple):
    """A passage to be stored."""

    ordinal: int
    headings: tuple[str, ...]
    page: int | None
    locator: str
    text: str
    vector: Sequence[float]


@dataclass(frozen=True, slots=True)
class Stored:
    """A passage with the edition it belongs to."""

    id: int
    text: str
    locator: str
    headings: tuple[str, ...]
    edition: Edition


def prepare(connection: sa.Connection) -> None:
    """Make the table of vectors where it is missing. Raises `StoreError` where the server has no pgvector."""
    if has_vectors(connection):
        return
    _alone(connection)
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
    except exc.DBAPIError as error:
        raise StoreError(
            "The evidence store needs the PostgreSQL extension pgvector: install it on the server and let an "
            "administrator run CREATE EXTENSION vector in this database."
        ) from error
    connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS evidence_vectors (passage_id bigint PRIMARY KEY REFERENCES evidence_passages (id),"
        f" current boolean NOT NULL, vector halfvec({WIDTH}) NOT NULL)"
    )
    connection.exec_driver_sql(
        "CREATE INDEX IF NOT EXISTS evidence_vectors_near ON evidence_vectors USING hnsw (vector halfvec_ip_ops)"
        " WHERE current"
    )


def has_vectors(connection: sa.Connection) -> bool:
    """Whether anything was ever imported here."""
    return connection.exec_driver_sql("SELECT to_regclass('evidence_vectors')").scalar() is not None


def patience_s(passages: int) -> float:
    """How long the database may take to put so many passages in or out, seconds."""
    return _CHANGE_S + _PASSAGE_S * passages


def _alone(connection: sa.Connection, passages: int = 0) -> None:
    """Wait until nobody else changes the evidence, to the end of this transaction, and take the time it needs."""
    wait = f"{patience_s(passages) * 1000:.0f}"
    connection.exec_driver_sql(
        "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)", (wait, wait)
    )
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def generation(connection: sa.Connection) -> str | None:
    """A mark that changes with every import and removal; None where nothing was ever imported.

    Counts tell, not times alone: the clocks of two importing machines may differ.
    """
    if not has_vectors(connection):
        return None
    d = documents.c
    last = sa.func.max(sa.func.greatest(d.imported_at, d.replaced_at, d.removed_at))
    query = sa.select(sa.func.count(), sa.func.count(d.replaced_at), sa.func.count(d.removed_at), last)
    return " ".join(map(str, connection.execute(query.select_from(documents)).one()))


def current_edition(connection: sa.Connection, key: str) -> Edition | None:
    """The edition of a document that counts now."""
    where = (documents.c.key == key) & documents.c.replaced_at.is_(None) & documents.c.removed_at.is_(None)
    row = connection.execute(sa.select(documents).where(where)).one_or_none()
    return None if row is None else _edition(row)


def add(connection: sa.Connection, edition: Mapping[str, Any], cut: Sequence[NewPassage], *, now: datetime) -> int:
    """Store a new edition in place of the current one of its key, which is kept; its id."""
    _alone(connection, len(cut))
    before = current_edition(connection, edition["key"])
    if before is not None:
        _retire(connection, before.id, {"replaced_at": now})
    row = {**edition, "passages": len(cut), "imported_at": now}
    identity: int = connection.execute(sa.insert(documents).values(row).returning(documents.c.id)).scalar_one()
    words = sa.func.to_tsvector(sa.cast(config(edition["language"]), REGCONFIG), sa.bindparam("searched"))
    insert = sa.insert(passages).values(lexemes=words).returning(passages.c.id, sort_by_parameter_order=True)
    ids = list(connection.execute(insert, [_row(identity, edition["title"], p) for p in cut]).scalars()) if cut else []
    _copy_vectors(connection, zip(ids, cut, strict=True))
    _count(connection, identity)
    return identity


def _row(document: int, title: str, passage: NewPassage) -> dict[str, Any]:
    return {
        "document_id": document,
        "ordinal": passage.ordinal,
        "headings": list(passage.headings),
        "page": passage.page,
        "locator": passage.locator,
        "text": passage.text,
        "words": len(passage.text.split()),
        "searched": searchable("\n".join((*dict.fromkeys((title, *passage.headings)), passage.text))),
        "current": True,
    }


def _copy_vectors(connection: sa.Connection, told: Iterable[tuple[int, NewPassage]]) -> None:
    driver = cast("psycopg.Connection[TupleRow] | None", connection.connection.driver_connection)
    if driver is None:
        raise StoreError("The database connection is gone.")
    with (
        driver.cursor() as cursor,
        cursor.copy("COPY evidence_vectors (passage_id, current, vector) FROM STDIN") as copy,
    ):
        for identity, passage in told:
            copy.write_row((identity, True, vector_text(passage.vector)))


def remove(connection: sa.Connection, identity: int, *, now: datetime) -> None:
    """Let no draft be compared with an edition any more; its passages stay for replay."""
    _retire(connection, identity, {"removed_at": now})


def _retire(connection: sa.Connection, identity: int, change: Mapping[str, datetime]) -> None:
    _discount(connection, identity)
    connection.execute(sa.update(documents).where(documents.c.id == identity).values(**change))
    connection.exec_driver_sql(
        "UPDATE evidence_vectors SET current = false FROM evidence_passages p"
        " WHERE p.id = passage_id AND p.document_id = %s",
        (identity,),
    )
    connection.execute(sa.update(passages).where(passages.c.document_id == identity).values(current=False))


def _count(connection: sa.Connection, identity: int) -> None:
    """Count the words of an edition in. In its own transaction: a search never sees passages without their counts."""
    connection.exec_driver_sql(
        "INSERT INTO evidence_lexemes (lexeme, passages) SELECT word, ndoc FROM ts_stat("
        "'SELECT lexemes FROM evidence_passages WHERE current AND document_id = ' || %s::bigint)"
        " ON CONFLICT (lexeme) DO UPDATE SET passages = evidence_lexemes.passages + excluded.passages",
        (identity,),
    )


def _discount(connection: sa.Connection, identity: int) -> None:
    """Count the words of an edition out, while it is current."""
    connection.exec_driver_sql(
        "UPDATE evidence_lexemes l SET passages = l.passages - s.ndoc FROM ts_stat("
        "'SELECT lexemes FROM evidence_passages WHERE current AND document_id = ' || %s::bigint) s"
        " WHERE s.word = l.lexeme",
        (identity,),
    )
    connection.exec_driver_sql("DELETE FROM evidence_lexemes WHERE passages <= 0")


def editions(connection: sa.Connection, *, everything: bool = False) -> list[Edition]:
    """Editions by title; only current ones unless `everything`."""
    query = sa.select(documents).order_by(documents.c.title, documents.c.key, documents.c.id)
    if not everything:
        query = query.where(documents.c.replaced_at.is_(None), documents.c.removed_at.is_(None))
    return [_edition(r) for r in connection.execute(query)]


def to_remove(connection: sa.Connection, identity: int) -> Edition | None:
    """One edition by id, which nobody else changes before the end of this transaction."""
    found = edition(connection, identity)
    _alone(connection, found.passages if found else 0)
    return edition(connection, identity)


def edition(connection: sa.Connection, identity: int) -> Edition | None:
    """One edition by id."""
    row = connection.execute(sa.select(documents).where(documents.c.id == identity)).one_or_none()
    return None if row is None else _edition(row)


def passages_of(connection: sa.Connection, identity: int) -> list[Stored]:
    """The passages of an edition in order."""
    return _stored(connection, passages.c.document_id == identity)


def by_id(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Stored]:
    """Passages by id, of whatever edition."""
    return {p.id: p for p in _stored(connection, passages.c.id.in_(list(ids)))} if ids else {}


def _stored(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Stored]:
    own = (passages.c.id, passages.c.text, passages.c.locator, passages.c.headings)
    labelled = [c.label(f"passage_{c.name}") for c in own]
    query = (
        sa.select(*labelled, *documents.c)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(where)
        .order_by(passages.c.document_id, passages.c.ordinal)
    )
    return [
        Stored(r.passage_id, r.passage_text, r.passage_locator, tuple(r.passage_headings), _edition(r))
        for r in connection.execute(query)
    ]


def _edition(row: Any) -> Edition:
    return Edition(**{name: getattr(row, name) for name in Edition.__slots__})


def config(language: str) -> str:
    """PostgreSQL's full-text configuration for a language, `en` or `en-US`; that of English where it is unknown."""
    code = language.lower().replace("_", "-").partition("-")[0]
    return CONFIGS.get(code, "english" if code in {"", "und"} else "simple")


def searchable(text: str) -> str:
    """The text as full-text search can cut it: runs of Chinese, Japanese and Korean as overlapping pairs of signs, and
    without what PostgreSQL refuses, NUL and halves of characters."""
    text = text.replace("\0", " ")
    if text.isascii():
        return text
    text = text.encode("utf-8", "replace").decode()
    return _CJK.sub(lambda m: " " + " ".join(m[0][i : i + 2] for i in range(max(1, len(m[0]) - 1))) + " ", text)


def vector_text(vector: Sequence[float]) -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(f'{x:.5f}' for x in vector)}]"


_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
