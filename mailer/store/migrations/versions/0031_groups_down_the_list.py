"""The groups that a newsletter goes down its list to, each behind a gate"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cohorts",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decide_at", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger()),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("counts", sa.JSON(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_cohorts_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "n", name=op.f("pk_cohorts")),
    )
    op.create_index(
        "ix_cohorts_decide_at", "cohorts", ["decide_at"],
        sqlite_where=sa.text("decided_at IS NULL"), postgresql_where=sa.text("decided_at IS NULL"),
    )  # fmt: skip
