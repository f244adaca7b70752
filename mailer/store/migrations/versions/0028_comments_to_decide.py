"""Comments to decide about: an index of those that nobody has shown or hidden"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0023"
branch_labels = None
depends_on = None

TO_DECIDE = sa.text("shown AND comment <> '' AND comment_state IN ('new', 'held')")


def upgrade() -> None:
    op.create_index(
        "ix_signatures_to_decide",
        "signatures",
        ["page", "changed_at", "id"],
        sqlite_where=TO_DECIDE,
        postgresql_where=TO_DECIDE,
    )


def downgrade() -> None:
    op.drop_index("ix_signatures_to_decide", "signatures")
