"""What staff order: send, schedule, stop, pause, resume, cancel. Commands and pages alike order it here.

Each asks the right and the approvals it needs and writes its line into the audit log, in the one transaction of the
change. What a campaign may become is for `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, update

from mailer.counting import counted
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import Within, require_campaign
from mailer.errors import MailerError
from mailer.review.approvals import require_approvals, subject, why_not_approved
from mailer.review.content import NewsletterContent, PlannedTime, leaves_at
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignState

LATE = timedelta(hours=2)  # how much later than planned a newsletter still leaves, unless somebody says otherwise


@dataclass(frozen=True, slots=True)
class Order:
    """A newsletter that somebody wants to let go: its plan, all that was looked at, and who orders it."""

    plan: Plan
    content: NewsletterContent
    actor: Actor
    settings: StudioSettings

    def within(self, action: str, detail: str, now: datetime) -> Within:
        """Freeze the digest of the content, refuse what wasn't approved, and log it, in the transaction of the launch:
        what is frozen there is the plan in memory, so an edit meanwhile changes nothing of it."""

        def within(connection: Connection, campaign_id: int) -> None:
            slug, digest = self.content.slug, self.content.digest
            require_approvals(connection, slug, digest, self.settings)
            of_it = campaigns.c.id == campaign_id
            connection.execute(update(campaigns).where(of_it).values(content_digest=digest))
            audit.record(connection, self.actor, action, at=now, subject=subject(slug), detail=detail, after=digest)

        return within

    def require_right(self) -> None:
        """Raise `NotAllowed` unless the actor may send to each list that it goes to."""
        for name in sorted({self.plan.message.list, *self.plan.audience.include}):
            self.actor.require(Right.SEND, name)


def send(database: Database, order: Order, *, expected: int, now: datetime) -> int:
    """Launch now, for an audience of `expected` people; returns the campaign's id. Raises `NotApproved`, `NotAllowed`,
    `CountChanged`, and for content that was approved for another time."""
    order.require_right()
    within = order.within("newsletter sent", counted(expected), now)
    return lifecycle.launch_now(database, order.plan, expected=expected, now=now, within=within)


def schedule(database: Database, order: Order, *, now: datetime, late: timedelta = LATE) -> int:
    """Freeze it now, to leave at the time in its content; returns the campaign's id. Raises as `send`."""
    leaves = leaves_at(order.content)
    if leaves is None:
        raise MailerError(f"{order.content.slug} has no time to leave at")
    order.require_right()
    within = order.within("newsletter scheduled", str(leaves), now)
    return lifecycle.schedule(
        database, order.plan, due_at=leaves.at, zone=leaves.zone, late=late, now=now, within=within
    )


def send_after_hold(database: Database, order: Order, *, now: datetime) -> datetime:
    """Let it leave as the studio does: at its time, or after the hold when it has none; returns when.

    The hold lies before the planned time. Raises as `send`, and when the time is nearer than the hold is long.
    """
    leaves, hold = leaves_at(order.content), order.settings.hold_for
    if leaves is not None:
        if leaves.at < now + hold:
            raise MailerError(
                f"{leaves} is less than {order.settings.hold} away, and so long it can be stopped",
                remedy="Choose a later time, or send it now.",
            )
        schedule(database, order, now=now)
        return leaves.at
    order.require_right()
    due = now + hold
    within = order.within("newsletter sent", f"leaves in {order.settings.hold} unless it is stopped", now)
    lifecycle.schedule(database, order.plan, due_at=due, zone="", late=LATE, now=now, within=within)
    return due


def held_until(row: Row[Any], settings: StudioSettings, *, now: datetime) -> datetime | None:
    """When a campaign that counts down leaves; None when it doesn't count down."""
    if row.state != CampaignState.SCHEDULED or row.due_at is None or now < row.due_at - settings.hold_for:
        return None
    return row.due_at


def planned_for(row: Row[Any]) -> PlannedTime | None:
    """The time for which a scheduled campaign was approved; None: it leaves at the end of its hold."""
    return PlannedTime(row.due_at, row.zone) if row.zone else None


def stop(database: Database, slug: str, actor: Actor, *, now: datetime) -> None:
    """Take it off the schedule or stop it in its hold: nobody was mailed, and its approvals stay. Raises `NotAllowed`
    without the right to send or to pause, and when it left already."""
    with database.read() as connection:
        name = require_campaign(connection, slug).message["list"]
    if not (actor.may(Right.PAUSE, name) or actor.may(Right.SEND, name)):
        raise NotAllowed(Right.PAUSE, name)
    lifecycle.unschedule(database, slug, within=_logged(actor, slug, "newsletter stopped before it left", now=now))


def pause(database: Database, slug: str, actor: Actor, *, why: str, now: datetime) -> bool:
    """Stop handing over; False when it wasn't being sent."""
    number = _allowed(database, slug, actor)
    within = _logged(actor, slug, "newsletter paused", detail=why, now=now)
    return lifecycle.pause(database, number, why, within=within)


def resume(database: Database, slug: str, actor: Actor, *, now: datetime) -> bool:
    """Go on with a paused one; False when it wasn't paused."""
    number = _allowed(database, slug, actor)
    return lifecycle.resume(database, number, now=now, within=_logged(actor, slug, "newsletter resumed", now=now))


def cancel(database: Database, slug: str, actor: Actor, *, now: datetime) -> int | None:
    """End it for good. Returns how many were still queued; None when it had ended."""
    number = _allowed(database, slug, actor)
    return lifecycle.cancel(database, number, now=now, within=_logged(actor, slug, "newsletter cancelled", now=now))


def resolve(database: Database, slug: str, actor: Actor, *, resend: bool, now: datetime) -> int:
    """Decide on everybody who may or may not have got it. Returns how many."""
    number = _allowed(database, slug, actor)
    action = "uncertain mails sent again" if resend else "uncertain mails counted as sent"
    within = _logged(actor, slug, action, now=now)
    return lifecycle.resolve_uncertain(database, number, resend=resend, now=now, within=within)


def not_approved_at_launch(settings: StudioSettings) -> Callable[[Connection, Row[Any]], str]:
    """What `mailer run` asks in the transaction that launches what is due: whether that content is approved."""
    return lambda connection, row: why_not_approved(connection, row.slug, row.content_digest, settings)


def _allowed(database: Database, slug: str, actor: Actor) -> int:
    with database.read() as connection:
        row = require_campaign(connection, slug)
    actor.require(Right.PAUSE, row.message["list"])
    return row.id


def _logged(actor: Actor, slug: str, action: str, *, now: datetime, detail: str = "") -> Within:
    def within(connection: Connection, _campaign_id: int) -> None:
        audit.record(connection, actor, action, at=now, subject=subject(slug), detail=detail)

    return within
