"""Campaigns: frozen from a compiled message, launched on an audience, paused, resumed, cancelled, scheduled.

Each change is one transaction with the rule that allows it: what a campaign may become depends on what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, or_, select, update

from mailer.audience.consent.caps import NO_CAP
from mailer.audience.selection.spec import Audience, from_json
from mailer.compose import message as messages
from mailer.compose.message import Message
from mailer.counting import counted
from mailer.delivery.campaigns.freeze import Plan, create_campaign, freeze_audience
from mailer.delivery.ledger.guard import once_finished
from mailer.delivery.ledger.guard_state import begin_anew
from mailer.delivery.ledger.reopen import lock_campaign
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.delivery.schedule.local_hours import Timing
from mailer.errors import MailerError, nearest
from mailer.settings import Caps, Pace
from mailer.staff import audit
from mailer.staff.actor import Actor, cron
from mailer.store.engine.database import Conflict, Database
from mailer.store.tables.core import QUEUE, campaigns, deliveries, workers
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.states import CampaignKind, CampaignState, DeliveryState

NO_LIMIT = Pace()
OPEN = (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED, CampaignState.OVERDUE)


# Why a scheduled message must not go out to its audience as things are when it is due; "" when it may.
WhyHold = Callable[[Message, Audience], str]


def hold_nothing(_message: Message, _audience: Audience) -> str:
    """For callers with nothing to check."""
    return ""


# What must hold for a launch, or is kept with it, in its transaction. It takes the campaign's id; raising undoes all.
Within = Callable[[Connection, int], None]


def nothing_more(_connection: Connection, _campaign_id: int) -> None:
    """For a launch that is complete by itself."""


# Why a scheduled campaign may not be launched, found in the transaction that launches it; "" when it may.
WhyNot = Callable[[Connection, Row[Any]], str]


def nothing_against(_connection: Connection, _campaign: Row[Any]) -> str:
    """For callers with nothing to look up."""
    return ""


class CountChanged(MailerError):
    """The audience is not the size that was agreed to."""


def find_campaign(connection: Connection, slug: str) -> Row[Any] | None:
    """The campaign of a newsletter, or None when it was never sent or scheduled."""
    return connection.execute(select(campaigns).where(campaigns.c.slug == slug)).one_or_none()


def require_campaign(connection: Connection, slug: str) -> Row[Any]:
    """The campaign of a newsletter; raises when there is none, with the one that was likely meant."""
    row = find_campaign(connection, slug)
    if row is None:
        known = connection.execute(select(campaigns.c.slug).order_by(campaigns.c.slug)).scalars().all()
        remedy = nearest(slug, known) if known else f"Send it: mailer send {slug}"
        raise MailerError(f"{slug} was neither sent nor scheduled", remedy=remedy)
    return row


def launch_now(
    database: Database, plan: Plan, *, expected: int, now: datetime, by: Actor | None = None,
    within: Within = nothing_more,
) -> int:  # fmt: skip
    """Freeze message and audience, all in one transaction; returns the campaign's id.

    Raises `CountChanged` when the audience isn't `expected` people: then nothing is kept.
    """
    # One state: those counted are those frozen.
    with database.write(one_state=True, of_everyone=True) as connection:
        _forget_unsent(connection, plan.message.slug)
        campaign_id = create_campaign(connection, plan, state=CampaignState.SENDING, now=now)
        selection = freeze_audience(
            connection, campaign_id, message=plan.message, audience=plan.audience, now=now,
            warm_up=WarmUp(plan.pace, transport=plan.transport),
        )  # fmt: skip
        if selection.chosen != expected:
            raise CountChanged(
                f"the audience is {counted(selection.chosen)}, not {expected:,}",
                remedy="Look at it: mailer audience " + plan.message.slug,
            )
        within(connection, campaign_id)
        slug, digest, people = plan.message.slug, plan.message.digest, counted(selection.chosen)
        note_decision(connection, by, "newsletter launched", slug, at=now, detail=people, content=digest)
    return campaign_id


def schedule(
    database: Database, plan: Plan, *, due_at: datetime, zone: str, late: timedelta, now: datetime,
    by: Actor | None = None, within: Within = nothing_more,
) -> int:  # fmt: skip
    """Freeze the message now, for an audience that is frozen at `due_at`; returns the campaign's id."""
    with database.write() as connection:
        return put_on_schedule(connection, plan, due_at=due_at, zone=zone, late=late, now=now, by=by, within=within)


