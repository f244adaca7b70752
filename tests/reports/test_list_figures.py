"""How a list grew and how it is: everybody counted once, in their month, by how they came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import consent_source, list_id
from mailer.audience.people.people import ListCount
from mailer.reports.list_figures import list_figures
from mailer.store.engine.database import Database
from mailer.store.tables.core import consents, people, suppressions
from mailer.store.tables.states import Membership, SuppressionReason
from tests.audience.world import KEY, add_campaign, add_person, click, deliver, put_name, subscribe

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
DAY = timedelta(days=1)


def test_everybody_is_counted_in_their_month_and_by_how_they_came(database: Database) -> None:
    with database.write() as connection:
        number, other = list_id(connection, "news"), list_id(connection, "other")
        sources = {
            "old": consent_source(connection, how="form", source="/join/news", wording="Old words."),
            "new": consent_source(connection, how="form", source="/join/news", wording="New words."),
            "file": consent_source(connection, how="import", source="people.csv", wording="Old words."),
            "leave": consent_source(connection, how="one-click", source="2026-appeal", wording=""),
        }
        came = [(500, "file"), (400, "old"), (380, "old"), (40, "new"), (3, "new")]
        for person, (days, source) in enumerate(came, 1):
            at = NOW - days * DAY
            add_person(connection, person, created_at=at)
            subscribe(connection, person, number)
            row = {"person_id": person, "list_id": number, "status": "subscribed", "at": at}
            connection.execute(insert(consents), {**row, "source_id": sources[source]})
        add_person(connection, 6)
        subscribe(connection, 6, other, Membership.UNSUBSCRIBED)
        for status, days, source in (("subscribed", 20, "new"), ("unsubscribed", 2, "leave")):
            row = {"person_id": 6, "list_id": other, "status": status, "at": NOW - days * DAY}
            connection.execute(insert(consents), {**row, "source_id": sources[source]})
        gone = {"address_hash": address_hash("person2@example.org", KEY), "list_id": 0, "at": NOW}
        for reason in (SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED):
            connection.execute(insert(suppressions), {**gone, "reason": reason.value})
        connection.execute(update(people).where(people.c.id == 3).values(tracking=False))
        put_name(connection, "a-page", 1)
    with database.read() as connection:
        found = list_figures(connection, now=NOW, zone=LONDON)
    news = found["news"]
    assert news.members == ListCount(subscribed=5)
    assert [(one.begins and one.begins.month, one.joined, one.left) for one in news.months if one.joined] == [
        (None, {"import": 1, "form": 2}, 0), (10, {"form": 1}, 0), (11, {"form": 1}, 0),
    ]  # fmt: skip
    assert [(one.how, one.source, one.joined) for one in news.sources] == [("form", "/join/news", 2)]
    assert [(one.words, one.people) for one in news.wordings] == [("New words.", 2), ("Old words.", 3)]
    assert (news.wordings[1].first, news.wordings[1].last) == (NOW - 500 * DAY, NOW - 380 * DAY)
    assert (news.bounced, news.complained) == (1, 1)
    # The first signed lately; the third can't be known; the others who came long ago gave no sign.
    assert (news.silent, news.hidden) == (1, 1)
    assert (news.joined_lately, news.left_lately) == (2, 0)
    assert (found["other"].members.unsubscribed, found["other"].left_lately) == (1, 1)


def test_a_click_is_a_sign_and_a_machines_is_none(database: Database) -> None:
    from mailer.store.tables.states import Verdict

    with database.write() as connection:
        number = list_id(connection, "news")
        source = consent_source(connection, how="import", source="a.csv", wording="W")
        campaign = add_campaign(connection, 1, "appeal")
        for person in (1, 2, 3):
            add_person(connection, person, created_at=NOW - 800 * DAY)
            subscribe(connection, person, number)
            row = {"person_id": person, "list_id": number, "status": "subscribed", "at": NOW - 800 * DAY}
            connection.execute(insert(consents), {**row, "source_id": source})
        for person, verdict in ((1, Verdict.HUMAN), (2, Verdict.MACHINE)):
            click(connection, deliver(connection, campaign, person, number=person), n=1, verdict=verdict)
    with database.read() as connection:
        assert list_figures(connection, now=NOW, zone=LONDON)["news"].silent == 2
