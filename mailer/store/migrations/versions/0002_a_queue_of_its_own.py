"""The ledger's index of all states becomes one of the queue and one of what did not simply go out"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

QUEUE = sa.text("state = 'queued' AND worker_id IS NULL")
APART = sa.text("(state NOT IN ('queued', 'sending', 'sent'))")


def upgrade() -> None:
    with op.batch_alter_table("workers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("campaign_id", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index("ix_deliveries_campaign_id_state_not_before")
        batch_op.create_index(
            "ix_deliveries_queue",
            ["campaign_id", "not_before", "id"],
            unique=False,
            sqlite_where=QUEUE,
            postgresql_where=QUEUE,
        )
        batch_op.create_index(
            "ix_deliveries_apart",
            ["campaign_id", "state"],
            unique=False,
            sqlite_where=APART,
            postgresql_where=APART,
        )
