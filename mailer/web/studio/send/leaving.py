"""When a newsletter leaves: as it is scheduled, as it is meant to, and as somebody chooses on the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from mailer.counting import listed
from mailer.delivery.campaigns.orders import held_until
from mailer.delivery.campaigns.status import GLANCE
from mailer.delivery.schedule.schedule import read_due, read_local_due
from mailer.errors import MailerError
from mailer.review.content import PlannedTime
from mailer.settings import StudioSettings
from mailer.staff.accounts import holders
from mailer.staff.rights import Right
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignState, PastHour
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.errors import first_few

MOST_HOURS = 24  # over which mails are spread


@dataclass(frozen=True, slots=True)
class Countdown:
    """A scheduled newsletter. `counts_from`: when its hold begins; `seconds` are left; `has_time`: it was given one, so
    it doesn't simply leave at the end of its hold."""

    at: datetime
    counts_from: datetime
    seconds: int
    counts: bool
    has_time: bool
    local_at: str = ""  # what clocks show where each person is, such as 09:00 of 2026-12-01

    @property
    def left(self) -> str:
        """8:14, or 1:02:03"""
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def campaign_of(connection: Connection, slug: str) -> Row[Any] | None:
    """The campaign of a newsletter without its message, which is most of it: pages ask each second."""
    return connection.execute(select(*GLANCE).where(campaigns.c.slug == slug)).one_or_none()


def countdown(row: Row[Any] | None, settings: StudioSettings, *, now: datetime) -> Countdown | None:
    """Of a campaign that is scheduled; None for any other."""
    if row is None or row.state != CampaignState.SCHEDULED or row.due_at is None:
        return None
    return Countdown(
        row.due_at, row.due_at - settings.hold_for, max(0, round((row.due_at - now).total_seconds())),
        held_until(row, settings, now=now) is not None, bool(row.zone), row.local_at,
    )  # fmt: skip


def chosen_time(visit: Visit) -> PlannedTime | None:
    """The time that the form says, in the workspace's zone; None for as soon as it is sent.

    Raises `MailerError` for no time, and as `time_given`.
    """
    form = visit.form
    if form.get("when") not in ("at", "local"):
        return None
    day, clock = form.get("day"), form.get("clock")
    if not (day and clock):
        raise MailerError("it needs a day and a time", remedy="Choose both.")
    hours = form.get("spread") or "0"
    if not (hours.isascii() and hours.isdigit() and int(hours[:3]) <= MOST_HOURS):
        raise MailerError(f"mails are spread over {MOST_HOURS} hours at most", remedy="Choose a number of hours.")
    spread = timedelta(hours=int(hours))
    if form.get("when") == "at":
        return replace(time_given(visit, f"{day} {clock}"), spread=spread)
    due = read_local_due(f"{day} {clock}", zone=visit.zone.key, now=visit.now)
    past = PastHour(form.get("past")) if form.get("past") in list(PastHour) else PastHour.REFUSE
    return PlannedTime(due.instant, due.zone, True, past, spread)


def time_given(visit: Visit, given: str) -> PlannedTime:
    """A day and a time that somebody chose, such as 2026-12-01 09:00, in the workspace's zone.

    Raises `MailerError` for one that is past or too soon to be stopped, and one that the clocks skip.
    """
    due = read_due(given, zone=visit.zone.key, now=visit.now)
    settings = visit.workspace.settings.studio
    if due.instant < visit.now + settings.hold_for:
        raise MailerError(
            f"that is less than {settings.hold} away, which is how long it can be stopped before it leaves",
            remedy="Choose a later time, or as soon as you send it.",
        )
    return PlannedTime(due.instant, due.zone)


def who_can_stop(visit: Visit, list_name: str) -> str:
    """The people who may stop it, in words: "Amina, Rhiannon and you"."""
    with visit.database.read() as connection:
        found = holders(connection, Right.PAUSE, list_name)
    names = [one.called for one in found if one.id != visit.who.account_id]
    you = ["you"] if visit.who.may(Right.PAUSE, list_name) else []
    return listed([*first_few(names), *you]) or "nobody"
