"""When a mailbox that is full again and again is given up: the rule as a table, and both ways into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from mailer.audience.consent.lift import LIFTED
from mailer.delivery.feedback.apply import apply
from mailer.delivery.ledger.outcomes import CampaignStanding, Claim, Done, record
from mailer.delivery.ledger.soft_bounces import Mailed, Worn, judge
from mailer.settings import Bounces
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, people, suppressions
from mailer.store.tables.staff import audit_log
from mailer.store.tables.states import CampaignState
from mailer.transports.base import Fate, Outcome, ReplyClass
from mailer.transports.events import FeedbackReport, What
from tests.reports.builders import add_campaign, add_deliveries, add_hit, add_people, delivery_id, make_message

START = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
RULE = Bounces(soft_campaigns=3, soft_days=14)


def mailed(*days: tuple[int, bool | None]) -> list[Mailed]:
    return [Mailed(START + timedelta(days=day), soft) for day, soft in days]


@pytest.mark.parametrize(
    ("history", "worn"),
    [
        (mailed((0, True), (7, True), (14, True)), Worn(3, 14)),
        (mailed((14, True), (0, True), (7, True)), Worn(3, 14)),
        (mailed((0, True), (7, True), (13, True)), None),
        (mailed((0, True), (30, True)), None),
        (mailed((0, True), (7, False), (14, True), (21, True)), None),
        (mailed((0, False), (7, True), (14, True), (21, True)), Worn(3, 14)),
        (mailed((0, True), (7, None), (14, True), (21, True)), Worn(3, 21)),
        (mailed((0, True), (7, True), (21, True), (22, False)), None),
        ([], None),
    ],
)
def test_so_many_over_so_long_with_nothing_between(history: list[Mailed], worn: Worn | None) -> None:
    assert judge(history, RULE) == worn


@pytest.fixture
def world(database: Database) -> Database:
    """Two people, mailed by four campaigns, a week apart."""
    with database.write() as connection:
        add_people(connection, 2, now=START)
        for week in range(4):
            at = START + timedelta(weeks=week)
            message = replace(make_message(), slug=f"appeal-{week}")
            add_campaign(connection, message, now=at, campaign_id=week + 1, launched_at=at)
            add_deliveries(connection, [1, 2], now=at, campaign_id=week + 1, changed_at=at)
    return database


def bounced(database: Database, week: int, *, reply_class: ReplyClass = ReplyClass.SOFT) -> list[str]:
    at = START + timedelta(weeks=week, hours=1)
    report = FeedbackReport(
        delivery_id(1, week + 1), 1, What.BOUNCED, at, "SendGrid", reply_class=reply_class, detail="5.2.2 full"
    )
    with database.write() as connection:
        apply(connection, [report], soft=RULE, now=at)
        return list(connection.execute(select(suppressions.c.source)).scalars())


def test_the_third_soft_bounce_suppresses_and_says_so(world: Database) -> None:
    assert bounced(world, 0) == bounced(world, 1) == []
    assert bounced(world, 2) == ["the mailbox was full or away in 3 campaigns over 14 days"]


def test_what_came_before_a_lifting_counts_no_more(world: Database) -> None:
    assert len([bounced(world, week) for week in (0, 1, 2)][-1]) == 1
    with world.write() as connection:
        hashed = connection.execute(select(people.c.address_hash).where(people.c.id == 1)).scalar_one()
        row = {
            "at": START + timedelta(days=20),
            "by": "kim",
            "action": LIFTED,
            "address_hash": hashed,
            "reason": "back",
        }
        connection.execute(insert(audit_log), [row])
        connection.execute(delete(suppressions))
    assert bounced(world, 3) == []


def test_policy_never_counts(world: Database) -> None:
    for week in range(4):
        assert bounced(world, week, reply_class=ReplyClass.POLICY) == []


def test_a_mail_of_which_nothing_came_back_for_days_was_delivered(world: Database) -> None:
    assert bounced(world, 0) == bounced(world, 2) == bounced(world, 3) == [], "that of week 1 arrived"


def test_a_click_between_shows_that_somebody_reads(world: Database) -> None:
    with world.write() as connection:
        add_hit(connection, 1, 1, now=START + timedelta(weeks=1), campaign_id=2)
    assert bounced(world, 0) == bounced(world, 1) == bounced(world, 2) == bounced(world, 3) == []


def test_refusals_while_sending_count_as_well(world: Database) -> None:
    bounced(world, 0)
    bounced(world, 1)
    at = START + timedelta(weeks=2)
    full = Outcome(Fate.REFUSED, "552 5.2.2", "mailbox full", reply_class=ReplyClass.SOFT)
    number = delivery_id(1, 3)
    with world.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.id == number).values(state="sending"))
        standing = CampaignStanding(3, CampaignState.SENDING, "", at)
        record(connection, standing, [Done(Claim(number, 1, 1), full)], at, soft=RULE)
        assert len(connection.execute(select(suppressions)).all()) == 0, "13 days and 23 hours"
    with world.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.id == number).values(state="sending"))
        done = [Done(Claim(number, 1, 1), full)]
        record(connection, standing, done, at + timedelta(hours=2), soft=RULE)
        assert [row.reason for row in connection.execute(select(suppressions)).all()] == ["bounced"]
