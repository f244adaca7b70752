"""Which version of a mail somebody got, the language of a page they signed, and which original a translation is of"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("deliveries", "links", "signatures"):
        op.add_column(table, sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "translated_texts",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_translated_texts")),
    )
