"""Who failed by our own fault is queued again, and nobody else; on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailer.delivery.campaigns.retry_failed import RETRIED, retry_failed
from mailer.delivery.ledger.outcomes import decide, is_given_up
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, events
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.transports.base import Fate, Outcome, ReplyClass
from tests.reports.builders import CAMPAIGN, add_campaign, add_deliveries, add_people, delivery_id, make_message

OTHER = 78
CASES = [  # person, state, class: all that may stand in a row
    (1, "failed", "ours"), (2, "failed", "hard"), (3, "failed", "policy"), (4, "failed", "soft"), (5, "failed", ""),
    (6, "sent", ""), (7, "uncertain", ""), (8, "queued", "ours"), (9, "skipped", ""), (10, "cancelled", "ours"),
]  # fmt: skip


@pytest.fixture
def world(database: Database, now: datetime) -> Database:
    """Two campaigns with the same rows, so that one can't be taken for the other."""
    with database.write() as connection:
        add_people(connection, 10, now=now)
        for number, message in ((CAMPAIGN, make_message()), (OTHER, replace(make_message(), slug="other"))):
            add_campaign(connection, message, now=now, campaign_id=number)
            add_deliveries(connection, range(1, 11), now=now, campaign_id=number, changed_at=now)
            for person, state, reply_class in CASES:
                row = update(deliveries).where(deliveries.c.id == number * 2**32 + person)
                connection.execute(row.values(state=state, reply_class=reply_class, code="550 5.1.8", attempt=2))
    return database


def standing(database: Database, campaign: int) -> dict[int, tuple[str, str]]:
    with database.read() as connection:
        rows = connection.execute(select(deliveries).where(deliveries.c.campaign_id == campaign))
        return {row.id % 2**32: (row.state, row.reply_class) for row in rows}


def test_only_who_failed_by_our_own_fault_is_queued_again(world: Database, now: datetime) -> None:
    before = standing(world, CAMPAIGN)
    later = now + timedelta(days=3)
    assert retry_failed(world, CAMPAIGN, now=later) == 1
    assert standing(world, CAMPAIGN) == before | {1: ("queued", "")}
    assert standing(world, OTHER) == before, "the other campaign's people are left alone"
    with world.read() as connection:
        (event,) = connection.execute(select(events)).all()
        row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id(1))).one()
        states = {one.id: one.state for one in connection.execute(select(campaigns))}
    assert (event.kind, event.delivery_id, event.at, event.detail) == (RETRIED, delivery_id(1), later, "550 5.1.8")
    assert (row.attempt, row.not_before, row.worker_id) == (2, later, None)
    assert states == {CAMPAIGN: CampaignState.SENDING, OTHER: CampaignState.FINISHED}
    assert retry_failed(world, CAMPAIGN, now=later) == 0


def test_a_cancelled_campaign_mails_nobody_again(world: Database, now: datetime) -> None:
    with world.write() as connection:
        connection.execute(update(campaigns).values(state=CampaignState.CANCELLED))
    before = standing(world, CAMPAIGN)
    with pytest.raises(MailerError, match="cancelled"):
        retry_failed(world, CAMPAIGN, now=now)
    assert standing(world, CAMPAIGN) == before


def test_a_paused_campaign_stays_paused(world: Database, now: datetime) -> None:
    with world.write() as connection:
        connection.execute(update(campaigns).values(state=CampaignState.PAUSED))
    assert retry_failed(world, CAMPAIGN, now=now) == 1
    with world.read() as connection:
        assert set(connection.execute(select(campaigns.c.state)).scalars()) == {CampaignState.PAUSED}


@pytest.mark.parametrize("attempt", [1, 2, 9])
@pytest.mark.parametrize("days", [0, 3, 400])
def test_who_was_not_mailed_since_we_are_refused_keeps_their_place_for_ever(
    now: datetime, attempt: int, days: int
) -> None:
    refused = Outcome(Fate.REFUSED, "550 5.1.8", reply_class=ReplyClass.OURS, refuses_us=True)
    since = now - timedelta(days=days)
    change = decide(refused, attempt=attempt, now=now, since=since)
    assert (change.state, change.not_before) == (DeliveryState.QUEUED, now)
    assert not is_given_up(refused, attempt=attempt, now=now, since=since)
