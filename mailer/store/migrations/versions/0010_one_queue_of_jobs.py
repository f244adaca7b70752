"""Notices, webhook calls and providers' posts become jobs of one queue"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("done_at IS NULL")
COLUMNS = "kind, topic, key, state, attempt, due_at, created_at, done_at, detail, person_id, address, payload"
# What was under way keeps its name for others: the Mailer-Id of a call, the Message-ID of a notice.
NOTICES = """
    SELECT 'notice', kind, 'n' || id || '.' || {hex},
        CASE state WHEN 'sending' THEN 'running' WHEN 'sent' THEN 'done' ELSE state END, attempt,
        coalesce(lease_until, not_before), created_at,
        CASE WHEN state IN ('queued', 'sending') THEN NULL ELSE not_before END,
        trim(code || ' ' || detail), CAST(NULL AS bigint), address, {notice}
    FROM notices ORDER BY id
"""
CALLS = """
    SELECT 'webhook-call', event, id || '-' || {hex},
        CASE state WHEN 'sent' THEN 'done' ELSE state END, attempt, not_before, created_at,
        CASE WHEN state = 'queued' THEN NULL ELSE not_before END, detail,
        CASE WHEN state = 'sent' THEN NULL ELSE person_id END, '', {call}
    FROM webhook_calls ORDER BY id
"""
POSTS = """
    SELECT 'provider-post', provider, CAST(id AS text),
        CASE WHEN applied_at IS NULL THEN 'queued' WHEN trouble = '' THEN 'done' ELSE 'failed' END,
        CASE WHEN applied_at IS NULL THEN 0 ELSE 1 END, 0, at, applied_at, trouble, CAST(NULL AS bigint), '', body
    FROM provider_posts ORDER BY id
"""
ENGINES = {
    "sqlite": {
        "hex": "printf('%x', created_at)",
        "notice": "CAST(CASE address WHEN '' THEN '' ELSE json_set(fields, '$.language', language) END AS BLOB)",
        "call": "CAST(CASE state WHEN 'sent' THEN '' ELSE payload END AS BLOB)",
    },
    "postgresql": {
        "hex": "to_hex(created_at)",
        "notice": "convert_to(CASE address WHEN '' THEN ''"
        " ELSE (fields::jsonb || jsonb_build_object('language', language))::text END, 'UTF8')",
        "call": "convert_to(CASE state WHEN 'sent' THEN '' ELSE payload::text END, 'UTF8')",
    },
}


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), server_default="", nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.Column("cancel", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_jobs_kind_key")),
        sqlite_autoincrement=True,
    )
    words = ENGINES[op.get_bind().dialect.name]
    for rows in (NOTICES, CALLS, POSTS):
        op.execute(f"INSERT INTO jobs ({COLUMNS}) {rows.format(**words)}")
    for table in ("notices", "webhook_calls", "provider_posts"):
        op.drop_table(table)
    op.create_index(
        "ix_jobs_open", "jobs", ["kind", "due_at", "id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index("ix_jobs_kind_state_done_at", "jobs", ["kind", "state", "done_at"], unique=False)
    op.create_index(op.f("ix_jobs_person_id"), "jobs", ["person_id"], unique=False)
