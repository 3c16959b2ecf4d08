"""Rounds, holds, keys and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _audit()
    _rounds()
    _holds()
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("application", sa.Text, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("key_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
    )


def downgrade() -> None:
    for table in ("api_keys", "holds", "rounds", "audit_records", "audit_heads"):
        op.drop_table(table)


def _audit() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_records",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("round_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("audit_records_round", "audit_records", ["round_id"])


def _rounds() -> None:
    op.create_table(
        "rounds",
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
    )
    op.create_index("rounds_opened", "rounds", ["opened_at", "round_id"])
    for column in ("application", "status", "action"):
        op.create_index(f"rounds_{column}", "rounds", [column, "opened_at"])


def _holds() -> None:
    op.create_table(
        "holds",
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
    )
    op.create_index("holds_queue", "holds", ["queue", "status", "due_at"])
    op.create_index("holds_status", "holds", ["status", "due_at"])
