"""Imports: what each did, and for a day what is needed to take it back"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("people_after", sa.BigInteger(), nullable=False),
        sa.Column("people_until", sa.BigInteger(), nullable=False),
        sa.Column("consents_after", sa.BigInteger(), nullable=False),
        sa.Column("consents_until", sa.BigInteger(), nullable=False),
        sa.Column("undo_until", sa.BigInteger()),
        sa.Column("undone_at", sa.BigInteger()),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.Column("undone", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "import_people",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("first_name", sa.Text()),
        sa.Column("last_name", sa.Text()),
        sa.Column("country", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("attributes", sa.JSON()),
        sa.Column("updated_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("import_id", "person_id", name=op.f("pk_import_people")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_subscriptions",
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "list_id", "person_id", name=op.f("pk_import_subscriptions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_suppressions",
        sa.Column("address_hash", sa.LargeBinary(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "list_id", "reason", "import_id", name=op.f("pk_import_suppressions")),
        sqlite_with_rowid=False,
    )
