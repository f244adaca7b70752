"""At most so many mails in so many days: decided at the launch, read again at hand-over, never put off for later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from mailer.audience.consent.caps import BEYOND, cap_now, over_cap
from mailer.audience.consent.eligibility import Reason
from mailer.audience.consent.recheck import obstacles
from mailer.audience.selection.select import select_audience
from mailer.audience.selection.spec import Audience, from_json
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.ledger.ledger import Bounds
from mailer.delivery.ledger.outcomes import Done
from mailer.settings import Caps
from mailer.store.engine.by_campaign import given as bound
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.states import DeliveryState
from tests.delivery.world import ACCEPTED, MESSAGE, NOWHERE, Clock, add_people, launch, states, worker

CAP = Caps(newsletters=2, days=7)
EVERYBODY = Audience(include=("supporters",), cap=CAP)
DAY = timedelta(days=1)


def send_all(database: Database, campaign: int, clock: Clock, cap: Caps = CAP) -> int:
    """What a worker hands over; the number."""
    sender = worker(database, campaign, clock, bounds=Bounds(cap=cap))
    begun = sender.exchange([], sender.claim(100))
    sender.release([Done(claim, ACCEPTED) for claim in begun.claims])
    return len(begun.claims)


def excluded(database: Database, now: datetime, audience: Audience = EVERYBODY) -> dict[Reason, int]:
    with database.read() as connection:
        return dict(select_audience(connection, audience, now=now).excluded)


def test_what_was_had_and_what_waits_counts_at_the_launch(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    clock = Clock(now)
    first = launch(database, count=3, now=now, slug="first")
    assert send_all(database, first, clock) == 3
    assert not excluded(database, now)
    launch(database, count=3, now=now, slug="second")
    assert excluded(database, now) == {Reason.CAPPED: 3}, "one was had, one waits"
    assert not excluded(database, now, replace(EVERYBODY, cap=Caps())), "no cap"
    assert not excluded(database, now, replace(EVERYBODY, urgent=True)), "urgent ones are not held back"
    assert not excluded(database, now + 7 * DAY + timedelta(seconds=1)), "a week later the first no longer counts"


@pytest.mark.parametrize("state", list(DeliveryState))
def test_which_mails_count(database: Database, now: datetime, state: DeliveryState) -> None:
    add_people(database, 1, now=now)
    for slug in ("first", "second"):
        launch(database, count=1, now=now, slug=slug)
    with database.write() as connection:
        connection.execute(update(deliveries).values(state=state, changed_at=now))
    counts = state in (DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.QUEUED, DeliveryState.SENDING)
    assert excluded(database, now) == ({Reason.CAPPED: 1} if counts else {})


def test_urgent_mails_do_not_count(database: Database, now: datetime) -> None:
    add_people(database, 1, now=now)
    for slug in ("first", "second"):
        launch(database, count=1, now=now, slug=slug, message=replace(MESSAGE, is_urgent=True))
    assert not excluded(database, now)


def test_the_cap_is_kept_with_the_launch(database: Database, now: datetime) -> None:
    add_people(database, 2, now=now)
    launch(database, count=2, now=now)
    with database.write() as connection:
        assert "cap" not in connection.execute(select(campaigns.c.audience)).scalar_one()
        connection.execute(update(campaigns).values(slug="first"))
    plan = Plan(MESSAGE, EVERYBODY, NOWHERE, transport="outbox")
    steps.schedule(database, plan, due_at=now, zone="", late=DAY, now=now)
    (row,) = steps.launch_due(database, now=now, cap=Caps(newsletters=1))
    assert from_json(row.audience).cap == Caps(newsletters=1), "as it was then"
    assert row.counts == {"total": 2, "chosen": 0, Reason.CAPPED.value: 2}


def test_it_is_read_again_at_hand_over(database: Database, now: datetime) -> None:
    """A cap that came after both were launched: the one that was launched first goes, the other gives way."""
    add_people(database, 3, now=now)
    clock, cap = Clock(now + timedelta(minutes=2)), Caps(newsletters=1)
    first = launch(database, count=3, now=now, slug="first")
    second = launch(database, count=3, now=now + timedelta(minutes=1), slug="second")
    assert send_all(database, second, clock, cap) == 0
    assert states(database, "second") == {"skipped": 3}
    assert send_all(database, first, clock, cap) == 3
    with database.read() as connection:
        codes = connection.execute(select(deliveries.c.code).where(deliveries.c.campaign_id == second)).scalars()
        assert set(codes) == {Reason.CAPPED.value}


def test_one_that_waits_gives_way_to_what_left_meanwhile(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    clock, cap = Clock(now + timedelta(minutes=2)), Caps(newsletters=1)
    first = launch(database, count=3, now=now, slug="first")
    second = launch(database, count=3, now=now + timedelta(minutes=1), slug="second")
    assert send_all(database, second, clock, Caps()) == 3, "sent while there was no cap"
    assert send_all(database, first, clock, cap) == 0
    assert states(database, "first") == {"skipped": 3}


def test_a_capped_person_is_not_put_off(database: Database, now: datetime) -> None:
    add_people(database, 1, now=now)
    clock, cap = Clock(now + timedelta(minutes=2)), Caps(newsletters=1)
    launch(database, count=1, now=now, slug="first")
    second = launch(database, count=1, now=now + timedelta(minutes=1), slug="second")
    send_all(database, second, clock, cap)
    clock.now += 30 * DAY
    assert send_all(database, second, clock, cap) == 0
    assert states(database, "second") == {"skipped": 1}


def three(database: Database, now: datetime) -> list[int]:
    with database.read() as connection:
        known = list(connection.execute(select(people.c.id).order_by(people.c.id)).scalars())
    return known or add_people(database, 3, now=now)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(list(DeliveryState)), st.integers(0, 20), st.booleans(), st.integers(0, 20)
    ),
    max_size=5,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.integers(1, 3), st.integers(1, 10))
def test_check_and_reason_agree_and_are_the_rule(
    database: Database, now: datetime, rows: list[tuple[int, DeliveryState, int, bool, int]], most: int, days: int
) -> None:
    """Whatever mails somebody has: the launch, the hand-over and its reason say the same as counting by hand."""
    cap = Caps(newsletters=most, days=days)
    with database.write() as connection:
        connection.execute(deliveries.delete())
        connection.execute(campaigns.delete())
    who = three(database, now)
    own = 1
    with database.write() as connection:
        plain = {"message": {}, "digest": "", "audience": {}, "transport": "", "created_at": now, "state": "sending"}
        connection.execute(insert(campaigns).values(id=own, slug="own", launched_at=now, is_urgent=False, **plain))
        for place, person in enumerate(who):
            connection.execute(
                insert(deliveries).values(
                    id=2**32 + place, campaign_id=own, person_id=person, state="queued", not_before=now
                )
            )
        for number, (place, state, ago, urgent, launched) in enumerate(rows, start=2):
            at = now - launched * DAY - timedelta(seconds=1)
            connection.execute(
                insert(campaigns).values(id=number, slug=f"c{number}", launched_at=at, is_urgent=urgent, **plain)
            )
            connection.execute(
                insert(deliveries).values(
                    id=number * 2**32, campaign_id=number, person_id=who[place], state=state, not_before=now,
                    changed_at=now - ago * DAY,
                )
            )  # fmt: skip
    taken, leaving = ("sent", "uncertain"), ("queued", "sending")
    had = [
        sum(
            place == mine and not urgent and (state in leaving or (state in taken and ago <= days))
            for place, state, ago, urgent, _ in rows
        )
        for mine in range(3)
    ]
    ids = [2**32 + place for place in range(3)]
    with database.read() as connection:
        over = set(connection.execute(over_cap(cap, now=now)).scalars())
        assert over == {who[place] for place in range(3) if had[place] + 1 >= most}, "its own waits, too"
        counts = cap_now(connection, cap, own, now=now)
        beyond = (
            {row[0] for row in BEYOND.rows(connection, {**bound("deliveries", ids), **counts.values})}
            if counts
            else set()
        )
        assert beyond == {ids[place] for place in range(3) if had[place] >= most}
        said = obstacles(connection, delivery_ids=ids, list_ids=[1], cap=counts)
        assert said == dict.fromkeys(beyond, Reason.CAPPED.value)
    sender = worker(database, own, Clock(now), bounds=Bounds(cap=cap))
    begun = sender.exchange([], sender.claim(10))
    assert {claim.id for claim in begun.claims} == set(ids) - beyond
    assert begun.skipped == len(beyond)
    sender.release()
