"""What staff order of an automation: start it, let nobody in any more, stop it, take somebody out of it.

Each asks the right it needs and is written into the audit log. Starting asks for the approvals of exactly this content,
in the transaction that freezes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailer.audience.consent.recheck import change_consent
from mailer.automations.control.planned import PlannedAutomation
from mailer.automations.engine import feeds, passes
from mailer.automations.engine.running import expel
from mailer.automations.engine.versions import campaigns_of, freeze_version, locked, version_of
from mailer.delivery.campaigns.lifecycle import end_for_good
from mailer.errors import MailerError
from mailer.review.approvals import require_approvals
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.automations import automation_entries, automation_marks, automations
from mailer.store.tables.core import deliveries
from mailer.store.tables.states import AutomationState, DeliveryState, EntryState, WhyLeft


def find_automation(connection: Connection, slug: str) -> Row[Any] | None:
    """The automation's row; None for one that was never started."""
    return connection.execute(select(automations).where(automations.c.slug == slug)).one_or_none()


def start(
    database: Database, planned: PlannedAutomation, actor: Actor, *, settings: StudioSettings, now: datetime
) -> int:
    """Let people in from now on, in the version that the files hold; returns the version's number.

    One that is active goes on with the new version for those who come in; who is inside stays in theirs. Raises
    `NotAllowed`, `NotApproved`, and `MailerError` when it is active exactly as it is.
    """
    automation, digest = planned.automation, planned.content.digest
    actor.require(Right.SEND, automation.list)
    with database.write() as connection:
        row = _found(connection, automation.slug, now=now)
        before = None if row.version_id is None else version_of(connection, row.version_id)
        same = before is not None and before.digest == digest
        if same and row.state == AutomationState.ACTIVE:
            raise MailerError(f"{automation.slug} is active already, exactly as it is")
        require_approvals(connection, automation.slug, digest, settings)
        version_id = freeze_version(connection, row.id, automation, planned.plans, digest=digest, now=now)
        if row.state == AutomationState.STOPPED:
            for feed in feeds.FEEDS:  # what happened before counts for nobody
                feeds.set_mark(connection, row.id, feed, feeds.newest(connection, feed))
        if before is None or before.automation.trigger != automation.trigger or row.state == AutomationState.STOPPED:
            mine = automation_marks.c.automation_id == row.id
            connection.execute(automation_marks.delete().where(mine, automation_marks.c.feed == passes.THROUGH_PEOPLE))
        connection.execute(
            update(automations)
            .where(automations.c.id == row.id)
            .values(state=AutomationState.ACTIVE, version_id=version_id, started_at=now, due_at=now, looked_at=None)
        )
        number = version_of(connection, version_id).number
        _record(connection, actor, "automation started", automation.slug, now, detail=f"version {number}", after=digest)
    return number


def _found(connection: Connection, slug: str, *, now: datetime) -> Row[Any]:
    """The automation, locked; made if there is none."""
    row = {"slug": slug, "state": AutomationState.STOPPED, "started_at": now}
    connection.execute(insert_for(connection, automations).values(row).on_conflict_do_nothing())
    return connection.execute(select(automations).where(automations.c.slug == slug).with_for_update()).one()


def close(database: Database, slug: str, actor: Actor, *, now: datetime) -> None:
    """Let nobody in any more; who is inside goes on to the end. Raises `NotAllowed`, and when it isn't active."""
    with database.write() as connection:
        row = _running(connection, slug, actor)
        if row.state != AutomationState.ACTIVE:
            raise MailerError(f"{slug} is {row.state}, so nobody comes in already")
        values = {"state": AutomationState.CLOSING, "due_at": now}
        connection.execute(update(automations).where(automations.c.id == row.id).values(values))
        _record(connection, actor, "automation closed", slug, now)


def stop(database: Database, slug: str, actor: Actor, *, now: datetime) -> int:
    """Take everybody out at once: nobody gets another mail of it. Returns how many mails were still queued.

    The entries of many thousands are ended by the next runs; their mails are cancelled here.
    """
    with database.write() as connection:
        change_consent(connection)
        row = _running(connection, slug, actor)
        mails = campaigns_of(connection, row.id)
        queued = sum(end_for_good(connection, number, now=now) or 0 for number in mails)
        expel(connection, row.id, now=now)
        values = {"state": AutomationState.STOPPED, "due_at": now}
        connection.execute(update(automations).where(automations.c.id == row.id).values(values))
        _record(connection, actor, "automation stopped", slug, now, detail=f"{queued:,} mails cancelled")
    return queued


def take_out(database: Database, slug: str, person_id: int, actor: Actor, *, now: datetime) -> bool:
    """Take one person out, also of mails that wait to leave. False when they weren't inside and no mail waited."""
    with database.write() as connection:
        change_consent(connection)
        row = _running(connection, slug, actor)
        theirs = (automation_entries.c.automation_id == row.id, automation_entries.c.person_id == person_id)
        mine = select(automation_entries.c.id).where(*theirs)
        waiting = (
            deliveries.c.person_id == person_id,
            deliveries.c.entry.in_(mine),
            deliveries.c.state == DeliveryState.QUEUED.value,
        )
        skipped = {"state": DeliveryState.SKIPPED, "code": WhyLeft.STAFF, "worker_id": None, "changed_at": now}
        kept = connection.execute(update(deliveries).where(*waiting).values(skipped)).rowcount
        inside = automation_entries.c.due_at.is_not(None)
        out = {"state": EntryState.LEFT, "reason": WhyLeft.STAFF, "due_at": None, "changed_at": now}
        gone = connection.execute(update(automation_entries).where(*theirs, inside).values(out)).rowcount
        if gone or kept:
            _record(connection, actor, "person taken out of automation", slug, now, detail=f"person {person_id}")
    return bool(gone or kept)


def _running(connection: Connection, slug: str, actor: Actor) -> Row[Any]:
    """The automation, locked. Raises when it isn't running, or the actor may not pause what its list gets."""
    row = find_automation(connection, slug)
    row = None if row is None else locked(connection, row.id, waiting=True)
    if row is None or row.version_id is None:
        raise MailerError(f"{slug} was never started", remedy=f"Start it: mailer automations start {slug}")
    name = version_of(connection, row.version_id).automation.list
    if not (actor.may(Right.PAUSE, name) or actor.may(Right.SEND, name)):
        raise NotAllowed(Right.PAUSE, name)
    if row.state == AutomationState.STOPPED:
        raise MailerError(f"{slug} is stopped: everybody is out of it")
    return row


def _record(
    connection: Connection, actor: Actor, action: str, slug: str, now: datetime, *, detail: str = "", after: str = ""
) -> None:
    subject = audit.newsletter_subject(slug)
    audit.record(connection, actor, action, at=now, subject=subject, detail=detail, after=after)
