"""The last look before a mail leaves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, leave, list_id, suppress
from mailer.audience.consent.recheck import may_be_mailed, obstacles
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries
from mailer.store.tables.states import Membership, SuppressionReason
from tests.audience.world import KEY, add_campaign, add_person, deliver, subscribe


def test_each_obstacle_is_named(database: Database, now: datetime) -> None:
    with database.write() as connection:
        a, b, other = (list_id(connection, name) for name in "abc")
        campaign = add_campaign(connection, 1, "appeal")
        ids: dict[int, int] = {}
        for number in range(1, 12):
            add_person(connection, number)
            subscribe(connection, number, other if number == 7 else a)
            ids[number] = deliver(connection, campaign, number, number=number)
        subscribe(connection, 2, b)
        subscribe(connection, 8, b, Membership.PENDING)
        leave(connection, person_id=1, list_ids=[a], how="link", source="x", at=now)
        leave(connection, person_id=2, list_ids=[a], how="link", source="x", at=now)
        leave(connection, person_id=8, list_ids=[a], how="link", source="x", at=now)

        def stop(number: int, reason: SuppressionReason, where: int = 0) -> None:
            hashed = address_hash(f"person{number}@example.org", KEY)
            suppress(connection, address_hash=hashed, reason=reason, at=now, list_id=where)

        stop(3, SuppressionReason.BOUNCED)
        stop(4, SuppressionReason.COMPLAINED)
        stop(4, SuppressionReason.BOUNCED)
        stop(5, SuppressionReason.STAFF, a)
        stop(9, SuppressionReason.STAFF, other)
        stop(10, SuppressionReason.UNSUBSCRIBED)
        forget(connection, address="person6@example.org")
        found = obstacles(connection, delivery_ids=ids.values(), list_ids=[a, b])
        free = connection.execute(select(deliveries.c.id).where(may_be_mailed([a, b]))).scalars().all()
    assert set(free) == set(ids.values()) - set(found)
    assert {key - ids[1] + 1: reason for key, reason in found.items()} == {
        1: "unsubscribed",  # 2 left a and is still on b
        3: "bounced",
        4: "complained",
        5: "suppressed by staff",
        6: "deleted",
        7: "unsubscribed",  # on none of the lists any more
        8: "pending",
        10: "unsubscribed",
    }


def test_a_campaign_without_lists_mails_nobody(database: Database) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        campaign = add_campaign(connection, 1, "appeal")
        add_person(connection, 1)
        subscribe(connection, 1, a)
        delivery = deliver(connection, campaign, 1, number=1)
        free = select(deliveries.c.id)
        assert connection.execute(free.where(may_be_mailed([a]))).scalars().all() == [delivery]
        assert connection.execute(free.where(may_be_mailed([]))).scalars().all() == []
        assert obstacles(connection, delivery_ids=[delivery], list_ids=[]) == {delivery: "unsubscribed"}


def test_a_thousand_at_once_and_none(database: Database) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        campaign = add_campaign(connection, 1, "appeal")
        add_person(connection, 1)
        subscribe(connection, 1, a)
        ids = [deliver(connection, campaign, 1 if n == 1 else None, number=n) for n in range(1, 1001)]
        assert len(obstacles(connection, delivery_ids=ids, list_ids=[a])) == 999
        assert obstacles(connection, delivery_ids=[], list_ids=[a]) == {}
