"""The index of deliveries that did not simply go out: its condition as three comparisons, since SQLite looks a state up
in a table of its own for a list of three, with every row that is written"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

NAME = "ix_deliveries_apart"
BEFORE = sa.text("(state NOT IN ('queued', 'sending', 'sent'))")
AFTER = sa.text("state != 'queued' AND state != 'sending' AND state != 'sent'")


def upgrade() -> None:
    _make(AFTER)


def downgrade() -> None:
    _make(BEFORE)


def _make(where: sa.TextClause) -> None:
    op.drop_index(NAME, "deliveries")
    op.create_index(NAME, "deliveries", ["campaign_id", "state"], sqlite_where=where, postgresql_where=where)
