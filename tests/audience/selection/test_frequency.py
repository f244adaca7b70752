"""People who asked for fewer mails: urgent newsletters reach them all, others as seldom as they want."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from mailer.audience.consent.changes import list_id
from mailer.audience.consent.eligibility import Reason
from mailer.audience.selection.select import chosen, select_audience
from mailer.audience.selection.spec import Audience, from_json, to_json
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import DeliveryState, Frequency
from tests.audience.world import add_campaign, add_person, deliver, subscribe
from tests.conftest import NOW

ORDINARY, URGENT = Audience(("a",)), Audience(("a",), urgent=True)
DAY = timedelta(days=1)


@pytest.fixture
def wishes(database: Database) -> Database:
    """1 wants every mail, 2 urgent ones alone, 3 to 9 one a month: each mailed otherwise before."""
    with database.write() as connection:
        a, b = list_id(connection, "a"), list_id(connection, "b")
        for number in range(1, 10):
            wish = {1: Frequency.EVERY, 2: Frequency.URGENT}.get(number, Frequency.MONTHLY)
            subscribe(connection, add_person(connection, number, frequency=wish.value), a)
            subscribe(connection, number, b)
        earlier, alarm = add_campaign(connection, 1, "earlier"), add_campaign(connection, 2, "alarm")
        connection.execute(update(campaigns).where(campaigns.c.id == alarm).values(is_urgent=True))
        deliver(connection, earlier, 1, number=1, at=NOW - DAY)
        deliver(connection, earlier, 3, number=3, at=NOW - 29 * DAY)
        deliver(connection, earlier, 4, number=4, at=NOW - 31 * DAY)
        deliver(connection, earlier, 5, number=5, state=DeliveryState.UNCERTAIN, at=NOW - DAY)
        deliver(connection, earlier, 6, number=6, state=DeliveryState.FAILED, at=NOW - DAY)
        deliver(connection, earlier, 7, number=7, state=DeliveryState.SENDING, at=NOW - DAY)
        deliver(connection, alarm, 8, number=8, at=NOW - DAY)
    return database


def test_an_ordinary_newsletter_leaves_out_whoever_has_had_enough(wishes: Database, now: datetime) -> None:
    with wishes.read() as connection:
        found = select_audience(connection, ORDINARY, now=now)
        assert list(connection.execute(chosen(ORDINARY, now=now)).scalars()) == [1, 4, 6, 8, 9]
    assert found.excluded == {Reason.FEWER: 4}
    assert found.total == 9


def test_an_urgent_one_goes_to_everybody(wishes: Database, now: datetime) -> None:
    with wishes.read() as connection:
        assert select_audience(connection, URGENT, now=now).chosen == 9


def test_a_person_on_two_lists_has_one_wish(wishes: Database, now: datetime) -> None:
    with wishes.read() as connection:
        found = select_audience(connection, Audience(("a", "b")), now=now)
    assert (found.total, found.chosen, found.excluded) == (9, 5, {Reason.FEWER: 4})


def test_an_audience_frozen_before_there_were_wishes_is_not_urgent() -> None:
    data = to_json(ORDINARY)
    del data["urgent"]
    assert from_json(data) == ORDINARY
