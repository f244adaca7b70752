"""The rules over several hits, applied to what is stored: bit by bit, all again, and both come to the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, hits, people
from mailer.store.tables.inbound import judged_hits
from mailer.store.tables.states import DeliveryState, Verdict
from mailer.tracking import classify
from mailer.tracking.bot_rules import RULES
from mailer.tracking.classify import judge_new, recompute
from mailer.tracking.hits import make_hit, record_hits
from tests.reports.builders import (
    CAMPAIGN,
    add_campaign,
    add_deliveries,
    add_event,
    add_people,
    delivery_id,
    make_message,
)

KEY = b"the workspace's address key"
CHROME = "Mozilla/5.0 (Windows NT 10.0) Chrome/142.0"
HUMAN, MACHINE, UNSURE = Verdict.HUMAN.value, Verdict.MACHINE.value, Verdict.UNSURE.value

Click = tuple[int, int, float, str]  # person, link, seconds after, address


@pytest.fixture
def sent(database: Database, now: datetime) -> Database:
    """Mails to twenty people, taken an hour ago."""
    with database.write() as connection:
        add_people(connection, 20, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, range(1, 21), now=now, changed_at=now - timedelta(hours=1))
    return database


def click(database: Database, now: datetime, clicks: Sequence[Click], agent: str = CHROME) -> None:
    with database.write() as connection:
        record_hits(
            connection,
            [
                make_hit(
                    campaign_id=CAMPAIGN, delivery_id=delivery_id(person), n=n, at=now + timedelta(seconds=seconds),
                    method="GET", headers={"user-agent": agent}, address=address, key=KEY,
                )
                for person, n, seconds, address in clicks
            ],
        )  # fmt: skip


def stored(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(row.verdict, row.reasons) for row in connection.execute(select(hits).order_by(hits.c.id))]


def test_late_evidence_labels_earlier_hits_anew(sent: Database, now: datetime) -> None:
    click(sent, now, [(1, 1, 0, "192.0.2.1"), (1, 2, 1, "192.0.2.1"), (2, 1, 0, "198.51.100.1")])
    assert judge_new(sent).changed == {}
    click(sent, now, [(1, 3, 2, "192.0.2.1")])
    assert judge_new(sent).changed == {(HUMAN, MACHINE): 3}
    assert [verdict for verdict, _ in stored(sent)] == [MACHINE, MACHINE, HUMAN, MACHINE]
    assert judge_new(sent).hits == 0, "nothing came since"


def test_a_growing_crowd_reaches_those_who_came_first(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        connection.execute(update(deliveries).values(changed_at=now))
    click(sent, now, [(person, 1, 1, "192.0.2.1") for person in (1, 2, 3, 4)])
    judge_new(sent)
    assert {verdict for verdict, _ in stored(sent)} == {UNSURE}
    click(sent, now, [(5, 1, 9, "192.0.2.1")])
    judge_new(sent)
    assert stored(sent) == [(MACHINE, "time:soon network:crowd")] * 4 + [(HUMAN, "network:crowd")]


def test_a_mail_that_only_its_click_proves_was_not_opened_in_seconds(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        connection.execute(update(deliveries).values(changed_at=now))
        add_event(connection, 1, "arrived", now=now)
        connection.execute(
            update(deliveries).where(deliveries.c.id == delivery_id(3)).values(state=DeliveryState.UNCERTAIN)
        )
    click(sent, now, [(1, 1, 0, "192.0.2.1"), (2, 1, 0, "198.51.100.1"), (3, 1, 0, "203.0.113.1")])
    judge_new(sent)
    assert [verdict for verdict, _ in stored(sent)] == [HUMAN, UNSURE, HUMAN]


def test_who_is_not_tracked_keeps_the_verdict_of_first_sight(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        connection.execute(update(people).where(people.c.id == 1).values(tracking=False))
    click(sent, now, [(1, n, n, "192.0.2.1") for n in (1, 2, 3)])
    judge_new(sent)
    recompute(sent, CAMPAIGN)
    assert stored(sent) == [(HUMAN, "")] * 3


def test_recompute_brings_old_verdicts_to_the_present_rules(sent: Database, now: datetime) -> None:
    click(sent, now, [(1, n, n, "192.0.2.1") for n in (1, 2, 3)])
    click(sent, now, [(2, 1, 0, "198.51.100.1")], agent="curl/8.0")
    with sent.write() as connection:
        connection.execute(update(hits).values(rules=1, verdict=HUMAN, reasons=""))
    planned = recompute(sent, CAMPAIGN, dry_run=True)
    assert {verdict for verdict, _ in stored(sent)} == {HUMAN}
    done = recompute(sent, CAMPAIGN)
    assert planned == done
    assert (done.hits, done.changed) == (4, {(HUMAN, MACHINE): 4})
    again = recompute(sent, CAMPAIGN)
    assert (again.hits, again.changed, again.reasoned) == (4, {}, 0)
    with sent.read() as connection:
        assert set(connection.execute(select(hits.c.rules)).scalars()) == {RULES}


def test_far_too_many_hits_of_one_delivery_are_left_as_they_are(
    sent: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classify, "MOST_TOGETHER", 5)
    click(sent, now, [(1, n % 3 + 1, n, "192.0.2.1") for n in range(6)])
    assert judge_new(sent).hits == 0
    assert recompute(sent, CAMPAIGN).hits == 0


CLICKS = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.integers(0, 4),
        st.integers(-3602, 30).map(lambda second: float(second if second > -30 else second - 3570)),
        st.sampled_from(["192.0.2.1", "198.51.100.1"]),
    ),
    max_size=25,
)


@given(CLICKS, st.randoms())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_bit_by_bit_comes_to_the_same_as_all_at_once(
    sent: Database, now: datetime, clicks: list[Click], chance: random.Random
) -> None:
    with sent.write() as connection:
        connection.execute(delete(hits))
        connection.execute(delete(judged_hits))
        connection.execute(update(deliveries).values(changed_at=now))
    rest = list(clicks)
    while rest:
        cut = chance.randint(1, len(rest))
        click(sent, now, rest[:cut])
        rest = rest[cut:]
        judge_new(sent)
    bit_by_bit = stored(sent)
    again = recompute(sent, CAMPAIGN)
    assert (again.changed, again.reasoned) == ({}, 0)
    assert stored(sent) == bit_by_bit
