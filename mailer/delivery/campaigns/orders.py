"""What staff order: send, schedule, stop, pause, resume, cancel. Commands and pages alike order it here.

Each asks the right it needs; what lets a newsletter leave asks for its approvals in the transaction that does. What a
campaign may become, and the line in the audit log, are for `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, update

from mailer.delivery.campaigns import held, lifecycle
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.held import HeldChoice
from mailer.delivery.campaigns.lifecycle import require_campaign
from mailer.delivery.campaigns.retry_failed import resolve_uncertain, retry_failed
from mailer.delivery.campaigns.timed import launches_at, refuse_unfit
from mailer.delivery.schedule.local_hours import columns_of
from mailer.errors import MailerError
from mailer.review.approvals import require_approvals, why_not_approved
from mailer.review.content import NewsletterContent, PlannedTime, leaves_at
from mailer.review.planned import planned_time
from mailer.settings import Guard, StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignState, PastHour
from mailer.timezones.local_time import instant_of

LATE = timedelta(hours=2)  # how much later than planned a newsletter still leaves, unless somebody says otherwise

# The log's words for what decides whether a newsletter leaves.
DECISIONS = (
    "newsletter scheduled", "newsletter taken off the schedule", "newsletter launched", "newsletter not launched",
)  # fmt: skip


class Overtaken(MailerError):
    """Somebody decided about the newsletter after the orderer had looked at it."""


@dataclass(frozen=True, slots=True)
class Order:
    """A newsletter that somebody wants to let go: its plan, all that was looked at, and who orders it.

    `known`: the number of the last decision that the orderer knew of, 0 for none; None doesn't ask. It makes one order
    of a form that is sent twice, and none of one that was open while somebody else stopped it.
    """

    plan: Plan
    content: NewsletterContent
    actor: Actor
    settings: StudioSettings
    known: int | None = None

    def __post_init__(self) -> None:
        slug = self.plan.newsletter.slug
        if self.plan.series is not None:
            raise MailerError(
                f"{slug} repeats, so its issues leave by themselves", remedy=f"mailer series start {slug}"
            )

    def within(self, connection: Connection, campaign_id: int) -> None:
        """Refuse what wasn't approved, and keep the digest of the content, in the transaction of the launch: what is
        frozen there is the plan in memory, so an edit meanwhile changes nothing of it."""
        digest = self.content.digest
        decided = last_decision(connection, self.content.slug)
        if self.known not in (None, decided.id if decided else 0):
            raise Overtaken(f"something was decided about {self.content.slug} meanwhile", remedy="Look at it again.")
        require_approvals(connection, self.content.slug, digest, self.settings)
        kept = columns_of(leaves_at(self.content))
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(content_digest=digest, **kept))

    def require_right(self) -> None:
        """Raise `NotAllowed` unless the actor may send to each list that it goes to."""
        for name in sorted({self.plan.message.list, *self.plan.audience.include}):
            self.actor.require(Right.SEND, name)


def last_decision(connection: Connection, slug: str) -> audit.AuditEntry | None:
    """Who last scheduled, stopped or launched a newsletter; None when nobody ever did."""
    wanted = audit.AuditFilter(subject=audit.newsletter_subject(slug), actions=DECISIONS)
    return next(iter(audit.entries(connection, wanted, limit=1)), None)


def send(database: Database, order: Order, *, expected: int, now: datetime) -> int:
    """Launch now, for an audience of `expected` people; returns the campaign's id. Raises `NotApproved`, `NotAllowed`,
    `CountChanged`, `Overtaken`, and for content that was approved for another time."""
    order.require_right()
    return lifecycle.launch_now(database, order.plan, expected=expected, now=now, by=order.actor, within=order.within)


def schedule(database: Database, order: Order, *, now: datetime, late: timedelta = LATE) -> int:
    """Freeze it now, to leave at the time in its content; returns the campaign's id. Raises as `send`."""
    leaves = leaves_at(order.content)
    if leaves is None:
        raise MailerError(f"{order.content.slug} has no time to leave at")
    order.require_right()
    due = launches_at(leaves, order.plan.message, earliest=now)
    return _schedule(database, order, due, late=late, now=now)


def send_after_hold(database: Database, order: Order, *, now: datetime) -> datetime:
    """Let it leave as the studio does: at its time, or after the hold when it has none; returns when.

    The hold lies before the planned time. Raises as `send`, and when the time is nearer than the hold is long.
    """
    leaves, hold = leaves_at(order.content), order.settings.hold_for
    if leaves is not None:
        due = launches_at(leaves, order.plan.message, earliest=now + hold)
        if due < now + hold:
            raise MailerError(
                f"{leaves} is less than {order.settings.hold} away, which is how long it can be stopped",
                remedy="Choose a later time, or send it now.",
            )
    else:
        due = now + hold
    order.require_right()
    _schedule(database, order, due, late=LATE, now=now)
    return due


