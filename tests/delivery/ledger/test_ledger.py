"""The ledger under several workers: claims, intents, leases that run out, consent read at the last moment.

The campaign is one of three (`conftest`), so each test also says that the two others are left alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from mailer.audience.consent.changes import leave, list_id, suppress
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.retry_failed import resolve_uncertain
from mailer.delivery.ledger.ledger import LEASE, Begun, CampaignStopped, LeaseLost
from mailer.delivery.ledger.outcomes import Claim, Done
from mailer.delivery.ledger.reopen import settle_expired
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.errors import MailerError
from mailer.settings import Pace
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import WORKER_CACHE_KIB
from mailer.store.tables.core import campaigns, deliveries, events, guard_evidence, people, subscriptions, suppressions
from mailer.store.tables.states import SuppressionReason
from mailer.transports.base import Fate, Outcome, ReplyClass
from tests.delivery.neighbours import COUNT
from tests.delivery.world import ACCEPTED, Clock, add_people, launch, states, worker


def test_launching_queues_everybody_once(database: Database, campaign: int) -> None:
    assert states(database) == {"queued": COUNT}
    with database.read() as connection:
        of_it = select(deliveries.c.id).where(deliveries.c.campaign_id == campaign)
        ids = connection.execute(of_it.order_by(deliveries.c.id)).scalars().all()
    assert ids == [campaign * 2**32 + n for n in range(1, COUNT + 1)]


def test_a_newsletter_is_launched_once(database: Database, campaign: int, now: datetime) -> None:
    with pytest.raises(MailerError, match="launched before"):
        launch(database, count=COUNT, now=now)
    assert states(database) == {"queued": COUNT}


def test_another_count_than_agreed_launches_nobody(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    with pytest.raises(steps.CountChanged, match="3 people, not 2"):
        launch(database, count=2, now=now)
    assert states(database) == {}


def test_two_workers_never_get_the_same_person(database: Database, campaign: int, clock: Clock) -> None:
    one, two = worker(database, campaign, clock), worker(database, campaign, clock)
    first, second, rest = one.claim(12), two.claim(12), one.claim(12)
    assert (len(first), len(second), len(rest)) == (12, 8, 0)
    assert not {c.id for c in first} & {c.id for c in second}


def test_intent_is_recorded_before_and_outcome_after(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(3)).claims
    assert states(database) == {"queued": COUNT - 3, "sending": 3}
    one.exchange([Done(claim, ACCEPTED) for claim in begun], ())
    assert states(database) == {"queued": COUNT - 3, "sent": 3}


def test_an_exchange_may_be_repeated_when_its_commit_was_not_confirmed(
    database: Database, campaign: int, clock: Clock
) -> None:
    one = worker(database, campaign, clock)
    first, second = one.claim(4)[:2], one.claim(1)
    begun = one.exchange((), first).claims
    done = [Done(claim, ACCEPTED) for claim in begun]
    once = one.exchange(done, second)
    again = one.exchange(done, second)
    assert again == once
    assert [claim.attempt for claim in again.claims] == [1]
    assert states(database) == {"queued": COUNT - 3, "sending": 1, "sent": 2}


def test_who_leaves_before_an_exchange_is_repeated_gets_nothing(
    database: Database, campaign: int, clock: Clock
) -> None:
    one = worker(database, campaign, clock)
    claims = one.claim(12)
    assert len(one.exchange((), claims).claims) == 12  # committed, and nobody could say so
    with database.write() as connection:
        number = list_id(connection, "supporters")
        person = claims[4].person_id
        leave(connection, person_id=person, list_ids=[number], how="link", source="appeal", at=clock.now)
    again = one.exchange((), claims)
    assert again.claims == tuple(claim for claim in claims if claim is not claims[4])
    assert again.skipped == 1
    assert states(database) == {"queued": COUNT - 12, "sending": 11, "skipped": 1}
    with database.read() as connection:
        attempts = select(deliveries.c.attempt).where(
            deliveries.c.campaign_id == campaign, deliveries.c.state == "sending"
        )
        assert set(connection.execute(attempts).scalars()) == {1}


@pytest.mark.sqlite
def test_a_worker_keeps_few_pages_however_large_the_file_is(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    for read in (database.held.write, database.held.read):
        one.claim(1)
        with read() as connection:
            assert connection.exec_driver_sql("PRAGMA cache_size").scalar() == -WORKER_CACHE_KIB


def test_who_died_leaves_only_what_was_on_the_wire_uncertain(database: Database, campaign: int, clock: Clock) -> None:
    dead = worker(database, campaign, clock)
    dead.exchange((), dead.claim(10)[:2])
    clock.now += LEASE / 2
    assert settle_expired(database, clock.now) == 0
    clock.now += LEASE
    assert settle_expired(database, clock.now) == 2
    assert states(database) == {"queued": COUNT - 2, "uncertain": 2}
    assert len(worker(database, campaign, clock).claim(100)) == COUNT - 2


def test_a_worker_that_lost_its_lease_gets_nobody_more(database: Database, campaign: int, clock: Clock) -> None:
    frozen = worker(database, campaign, clock)
    claims = frozen.claim(5)
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    with pytest.raises(LeaseLost):
        frozen.exchange((), claims)
    with pytest.raises(LeaseLost):
        frozen.claim(5)
    assert states(database) == {"queued": COUNT}


def test_a_late_answer_is_proof(database: Database, campaign: int, clock: Clock) -> None:
    frozen = worker(database, campaign, clock)
    begun = frozen.exchange((), frozen.claim(3)).claims
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    answers = [Done(begun[0], ACCEPTED), Done(begun[1], None), Done(begun[2], Outcome(Fate.UNCERTAIN))]
    with pytest.raises(LeaseLost):
        frozen.exchange(answers, ())
    assert states(database) == {"queued": COUNT - 2, "sent": 1, "uncertain": 1}


@pytest.mark.parametrize("late", [None, Outcome(Fate.DEFERRED, "450 4.2.1", "try later")])
def test_a_late_answer_that_nothing_left_opens_a_finished_campaign(
    database: Database, campaign: int, clock: Clock, late: Outcome | None
) -> None:
    frozen = worker(database, campaign, clock)
    begun = frozen.exchange((), frozen.claim(3)).claims
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    other = worker(database, campaign, clock)
    other.release([Done(claim, ACCEPTED) for claim in other.exchange((), other.claim(COUNT)).claims])
    assert steps.finish_if_done(database, campaign, now=clock.now)
    with pytest.raises(LeaseLost):
        frozen.exchange([Done(begun[0], ACCEPTED), Done(begun[1], late)], ())
    assert states(database) == {"queued": 1, "sent": COUNT - 2, "uncertain": 1}
    assert not steps.finish_if_done(database, campaign, now=clock.now)
    clock.now += timedelta(hours=1)
    (again,) = worker(database, campaign, clock).claim(COUNT)
    assert again.id == begun[1].id
    with database.read() as connection:
        of_it = select(campaigns.c.state, campaigns.c.finished_at).where(campaigns.c.id == campaign)
        assert connection.execute(of_it).one() == ("sending", None)


def test_a_late_answer_stops_a_resend_that_has_not_begun(database: Database, campaign: int, clock: Clock) -> None:
    frozen = worker(database, campaign, clock)
    begun = frozen.exchange((), frozen.claim(1)).claims
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    assert resolve_uncertain(database, campaign, resend=True, now=clock.now) == 1
    with pytest.raises(LeaseLost):
        frozen.exchange([Done(begun[0], ACCEPTED)], ())
    assert states(database) == {"queued": COUNT - 1, "sent": 1}


def test_a_late_answer_does_not_overwrite_a_newer_attempt(database: Database, campaign: int, clock: Clock) -> None:
    frozen = worker(database, campaign, clock)
    begun = frozen.exchange((), frozen.claim(1)).claims
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    resolve_uncertain(database, campaign, resend=True, now=clock.now)
    other = worker(database, campaign, clock)
    again = other.exchange((), [c for c in other.claim(COUNT) if c.id == begun[0].id]).claims
    other.exchange([Done(again[0], Outcome(Fate.REFUSED, code="550 5.7.1"))], ())
    with pytest.raises(LeaseLost):
        frozen.exchange([Done(begun[0], None)], ())
    assert states(database) == {"queued": COUNT - 1, "failed": 1}


@pytest.mark.parametrize("clock_step", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_jumps_ends_no_lease_by_itself(
    database: Database, campaign: int, clock: Clock, clock_step: timedelta
) -> None:
    one = worker(database, campaign, clock)
    claims = one.claim(3)
    clock.now += clock_step
    assert len(one.exchange((), claims).claims) == 3
    assert settle_expired(database, clock.now) == 0


def test_consent_is_read_at_the_last_moment(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    claims = one.claim(5)
    left, suppressed, deleted = claims[0].person_id, claims[1].person_id, claims[2].person_id
    with database.write() as connection:
        number = list_id(connection, "supporters")
        leave(connection, person_id=left, list_ids=[number], how="link", source="appeal", at=clock.now)
        hashed = connection.execute(select(people.c.address_hash).where(people.c.id == suppressed)).scalar_one()
        suppress(connection, address_hash=hashed, reason=SuppressionReason.STAFF, at=clock.now, source="test")
        connection.execute(delete(subscriptions).where(subscriptions.c.person_id == deleted))
        connection.execute(delete(people).where(people.c.id == deleted))
    begun = one.exchange((), claims)
    assert [claim.person_id for claim in begun.claims] == [claim.person_id for claim in claims[3:]]
    assert begun.skipped == 3
    with database.read() as connection:
        skipped = select(deliveries.c.person_id, deliveries.c.code).where(
            deliveries.c.campaign_id == campaign, deliveries.c.state == "skipped"
        )
        reasons = {row.person_id: row.code for row in connection.execute(skipped)}
    assert reasons == {left: "unsubscribed", suppressed: "suppressed by staff", deleted: "deleted"}


def test_pause_takes_effect_with_the_next_exchange(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    claims = one.claim(4)
    begun = one.exchange((), claims[:2]).claims
    assert steps.pause(database, campaign, "a typo in the subject", now=clock.now)
    with pytest.raises(CampaignStopped, match="a typo in the subject"):
        one.exchange([Done(claim, ACCEPTED) for claim in begun], claims[2:])
    assert states(database) == {"queued": COUNT - 2, "sent": 2}
    one.release()
    assert steps.resume(database, campaign, now=clock.now)
    assert len(worker(database, campaign, clock).claim(100)) == COUNT - 2


def test_cancel_keeps_what_is_on_the_wire_and_drops_the_rest(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(4)[:2]).claims
    assert steps.cancel(database, campaign, now=clock.now) == COUNT - 2
    with pytest.raises(CampaignStopped):
        one.exchange([Done(begun[0], ACCEPTED), Done(begun[1], None)], ())
    assert states(database) == {"cancelled": COUNT - 1, "sent": 1}
    assert steps.cancel(database, campaign, now=clock.now) is None


def test_a_deferral_waits_and_leaves_a_note(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(1)).claims
    one.exchange([Done(begun[0], Outcome(Fate.DEFERRED, "450 4.2.1", "try later"))], ())
    assert len(one.claim(100)) == COUNT - 1
    clock.now += timedelta(minutes=2)
    assert [claim.id for claim in one.claim(100)] == [begun[0].id]
    with database.read() as connection:
        notes = connection.execute(select(events.c.kind, events.c.detail, events.c.delivery_id)).all()
    assert notes == [("deferred", "450 4.2.1 try later", begun[0].id)]


def test_an_address_that_does_not_exist_is_suppressed(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(2)).claims
    hard = Outcome(Fate.REFUSED, "550 5.1.1", "no such user", reply_class=ReplyClass.HARD)
    policy = Outcome(Fate.REFUSED, "550 5.7.1", "looks like spam", reply_class=ReplyClass.POLICY)
    one.exchange([Done(begun[0], hard), Done(begun[1], policy)], ())
    with database.read() as connection:
        rows = connection.execute(select(suppressions.c.reason, suppressions.c.list_id, suppressions.c.source)).all()
    assert rows == [("bounced", 0, "550 5.1.1 no such user")]
    assert states(database)["failed"] == 2


def test_finished_means_nobody_is_queued_and_no_worker_is_at_it(
    database: Database, campaign: int, clock: Clock
) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(COUNT)).claims
    assert not steps.finish_if_done(database, campaign, now=clock.now)
    one.exchange([Done(claim, ACCEPTED) for claim in begun], ())
    assert not steps.finish_if_done(database, campaign, now=clock.now)
    one.release()
    assert steps.finish_if_done(database, campaign, now=clock.now)
    assert not steps.pause(database, campaign, "too late", now=clock.now)


def test_a_pause_after_the_last_hand_over_ends_with_the_last_worker(
    database: Database, campaign: int, clock: Clock
) -> None:
    found = "3 of 9 people bounced; everybody who was not mailed yet stays queued. Mend it; then: mailer resume appeal"
    one, two = worker(database, campaign, clock), worker(database, campaign, clock)
    claims = one.claim(COUNT)
    one.exchange([Done(claim, ACCEPTED) for claim in one.exchange((), claims).claims], ())
    assert steps.pause(database, campaign, found, now=clock.now)
    one.release()
    steps.finish_paused(database, now=clock.now)
    assert standing(database, campaign) == ("paused", found), "the other is at it"
    two.release()
    steps.finish_paused(database, now=clock.now)
    said = "3 of 9 people bounced; it would have paused, had anybody been left to mail. Mend it."
    assert standing(database, campaign) == ("finished", said)


def test_a_paused_campaign_with_somebody_put_off_stays_paused(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(COUNT)).claims
    later = Outcome(Fate.DEFERRED, "450 4.2.1", "try later")
    one.release([Done(begun[0], later), *(Done(claim, ACCEPTED) for claim in begun[1:])])
    steps.pause(database, campaign, "paused by staff", now=clock.now)
    steps.finish_paused(database, now=clock.now)
    assert standing(database, campaign) == ("paused", "paused by staff")


def test_resending_to_the_uncertain_opens_what_a_pause_ended(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(COUNT)).claims
    one.release([Done(claim, ACCEPTED) for claim in begun[1:]])  # what has not answered becomes uncertain
    steps.pause(
        database,
        campaign,
        "9 bounced; everybody who was not mailed yet stays queued. M; then: mailer resume a",
        now=clock.now,
    )
    assert steps.finish_if_done(database, campaign, now=clock.now)
    assert resolve_uncertain(database, campaign, resend=True, now=clock.now) == 1
    assert standing(database, campaign) == ("sending", "")
    with database.read() as connection:
        since = select(guard_evidence.c.since).where(guard_evidence.c.campaign_id == campaign)
        assert connection.execute(since).scalars().all() == [clock.now]


def standing(database: Database, campaign: int) -> tuple[str, str]:
    """The campaign's state, and why."""
    with database.read() as connection:
        of_it = select(campaigns.c.state, campaigns.c.why).where(campaigns.c.id == campaign)
        state, why = connection.execute(of_it).one()
    return state, why


