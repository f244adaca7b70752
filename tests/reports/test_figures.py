"""The figures of a campaign: each counted from rows, each adding up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from mailer.errors import MailerError
from mailer.reports.figures import CampaignFigures, Clicks, Delivered, figures
from mailer.store.engine.database import Database
from mailer.store.tables.core import hits
from mailer.store.tables.states import CampaignState, DeliveryState, Verdict
from tests.reports.builders import (
    CAMPAIGN,
    SLUG,
    add_campaign,
    add_deliveries,
    add_event,
    add_hit,
    add_people,
    make_links,
    make_message,
)

HUMAN, MACHINE, UNSURE = Verdict.HUMAN, Verdict.MACHINE, Verdict.UNSURE


def of(database: Database) -> CampaignFigures:
    with database.read() as connection:
        return figures(connection, SLUG)


@pytest.fixture
def ten_sent(database: Database, now: datetime) -> Database:
    with database.write() as connection:
        add_people(connection, 10, now=now)
        add_campaign(connection, make_message(), now=now, counts={"total": 12, "chosen": 10, "unsubscribed": 2})
        add_deliveries(connection, range(1, 11), now=now)
    return database


def test_a_campaign_of_ten(ten_sent: Database, now: datetime) -> None:
    rows = [
        (1, 1, HUMAN), (1, 1, HUMAN), (1, 2, HUMAN),  # one person, both placements
        (2, 1, MACHINE), (2, 1, HUMAN),  # scanned first
        (3, 2, UNSURE),
        (4, 1, MACHINE), (4, 2, MACHINE), (4, 3, MACHINE),
        (None, 1, HUMAN), (None, 1, MACHINE),  # not tracked
        (5, 3, HUMAN),
    ]  # fmt: skip
    with ten_sent.write() as connection:
        for number, n, verdict in rows:
            add_hit(connection, number, n, now=now, verdict=verdict)
        add_event(connection, 6, "unsubscribed", now=now)
        add_event(connection, 6, "unsubscribed", now=now)
        add_event(connection, 7, "deferred", now=now)
    found = of(ten_sent)
    assert (found.audience, found.left_out) == (12, {"unsubscribed": 2})
    assert found.delivered == Delivered(people=10, sent=10)
    assert found.action == Clicks(people=2, people_per_sent=0.2, unsure=1, clicks=6, untracked=1, machine=4, raw=10)
    assert [(p.name, p.clicks.people, p.clicks.clicks, p.clicks.machine) for p in found.placements] == [
        ("button", 2, 4, 3),
        ("inline", 1, 2, 1),
    ]
    assert [(link.n, link.clicks.people) for link in found.links] == [(1, 2), (2, 1), (3, 1), (4, 0)]
    assert found.links[2].clicks == Clicks(people=1, people_per_sent=0.1, clicks=1, machine=1, raw=2)
    assert (found.unsubscribed, found.unsubscribed_per_sent) == (1, 0.1)


def test_every_state_is_counted_with_its_reasons(database: Database, now: datetime) -> None:
    states = list(DeliveryState)
    with database.write() as connection:
        add_people(connection, 30, now=now)
        add_campaign(connection, make_message(), now=now, counts={"total": 30, "chosen": 30})
        for place, state in enumerate(states):
            add_deliveries(connection, range(1 + place * 3, 3 + place * 3), now=now, state=state, code="250")
        add_deliveries(connection, [3, 6, 9], now=now, state=DeliveryState.FAILED, reply_class="hard", code="550 5.1.1")
        add_deliveries(connection, [12], now=now, state=DeliveryState.SKIPPED, code="unsubscribed")
    found = of(database)
    numbers = found.delivered
    assert numbers == Delivered(
        people=20, queued=2, sending=2, sent=2, failed=5, uncertain=2, skipped=3, cancelled=2, held=2
    )
    assert found.failed_by_class == {"hard": 3, "unknown": 2}
    assert found.skipped_by_reason == {"250": 2, "unsubscribed": 1}


def test_nothing_sent_has_no_rates(database: Database, now: datetime) -> None:
    with database.write() as connection:
        add_campaign(
            connection, make_message(), now=now, state=CampaignState.SCHEDULED, due_at=now, zone="Asia/Kolkata"
        )
    found = of(database)
    assert (found.audience, found.left_out, found.delivered) == (None, {}, Delivered())
    assert found.action == Clicks()
    assert found.unsubscribed_per_sent is None
    assert [placement.name for placement in found.placements] == ["button", "inline"]
    assert (found.due_at, found.zone, found.state) == (now, "Asia/Kolkata", CampaignState.SCHEDULED)


def test_other_campaigns_do_not_count(ten_sent: Database, now: datetime) -> None:
    other = CAMPAIGN + 1
    with ten_sent.write() as connection:
        add_campaign(connection, replace(make_message(), slug="another"), now=now, campaign_id=other)
        add_deliveries(connection, [1, 2], now=now, campaign_id=other)
        add_hit(connection, 1, 1, now=now, campaign_id=other)
        add_event(connection, 1, "unsubscribed", now=now, campaign_id=other)
    found = of(ten_sent)
    assert found.delivered.people == 10
    assert (found.action.people, found.action.clicks, found.unsubscribed) == (0, 0, 0)


def test_hits_of_links_that_are_not_in_the_table_count_nowhere(ten_sent: Database, now: datetime) -> None:
    with ten_sent.write() as connection:
        add_hit(connection, 1, 99, now=now)
    assert of(ten_sent).action.clicks == 0


def test_an_unknown_campaign_is_refused(database: Database) -> None:
    with pytest.raises(MailerError, match="neither sent nor scheduled"):
        of(database)


one_hit = st.tuples(st.one_of(st.none(), st.integers(1, 10)), st.integers(1, 4), st.sampled_from(Verdict))


@given(st.lists(one_hit, max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_sql_counts_as_a_reader_would(
    ten_sent: Database, now: datetime, rows: list[tuple[int | None, int, Verdict]]
) -> None:
    with ten_sent.write() as connection:
        connection.execute(delete(hits))
        for number, n, verdict in rows:
            add_hit(connection, number, n, now=now, verdict=verdict)
    found = of(ten_sent)
    action = {link.n for link in make_links() if link.is_action}
    for clicks, numbers in [(found.action, action), *((link.clicks, {link.n}) for link in found.links)]:
        mine = [(number, verdict) for number, n, verdict in rows if n in numbers]
        verdicts = Counter(verdict for _, verdict in mine)
        human = {number for number, verdict in mine if number and verdict is HUMAN}
        doubtful = {number for number, verdict in mine if number and verdict is UNSURE} - human
        assert clicks.people == len(human)
        assert clicks.people_per_sent == len(human) / 10
        assert clicks.unsure == len(doubtful)
        assert clicks.machine == verdicts[MACHINE]
        assert clicks.clicks == verdicts[HUMAN] + verdicts[UNSURE]
        assert clicks.raw == len(mine)
        assert clicks.untracked == len([1 for number, verdict in mine if not number and verdict is not MACHINE])
    assert sum(link.clicks.clicks for link in found.links) == len([v for _, _, v in rows if v is not MACHINE])
