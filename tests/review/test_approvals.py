"""Who may approve what; when an approval counts and when no longer; and that nothing leaves without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mailer.delivery.campaigns import lifecycle, orders
from mailer.delivery.campaigns.approved import changed_since_scheduled
from mailer.delivery.campaigns.orders import Order
from mailer.errors import MailerError
from mailer.review import approvals
from mailer.review.approvals import NotApproved, review_state
from mailer.review.content import PlannedTime
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignState
from mailer.workspace import Workspace
from tests.delivery.world import add_people
from tests.review.world import AMINA, RHIANNON, SLUG, TELLING, TOM, content, plan_of

ONE, TWO = StudioSettings(approvals=1), StudioSettings(approvals=2)
HOUR = timedelta(hours=1)


@pytest.fixture
def world(appeal: Workspace, database: Database, now: datetime) -> Workspace:
    """The appeal, for three people."""
    add_people(database, 3, now=now)
    return appeal


def order(
    workspace: Workspace,
    database: Database,
    settings: StudioSettings,
    *,
    by: Actor = RHIANNON,
    at: PlannedTime | None = None,
) -> Order:
    return Order(plan_of(workspace, database), content(workspace, database, at), by, settings)


def approve(
    database: Database, wanted: Order, *who: Actor, now: datetime, settings: StudioSettings | None = None
) -> None:
    for actor in who:
        with database.write() as connection:
            approvals.approve(
                connection, actor, wanted.content, seen=wanted.content.digest, settings=settings or wanted.settings,
                at=now,
            )  # fmt: skip


def refused(what: Callable[[], object], *words: str, kind: type[MailerError] = MailerError) -> None:
    with pytest.raises(kind) as caught:
        what()
    for word in words:
        assert word in str(caught.value)


def state_of(database: Database) -> str | None:
    with database.read() as connection:
        return connection.execute(select(campaigns.c.state).where(campaigns.c.slug == SLUG)).scalar()


def test_two_people_approve_and_it_leaves(world: Workspace, database: Database, now: datetime) -> None:
    wanted = order(world, database, TWO)
    send = lambda: orders.send(database, wanted, expected=3, now=now)  # noqa: E731
    refused(send, "needs 2 approvals as it is now, and has none", f"mailer approve {SLUG}", kind=NotApproved)
    approve(database, wanted, AMINA, now=now)
    refused(send, "has 1", kind=NotApproved)
    assert state_of(database) is None, "nothing is kept of what was refused"
    refused(lambda: approve(database, wanted, AMINA, now=now), "you approved")
    approve(database, wanted, TOM, now=now)
    send()
    assert state_of(database) == CampaignState.SENDING
    with database.read() as connection:
        row = connection.execute(select(campaigns)).one()
        log = [(one.by, one.action, one.after) for one in reversed(audit.entries(connection))]
    digest = wanted.content.digest
    assert row.content_digest == digest
    assert log == [
        ("Amina", "newsletter approved", digest), ("Tom", "newsletter approved", digest),
        ("Rhiannon", "newsletter launched", wanted.plan.message.digest),
    ]  # fmt: skip


@pytest.mark.parametrize("part", TELLING)
def test_any_change_voids_an_approval_and_is_shown(
    world: Workspace, database: Database, now: datetime, part: str
) -> None:
    approve(database, order(world, database, ONE), AMINA, now=now)
    TELLING[part](world.root)
    wanted = order(world, database, ONE)
    refused(
        lambda: orders.send(database, wanted, expected=3, now=now), "changed since it was approved", kind=NotApproved
    )
    with database.read() as connection:
        state = review_state(connection, wanted.content, ONE)
    (old,) = state.outdated
    assert (state.counting, state.missing, old.approval.by) == ((), 1, "Amina")
    assert any(str(change).startswith(part) for change in old.since)


def test_the_time_that_was_approved_is_the_only_one(world: Workspace, database: Database, now: datetime) -> None:
    nine = PlannedTime(now + 24 * HOUR, "Europe/London")
    approve(database, order(world, database, ONE, at=nine), AMINA, now=now)
    ten = order(world, database, ONE, at=PlannedTime(nine.at + HOUR, nine.zone))
    refused(lambda: orders.schedule(database, ten, now=now), "changed since", kind=NotApproved)
    soon = order(world, database, ONE)
    refused(lambda: orders.send(database, soon, expected=3, now=now), "changed since", kind=NotApproved)
    orders.schedule(database, order(world, database, ONE, at=nine), now=now)
    assert state_of(database) == CampaignState.SCHEDULED


@pytest.mark.parametrize("action", approvals.WROTE)
def test_who_wrote_it_does_not_approve_it(world: Workspace, database: Database, now: datetime, action: str) -> None:
    wanted = order(world, database, ONE)
    with database.write() as connection:
        audit.record(connection, AMINA, action, at=now, subject=audit.newsletter_subject(SLUG))
    refused(lambda: approve(database, wanted, AMINA, now=now), "you wrote some of", "approver_may_be_writer")
    lenient = replace(ONE, approver_may_be_writer=True)
    approve(database, wanted, AMINA, now=now, settings=lenient)
    refused(lambda: orders.send(database, wanted, expected=3, now=now), "approv", kind=NotApproved)
    orders.send(database, replace(wanted, settings=lenient), expected=3, now=now)


def test_rights_are_asked(world: Workspace, database: Database, now: datetime) -> None:
    wanted = order(world, database, ONE)
    refused(lambda: approve(database, wanted, RHIANNON, now=now), "approve", kind=NotAllowed)
    elsewhere = replace(TOM, lists=frozenset({"updates"}))
    refused(lambda: approve(database, wanted, elsewhere, now=now), "supporters", kind=NotAllowed)
    approve(database, wanted, TOM, now=now)
    for nobody in (AMINA, elsewhere):
        refused(
            lambda by=nobody: orders.send(database, replace(wanted, actor=by), expected=3, now=now), kind=NotAllowed
        )
    assert state_of(database) is None


def test_what_changed_while_somebody_looked_is_not_approved(
    world: Workspace, database: Database, now: datetime
) -> None:
    looked_at = order(world, database, ONE)
    TELLING["Subject"](world.root)
    edited = order(world, database, ONE)
    with database.write() as connection:
        refused(
            lambda: approvals.approve(
                connection, AMINA, edited.content, seen=looked_at.content.digest, settings=ONE, at=now
            ),
            "was changed while you looked at it",
        )


def test_an_edit_between_check_and_launch_changes_nothing_that_leaves(
    world: Workspace, database: Database, now: datetime
) -> None:
    wanted = order(world, database, ONE)
    approve(database, wanted, AMINA, now=now)
    TELLING["Subject"](world.root)  # in the files, after everything was looked at
    orders.send(database, wanted, expected=3, now=now)
    with database.read() as connection:
        row = connection.execute(select(campaigns)).one()
    assert (row.digest, row.content_digest) == (wanted.plan.message.digest, wanted.content.digest)
    assert "Eleven children" in str(row.message["subject"])


def test_an_approval_can_be_withdrawn(world: Workspace, database: Database, now: datetime) -> None:
    wanted = order(world, database, ONE)
    approve(database, wanted, AMINA, now=now)
    with database.write() as connection:
        approvals.withdraw(connection, AMINA, wanted.content, at=now)
        refused(lambda: approvals.withdraw(connection, AMINA, wanted.content, at=now), "haven't approved")
    refused(lambda: orders.send(database, wanted, expected=3, now=now), kind=NotApproved)
    approve(database, wanted, AMINA, now=now)
    orders.send(database, wanted, expected=3, now=now)


def test_what_was_scheduled_and_then_changed_does_not_leave(
    world: Workspace, database: Database, now: datetime
) -> None:
    strict = replace(world, settings=replace(world.settings, studio=ONE))
    nine = PlannedTime(now + HOUR, "Europe/London")
    wanted = order(world, database, ONE, at=nine)
    approve(database, wanted, AMINA, now=now)
    orders.schedule(database, wanted, now=now)
    assert changed_since_scheduled(strict, database, SLUG) == ""
    TELLING["Subject"](world.root)
    why = changed_since_scheduled(strict, database, SLUG)
    assert "changed after it was approved and scheduled: Subject: “Eleven children were ill” is now “Twelve" in why
    (row,) = lifecycle.launch_due(
        database, now=nine.at, why_hold=lambda *_: changed_since_scheduled(strict, database, SLUG)
    )
    assert (row.state, row.launched_at) == (CampaignState.OVERDUE, None)


@pytest.mark.parametrize("settings", [ONE, TWO])
def test_what_was_scheduled_without_approval_does_not_leave_once_it_is_asked_for(
    world: Workspace, database: Database, now: datetime, settings: StudioSettings
) -> None:
    nine = PlannedTime(now + HOUR, "Europe/London")
    orders.schedule(database, order(world, database, StudioSettings(), at=nine), now=now)
    (row,) = lifecycle.launch_due(database, now=nine.at, why_not=orders.not_approved_at_launch(settings))
    assert row.state == CampaignState.OVERDUE
    assert "approval" in row.why


def test_an_approval_that_is_withdrawn_at_the_last_moment_holds_it(
    world: Workspace, database: Database, now: datetime
) -> None:
    nine = PlannedTime(now + HOUR, "Europe/London")
    wanted = order(world, database, ONE, at=nine)
    approve(database, wanted, AMINA, now=now)
    orders.schedule(database, wanted, now=now)

    def hold(*_: object) -> str:  # everything was looked at; then
        with database.write() as connection:
            approvals.withdraw(connection, AMINA, wanted.content, at=now)
        return ""

    (row,) = lifecycle.launch_due(database, now=nine.at, why_hold=hold, why_not=orders.not_approved_at_launch(ONE))
    assert (row.state, row.launched_at) == (CampaignState.OVERDUE, None)


def test_the_hold_lies_before_the_time_and_stopping_keeps_the_approvals(
    world: Workspace, database: Database, now: datetime
) -> None:
    nine = PlannedTime(now + HOUR, "Europe/London")
    wanted = order(world, database, ONE, at=nine)
    approve(database, wanted, AMINA, now=now)
    assert orders.send_after_hold(database, wanted, now=now) == nine.at

    def held(at: datetime) -> datetime | None:
        with database.read() as connection:
            return orders.held_until(lifecycle.require_campaign(connection, SLUG), ONE, now=at)

    assert held(nine.at - timedelta(minutes=11)) is None
    assert held(nine.at - timedelta(minutes=10)) == nine.at
    nobody = replace(TOM, rights=frozenset())
    refused(lambda: orders.stop(database, SLUG, nobody, now=now), kind=NotAllowed)
    orders.stop(database, SLUG, AMINA, now=nine.at - timedelta(minutes=1))
    assert lifecycle.launch_due(database, now=nine.at, why_not=orders.not_approved_at_launch(ONE)) == []
    with database.read() as connection:
        assert review_state(connection, wanted.content, ONE).missing == 0, "it is approved as before"


def test_sent_now_it_waits_its_ten_minutes(world: Workspace, database: Database, now: datetime) -> None:
    wanted = order(world, database, ONE)
    approve(database, wanted, AMINA, now=now)
    due = orders.send_after_hold(database, wanted, now=now)
    assert due == now + timedelta(minutes=10)
    why_not = orders.not_approved_at_launch(ONE)
    assert lifecycle.launch_due(database, now=due - timedelta(seconds=1), why_not=why_not) == []
    (row,) = lifecycle.launch_due(database, now=due, why_not=why_not)
    assert row.state == CampaignState.SENDING


def test_a_time_nearer_than_the_hold_is_refused(world: Workspace, database: Database, now: datetime) -> None:
    wanted = order(world, database, StudioSettings(), at=PlannedTime(now + timedelta(minutes=9), "UTC"))
    refused(lambda: orders.send_after_hold(database, wanted, now=now), "less than 10m away")
    assert state_of(database) is None