def put_on_schedule(
    connection: Connection, plan: Plan, *, due_at: datetime, zone: str, late: timedelta, now: datetime,
    by: Actor | None = None, within: Within = nothing_more,
) -> int:  # fmt: skip
    """The same, in the caller's transaction."""
    _forget_unsent(connection, plan.message.slug)
    campaign_id = create_campaign(connection, plan, state=CampaignState.SCHEDULED, now=now)
    given = {"due_at": due_at, "zone": zone, "late_seconds": int(late.total_seconds())}
    connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(given))
    within(connection, campaign_id)
    local = connection.execute(select(campaigns.c.local_at).where(campaigns.c.id == campaign_id)).scalar_one()
    when = f"for {local.replace('T', ' ')} local time" if local else f"for {due_at:%Y-%m-%d %H:%M} UTC"
    digest = plan.message.digest
    note_decision(connection, by, "newsletter scheduled", plan.message.slug, at=now, detail=when, content=digest)
    return campaign_id


def launch_due(
    database: Database, *, now: datetime, why_hold: WhyHold = lambda message, audience: "",
    why_not: WhyNot = nothing_against, pace: Pace = NO_LIMIT, cap: Caps = NO_CAP,
) -> list[Row[Any]]:  # fmt: skip
    """Launch each scheduled campaign whose time has come, or flag it when it is too late, or when `why_hold` says why
    not, or `why_not` in the transaction of the launch. Returns those changed here: not what somebody else launched,
    cancelled or took off the schedule meanwhile."""
    due = select(campaigns).where(campaigns.c.state == CampaignState.SCHEDULED, campaigns.c.due_at <= now)
    with database.read() as connection:
        waiting = connection.execute(due.order_by(campaigns.c.due_at)).all()
    changed: list[int] = []
    for row in waiting:
        why = ""
        # By local time each person has an hour of their own, and those who are too late by it are held.
        if not row.local_at and now - row.due_at > timedelta(seconds=row.late_seconds):
            why = f"no `mailer run` came within {row.late_seconds / 3600:g} h of its time"
        elif reason := why_hold(messages.from_json(row.message), from_json(row.audience)):
            why = _put_right(reason, row)
        with suppress(Conflict):
            warm_up = WarmUp(pace, transport=row.transport)
            changed += [row.id] * _launch_scheduled(
                database, row, why=why, why_not=why_not, warm_up=warm_up, cap=cap, now=now
            )
    with database.read() as connection:
        of_those = select(campaigns).where(campaigns.c.id.in_(changed))
        return list(connection.execute(of_those.order_by(campaigns.c.due_at)).all())


def _put_right(reason: str, row: Row[Any]) -> str:
    if row.kind == CampaignKind.ISSUE:
        return f"{reason}. Fix that, then send it: mailer series send {row.parent}"
    return f"{reason}. Fix that, then send it (mailer send {row.slug}) or schedule it again"


