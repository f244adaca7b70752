"""Undoing puts back exactly what a leaving changed: not what was decided before or since, nor for other reasons."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import leave, leave_everything, list_id, subscribe, suppress
from mailer.delivery.subscriptions.undo import MANY, leavings, marked, undo, undo_last
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.reports.figures import figures
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, consents, deliveries, events, subscriptions, suppressions
from mailer.store.tables.states import SuppressionReason
from tests.reports.builders import (
    ADDRESS_KEY,
    CAMPAIGN,
    SLUG,
    add_campaign,
    add_deliveries,
    add_people,
    delivery_id,
    make_message,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def sent(database: Database, now: datetime) -> Database:
    """Eight people on two lists, mailed a quarter of an hour ago by one campaign to both."""
    with database.write() as connection:
        add_people(connection, 8, now=now, lists=("supporters", "updates"))
        add_campaign(connection, make_message(), now=now, include=("supporters", "updates"))
        add_deliveries(connection, range(1, 9), now=now, changed_at=now - 15 * MINUTE)
    return database


def go(connection: Connection, number: int, at: datetime, how: str = "link") -> None:
    leave_campaign(connection, delivery_id=delivery_id(number), how=how, at=at)


def state(connection: Connection, number: int) -> tuple[list[str], set[tuple[int, str]]]:
    """The person's standing on the two lists, and what stands against mailing them."""
    mine = subscriptions.c.person_id == number
    rows = connection.execute(select(subscriptions.c.status).where(mine).order_by(subscriptions.c.list_id))
    stops = connection.execute(
        select(suppressions.c.list_id, suppressions.c.reason).where(
            suppressions.c.address_hash == address_hash(f"mary{number}@example.org", ADDRESS_KEY)
        )
    )
    return list(rows.scalars()), {(row.list_id, row.reason) for row in stops}


def test_both_lists_come_back_and_nothing_else_changes(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        before = state(connection, 1)
        go(connection, 1, now)
        go(connection, 2, now)
        assert undo_last(connection, delivery_id=delivery_id(1), at=now + MINUTE)
        assert state(connection, 1) == before == (["subscribed", "subscribed"], set())
        assert state(connection, 2)[0] == ["unsubscribed", "unsubscribed"]
        assert not undo_last(connection, delivery_id=delivery_id(1), at=now + MINUTE), "once"
        kinds = connection.execute(select(events.c.kind).order_by(events.c.id)).scalars()
        assert list(kinds) == ["unsubscribed", "unsubscribed", "undone"]


def test_who_was_pending_is_pending_again_and_who_had_left_stays_away(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        ours, updates = list_id(connection, "supporters"), list_id(connection, "updates")
        connection.execute(
            update(subscriptions)
            .where(subscriptions.c.person_id == 1, subscriptions.c.list_id == ours)
            .values(status="pending")
        )
        subscribe(connection, person_id=1, list_id=ours, how="form", source="x", wording="", at=now - MINUTE)
        connection.execute(update(consents).values(status="pending"))
        connection.execute(
            update(subscriptions)
            .where(subscriptions.c.person_id == 1, subscriptions.c.list_id == ours)
            .values(status="pending")
        )
        leave(connection, person_id=1, list_ids=[updates], how="staff", source="a call", at=now - 5 * MINUTE)
        before = state(connection, 1)
        go(connection, 1, now)
        assert undo_last(connection, delivery_id=delivery_id(1), at=now)
        assert state(connection, 1) == before == (["pending", "unsubscribed"], {(updates, "unsubscribed")})


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINED, SuppressionReason.STAFF, SuppressionReason.BOUNCED])
def test_other_suppressions_stay(sent: Database, now: datetime, reason: SuppressionReason) -> None:
    with sent.write() as connection:
        go(connection, 1, now)
        hashed = address_hash("mary1@example.org", ADDRESS_KEY)
        suppress(connection, address_hash=hashed, reason=reason, at=now, source=SLUG)
        assert undo_last(connection, delivery_id=delivery_id(1), at=now)
        assert state(connection, 1)[1] == {(0, reason.value)}


def test_what_was_decided_since_stands(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        ours = list_id(connection, "supporters")
        go(connection, 1, now)
        undo_last(connection, delivery_id=delivery_id(1), at=now + MINUTE)
        leave_everything(connection, person_id=1, how="staff", source="a call", at=now + 2 * MINUTE)
        assert not undo_last(connection, delivery_id=delivery_id(1), at=now + 3 * MINUTE)
        assert state(connection, 1)[0] == ["unsubscribed", "unsubscribed"]
        go(connection, 2, now)
        subscribe(connection, person_id=2, list_id=ours, how="form", source="x", wording="", at=now + MINUTE)
        leave(connection, person_id=2, list_ids=[ours], how="mail", source="x", at=now + 2 * MINUTE)
        assert undo_last(connection, delivery_id=delivery_id(2), at=now + 3 * MINUTE)
        assert state(connection, 2)[0] == ["unsubscribed", "subscribed"]


def test_a_day_is_the_limit_for_people_and_not_for_staff(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        go(connection, 1, now)
        later = now + timedelta(days=1)
        assert not undo_last(connection, delivery_id=delivery_id(1), at=later)
        (one,) = leavings(connection, CAMPAIGN)
        assert undo(connection, one, by="staff", at=later)
        assert leavings(connection, CAMPAIGN) == []


def test_leaving_again_after_an_undo_can_be_undone_again(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for minute in range(0, 6, 2):
            go(connection, 1, now + minute * MINUTE)
            assert undo_last(connection, delivery_id=delivery_id(1), at=now + (minute + 1) * MINUTE)
            assert state(connection, 1) == (["subscribed", "subscribed"], set())


def test_leaving_by_another_mail_is_not_undone_by_this_one(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        connection.execute(
            insert(campaigns).values(
                id=78, slug="other", state="finished", message={}, digest="", audience={"include": ["supporters"]},
                created_at=now,
            )
        )  # fmt: skip
        add_deliveries(connection, [1], now=now, campaign_id=78)
        leave_campaign(connection, delivery_id=delivery_id(1, 78), how="link", at=now)
        assert not undo_last(connection, delivery_id=delivery_id(1), at=now)
        assert undo_last(connection, delivery_id=delivery_id(1, 78), at=now)


def test_the_list_says_what_speaks_for_a_machine(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for number in range(1, MANY + 1):
            go(connection, number, now + number * timedelta(seconds=1), "one-click")
        go(connection, 8, now + timedelta(hours=2))
        quick = deliveries.c.id == delivery_id(1)
        connection.execute(update(deliveries).where(quick).values(changed_at=now - timedelta(seconds=9)))
        found = {one.person_id: one for one in marked(leavings(connection, CAMPAIGN))}
    assert found[1].marks == ("10 s after the mail", "5 of this domain within minutes")
    assert found[2].marks == ("5 of this domain within minutes",)
    assert found[8].marks == ()
    assert [found[number].how for number in (1, 8)] == ["one-click", "link"]


def test_the_report_counts_who_left_and_did_not_take_it_back(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for number in (1, 2, 3):
            go(connection, number, now)
        assert undo_last(connection, delivery_id=delivery_id(1), at=now + MINUTE)
        assert undo_last(connection, delivery_id=delivery_id(2), at=now + MINUTE)
        go(connection, 2, now + 2 * MINUTE)  # left again
        assert figures(connection, SLUG).unsubscribed == 2
