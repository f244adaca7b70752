"""PostgreSQL no longer checks, for each of a million rows, keys to rows that are never deleted"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DROPPED = (
    ("deliveries", "campaign_id"),
    ("subscriptions", "list_id"),
    ("consents", "list_id"),
    ("consents", "source_id"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column in DROPPED:
            op.drop_constraint(op.f(f"fk_{table}_{column}"), table, type_="foreignkey")
