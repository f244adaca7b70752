"""What messages take from data: readings of feeds and files, and tables with a row for each postcode or person"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "data_readings",
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("charset", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), server_default="", nullable=False),
        sa.Column("remedy", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("newsletter", "source", name=op.f("pk_data_readings")),
    )
    op.create_index("ix_data_readings_read_at", "data_readings", ["read_at"])
    op.create_table(
        "lookup_tables",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookup_tables")),
        sa.UniqueConstraint("digest", name=op.f("uq_lookup_tables_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lookup_rows",
        sa.Column("table_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("table_id", "key", name=op.f("pk_lookup_rows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaign_lookups",
        sa.Column("campaign_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("table_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "table_id", name=op.f("pk_campaign_lookups")),
    )
    op.create_index("ix_campaign_lookups_table_id", "campaign_lookups", ["table_id"])


def downgrade() -> None:
    for table in ("campaign_lookups", "lookup_rows", "lookup_tables", "data_readings"):
        op.drop_table(table)
