"""Answers to a page's own questions, comments that wait to be shown, and petitions that were delivered"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("signatures", sa.Column("own", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("signatures", sa.Column("comment_state", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "delivered_petitions",
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("page", name=op.f("pk_delivered_petitions")),
    )
