"""Evidence: editions of documents, their passages, and how often words stand in them.

The vectors of the passages need the extension pgvector, which not every server has: their table is made at the first
import (`store.evidence`).
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _documents()
    _passages()
    op.create_table(
        "evidence_lexemes",
        sa.Column("lexeme", sa.Text, primary_key=True),
        sa.Column("passages", sa.Integer, nullable=False),
    )


def _documents() -> None:
    op.create_table(
        "evidence_documents",
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
    )
    op.create_index(
        "evidence_documents_current",
        "evidence_documents",
        ["key"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL AND removed_at IS NULL"),
    )


def _passages() -> None:
    op.create_table(
        "evidence_passages",
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
    )
    op.create_index("evidence_passages_document", "evidence_passages", ["document_id", "ordinal"])
    op.create_index(
        "evidence_passages_lexemes",
        "evidence_passages",
        ["lexemes"],
        postgresql_using="gin",
        postgresql_where=sa.text("current"),
    )


def downgrade() -> None:
    op.execute("DROP TABLE IF EXISTS evidence_vectors")
    for table in ("evidence_lexemes", "evidence_passages", "evidence_documents"):
        op.drop_table(table)
