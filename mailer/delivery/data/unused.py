"""Tables of rows that no mail needs: those that no campaign was mailed with and nobody looked at for a month."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from mailer.store.tables.core import campaigns
from mailer.store.tables.data import campaign_lookups, lookup_rows, lookup_tables

KEEP = timedelta(days=30)
AT_ONCE = 20_000  # rows of one run


def _unused(now: datetime) -> ColumnElement[bool]:
    mailed = exists().where(campaign_lookups.c.table_id == lookup_tables.c.id,
                            campaign_lookups.c.campaign_id == campaigns.c.id)  # fmt: skip
    return (lookup_tables.c.used_at < now - KEEP) & ~mailed


def any_old(now: datetime) -> ColumnElement[bool]:
    """Whether there is a table that nobody needs."""
    return exists().where(_unused(now))


def prune(connection: Connection, *, now: datetime) -> None:
    """Delete some rows of a table that nobody needs, and the table with the last of them."""
    number = connection.execute(select(lookup_tables.c.id).where(_unused(now)).limit(1)).scalar()
    if number is None:
        return
    connection.execute(update(lookup_tables).where(lookup_tables.c.id == number).values(whole=0))
    some = select(lookup_rows.c.key).where(lookup_rows.c.table_id == number).limit(AT_ONCE)
    gone = connection.execute(delete(lookup_rows).where(lookup_rows.c.table_id == number, lookup_rows.c.key.in_(some)))
    if gone.rowcount == 0:
        connection.execute(delete(campaign_lookups).where(campaign_lookups.c.table_id == number))
        connection.execute(delete(lookup_tables).where(lookup_tables.c.id == number))
