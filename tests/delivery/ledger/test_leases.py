"""Leases: kept by the living, whatever the clock does, and taken from the dead alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailer.audience.consent.changes import leave, list_id
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.ledger.ledger import LEASE, RENEW_WHEN_LEFT, CampaignStopped, LeaseLost, Worker
from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.ledger.reopen import settle_expired
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import IDLE_SECONDS
from mailer.store.tables.core import deliveries, workers
from tests.delivery.neighbours import COUNT
from tests.delivery.world import ACCEPTED, Clock, states, worker

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


def lease_of(database: Database, one: Worker) -> datetime | None:
    """Until when a worker's lease runs; None when it was taken away."""
    with database.read() as connection:
        return connection.execute(select(workers.c.lease_until).where(workers.c.id == one.id)).scalar()


def held_by(database: Database, one: Worker) -> list[int]:
    """The deliveries that a worker has put aside or on the wire."""
    query = select(deliveries.c.id).where(deliveries.c.worker_id == one.id).order_by(deliveries.c.id)
    with database.read() as connection:
        return list(connection.execute(query).scalars())


def test_what_has_to_fit_to_the_lease_does() -> None:
    assert RENEW_WHEN_LEFT < LEASE
    assert timedelta(seconds=IDLE_SECONDS) <= LEASE, "a frozen worker would hold rows for longer than they are its own"


def test_a_lease_lasts_a_minute(database: Database, campaign: int, clock: Clock) -> None:
    """As docs/internals/promise.md says: so long at most nobody works at what a dead worker had claimed."""
    one = worker(database, campaign, clock)
    assert lease_of(database, one) == clock.now + timedelta(minutes=1)


