"""Going down a list: who waits behind which gate, when gates open, and what holds a newsletter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from mailer.audience.selection.spec import Audience, from_json, to_json
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import finish_if_done, launch_now, resume
from mailer.delivery.experiments.cohorts import cohorts_of
from mailer.delivery.experiments.down_the_list import any_cohort_due, decide_cohorts
from mailer.experiments.cohorts import PlannedCohorts, advice_on, stage_of, why_not_on
from mailer.experiments.deciding import ArmCounts
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, events, hits
from mailer.store.tables.core import people as table
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import CampaignState, CohortState, DeliveryState, Verdict
from mailer.tracking.bot_rules import RULES
from tests.delivery.world import MESSAGE, NOWHERE, add_people
from tests.reports.builders import HEADERS

PLAN = PlannedCohorts(days=(30, 365), sample=4, clicks=250.0, complaints=250.0)
DAY = timedelta(days=1)


def signed(database: Database, person: int, at: datetime) -> None:
    with database.write() as connection:
        if connection.execute(select(statements.c.id)).first() is None:
            connection.execute(insert(statements).values(id=1, page="rivers", text="I ask."))
        connection.execute(
            insert(signatures).values(page="rivers", person_id=person, statement_id=1, signed_at=at, changed_at=at)
        )


@pytest.fixture
def campaign(database: Database, now: datetime) -> int:
    """30 people: 4 signed a week ago, 8 half a year ago, 2 two years ago. Of one another program knew that it was last
    week; of the others nobody knows when they did anything."""
    people = add_people(database, 30, now=now)
    with database.write() as connection:
        known = {"last_active": f"{now - timedelta(days=7):%Y-%m-%d}"}
        connection.execute(update(table).where(table.c.id == people[0]).values(attributes=known))
    for person, days in zip(people[1:], [7] * 4 + [180] * 8 + [800] * 2, strict=False):
        signed(database, person, now - timedelta(days=days))
    plan = Plan(MESSAGE, Audience(("supporters",), down_the_list=PLAN), NOWHERE, transport="outbox")
    return launch_now(database, plan, expected=30, now=now)


def stages(database: Database, campaign: int) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    with database.read() as connection:
        mine = select(deliveries.c.stage, deliveries.c.person_id).where(deliveries.c.campaign_id == campaign)
        for stage, person in connection.execute(mine.order_by(deliveries.c.id)):
            found.setdefault(stage, []).append(person)
    return found


def opened(database: Database, campaign: int) -> tuple[int, str]:
    with database.read() as connection:
        row = connection.execute(select(campaigns).where(campaigns.c.id == campaign)).one()
    return row.stage, row.state


def send(database: Database, campaign: int, stage: int, *, at: datetime) -> list[int]:
    """Everybody of a stage has had their mail; returns their deliveries."""
    mine = (deliveries.c.campaign_id == campaign, deliveries.c.stage == stage)
    with database.write() as connection:
        sent = {"state": DeliveryState.SENT, "attempt": 1, "changed_at": at}
        connection.execute(update(deliveries).where(*mine).values(sent))
        return list(connection.execute(select(deliveries.c.id).where(*mine)).scalars())


def clicked(database: Database, campaign: int, delivery: int, *, at: datetime) -> None:
    with database.write() as connection:
        connection.execute(
            insert(hits).values(
                campaign_id=campaign, delivery_id=delivery, n=1, at=at + timedelta(hours=2), method="GET",
                network=b"", rules=RULES, headers=HEADERS[Verdict.HUMAN], verdict=Verdict.HUMAN,
            )
        )  # fmt: skip


def complained(database: Database, campaign: int, delivery: int, *, at: datetime) -> None:
    with database.write() as connection:
        connection.execute(insert(events).values(campaign_id=campaign, delivery_id=delivery, at=at, kind="complained"))


def test_everybody_is_in_one_group_and_samples_are_drawn_of_each(database: Database, campaign: int) -> None:
    found = stages(database, campaign)
    assert Counter({stage: len(people) for stage, people in found.items()}) == {0: 5, 1: 4, 2: 4, 3: 4, 4: 13}
    together = [person for people in found.values() for person in people]
    assert len(together) == len(set(together)) == 30
    assert sorted(found[1]) != sorted(found[1] + found[2])[:4], "a sample is drawn, and not those who came first"
    with database.read() as connection:
        rows = cohorts_of(connection, campaign)
    assert [(one.n, one.people, one.sample, one.state) for one in rows] == [
        (1, 8, 4, CohortState.WAITING),
        (2, 17, 4, CohortState.WAITING),
    ]
    assert opened(database, campaign) == (1, CampaignState.SENDING)


def test_a_group_goes_on_once_its_sample_did_well(database: Database, campaign: int, now: datetime) -> None:
    send(database, campaign, 0, at=now)
    decide_cohorts(database, now=now + DAY)
    assert opened(database, campaign)[0] == 1, "nobody of the sample has had it"
    sample = send(database, campaign, 1, at=now + DAY)
    decide_cohorts(database, now=now + 2 * DAY - timedelta(minutes=1))
    assert opened(database, campaign)[0] == 1, "they have not had it for a day"
    clicked(database, campaign, sample[0], at=now + DAY)
    with database.read() as connection:
        assert any_cohort_due(connection, now=now + 2 * DAY)
    decide_cohorts(database, now=now + 2 * DAY)
    assert opened(database, campaign) == (3, CampaignState.SENDING), "its others, and the next sample"
    decide_cohorts(database, now=now + 2 * DAY)
    assert opened(database, campaign)[0] == 3, "once"
    with database.read() as connection:
        first, second = cohorts_of(connection, campaign)
        assert not any_cohort_due(connection, now=now + 3 * DAY - timedelta(minutes=1))
    assert (first.state, first.sent, first.clicked, first.complained) == (CohortState.OPEN, 4, 1, 0)
    assert (second.state, second.decide_at) == (CohortState.WAITING, now + 3 * DAY)


@pytest.mark.parametrize(("do", "why"), [(None, "0 of 4 people followed the action link"), (complained, "reported it")])
def test_a_sample_that_does_badly_holds_the_newsletter_until_staff_resume_it(
    database: Database, campaign: int, now: datetime, do: Callable[..., None] | None, why: str
) -> None:
    sample = send(database, campaign, 1, at=now)
    for delivery in sample[:2] if do else ():
        clicked(database, campaign, delivery, at=now)
        assert do
        do(database, campaign, delivery, at=now)
    decide_cohorts(database, now=now + DAY)
    assert opened(database, campaign) == (1, CampaignState.PAUSED)
    with database.read() as connection:
        assert why in connection.execute(select(campaigns.c.why)).scalar_one()
        assert cohorts_of(connection, campaign)[0].state is CohortState.HELD
    decide_cohorts(database, now=now + 2 * DAY)
    assert opened(database, campaign) == (1, CampaignState.PAUSED), "nobody decided"
    assert resume(database, campaign, now=now + 2 * DAY)
    decide_cohorts(database, now=now + 2 * DAY)
    assert opened(database, campaign) == (3, CampaignState.SENDING)
    with database.read() as connection:
        assert cohorts_of(connection, campaign)[0].why == "resumed by staff"
    assert not finish_if_done(database, campaign, now=now + 2 * DAY), "people wait behind the next gate"


def test_somebody_who_is_tried_again_for_days_holds_nobody_up(database: Database, campaign: int, now: datetime) -> None:
    sample = send(database, campaign, 1, at=now)
    clicked(database, campaign, sample[0], at=now)
    with database.write() as connection:
        connection.execute(update(deliveries).where(deliveries.c.id == sample[1]).values(state=DeliveryState.QUEUED))
    decide_cohorts(database, now=now + DAY)
    assert opened(database, campaign)[0] == 3


def test_a_stopped_campaign_opens_nothing(database: Database, campaign: int, now: datetime) -> None:
    send(database, campaign, 1, at=now)
    with database.write() as connection:
        connection.execute(update(campaigns).values(state=CampaignState.CANCELLED))
    decide_cohorts(database, now=now + DAY)
    assert opened(database, campaign) == (1, CampaignState.CANCELLED)


def test_the_plan_is_kept_with_the_campaign_and_leaves_others_as_they_were() -> None:
    audience = Audience(("supporters",), down_the_list=PLAN)
    assert from_json(to_json(audience)) == audience
    assert "down_the_list" not in to_json(Audience(("supporters",)))


def test_bounds_words_and_advice() -> None:
    plan = PlannedCohorts()
    assert why_not_on(ArmCounts("", 1000, clicked=3, complained=1), plan) == ""
    assert "at least 3 in 1,000" in why_not_on(ArmCounts("", 1000, clicked=2), plan)
    assert "at most 1 in 1,000" in why_not_on(ArmCounts("", 1000, clicked=9, complained=2), plan)
    assert why_not_on(ArmCounts("", 0), plan) == "nobody of the sample got it"
    assert [plan.words(n) for n in range(4)] == [
        "who acted in the last 30 days",
        "who last acted 30 days to 90 days ago",
        "who last acted 90 days to a year ago",
        "who haven’t acted for a year",
    ]
    assert advice_on(60_000, plan) == []
    assert len(advice_on(59_999, PlannedCohorts(sample=100))) == 2
    assert [stage_of(n, is_sample=one) for n in range(3) for one in (True, False)] == [0, 0, 1, 2, 3, 4]
