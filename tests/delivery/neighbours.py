"""Other campaigns in the same database, to the same people: what is done to one campaign must not touch them.

Each has somebody in every state and a live worker in the middle of its work, so a statement that forgets which campaign
it is about changes one of their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select, update

from mailer.store.database import Database
from mailer.store.states import CampaignState, DeliveryState
from mailer.store.tables import campaigns, deliveries, events, guard_evidence, workers
from tests.delivery.world import add_people, launch

COUNT = 20  # people of the campaign that is tried
LONG = timedelta(days=365)
WHERE = (
    DeliveryState.QUEUED,
    DeliveryState.QUEUED,  # and put aside by its worker
    DeliveryState.SENDING,
    DeliveryState.UNCERTAIN,
    DeliveryState.SENT,
    DeliveryState.FAILED,
    DeliveryState.SKIPPED,
    DeliveryState.CANCELLED,
)
CLAIMED = (1, 2)  # places in WHERE
_numbers = count(1)


def add_neighbour(
    database: Database, slug: str, *, people: int, now: datetime, state: CampaignState = CampaignState.SENDING
) -> int:
    """A campaign to everybody there is, in the middle of its work; its id."""
    campaign_id = launch(database, count=people, now=now, slug=slug)
    worker_id = next(_numbers)
    with database.write() as connection:
        connection.execute(
            insert(workers).values(id=worker_id, campaign_id=campaign_id, name=slug, lease_until=now + LONG)
        )
        ids = connection.execute(
            select(deliveries.c.id).where(deliveries.c.campaign_id == campaign_id).order_by(deliveries.c.id)
        ).scalars()
        for place, delivery_id in enumerate(ids):
            one = place % len(WHERE)
            at_work = worker_id if one in CLAIMED else None
            attempt = 1 if WHERE[one] is not DeliveryState.QUEUED else 0
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery_id)
                .values(state=WHERE[one], worker_id=at_work, attempt=attempt, changed_at=now)
            )
        paused = "by its own staff" if state is CampaignState.PAUSED else ""
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(state=state, why=paused))
        evidence = {"accepted": 3, "refused": 1, "recent": "...x", "troubles": 2, "trouble_at": now, "since": now}
        connection.execute(insert(guard_evidence).values(campaign_id=campaign_id, **evidence))
    return campaign_id


def rows_of(database: Database, campaign_ids: Sequence[int]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything the ledger has of these campaigns, by table."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with database.read() as connection:
        for table in (campaigns, deliveries, events, workers, guard_evidence):
            key = table.c.id if table is campaigns else table.c.campaign_id
            query = select(table).where(key.in_(campaign_ids)).order_by(*table.primary_key.columns)
            found[table.name] = [tuple(row) for row in connection.execute(query)]
    return found


@contextmanager
def among_neighbours(database: Database, *, people: int = COUNT, now: datetime) -> Iterator[int]:
    """People, and the campaign "appeal" to all of them between two others; its id. One of the others went out before
    the last few joined. In the end nothing of the others may have changed."""
    fewer = people - people // 4
    add_people(database, fewer, now=now)
    before = add_neighbour(database, "before", people=fewer, now=now)
    add_people(database, people - fewer, now=now, first=fewer)
    campaign_id = launch(database, count=people, now=now)
    after = add_neighbour(database, "after", people=people, now=now, state=CampaignState.PAUSED)
    untouched = rows_of(database, [before, after])
    yield campaign_id
    assert rows_of(database, [before, after]) == untouched, "another campaign was touched"