def test_a_worker_is_known_by_what_it_works_at(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    with database.read() as connection:
        row = connection.execute(select(workers).where(workers.c.id == one.id)).one()
    assert (row.campaign_id, row.lease_until) == (campaign, clock.now + LEASE)
    host, _, process = row.name.rpartition(":")
    assert host
    assert process.isdigit()


def test_of_a_dead_and_a_living_worker_only_the_dead_one_loses_its_people(
    database: Database, campaign: int, clock: Clock
) -> None:
    dead, living = worker(database, campaign, clock), worker(database, campaign, clock)
    gone = dead.exchange((), dead.claim(6)[:2]).claims
    claims = living.claim(6)
    begun = living.exchange((), claims[:3]).claims
    clock.now += LEASE / 2
    living.renew()
    clock.now += LEASE / 2 + TICK
    assert settle_expired(database, clock.now) == len(gone)
    assert states(database) == {"queued": COUNT - 5, "sending": 3, "uncertain": 2}
    assert (lease_of(database, dead), held_by(database, dead)) == (None, [])
    assert held_by(database, living) == [claim.id for claim in claims]
    again = living.exchange([Done(claim, ACCEPTED) for claim in begun], claims[3:])
    assert len(again.claims) == 3
    with pytest.raises(LeaseLost, match="another worker took over"):
        dead.claim(1)
    assert settle_expired(database, clock.now) == 0


def test_the_dead_are_told_apart_from_those_whose_program_was_stopped(
    database: Database, campaign: int, clock: Clock
) -> None:
    stopped, dead = worker(database, campaign, clock), worker(database, campaign, clock)
    (one,) = stopped.exchange((), stopped.claim(1)).claims
    (other,) = dead.exchange((), dead.claim(1)).claims
    stopped.release()
    clock.now += LEASE + TICK
    settle_expired(database, clock.now)
    with database.read() as connection:
        query = select(deliveries.c.id, deliveries.c.detail, deliveries.c.changed_at, deliveries.c.state)
        found = {row.id: (row.state, row.detail, row.changed_at) for row in connection.execute(query)}
    then = clock.now - LEASE - TICK
    assert found[one.id] == ("uncertain", "the program was stopped before the answer came", then)
    assert found[other.id] == ("uncertain", "the program died before the answer came", clock.now)


@pytest.mark.parametrize(("after", "uncertain"), [(timedelta(0), 0), (LEASE, 0), (LEASE + TICK, 1), (3 * LEASE, 1)])
def test_a_lease_runs_out_after_its_last_moment(
    database: Database, campaign: int, clock: Clock, after: timedelta, uncertain: int
) -> None:
    dead = worker(database, campaign, clock)
    dead.exchange((), dead.claim(2)[:1])
    clock.now += after
    assert settle_expired(database, clock.now) == uncertain
    assert len(held_by(database, dead)) == (0 if uncertain else 2)


@pytest.mark.parametrize(
    ("passed", "renewed"),
    [
        (timedelta(0), False),
        (LEASE - RENEW_WHEN_LEFT, False),
        (LEASE - RENEW_WHEN_LEFT + TICK, True),
        (LEASE, True),
        (LEASE + TICK, True),  # late, and nobody has taken over
        (-TICK, True),  # the clock was put back: else it would seem alive for longer than a lease after its death
        (timedelta(days=-1), True),
    ],
)
@pytest.mark.parametrize("how", ["renew", "claim", "exchange"])
def test_a_lease_is_renewed_when_a_third_of_it_has_gone(
    database: Database, campaign: int, clock: Clock, passed: timedelta, renewed: bool, how: str
) -> None:
    one, other = worker(database, campaign, clock), worker(database, campaign, clock)
    began = clock.now
    clock.now += passed
    {"renew": one.renew, "claim": lambda: one.claim(1), "exchange": lambda: one.exchange((), ())}[how]()
    until = (clock.now if renewed else began) + LEASE
    assert lease_of(database, one) == one.lease_until == until
    assert lease_of(database, other) == began + LEASE, "each renews its own"


def test_renewing_finds_out_that_the_lease_is_lost(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    clock.now += LEASE + TICK
    settle_expired(database, clock.now)
    with pytest.raises(LeaseLost):
        one.renew()
    assert lease_of(database, one) is None, "it does not come back to life"


@pytest.mark.parametrize("how", ["claim", "exchange"])
def test_a_lost_lease_is_noticed_before_it_would_be_renewed(
    database: Database, campaign: int, clock: Clock, how: str
) -> None:
    """To others the time may have passed: they go by their own clock."""
    one = worker(database, campaign, clock)
    claims = one.claim(2)
    settle_expired(database, clock.now + LEASE + TICK)
    with pytest.raises(LeaseLost):
        one.claim(1) if how == "claim" else one.exchange((), claims)
    assert states(database) == {"queued": COUNT}


def test_a_pause_does_not_end_a_lease(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    steps.pause(database, campaign, "a typo", now=clock.now)
    clock.now += LEASE / 2
    one.renew()
    assert lease_of(database, one) == clock.now + LEASE
    with pytest.raises(CampaignStopped):
        one.claim(1)


def test_a_worker_whose_campaign_is_stopped_and_lease_lost_says_the_latter(
    database: Database, campaign: int, clock: Clock
) -> None:
    one = worker(database, campaign, clock)
    claims = one.claim(1)
    steps.cancel(database, campaign, now=clock.now)
    settle_expired(database, clock.now + LEASE + TICK)
    with pytest.raises(LeaseLost):
        one.exchange((), claims)


def test_the_clock_goes_back_and_the_worker_dies(database: Database, campaign: int, clock: Clock) -> None:
    """It renewed its lease by the new time, so a minute later its people are free."""
    clock.now += timedelta(hours=1)
    one = worker(database, campaign, clock)
    claims = one.claim(5)
    clock.now -= timedelta(hours=1)
    one.exchange((), claims[:2])
    clock.now += LEASE
    assert settle_expired(database, clock.now) == 0
    clock.now += SECOND
    assert settle_expired(database, clock.now) == 2
    assert states(database) == {"queued": COUNT - 2, "uncertain": 2}
    assert len(worker(database, campaign, clock).claim(COUNT)) == COUNT - 2


def test_the_clock_goes_back_after_a_death(database: Database, campaign: int, clock: Clock) -> None:
    """Nobody can tell the dead worker from a frozen one until its time has come again; then all are free."""
    clock.now += timedelta(hours=1)
    one = worker(database, campaign, clock)
    one.exchange((), one.claim(5)[:2])
    until = clock.now + LEASE
    clock.now -= timedelta(hours=1)
    assert settle_expired(database, clock.now) == 0
    other = worker(database, campaign, clock)
    assert len(other.claim(COUNT)) == COUNT - 5, "the others go on at once"
    other.release()
    clock.now = until + TICK
    assert settle_expired(database, clock.now) == 2
    assert len(worker(database, campaign, clock).claim(COUNT)) == COUNT - 2


def test_the_clock_goes_forward_and_another_takes_over_from_a_living_worker(
    database: Database, campaign: int, clock: Clock
) -> None:
    """Its answers are proof all the same, and nobody is handed over by both."""
    one = worker(database, campaign, clock)
    claims = one.claim(4)
    begun = one.exchange((), claims[:2]).claims
    clock.now += timedelta(hours=1)
    assert settle_expired(database, clock.now) == 2
    other = worker(database, campaign, clock)
    theirs = other.exchange((), other.claim(COUNT)).claims
    assert not {claim.id for claim in theirs} & {claim.id for claim in begun}
    with pytest.raises(LeaseLost):
        one.exchange([Done(claim, ACCEPTED) for claim in begun], claims[2:])
    assert states(database) == {"sent": 2, "sending": COUNT - 2}


def test_ending_gives_back_what_is_its_own_alone(database: Database, campaign: int, clock: Clock) -> None:
    one, other = worker(database, campaign, clock), worker(database, campaign, clock)
    mine = one.exchange((), one.claim(6)[:3]).claims
    theirs = other.claim(6)
    other.exchange((), theirs[:3])
    one.release([Done(mine[0], ACCEPTED), Done(mine[1], None)])
    assert states(database) == {"queued": COUNT - 5, "sent": 1, "uncertain": 1, "sending": 3}
    assert (lease_of(database, one), held_by(database, one)) == (None, [])
    assert held_by(database, other) == [claim.id for claim in theirs]
    one.release()  # once more changes nothing
    assert lease_of(database, other) == clock.now + LEASE


def test_one_that_lost_its_lease_takes_nothing_from_who_has_the_people_now(
    database: Database, campaign: int, clock: Clock
) -> None:
    frozen = worker(database, campaign, clock)
    claims = frozen.claim(4)
    clock.now += LEASE + TICK
    settle_expired(database, clock.now)
    other = worker(database, campaign, clock)
    theirs = other.claim(4)
    assert [claim.id for claim in theirs] == [claim.id for claim in claims]
    with pytest.raises(LeaseLost):
        frozen.exchange((), claims)
    frozen.release()
    assert held_by(database, other) == [claim.id for claim in theirs]
    assert len(other.exchange((), theirs).claims) == 4


def test_what_another_has_is_neither_begun_nor_skipped(database: Database, campaign: int, clock: Clock) -> None:
    one, other = worker(database, campaign, clock), worker(database, campaign, clock)
    theirs = other.claim(3)
    with database.write() as connection:
        number, person = list_id(connection, "supporters"), theirs[0].person_id
        leave(connection, person_id=person, list_ids=[number], how="link", source="appeal", at=clock.now)
    begun = one.exchange((), [*theirs, *one.claim(2)])
    assert (len(begun.claims), begun.skipped) == (2, 0)
    assert held_by(database, other) == [claim.id for claim in theirs]
    assert states(database) == {"queued": COUNT - 2, "sending": 2}


def test_many_dead_workers_of_several_campaigns_are_settled_together(
    database: Database, campaign: int, clock: Clock
) -> None:
    for _ in range(3):
        dead = worker(database, campaign, clock)
        dead.exchange((), dead.claim(4)[:1])
    with database.write() as connection:
        connection.execute(update(workers).where(workers.c.campaign_id == campaign).values(lease_until=clock.now))
    assert settle_expired(database, clock.now) == 0
    assert settle_expired(database, clock.now + TICK) == 3
    assert states(database) == {"queued": COUNT - 3, "uncertain": 3}
