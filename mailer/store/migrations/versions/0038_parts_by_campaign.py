"""On PostgreSQL, deliveries, events and hits in parts by campaign: large campaigns have parts of their own

What is there stays where it is: the old table becomes the part of all campaigns up to now. So no row is written again,
only the primary keys, which get the campaign's number.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BELOW = 2**30  # campaigns numbered from here on may have parts of their own
# Each index of a table, by what ends the name that PostgreSQL gives it in a part.
INDEXES = {
    "deliveries": {
        "ix_deliveries_apart": "campaign_id_state_idx",
        "ix_deliveries_person_id": "person_id_idx",
        "ix_deliveries_queue": "campaign_id_stage_not_before_id_idx",
        "ix_deliveries_worker_id": "worker_id_idx",
    },
    "events": {
        "ix_events_campaign_id": "campaign_id_idx",
        "ix_events_delivery_id": "delivery_id_idx",
        "ix_events_feedback": "campaign_id_idx1",
    },
    "hits": {"ix_hits_campaign_id_delivery_id": "campaign_id_delivery_id_idx"},
}
UNIQUE = {"deliveries": ("campaign_id", "person_id", "entry")}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    highest = op.get_bind().execute(sa.text("SELECT coalesce(max(id), 0) FROM campaigns")).scalar_one()
    for table in INDEXES:
        _part(table, below=max(BELOW, highest + 1))


def _part(table: str, *, below: int) -> None:
    """Make the table the first part of a new one of its name, for campaigns numbered below `below`."""
    shared = f"{table}_shared"
    definitions = [_definition(name) for name in INDEXES[table]]  # while they name the table
    op.execute(f"ALTER TABLE {table} RENAME TO {shared}")
    op.execute(f"ALTER TABLE {shared} DROP CONSTRAINT pk_{table}")
    op.execute(f"ALTER TABLE {shared} ADD CONSTRAINT {shared}_pkey PRIMARY KEY (id, campaign_id)")
    for name, ending in INDEXES[table].items():
        op.execute(f"ALTER INDEX {name} RENAME TO {shared}_{ending}")
    unique = UNIQUE.get(table, ())
    if unique:
        named = f"uq_{table}_{'_'.join(unique)}"
        op.execute(f"ALTER TABLE {shared} RENAME CONSTRAINT {named} TO {shared}_{'_'.join(unique)}_key")
    op.execute(f"CREATE TABLE {table} (LIKE {shared} INCLUDING DEFAULTS) PARTITION BY RANGE (campaign_id)")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY (id, campaign_id)")
    if unique:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {named} UNIQUE ({', '.join(unique)})")
    for definition in definitions:
        op.execute(definition)
    if table != "deliveries":  # the others number their rows themselves
        op.execute(f"ALTER SEQUENCE {table}_id_seq OWNED BY {table}.id")
        op.execute(f"ALTER TABLE {shared} ALTER id SET DEFAULT nextval('{table}_id_seq')")
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {shared} FOR VALUES FROM (MINVALUE) TO ({below})")


def _definition(index: str) -> str:
    """The statement that makes an index, as the server has it."""
    return op.get_bind().execute(sa.text("SELECT pg_get_indexdef(to_regclass(:name))"), {"name": index}).scalar_one()
