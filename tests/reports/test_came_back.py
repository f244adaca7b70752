"""What came back is counted by class and provider: at once or later, of the last month, each mail once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, update

from mailer.reports.came_back import COMPLAINED, count_came_back, latest, newest_event, provider_of
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, events, people
from mailer.store.tables.states import DeliveryState
from tests.reports.builders import CAMPAIGN, SLUG, add_campaign, add_deliveries, add_people, delivery_id, make_message

DAY = timedelta(days=1)
DOMAINS = {1: "gmail.com", 2: "googlemail.com", 3: "hotmail.co.uk", 4: "works.example", 5: "gmail.com"}


@pytest.fixture
def sent(database: Database, now: datetime) -> Database:
    with database.write() as connection:
        add_people(connection, 6, now=now)
        for number, domain in DOMAINS.items():
            mine = people.c.id == number
            connection.execute(update(people).where(mine).values(address=f"m{number}@{domain}"))
        add_campaign(connection, make_message(), now=now, launched_at=now)
        add_deliveries(connection, range(1, 5), now=now, changed_at=now)
        add_deliveries(
            connection, [5, 6], now=now, state=DeliveryState.FAILED, changed_at=now, reply_class="hard",
            detail="no such user",
        )  # fmt: skip
        rows = [(1, "bounced", "hard", now + DAY), (2, "bounced", "soft", now + DAY), (3, "complained", "", now + DAY),
                (4, "bounced", "policy", now - 40 * DAY), (4, "deferred", "soft", now)]  # fmt: skip
        for number, kind, reply_class, at in rows:
            row = {"campaign_id": CAMPAIGN, "delivery_id": delivery_id(number), "kind": kind, "at": at}
            connection.execute(insert(events).values(row | {"reply_class": reply_class, "detail": "said"}))
    return database


def test_it_is_counted_by_class_and_provider(sent: Database, now: datetime) -> None:
    with sent.read() as connection:
        found = count_came_back(connection, now=now + 2 * DAY)
    assert found.classes == {"hard": 3, "soft": 1, COMPLAINED: 1}
    assert [(row.name, row.classes) for row in found.providers] == [
        ("Gmail", {"hard": 2, "soft": 1}), ("Outlook.com", {COMPLAINED: 1}), ("example.org", {"hard": 1}),
    ]  # fmt: skip
    assert [row.is_large for row in found.providers] == [True, True, False]


def test_who_it_was_is_listed_the_newest_first(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        before = newest_event(connection)
        found = latest(connection, "hard", now=now + 2 * DAY, most=9)
        assert [(one.address, one.slug, one.detail) for one in found] == [
            ("m1@gmail.com", SLUG, "said"), ("mary6@example.org", SLUG, "no such user"),
            ("m5@gmail.com", SLUG, "no such user"),
        ]  # fmt: skip
        assert [one.address for one in latest(connection, COMPLAINED, now=now + 2 * DAY, most=9)] == [
            "m3@hotmail.co.uk"
        ]
        connection.execute(update(deliveries).where(deliveries.c.id == delivery_id(4)).values(state="failed"))
        assert newest_event(connection) != before


@pytest.mark.parametrize(
    ("domain", "name"),
    [("yahoo.co.jp", "Yahoo"), ("GMAIL.com", "Gmail"), ("me.com", "iCloud"), ("me.example.org", "me.example.org"),
     ("web.de", "GMX and Web.de"), ("web.example", "web.example"), ("live.nl", "Outlook.com"), ("", ""),
     ("gmail", "gmail")],
)  # fmt: skip
def test_a_provider_is_called_as_people_call_it(domain: str, name: str) -> None:
    assert provider_of(domain) == name