def _launch_scheduled(
    database: Database, row: Row[Any], *, why: str, why_not: WhyNot, warm_up: WarmUp, cap: Caps, now: datetime
) -> bool:
    """Launch one campaign, or flag it when there is a `why`. False when it isn't scheduled any more: somebody else may
    launch it too, so the state decides, inside the transaction, and in PostgreSQL the row. Raises `Conflict`."""
    with database.write(one_state=True, of_everyone=True) as connection:
        if _busy(connection, row.id):
            return False
        if not why and (reason := why_not(connection, row)):
            why = _put_right(reason, row)
        changed = connection.execute(
            update(campaigns)
            .where(campaigns.c.id == row.id, campaigns.c.state == CampaignState.SCHEDULED)
            .values(state=CampaignState.OVERDUE if why else CampaignState.SENDING, why=why)
        ).rowcount
        if changed and not why:
            message, audience = messages.from_json(row.message), replace(from_json(row.audience), cap=cap)
            timing = Timing.of(row)
            freeze_audience(
                connection, row.id, message=message, audience=audience, warm_up=warm_up, now=now, timing=timing
            )
        if changed:
            action = "newsletter not launched" if why else "newsletter launched"
            note_decision(connection, cron(), action, row.slug, at=now, detail=why, content=row.digest)
    return bool(changed)


def _busy(connection: Connection, campaign_id: int) -> bool:
    """Whether another transaction is just changing the campaign; else nobody can until this one ends."""
    mine = select(campaigns.c.id).where(campaigns.c.id == campaign_id).with_for_update(skip_locked=True)
    return connection.execute(mine).first() is None


def unschedule(database: Database, slug: str, *, now: datetime, by: Actor | None = None) -> None:
    """Take a campaign off the schedule; its newsletter can be edited and scheduled again."""
    with database.write() as connection:
        take_off(connection, slug, now=now, by=by)


def take_off(connection: Connection, slug: str, *, now: datetime, by: Actor | None = None) -> None:
    """The same, in the caller's transaction."""
    row = None
    while row is None:  # somebody may put another schedule in its place between the two looks
        require_campaign(connection, slug)
        row = _locked(connection, slug)
    if row.state not in (CampaignState.SCHEDULED, CampaignState.OVERDUE):
        raise MailerError(f"{slug} is {row.state}, not scheduled", remedy=f"To stop it: mailer pause {slug}")
    connection.execute(delete(campaigns).where(campaigns.c.id == row.id))
    note_decision(connection, by, "newsletter taken off the schedule", slug, at=now)


def pause(database: Database, campaign_id: int, why: str, *, now: datetime, by: Actor | None = None) -> bool:
    """Stop handing over; people who are queued stay queued. False when it wasn't sending."""
    with database.write() as connection:
        sending = [campaigns.c.id == campaign_id, campaigns.c.state == CampaignState.SENDING]
        changed = update(campaigns).where(*sending).values(state=CampaignState.PAUSED, why=why)
        if not connection.execute(changed).rowcount:
            return False
        told = "" if "@" in why else why  # a server's words may name a supporter, the log doesn't
        note_decision(connection, by, "newsletter paused", campaign_id, at=now, detail=told)
    return True


def resume(database: Database, campaign_id: int, *, now: datetime, by: Actor | None = None) -> bool:
    """Go on with a paused campaign; its guard rails judge by what happens from now on. False when it wasn't paused."""
    with database.write() as connection:
        lock_campaign(connection, campaign_id)
        paused = [campaigns.c.id == campaign_id, campaigns.c.state == CampaignState.PAUSED]
        changed = update(campaigns).where(*paused).values(state=CampaignState.SENDING, why="")
        if not connection.execute(changed).rowcount:
            return False
        begin_anew(connection, campaign_id, now=now)
        note_decision(connection, by, "newsletter resumed", campaign_id, at=now)
    return True


def cancel(database: Database, campaign_id: int, *, now: datetime, by: Actor | None = None) -> int | None:
    """End a campaign for good: people still queued are never mailed by it. Returns how many; None when it had ended."""
    with database.write() as connection:
        count = end_for_good(connection, campaign_id, now=now)
        if count is not None:
            note_decision(
                connection, by, "newsletter cancelled", campaign_id, at=now, detail=f"{counted(count)} not mailed"
            )
    return count


