"""Tables by the glossary's words: `confirmations` becomes `requests`, `pace_lanes` becomes `paces`"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # SQLite can't rename a primary key, nor an index.
        _copy(
            "paces",
            "pace_lanes",
            sa.Column("transport", sa.Text(), nullable=False),
            sa.Column("domain", sa.Text(), nullable=False),
            sa.Column("next_at", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("transport", "domain", name=op.f("pk_paces")),
        )
        _copy(
            "requests",
            "confirmations",
            sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("kind", sa.Text(), nullable=False),
            sa.Column("address", sa.Text(), nullable=False),
            sa.Column("person_id", sa.BigInteger(), nullable=True),
            sa.Column("fields", sa.JSON(), server_default="{}", nullable=False),
            sa.Column("lists", sa.JSON(), server_default="[]", nullable=False),
            sa.Column("source", sa.Text(), nullable=False),
            sa.Column("wording", sa.Text(), server_default="", nullable=False),
            sa.Column("asked_at", sa.BigInteger(), nullable=False),
            sa.Column("done_at", sa.BigInteger(), nullable=True),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        )
        op.create_index("ix_requests_address", "requests", ["address"], unique=False)
        op.create_index(op.f("ix_requests_asked_at"), "requests", ["asked_at"], unique=False)
        return
    op.rename_table("pace_lanes", "paces")
    op.rename_table("confirmations", "requests")
    for old, new in (
        ("pk_pace_lanes", "pk_paces"),
        ("pk_confirmations", "pk_requests"),
        ("ix_confirmations_address", "ix_requests_address"),
        ("ix_confirmations_asked_at", "ix_requests_asked_at"),
    ):
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")


def _copy(new: str, old: str, *parts: sa.schema.SchemaItem) -> None:
    table = op.create_table(new, *parts)
    names = [column.name for column in table.columns]
    rows = sa.select(*map(sa.column, names)).select_from(sa.table(old))
    op.execute(sa.insert(table).from_select(names, rows))
    op.drop_table(old)
