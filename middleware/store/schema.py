"""The tables as they are today. How a database gets there lives in `migrations`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON, TSVECTOR

REVISION = "0002"
"""The newest migration; a database that is there is opened without looking for any."""

metadata = sa.MetaData()

_TIME = sa.DateTime(timezone=True)

audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

audit_records = sa.Table(
    "audit_records",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("round_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("prev_hash", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Index("audit_records_round", "round_id"),
)

rounds = sa.Table(
    "rounds",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("application", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("policy_digest", sa.Text, nullable=False),
    sa.Column("opened_at", _TIME, nullable=False),
    sa.Column("closed_at", _TIME),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("action", sa.Text),
    sa.Column("queue", sa.Text),
    sa.Column("answer", JSON),
    sa.Column("request_digest", sa.Text),
    sa.Column("trace_id", sa.Text),
    sa.Index("rounds_opened", "opened_at", "round_id"),
    sa.Index("rounds_application", "application", "opened_at"),
    sa.Index("rounds_status", "status", "opened_at"),
    sa.Index("rounds_action", "action", "opened_at"),
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("opened_at", _TIME, nullable=False),
    sa.Column("due_at", _TIME),
    sa.Column("on_timeout", sa.Text, nullable=False),
    sa.Column("draft", sa.Text, nullable=False),
    sa.Column("draft_digest", sa.Text, nullable=False),
    sa.Column("findings", JSON, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("decision", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", _TIME),
    sa.Column("decision_text", sa.Text),
    sa.Column("comment", sa.Text),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", _TIME),
    sa.Index("holds_queue", "queue", "status", "due_at"),
    sa.Index("holds_status", "status", "due_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("application", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("key_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("revoked_at", _TIME),
)

evidence_documents = sa.Table(
    "evidence_documents",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("publisher", sa.Text),
    sa.Column("edition", sa.Text),
    sa.Column("effective", sa.Date),
    sa.Column("expires", sa.Date),
    sa.Column("jurisdiction", sa.Text),
    sa.Column("audience", sa.Text),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("passages", sa.Integer, nullable=False),
    sa.Column("imported_at", _TIME, nullable=False),
    sa.Column("replaced_at", _TIME),
    sa.Column("removed_at", _TIME),
    sa.Index(
        "evidence_documents_current",
        "key",
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL AND removed_at IS NULL"),
    ),
)

evidence_passages = sa.Table(
    "evidence_passages",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("document_id", sa.BigInteger, sa.ForeignKey("evidence_documents.id"), nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("headings", ARRAY(sa.Text), nullable=False),
    sa.Column("page", sa.Integer),
    sa.Column("locator", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("words", sa.Integer, nullable=False),
    sa.Column("lexemes", TSVECTOR, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),
    sa.Index("evidence_passages_document", "document_id", "ordinal"),
    sa.Index("evidence_passages_lexemes", "lexemes", postgresql_using="gin", postgresql_where=sa.text("current")),
)

evidence_lexemes = sa.Table(
    "evidence_lexemes",
    metadata,
    sa.Column("lexeme", sa.Text, primary_key=True),
    sa.Column("passages", sa.Integer, nullable=False),
)
