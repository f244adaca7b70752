"""Moves from another program: what each import of one came to on both sides, and the signed report of all of it"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
        sa.UniqueConstraint("token", name=op.f("uq_moves_token")),
    )
    op.add_column("imports", sa.Column("move_id", sa.BigInteger()))
    op.add_column("imports", sa.Column("account", sa.JSON()))


def downgrade() -> None:
    op.drop_column("imports", "account")
    op.drop_column("imports", "move_id")
    op.drop_table("moves")
