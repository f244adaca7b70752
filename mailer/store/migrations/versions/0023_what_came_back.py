"""Who pressed unsubscribe, so that a scanner can be told from people; what unclear mails came to; and replies"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unsubscribe_presses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("decided", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsubscribe_presses")),
    )
    op.create_index("ix_unsubscribe_presses_delivery_id", "unsubscribe_presses", ["delivery_id"])
    op.create_index("ix_unsubscribe_presses_at", "unsubscribe_presses", ["at"])
    op.create_table(
        "replies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger()),
        sa.Column("delivery_id", sa.BigInteger()),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("attachments", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("handed_to", sa.BigInteger()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("key", name=op.f("uq_replies_key")),
    )
    op.create_index("ix_replies_at", "replies", ["at"])
    op.create_index("ix_replies_campaign_id", "replies", ["campaign_id"])
    op.create_index("ix_replies_delivery_id", "replies", ["delivery_id"])
    op.create_index(
        "ix_replies_waiting", "replies", ["at"],
        sqlite_where=sa.text("state = 'new'"), postgresql_where=sa.text("state = 'new'"),
    )  # fmt: skip
    op.add_column("returned_mails", sa.Column("decision", sa.Text(), server_default="", nullable=False))
    # What was listed as unclear so far.
    op.execute(
        "UPDATE returned_mails SET decision = 'open' WHERE kind = 'unknown'"
        " OR (delivery_id IS NULL AND kind NOT IN ('auto-reply', 'delay'))"
    )
    op.create_index(
        "ix_returned_mails_open", "returned_mails", ["at"],
        sqlite_where=sa.text("decision = 'open'"), postgresql_where=sa.text("decision = 'open'"),
    )  # fmt: skip