def held_until(row: Row[Any], settings: StudioSettings, *, now: datetime) -> datetime | None:
    """When a campaign that counts down leaves; None when it doesn't count down."""
    if row.state != CampaignState.SCHEDULED or row.due_at is None or now < row.due_at - settings.hold_for:
        return None
    return row.due_at


def planned_for(row: Row[*tuple[Any, ...]]) -> PlannedTime | None:
    """The time for which a scheduled campaign was approved; None: it leaves at the end of its hold."""
    if not row.zone:
        return None
    spread, at = timedelta(seconds=row.spread_seconds), row.due_at
    if row.local_at:
        at = instant_of(datetime.fromisoformat(row.local_at), ZoneInfo(row.zone))
    return PlannedTime(at, row.zone, bool(row.local_at), PastHour(row.past), spread)


def leaving_time(connection: Connection, slug: str) -> PlannedTime | None:
    """When a newsletter leaves, as it is scheduled, or else as it is meant to; None: as soon as it is sent."""
    c = campaigns.c
    scheduled = select(c.due_at, c.zone, c.local_at, c.past, c.spread_seconds).where(  # not the message, most of it
        campaigns.c.slug == slug, campaigns.c.state == CampaignState.SCHEDULED
    )
    for row in connection.execute(scheduled):
        return planned_for(row)
    return planned_time(connection, slug)


def stop(database: Database, slug: str, actor: Actor, *, now: datetime) -> None:
    """Take it off the schedule or stop it in its hold: nobody was mailed, and its approvals stay. Raises `NotAllowed`
    without the right to send or to pause, and when it left already."""
    with database.read() as connection:
        name = require_campaign(connection, slug).message["list"]
    if not (actor.may(Right.PAUSE, name) or actor.may(Right.SEND, name)):
        raise NotAllowed(Right.PAUSE, name)
    lifecycle.unschedule(database, slug, now=now, by=actor)


def pause(database: Database, slug: str, actor: Actor, *, why: str, now: datetime) -> bool:
    """Stop handing over; False when it wasn't being sent."""
    number = _allowed(database, slug, actor)
    return lifecycle.pause(database, number, why, now=now, by=actor)


def resume(database: Database, slug: str, actor: Actor, *, now: datetime) -> bool:
    """Go on with a paused one; False when it wasn't paused."""
    number = _allowed(database, slug, actor)
    return lifecycle.resume(database, number, now=now, by=actor)


def cancel(database: Database, slug: str, actor: Actor, *, now: datetime) -> int | None:
    """End it for good. Returns how many were still queued; None when it had ended."""
    number = _allowed(database, slug, actor)
    return lifecycle.cancel(database, number, now=now, by=actor)


def resolve(
    database: Database, slug: str, actor: Actor, *, resend: bool, now: datetime, until: datetime | None = None
) -> int:
    """Decide on everybody who may or may not have got it; with `until`, on those known by then. Returns how many."""
    number = _allowed(database, slug, actor)
    return resolve_uncertain(database, number, resend=resend, now=now, by=actor, until=until)


def decide_test(database: Database, slug: str, actor: Actor, *, arm: str, limits: Guard, now: datetime) -> None:
    """Let everybody else have version `arm` of its test. Raises as `decide_by_hand`."""
    from mailer.delivery.experiments.deciding import decide_by_hand  # few newsletters test anything

    with database.read() as connection:
        row = require_campaign(connection, slug)
    actor.require(Right.SEND, row.message["list"])
    decide_by_hand(database, row.id, arm, limits=limits, now=now, by=actor)


def retry(database: Database, slug: str, actor: Actor, *, now: datetime) -> int:
    """Queue everybody again who missed it by our own fault. Returns how many."""
    return retry_failed(database, _allowed(database, slug, actor), now=now, by=actor)


def decide_held(
    database: Database, slug: str, actor: Actor, choice: HeldChoice, *, now: datetime, until: datetime | None = None
) -> int:
    """Decide on everybody whose hour was past; with `until`, on those held by then. Returns how many."""
    return held.decide_held(database, _allowed(database, slug, actor), choice, now=now, by=actor, until=until)


def not_approved_at_launch(settings: StudioSettings) -> Callable[[Connection, Row[Any]], str]:
    """What `mailer run` asks in the transaction that launches what is due: whether that content is approved."""
    return lambda connection, row: why_not_approved(connection, row.slug, row.content_digest, settings)


def _allowed(database: Database, slug: str, actor: Actor) -> int:
    with database.read() as connection:
        row = require_campaign(connection, slug)
    actor.require(Right.PAUSE, row.message["list"])
    return row.id


def _schedule(database: Database, order: Order, due: datetime, *, late: timedelta, now: datetime) -> int:
    leaves = leaves_at(order.content)
    if leaves is not None and leaves.local:
        refuse_unfit(database, order.plan.message, order.plan.audience, leaves, due_at=due)
    return lifecycle.schedule(
        database, order.plan, due_at=due, zone=leaves.zone if leaves else "", late=late, now=now, by=order.actor,
        within=order.within,
    )  # fmt: skip
