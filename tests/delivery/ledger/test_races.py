"""What others do between a look and what is done about it: a launch, a cancellation, a pause, an end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from mailer.audience.consent.changes import leave, list_id
from mailer.audience.selection.spec import Audience
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.ledger.ledger import LEASE, CampaignStopped, LeaseLost, Worker
from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.ledger.reopen import settle_expired
from mailer.errors import MailerError
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import campaigns, deliveries
from mailer.transports.base import Fate, Outcome, ReplyClass
from tests.conftest import NOW
from tests.databases import emptied, on_postgresql
from tests.delivery.neighbours import COUNT, among_neighbours
from tests.delivery.world import ACCEPTED, MESSAGE, NOWHERE, Clock, add_people, states, worker

PEOPLE = 4
LATER = Outcome(Fate.DEFERRED, "450 4.2.1", "busy")
OURS = Outcome(Fate.REFUSED, "530 5.7.0", "log in first", ReplyClass.OURS)
POLICY = Outcome(Fate.REFUSED, "550 5.7.1", "spam", ReplyClass.POLICY)


def plan(slug: str = "appeal") -> Plan:
    message = replace(MESSAGE, slug=slug)
    return Plan(message, Audience(include=("supporters",)), NOWHERE, transport="outbox")


def state_of(database: Database, slug: str = "appeal") -> str | None:
    with database.read() as connection:
        return connection.execute(select(campaigns.c.state).where(campaigns.c.slug == slug)).scalar()


@pytest.fixture
def due(database: Database, now: datetime) -> int:
    """A campaign whose time has come."""
    add_people(database, PEOPLE, now=now)
    return steps.schedule(database, plan(), due_at=now, zone="UTC", late=timedelta(hours=1), now=now)


def meanwhile(do: Callable[[], object]) -> Callable[..., str]:
    """`why_hold`, which `launch_due` asks between the look at what is due and the launch: somebody else acts then."""

    def look(*_: object) -> str:
        do()
        return ""

    return look


def test_who_launches_it_meanwhile_has_launched_it(database: Database, due: int, now: datetime) -> None:
    others: list[Any] = []
    hold = meanwhile(lambda: others.extend(steps.launch_due(database, now=now)))
    assert steps.launch_due(database, now=now, why_hold=hold) == [], "only one of them tells of it"
    assert [row.id for row in others] == [due]
    assert states(database) == {"queued": PEOPLE}
    assert state_of(database) == "sending"


def test_what_is_cancelled_meanwhile_is_not_launched(database: Database, due: int, now: datetime) -> None:
    hold = meanwhile(lambda: steps.cancel(database, due, now=now))
    assert steps.launch_due(database, now=now, why_hold=hold) == []
    assert (state_of(database), states(database)) == ("cancelled", {})


def test_what_is_taken_off_the_schedule_meanwhile_is_not_launched(database: Database, due: int, now: datetime) -> None:
    hold = meanwhile(lambda: steps.unschedule(database, "appeal", now=now))
    assert steps.launch_due(database, now=now, why_hold=hold) == []
    assert (state_of(database), states(database)) == (None, {})


def test_what_is_scheduled_for_later_meanwhile_waits(database: Database, due: int, now: datetime) -> None:
    later = now + timedelta(hours=3)
    hold = meanwhile(
        lambda: steps.schedule(database, plan(), due_at=later, zone="UTC", late=timedelta(hours=1), now=now)
    )
    assert steps.launch_due(database, now=now, why_hold=hold) == []
    assert (state_of(database), states(database)) == ("scheduled", {})
    assert [row.slug for row in steps.launch_due(database, now=later)] == ["appeal"]


def test_what_was_paused_meanwhile_is_not_flagged_as_overdue(database: Database, due: int, now: datetime) -> None:
    """Another run launches it and staff pause it, while this run finds a reason to hold it."""

    def hold(*_: object) -> str:
        if state_of(database) == "scheduled":
            steps.launch_due(database, now=now)
            steps.pause(database, due, "a typo", now=now)
        return "a picture is missing"

    assert steps.launch_due(database, now=now, why_hold=hold) == []
    assert (state_of(database), states(database)) == ("paused", {"queued": PEOPLE})


def test_a_launch_that_comes_too_late_finds_what_was_launched(database: Database, due: int, now: datetime) -> None:
    steps.launch_due(database, now=now)
    with pytest.raises(MailerError, match="was launched before and is sending"):
        steps.launch_now(database, plan(), expected=PEOPLE, now=now)
    with pytest.raises(MailerError, match="is sending, not scheduled"):
        steps.unschedule(database, "appeal", now=now)
    assert states(database) == {"queued": PEOPLE}


# The worker between two exchanges


@pytest.fixture
def one(database: Database, campaign: int, clock: Clock) -> Worker:
    return worker(database, campaign, clock)


@pytest.mark.parametrize(("answer", "state"), [
    (ACCEPTED, "sent"), (LATER, "cancelled"), (OURS, "cancelled"), (None, "cancelled"), (POLICY, "failed"),
    (Outcome(Fate.UNCERTAIN), "uncertain"),
])  # fmt: skip
def test_answers_in_hand_when_staff_cancel(
    database: Database, campaign: int, one: Worker, clock: Clock, answer: Outcome | None, state: str
) -> None:
    (begun,) = one.exchange((), one.claim(3)[:1]).claims
    assert steps.cancel(database, campaign, now=clock.now) == COUNT - 1
    with pytest.raises(CampaignStopped, match="the campaign is cancelled: cancelled by staff"):
        one.exchange([Done(begun, answer)], ())
    assert states(database) == ({"cancelled": COUNT - 1, state: 1} if state != "cancelled" else {"cancelled": COUNT})
    one.release()
    assert state_of(database) == "cancelled"


@pytest.mark.parametrize(
    ("answer", "known"),
    [(ACCEPTED, "sent"), (LATER, "queued"), (OURS, "queued"), (None, "queued"), (POLICY, "failed")],
)
def test_answers_in_hand_when_staff_pause_and_the_program_ends(
    database: Database, campaign: int, one: Worker, answer: Outcome | None, known: str
) -> None:
    begun = one.exchange((), one.claim(3)[:2]).claims
    steps.pause(database, campaign, "a typo", now=NOW)
    one.release([Done(begun[0], answer)])
    expected = {"queued": COUNT - 2, "uncertain": 1}
    expected[known] = expected.get(known, 0) + 1
    assert states(database) == expected
    assert state_of(database) == "paused"


def test_what_was_put_aside_is_not_begun_once_staff_cancelled(
    database: Database, campaign: int, one: Worker, clock: Clock
) -> None:
    claims = one.claim(5)
    steps.cancel(database, campaign, now=clock.now)
    for ask in (lambda: one.exchange((), claims), lambda: one.claim(5)):
        with pytest.raises(CampaignStopped):
            ask()
    assert states(database) == {"cancelled": COUNT}


def test_a_late_answer_of_a_cancelled_campaign_puts_nobody_back(
    database: Database, campaign: int, one: Worker, clock: Clock
) -> None:
    begun = one.exchange((), one.claim(2)).claims
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    steps.cancel(database, campaign, now=clock.now)
    with pytest.raises(LeaseLost):
        one.exchange([Done(begun[0], None), Done(begun[1], ACCEPTED)], ())
    assert states(database) == {"cancelled": COUNT - 1, "sent": 1}
    assert state_of(database) == "cancelled"


def test_a_late_answer_opens_only_what_has_finished(
    database: Database, campaign: int, one: Worker, clock: Clock
) -> None:
    (begun,) = one.exchange((), one.claim(1)).claims
    clock.now += LEASE * 2
    settle_expired(database, clock.now)
    steps.pause(database, campaign, "a typo", now=clock.now)
    with pytest.raises(LeaseLost):
        one.exchange([Done(begun, None)], ())
    assert (state_of(database), states(database)) == ("paused", {"queued": COUNT})


def test_an_early_answer_opens_nothing(database: Database, campaign: int, one: Worker) -> None:
    """A worker that holds its lease keeps its campaign from finishing, so there is nothing to open."""
    (begun,) = one.exchange((), one.claim(1)).claims
    steps.pause(database, campaign, "a typo", now=NOW)
    one.release([Done(begun, LATER)])
    assert state_of(database) == "paused"


# Inside one transaction: only PostgreSQL lets others commit between a look and what is done about it.


@pytest.fixture
def elsewhere(shared_url: str, now: datetime) -> Iterator[Database]:
    """Another program's way to the same database."""
    with closing(open_database(emptied(shared_url))) as database:
        yield database


