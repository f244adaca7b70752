"""Pace shared by all workers, the warm-up plan, and what guard rails judge by"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FEEDBACK = sa.text("kind IN ('bounced', 'complained')")


def upgrade() -> None:
    op.create_index("ix_events_feedback", "events", ["campaign_id"], sqlite_where=FEEDBACK, postgresql_where=FEEDBACK)
    op.create_table(
        "pace_lanes",
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transport", "domain", name=op.f("pk_pace_lanes")),
    )
    op.create_table(
        "warm_up_days",
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("transport", "day", name=op.f("pk_warm_up_days")),
    )
    op.create_table(
        "guard_evidence",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hard", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recent", sa.Text(), server_default="", nullable=False),
        sa.Column("troubles", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trouble_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_guard_evidence")),
    )