def test_release_gives_back_what_was_not_begun(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    one.exchange((), one.claim(10)[:1])
    one.release()
    assert states(database) == {"queued": COUNT - 1, "uncertain": 1}
    with database.read() as connection:
        claimed = select(deliveries.c.id).where(
            deliveries.c.campaign_id == campaign, deliveries.c.worker_id.is_not(None)
        )
        assert not connection.execute(claimed).all()


def row_of(database: Database, claim: Claim) -> Any:
    with database.read() as connection:
        return connection.execute(select(deliveries).where(deliveries.c.id == claim.id)).one()


def test_what_an_intent_writes_down(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    (claim,) = one.claim(1)
    before = row_of(database, claim)
    clock.now += timedelta(seconds=5)
    assert one.exchange((), [claim]).claims == (claim,)
    after = row_of(database, claim)
    assert (before.attempt, after.attempt, claim.attempt) == (0, 1, 1)
    assert (after.state, after.worker_id, after.changed_at) == ("sending", one.id, clock.now)


def test_what_a_skip_writes_down(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    (claim,) = one.claim(1)
    with database.write() as connection:
        number = list_id(connection, "supporters")
        leave(connection, person_id=claim.person_id, list_ids=[number], how="link", source="appeal", at=clock.now)
    clock.now += timedelta(seconds=5)
    assert one.exchange((), [claim]) == Begun((), 1)
    row = row_of(database, claim)
    assert (row.state, row.code, row.worker_id, row.attempt) == ("skipped", "unsubscribed", None, 0)
    assert row.changed_at == clock.now


def test_what_becomes_uncertain_keeps_no_earlier_answer(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    begun = one.exchange((), one.claim(1)).claims
    one.exchange([Done(begun[0], Outcome(Fate.DEFERRED, "450 4.2.1", "try later"))], ())
    clock.now += timedelta(minutes=2)
    (again,) = [claim for claim in one.claim(COUNT) if claim.id == begun[0].id]
    assert again.attempt == 2
    one.exchange((), [again])
    one.release()
    row = row_of(database, again)
    assert (row.state, row.code, row.attempt) == ("uncertain", "", 2)


def test_people_come_in_the_order_in_which_they_are_due(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    first, second, *_ = begun = one.exchange((), one.claim(3)).claims
    later, soon = (Outcome(Fate.DEFERRED, retry_after_seconds=seconds) for seconds in (300.0, 100.0))
    one.exchange([Done(first, later), Done(second, soon), Done(begun[2], ACCEPTED)], ())
    assert [claim.id for claim in one.claim(2)] == [begun[2].id + 1, begun[2].id + 2], "who was never tried comes first"
    one.claim(COUNT)
    clock.now += timedelta(seconds=100)
    assert [claim.id for claim in one.claim(2)] == [second.id], "due to the second"
    clock.now += timedelta(seconds=200)
    assert [claim.id for claim in one.claim(2)] == [first.id]


def test_a_claim_knows_the_person_and_the_next_attempt(database: Database, campaign: int, clock: Clock) -> None:
    one = worker(database, campaign, clock)
    with database.write() as connection:
        gone = select(deliveries.c.id).where(deliveries.c.campaign_id == campaign).order_by(deliveries.c.id).limit(1)
        number = connection.execute(gone).scalar_one()
        connection.execute(update(deliveries).where(deliveries.c.id == number).values(person_id=None, attempt=4))
    claims = one.claim(COUNT)
    assert claims[0] == Claim(number, 0, 5), "somebody who was forgotten"
    assert claims == sorted(claims)
    for claim in claims[1:]:
        assert claim == (claim.id, row_of(database, claim).person_id, 1)
    assert one.exchange((), claims[:1]) == Begun((), 1)
    assert row_of(database, claims[0]).code == "deleted"


def test_one_that_is_stopped_says_by_what() -> None:
    assert CampaignStopped("paused", "a typo").message == "the campaign is paused: a typo"
    assert CampaignStopped("finished", "").message == "the campaign is finished"
    assert CampaignStopped("finished", "").state == "finished"


def allowed_left(database: Database, clock: Clock, pace: Pace) -> int:
    with database.read() as connection:
        today = WarmUp(pace, transport="outbox").today(connection, clock.now)
    assert today is not None
    return today.left


def test_the_plan_counts_who_may_have_got_a_mail_and_nobody_else(
    database: Database, campaign: int, clock: Clock
) -> None:
    pace = Pace(warm_up=(10, 20))
    one = worker(database, campaign, clock, pace)
    claims = one.claim(8)
    with database.write() as connection:
        number = list_id(connection, "supporters")
        for claim in claims[:2]:
            leave(connection, person_id=claim.person_id, list_ids=[number], how="link", source="a", at=clock.now)
    begun = one.exchange((), claims)
    assert (len(begun.claims), begun.skipped, begun.held_back) == (6, 2, "")
    assert allowed_left(database, clock, pace) == 4, "whoever left used up nothing"
    answers = [ACCEPTED, Outcome(Fate.UNCERTAIN), Outcome(Fate.REFUSED, reply_class=ReplyClass.POLICY), None,
               Outcome(Fate.DEFERRED), Outcome(Fate.DEFERRED)]  # fmt: skip
    one.exchange([Done(claim, answer) for claim, answer in zip(begun.claims, answers, strict=True)], ())
    assert allowed_left(database, clock, pace) == 7


def test_who_is_held_back_by_the_plan_stays_queued(database: Database, campaign: int, clock: Clock) -> None:
    pace = Pace(warm_up=(3, 20))
    one = worker(database, campaign, clock, pace)
    claims = one.claim(5)
    begun = one.exchange((), claims)
    assert list(begun.claims) == claims[:3]
    assert begun.held_back.startswith("today's warm-up allowance of 3 is used up")
    none = one.exchange((), claims[3:])
    assert (none.claims, none.held_back) == ((), begun.held_back)
    assert states(database) == {"queued": COUNT - 3, "sending": 3}
    one.release()
    assert states(database) == {"queued": COUNT - 3, "uncertain": 3}
