"""A signature may have a phone number, where the page asks for it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("signatures", sa.Column("phone", sa.Text(), nullable=False, server_default=""))