@pytest.fixture
def of_postgresql(shared_url: str, elsewhere: Database, now: datetime) -> Iterator[tuple[Database, int]]:
    with closing(open_database(shared_url)) as database, among_neighbours(database, now=now) as campaign:
        yield database, campaign


def just_after_the_look(monkeypatch: pytest.MonkeyPatch, one: Worker, do: Callable[[], object]) -> None:
    look = one._look

    def and_then(connection: Connection, now: datetime) -> Any:
        seen = look(connection, now)
        monkeypatch.undo()
        do()
        return seen

    monkeypatch.setattr(one, "_look", and_then)


Cancelled = tuple[Database, Worker, Callable[[], object]]


@pytest.fixture
def cancelled(elsewhere: Database, of_postgresql: tuple[Database, int], clock: Clock) -> Cancelled:
    """A worker, and how somebody else cancels its campaign."""
    database, campaign = of_postgresql
    return database, worker(database, campaign, clock), lambda: steps.cancel(elsewhere, campaign, now=clock.now)


@on_postgresql
@pytest.mark.parametrize("answer", [LATER, OURS, None])
def test_nobody_goes_back_to_the_queue_of_a_campaign_that_is_cancelled_just_now(
    cancelled: Cancelled, monkeypatch: pytest.MonkeyPatch, answer: Outcome | None
) -> None:
    database, one, cancel = cancelled
    (begun,) = one.exchange((), one.claim(3)[:1]).claims
    just_after_the_look(monkeypatch, one, cancel)
    one.exchange([Done(begun, answer)], ())
    assert states(database) == {"cancelled": COUNT}


