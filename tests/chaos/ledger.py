"""The only points at which the suite touches the ledger: what state each person's delivery is in, and time for leases.

Everything else is asked of the `mailer` command, as staff would.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select, update

from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people, workers

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def states(database: Database, slug: str) -> list[tuple[str, str]]:
    """(address, state) of each delivery of a campaign; the address of a person who was forgotten is ""."""
    query = (
        select(people.c.address, deliveries.c.state)
        .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
        .where(deliveries.c.campaign_id == select(campaigns.c.id).where(campaigns.c.slug == slug).scalar_subquery())
    )
    with database.read() as connection:
        return [(row.address or "", row.state) for row in connection.execute(query)]


def delivery_ids(database: Database) -> dict[str, int]:
    """Address → number of the delivery, which the tokens in a person's mail name."""
    query = select(people.c.address, deliveries.c.id).join(people, people.c.id == deliveries.c.person_id)
    with database.read() as connection:
        return {row.address: row.id for row in connection.execute(query)}


def let_leases_run_out(database: Database) -> None:
    """As if a minute had passed since the programs were heard of."""
    with database.write() as connection:
        connection.execute(update(workers).values(lease_until=LONG_AGO))
