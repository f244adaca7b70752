"""Campaigns and workers that stand still: real rows, each named with what to do."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from mailer.delivery.campaigns.lifecycle import pause
from mailer.delivery.ledger.ledger import LEASE
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.diagnostics import Level
from mailer.doctor.stalled import PATIENCE, gather_sending, judge_sending
from mailer.settings import Pace
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.states import CampaignState, DeliveryState
from tests.delivery.world import Clock, add_people, launch, worker


def judged(database: Database, now: datetime, pace: Pace = Pace()) -> list[tuple[Level, str, str]]:  # noqa: B008 - frozen
    with database.read() as connection:
        facts = gather_sending(connection, now=now, pace=pace, transport="outbox")
    return [(one.level, one.message, one.remedy) for one in judge_sending(facts, now=now)]


def set_campaign(database: Database, **values: object) -> None:
    with database.write() as connection:
        connection.execute(update(campaigns).values(**values))


def test_nothing_waits(database: Database, now: datetime) -> None:
    assert judged(database, now) == [(Level.OK, "no campaign waits for staff", "")]


def test_a_campaign_that_is_being_sent_is_well(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    campaign = launch(database, count=3, now=now)
    assert [level for level, _, _ in judged(database, now + PATIENCE)] == [Level.OK]
    later = now + timedelta(hours=1)
    worker(database, campaign, Clock(later))
    assert judged(database, later) == [(Level.OK, "no campaign waits for staff; 1 worker at work", "")]


def test_a_queue_that_nobody_works_at(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    launch(database, count=3, now=now)
    ((level, found, remedy),) = judged(database, now + PATIENCE + timedelta(seconds=1))
    assert level is Level.WARNING
    assert found == "nobody is sending the campaign appeal; 3 people wait for it since 2026-11-24 09:00 UTC"
    assert "mailer cron" in remedy


def test_those_put_off_are_not_waiting_yet(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    launch(database, count=3, now=now)
    with database.write() as connection:
        connection.execute(update(deliveries).values(not_before=now + timedelta(hours=2)))
    assert [level for level, _, _ in judged(database, now + timedelta(hours=1))] == [Level.OK]


def test_what_the_warm_up_plan_holds_back_is_well(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    launch(database, count=3, now=now)
    later = now + timedelta(hours=1)
    plan = Pace(warm_up=(2, 4))
    assert [level for level, _, _ in judged(database, later, plan)] == [Level.WARNING]  # nobody works at it
    with database.write() as connection:
        WarmUp(plan, transport="outbox").take(connection, 2, now=later)
    ((level, found, _),) = judged(database, later, plan)
    assert level is Level.OK
    assert found.startswith("appeal: today's warm-up allowance of 2 is used up")


def test_a_worker_at_another_campaign_is_none_at_this(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    launch(database, count=3, now=now)
    other = launch(database, count=3, now=now, slug="other")
    later = now + timedelta(hours=1)
    worker(database, other, Clock(later))
    ((_, found, _),) = judged(database, later)
    assert found.startswith("nobody is sending the campaign appeal")


def test_a_paused_campaign_says_why(database: Database, now: datetime) -> None:
    add_people(database, 1, now=now)
    assert pause(database, launch(database, count=1, now=now), "a typo in the subject.", now=now)
    ((level, found, remedy),) = judged(database, now)
    assert level is Level.WARNING
    assert found == "the campaign appeal is paused, and 1 person waits for it: a typo in the subject"
    assert "mailer resume appeal" in remedy


def test_overdue_and_forgotten_schedules(database: Database, now: datetime) -> None:
    add_people(database, 1, now=now)
    launch(database, count=1, now=now)
    set_campaign(database, state=CampaignState.OVERDUE, due_at=now, why="nobody would get it any more.")
    ((_, found, _),) = judged(database, now)
    assert found == (
        "the campaign appeal was due at 2026-11-24 09:00 UTC and was not sent: nobody would get it any more"
    )
    set_campaign(database, state=CampaignState.SCHEDULED)
    assert [level for level, _, _ in judged(database, now + PATIENCE)] == [Level.OK]
    ((level, found, _),) = judged(database, now + timedelta(minutes=6))
    assert level is Level.WARNING
    assert "was due at 2026-11-24 09:00 UTC, and nothing has begun to send it" in found


def test_a_dead_worker_is_named_with_what_it_left(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    campaign = launch(database, count=3, now=now)
    clock = Clock(now)
    dead = worker(database, campaign, clock)
    claims = dead.claim(3)
    dead.exchange([], claims[:1])
    assert [level for level, _, _ in judged(database, now + LEASE)] == [Level.OK]
    ((level, found, remedy),) = judged(database, now + LEASE + timedelta(seconds=1))
    assert level is Level.WARNING
    assert "died or hangs: its lease ran out at 2026-11-24 09:01 UTC" in found
    assert "3 deliveries with it, 1 of them perhaps handed over" in found
    assert "mailer run" in remedy


def test_the_uncertain_are_counted_even_of_what_is_finished(database: Database, now: datetime) -> None:
    add_people(database, 2, now=now)
    launch(database, count=2, now=now)
    with database.write() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.UNCERTAIN))
    set_campaign(database, state=CampaignState.FINISHED)
    ((_, found, remedy),) = judged(database, now)
    assert found == "2 people may have got appeal or not, and nobody can tell"
    assert remedy.endswith("mailer resolve appeal")
