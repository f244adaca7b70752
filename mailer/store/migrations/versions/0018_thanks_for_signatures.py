"""What became of the mail that thanks somebody for a signature"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("signatures", sa.Column("thanks", sa.Text(), server_default="", nullable=False))
