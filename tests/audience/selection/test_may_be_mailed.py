"""Selection, hand-over and explanation say of everybody what a small model of the law says, in every combination."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import product

import pytest
from sqlalchemy import insert, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.audience.consent.recheck import may_be_mailed, obstacles
from mailer.audience.people.people import show
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
GRAVITY = (
    "inactive",
    "suppressed by staff",
    "bounced",
    "complained",
    "pending",
    "unsubscribed",
)  # the last is the most serious
SAID = {"staff": "suppressed by staff", "unknown": "suppressed by staff"}


def expected(person: tuple[object, ...], names: tuple[str, ...]) -> str | None:
    """What is against mailing somebody, without SQL: "" is nothing, None that they are on none of the lists."""
    on_lists, everywhere, here = person[:2], person[2], person[3:]
    each: list[str] = []
    for place in ("ab".index(name) for name in names):
        if on_lists[place] is None:
            continue
        against = {str(on_lists[place])} - {"subscribed"}
        against |= {SAID.get(str(word), str(word)) for word in (everywhere, here[place]) if word is not None}
        each.append(max(against, key=GRAVITY.index, default=""))
    return min(each, key=("", *GRAVITY).index) if each else None


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
    law = {n: expected(one, names) for n, one in enumerate(PEOPLE, 1)}
    assert picked == {person for person, reason in law.items() if reason == ""}
    assert picked, "or this test looks at nothing"
    assert handed == picked
    assert {everybody[delivery]: reason for delivery, reason in barred.items()} == {
        person: "unsubscribed" if reason is None else reason for person, reason in law.items() if reason != ""
    }
    assert {reason.value: number for reason, number in selection.excluded.items()} == Counter(
        reason for reason in law.values() if reason
    )


def test_people_show_gives_the_same_reason_for_each_list(database: Database, now: datetime) -> None:
    put_everybody(database, now)
    with database.read() as connection:
        for n, one in list(enumerate(PEOPLE, 1))[::7]:
            dossier = show(connection, f"person{n}@example.org", address_key=KEY)
            assert dossier is not None
            law = {name: expected(one, (name,)) for name in "ab"}
            assert {each.list: each.obstacle for each in dossier.lists} == {
                name: reason for name, reason in law.items() if reason is not None
            }
