"""Selection, hand-over and explanation give one answer about everybody, whatever stands for or against mailing them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import product

import pytest
from sqlalchemy import insert, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.audience.consent.recheck import may_be_mailed, obstacles
from mailer.audience.selection.select import chosen, select_audience
from mailer.audience.selection.spec import Audience
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, people, subscriptions, suppressions
from mailer.store.tables.states import DeliveryState, Membership, SuppressionReason
from tests.audience.world import KEY, add_campaign

CAMPAIGN = 7
MEMBERSHIPS = (None, *Membership)  # of the lists a and b
EVERYWHERE = (None, *SuppressionReason, "unknown")  # "unknown": what a later version may write
# A reason on one list, which is written by leaving it and by staff.
ON_LIST = (None, SuppressionReason.UNSUBSCRIBED, SuppressionReason.STAFF)
PEOPLE = tuple(product(MEMBERSHIPS, MEMBERSHIPS, EVERYWHERE, ON_LIST, ON_LIST))


def put_everybody(database: Database, now: datetime) -> tuple[int, int]:
    """A person for each combination, with a delivery; the numbers of the lists a and b."""
    with database.write() as connection:
        a, b = list_id(connection, "a"), list_id(connection, "b")
        hashes = {n: address_hash(f"person{n}@example.org", KEY) for n in range(1, len(PEOPLE) + 1)}
        connection.execute(insert(people), [
            {"id": n, "address": f"person{n}@example.org", "address_hash": hashed, "created_at": now, "updated_at": now}
            for n, hashed in hashes.items()
        ])  # fmt: skip
        connection.execute(insert(subscriptions), [
            {"list_id": number, "person_id": n, "status": str(status), "changed_at": now}
            for n, one in enumerate(PEOPLE, 1) for number, status in zip((a, b), one[:2], strict=True) if status
        ])  # fmt: skip
        connection.execute(insert(suppressions), [
            {"address_hash": hashes[n], "list_id": number, "reason": str(reason), "at": now, "source": ""}
            for n, one in enumerate(PEOPLE, 1) for number, reason in zip((0, a, b), one[2:], strict=True) if reason
        ])  # fmt: skip
        add_campaign(connection, CAMPAIGN, "appeal")
        connection.execute(insert(deliveries), [
            {"id": CAMPAIGN * 2**32 + n, "campaign_id": CAMPAIGN, "person_id": n, "not_before": now,
             "state": DeliveryState.QUEUED.value}
            for n in hashes
        ])  # fmt: skip
    return a, b


@pytest.mark.parametrize("names", [("a",), ("b",), ("a", "b")])
def test_one_answer_about_everybody(database: Database, now: datetime, names: tuple[str, ...]) -> None:
    numbers = dict(zip("ab", put_everybody(database, now), strict=True))
    asked = [numbers[name] for name in names]
    everybody = {CAMPAIGN * 2**32 + n: n for n in range(1, len(PEOPLE) + 1)}
    audience = Audience(names)
    with database.write() as connection:
        selection = select_audience(connection, audience, now=now)
        picked = {person for (person,) in connection.execute(chosen(audience, now=now))}
        handed = set(connection.execute(select(deliveries.c.person_id).where(may_be_mailed(asked))).scalars())
        barred = obstacles(connection, delivery_ids=everybody, list_ids=asked)
        members = set(
            connection.execute(select(subscriptions.c.person_id).where(subscriptions.c.list_id.in_(asked))).scalars()
        )
    reasons = {everybody[delivery]: reason for delivery, reason in barred.items()}
    assert picked, "or this test looks at nothing"
    assert handed == picked
    assert set(everybody.values()) - reasons.keys() == picked
    assert {reason.value: number for reason, number in selection.excluded.items()} == Counter(
        reason for person, reason in reasons.items() if person in members
    )
    assert {reasons[person] for person in set(everybody.values()) - members} == {"unsubscribed"}
