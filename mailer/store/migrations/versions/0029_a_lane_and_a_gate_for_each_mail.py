"""What tests, local time, series and automations add to the ledger: a lane and a gate for each mail, people's zones"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

QUEUE = sa.text("state = 'queued' AND worker_id IS NULL")


def upgrade() -> None:
    for name in ("timezone", "timezone_source"):
        op.add_column("people", sa.Column(name, sa.Text(), server_default="", nullable=False))
    for name in ("kind", "parent"):
        op.add_column("campaigns", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("campaigns", sa.Column("stage", sa.Integer(), server_default="0", nullable=False))
    op.drop_index("ix_deliveries_queue", "deliveries")
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.add_column(sa.Column("arm", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("stage", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("entry", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.drop_constraint(op.f("uq_deliveries_campaign_id_person_id"), type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_deliveries_campaign_id_person_id_entry"), ["campaign_id", "person_id", "entry"]
        )
    op.create_index(
        "ix_deliveries_queue",
        "deliveries",
        ["campaign_id", "stage", "not_before", "id"],
        sqlite_where=QUEUE,
        postgresql_where=QUEUE,
    )