def end_for_good(connection: Connection, campaign_id: int, *, now: datetime) -> int | None:
    """What `cancel` does, in the caller's transaction."""
    changed = connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.state.in_(OPEN))
        .values(state=CampaignState.CANCELLED, why="cancelled by staff", finished_at=now)
    ).rowcount
    if not changed:
        return None
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.campaign_id == campaign_id,
            deliveries.c.state.in_([DeliveryState.QUEUED, DeliveryState.HELD]),
        )
        .values(state=DeliveryState.CANCELLED, worker_id=None, changed_at=now)
    ).rowcount


def finish_if_done(database: Database, campaign_id: int, *, now: datetime) -> bool:
    """Mark a campaign finished once nobody is queued, its test is decided and no worker is at it: the last one to leave
    does it.

    A pause that came after the last hand-over holds nobody back, so it ends too; what a guard rail found is kept. The
    step of an automation stays open: `finish_open` ends it.
    """
    with database.write() as connection:
        newsletter = select(campaigns.c.id).where(campaigns.c.id == campaign_id, campaigns.c.kind != CampaignKind.STEP)
        return connection.execute(newsletter).first() is not None and finish_open(connection, campaign_id, now=now)


def finish_open(connection: Connection, campaign_id: int, *, now: datetime) -> bool:
    """The same of any campaign that nobody comes to any more, in the caller's transaction."""
    queued = exists().where(QUEUE, deliveries.c.campaign_id == campaign_id)
    undecided = exists().where(campaign_tests.c.campaign_id == campaign_id, campaign_tests.c.decided_at.is_(None))
    left = or_(queued, undecided, exists().where(workers.c.campaign_id == campaign_id))
    state, why = lock_campaign(connection, campaign_id)
    if state not in (CampaignState.SENDING, CampaignState.PAUSED):
        return False
    done = update(campaigns).where(campaigns.c.id == campaign_id, ~left)
    values = {"state": CampaignState.FINISHED, "finished_at": now, "why": once_finished(why)}
    return bool(connection.execute(done.values(values)).rowcount)


def finish_paused(database: Database, *, now: datetime) -> None:
    """Finish what was paused with nobody left to mail, once its last worker is gone."""
    with database.read() as connection:
        paused = select(campaigns.c.id).where(campaigns.c.state == CampaignState.PAUSED)
        ids = connection.execute(paused).scalars().all()
    for campaign_id in ids:
        finish_if_done(database, campaign_id, now=now)


def note_decision(
    connection: Connection, by: Actor | None, action: str, campaign: str | int, *,
    at: datetime, detail: str = "", content: str = "",
) -> None:  # fmt: skip
    """Write a decision into the audit log, with what it was about: a newsletter, or the campaign of one."""
    if by is None:
        return
    slug = campaign if isinstance(campaign, str) else _slug_of(connection, campaign)
    audit.record(connection, by, action, at=at, subject=audit.newsletter_subject(slug), detail=detail, after=content)


def _slug_of(connection: Connection, campaign_id: int) -> str:
    return connection.execute(select(campaigns.c.slug).where(campaigns.c.id == campaign_id)).scalar_one()


def _forget_unsent(connection: Connection, slug: str) -> None:
    """Make room for sending `slug`: drop a schedule that mailed nobody; refuse when it was launched before."""
    row = _locked(connection, slug)
    refuse_launched(row)
    if row is not None:
        connection.execute(delete(campaigns).where(campaigns.c.id == row.id))


def _locked(connection: Connection, slug: str) -> Row[Any] | None:
    """The campaign, locked before it may be dropped: a launch under way holds it until it is done. None when there is
    none, or when it was just put in place of the one that this waited for."""
    return connection.execute(select(campaigns).where(campaigns.c.slug == slug).with_for_update()).one_or_none()


def refuse_launched(row: Row[Any] | None) -> None:
    """Raise when this campaign of a newsletter was launched: a newsletter is sent once."""
    if row is not None and row.launched_at is not None:
        raise MailerError(
            f"{row.slug} was launched before and is {row.state}",
            remedy="A newsletter is sent once. To mail others, copy its folder and leave out those already mailed:"
            f" audience: {{not_mailed_by: [{row.slug}]}}",
        )
