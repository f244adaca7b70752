"""Mail by local time: a newsletter's hour, until when each mail may leave, and a column for imported zones"""

from zoneinfo import available_timezones

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("local_at", sa.Text(), server_default="", nullable=False))
    op.add_column("campaigns", sa.Column("past", sa.Text(), server_default="", nullable=False))
    op.add_column("campaigns", sa.Column("spread_seconds", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_campaigns_recent", "campaigns", ["finished_at", "launched_at", "is_urgent"])
    op.add_column("deliveries", sa.Column("not_after", sa.BigInteger()))
    op.add_column("planned_times", sa.Column("local", sa.Boolean(), server_default="0", nullable=False))
    op.add_column("planned_times", sa.Column("past", sa.Text(), server_default="", nullable=False))
    op.add_column("planned_times", sa.Column("spread_seconds", sa.Integer(), server_default="0", nullable=False))
    for name in ("timezone", "timezone_source"):
        op.add_column("import_people", sa.Column(name, sa.Text()))
    _move()


def _move() -> None:
    """The zones that imports kept among people's attributes. What is no zone stays there."""
    bind = op.get_bind()
    value, rest = "json_extract(attributes, '$.timezone')", "json_remove(attributes, '$.timezone')"
    if bind.dialect.name == "postgresql":
        value, rest = "attributes ->> 'timezone'", "CAST(CAST(attributes AS JSONB) - 'timezone' AS JSON)"
    given = bind.execute(sa.text(f"SELECT DISTINCT {value} FROM people")).scalars()  # noqa: S608 - no values
    if zones := sorted(set(given) & available_timezones()):
        moved = sa.text(
            f"UPDATE people SET timezone = {value}, timezone_source = 'import', attributes = {rest}"  # noqa: S608
            f" WHERE {value} IN :zones"
        ).bindparams(sa.bindparam("zones", expanding=True))
        bind.execute(moved, {"zones": zones})