@on_postgresql
def test_nobody_is_begun_in_a_campaign_that_is_cancelled_just_now(
    cancelled: Cancelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, one, cancel = cancelled
    claims = one.claim(3)
    just_after_the_look(monkeypatch, one, cancel)
    begun = one.exchange((), claims)
    assert (begun.claims, begun.skipped) == ((), 0)
    assert states(database) == {"cancelled": COUNT}


@on_postgresql
def test_a_claim_of_a_campaign_that_is_cancelled_just_now_finds_nobody(
    cancelled: Cancelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, one, cancel = cancelled
    just_after_the_look(monkeypatch, one, cancel)
    assert one.claim(3) == []
    assert states(database) == {"cancelled": COUNT}


@on_postgresql
def test_a_cancellation_waits_for_who_is_being_put_back(
    cancelled: Cancelled, shared_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other way round: the worker is in the middle of it, and the cancellation finds them queued."""
    database, one, cancel = cancelled
    (begun,) = one.exchange((), one.claim(1)).claims
    staff = threading.Thread(target=cancel)

    def and_wait(*_: object, **__: object) -> None:
        staff.start()
        until_somebody_waits(shared_url, staff)

    monkeypatch.setattr("mailer.delivery.ledger.outcomes._note_deferrals", and_wait)  # after the rows are written
    one.exchange([Done(begun, LATER)], ())
    staff.join()
    assert states(database) == {"cancelled": COUNT}


def leave_list(connection: Connection, person: int, at: datetime) -> None:
    number = list_id(connection, "supporters")
    leave(connection, person_id=person, list_ids=[number], how="link", source="appeal", at=at)


def until_somebody_waits(url: str, thread: threading.Thread) -> None:
    """Returns once a statement waits for a lock; fails when the thread ends without having waited."""
    with closing(open_database(url)) as look, look.read() as connection:
        while not connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted")).first():
            assert thread.is_alive(), "nobody waited"


@on_postgresql
def test_who_leaves_while_their_mail_is_being_begun_waits_until_that_is_said(
    cancelled: Cancelled, elsewhere: Database, shared_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, one, _ = cancelled
    claims = one.claim(2)

    def go() -> None:
        with elsewhere.write() as connection:
            leave_list(connection, claims[0].person_id, clock.now)

    leaving = threading.Thread(target=go)

    class Begin:
        def count(self, *given: Any) -> int:
            begun = begin.count(*given)
            leaving.start()
            until_somebody_waits(shared_url, leaving)
            return begun

    begin, begun_of_those = one._plainly
    monkeypatch.setattr(one, "_plainly", (Begin(), begun_of_those))
    assert len(one.exchange((), claims).claims) == 2
    leaving.join()
    assert states(database) == {"queued": COUNT - 2, "sending": 2}


@on_postgresql
def test_a_mail_is_not_begun_while_somebody_is_leaving(
    cancelled: Cancelled, elsewhere: Database, shared_url: str, clock: Clock
) -> None:
    database, one, _ = cancelled
    claims = one.claim(2)
    begun: list[Any] = []
    sending = threading.Thread(target=lambda: begun.append(one.exchange((), claims)))
    with elsewhere.write() as connection:
        leave_list(connection, claims[0].person_id, clock.now)
        sending.start()
        until_somebody_waits(shared_url, sending)
    sending.join()
    assert [(list(done.claims), done.skipped) for done in begun] == [(claims[1:], 1)]
    assert states(database) == {"queued": COUNT - 2, "sending": 1, "skipped": 1}


@on_postgresql
def test_a_claim_waits_for_nobody(cancelled: Cancelled, elsewhere: Database, clock: Clock) -> None:
    database, one, _ = cancelled
    theirs = select(deliveries.c.id).where(deliveries.c.campaign_id == one.campaign_id).order_by(deliveries.c.id)
    with elsewhere.write() as connection:
        taken = connection.execute(theirs.limit(3).with_for_update()).scalars().all()
        with database.held.write() as mine:
            mine.execute(text("SET lock_timeout = '5s'"))  # for one that would wait: it is told off
        assert [claim.id for claim in one.claim(2)] == [taken[-1] + 1, taken[-1] + 2]
