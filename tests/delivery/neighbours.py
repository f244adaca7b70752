"""Other campaigns in the same database, to the same people: what is done to one campaign must not touch them.

Each has somebody in every state and a live worker in the middle of its work, so a statement that forgets which campaign
it is about changes one of their rows.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count as numbers
from typing import Any

from sqlalchemy import insert, select

from mailer.compose.message import to_json
from mailer.store.engine.by_campaign import NUMBERS_PER_CAMPAIGN
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, events, guard_evidence, people, workers
from mailer.store.tables.states import CHOSEN, CampaignState, DeliveryState
from tests.delivery.world import MESSAGE, add_people, launch

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
_numbers = numbers(1)


def add_neighbour(database: Database, slug: str, *, now: datetime, state: CampaignState = CampaignState.SENDING) -> int:
    """A campaign to everybody there is, in the middle of its work; its id."""
    number = next(_numbers)
    with database.write() as connection:
        everybody = connection.execute(select(people.c.id).order_by(people.c.id)).scalars().all()
        connection.execute(
            insert(campaigns).values(
                id=number, slug=slug, state=state, message=to_json(MESSAGE), digest=MESSAGE.digest,
                audience={"include": ["supporters"]}, counts={"total": len(everybody), CHOSEN: len(everybody)},
                transport="outbox", created_at=now, launched_at=now,
                why="by its own staff" if state is CampaignState.PAUSED else "",
            )
        )  # fmt: skip
        rows = [
            {
                "id": number * NUMBERS_PER_CAMPAIGN + place + 1,
                "campaign_id": number,
                "person_id": person,
                "state": WHERE[place % len(WHERE)],
                "worker_id": number if place % len(WHERE) in CLAIMED else None,
                "attempt": 0 if WHERE[place % len(WHERE)] is DeliveryState.QUEUED else 1,
                "not_before": now,
                "changed_at": now,
            }
            for place, person in enumerate(everybody)
        ]
        connection.execute(insert(deliveries), rows)
        at_work = {"id": number, "campaign_id": number, "name": slug, "lease_until": now + LONG}
        connection.execute(insert(workers).values(at_work))
        evidence = {"accepted": 3, "refused": 1, "recent": "...x", "troubles": 2, "trouble_at": now, "since": now}
        connection.execute(insert(guard_evidence).values(campaign_id=number, **evidence))
    return number


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
def among_neighbours(database: Database, *, count: int = COUNT, now: datetime) -> Generator[int, None, None]:
    """People, and the campaign "appeal" to all of them between two others; its id. One of the others went out before
    the last few joined. In the end nothing of the others may have changed."""
    fewer = count - count // 4
    add_people(database, fewer, now=now)
    before = add_neighbour(database, "before", now=now)
    add_people(database, count - fewer, now=now, first=fewer)
    campaign_id = launch(database, count=count, now=now)
    after = add_neighbour(database, "after", now=now, state=CampaignState.PAUSED)
    untouched = rows_of(database, [before, after])
    yield campaign_id
    assert rows_of(database, [before, after]) == untouched, "another campaign was touched"
