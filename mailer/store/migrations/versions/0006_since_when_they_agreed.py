"""A proof of consent from a file says since when the person agreed, where the file knows it"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consents", sa.Column("given_at", sa.BigInteger(), nullable=True))
