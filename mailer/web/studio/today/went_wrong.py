"""What went wrong, what it means for supporters, and what to do: of newsletters, of work beside them, of backups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.counting import counted
from mailer.delivery.campaigns.pace import pace_of
from mailer.delivery.ledger.guard import why_paused
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Right
from mailer.store.admin.backup import LOGGED_AS
from mailer.store.jobs import PROVIDER_POST, WEBHOOK_CALL, count_failed
from mailer.store.tables.core import APART, deliveries
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.transports.base import ReplyClass
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import day, distance
from mailer.web.studio.core.pages import may, step_path
from mailer.web.studio.core.rooms import WaitingTask
from mailer.web.studio.following.told import plain_why, waiting
from mailer.web.studio.newsletters.listing import ListedNewsletter

LATELY = timedelta(days=14)  # a fault of ours that nobody repaired by then is left as it is
NIGHTS = timedelta(days=3)  # of work beside newsletters: a long weekend
BACKUP_OLD = timedelta(days=7)
TRIANGLE = "triangle-alert"


def went_wrong(visit: Visit, found: Sequence[ListedNewsletter], *, backup: datetime | None) -> list[WaitingTask]:
    """Everything that somebody should know, the most urgent first. `found`: every newsletter; `backup`: when the last
    one was, as far as is known."""
    with visit.database.read() as connection:
        ours = _by_our_fault(connection, [one for one in found if _is_recent(one, visit.now)])
        work = list(_work(connection, visit.now)) if may(visit, Right.SETTINGS) else []
    tasks = [task for one in found if not one.file.is_away for task in _newsletter(visit, one, ours)]
    return [*tasks, *work, *_backup(visit, found, backup)]


def last_backup(connection: Connection) -> datetime | None:
    """When the database was last copied by `mailer db backup`, as far as is known."""
    newest = entries(connection, AuditFilter(subject=LOGGED_AS), limit=1)
    return newest[0].at if newest else None


def _newsletter(visit: Visit, one: ListedNewsletter, ours: dict[int, int]) -> Iterator[WaitingTask]:
    status = one.status
    if status is None or status.campaign_id is None:
        return
    path = step_path(visit, one, "following")
    if status.state is CampaignState.OVERDUE:
        why = f"{plain_why(status.why)} Nobody got it.".strip()
        to = step_path(visit, one, "send")
        yield WaitingTask(f"“{one.name}” did not leave at its time", why, to, "See why", TRIANGLE)
    elif status.state is CampaignState.PAUSED:
        why = plain_why(why_paused(status.why)[0])
        words = f"{why} {waiting(pace_of(status, now=visit.now))}".strip()
        yield WaitingTask(f"“{one.name}” is paused", words, path, "Look", "pause")
    elif status.state is CampaignState.SENDING and status.troubles:
        words = "Everybody who has not got it waits, and it is tried again each minute."
        yield WaitingTask(f"“{one.name}” can’t leave: the mail server doesn’t answer", words, path, "Look", TRIANGLE)
    if missed := ours.get(status.campaign_id):
        words = "Our sender or login was refused. Once that is put right, they can get it after all."
        yield WaitingTask(f"{counted(missed)} missed “{one.name}” through our own fault", words, path, "Look", TRIANGLE)


def _is_recent(one: ListedNewsletter, now: datetime) -> bool:
    status = one.status
    failed = status is not None and bool(status.people.get(DeliveryState.FAILED))
    return failed and one.when is not None and one.when > now - LATELY


def _by_our_fault(connection: Connection, found: Sequence[ListedNewsletter]) -> dict[int, int]:
    """How many people missed each of them through our own fault, by the campaign's number."""
    numbers = [one.status.campaign_id for one in found if one.status]
    if not numbers:
        return {}
    failed = (APART, deliveries.c.state == DeliveryState.FAILED, deliveries.c.campaign_id.in_(numbers))
    query = select(deliveries.c.campaign_id, func.count()).where(
        *failed, deliveries.c.reply_class == ReplyClass.OURS.value
    )
    rows = connection.execute(query.group_by(deliveries.c.campaign_id))
    return {int(number): int(count) for number, count in rows}


def _work(connection: Connection, now: datetime) -> Iterator[WaitingTask]:
    """Work beside newsletters that was given up lately; for those who can do something about it."""
    since = now - NIGHTS
    if calls := count_failed(connection, WEBHOOK_CALL, since=since):
        words = "It did not answer for three days, so it knows nothing of what was in them."
        yield WaitingTask(
            f"{counted(calls, 'message')} to another program {_was(calls)} given up", words, "/settings/webhook",
            "Look", TRIANGLE,
        )  # fmt: skip
    if posts := count_failed(connection, PROVIDER_POST, since=since):
        words = "Some bounces or complaints may be missing in the figures."
        yield WaitingTask(f"{counted(posts, 'report')} of the mail provider could not be read", words, "", "", TRIANGLE)


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _backup(visit: Visit, found: Sequence[ListedNewsletter], last: datetime | None) -> list[WaitingTask]:
    """An old copy of the database, or none, once there is something to lose; for those who look after the studio."""
    if not may(visit, Right.SETTINGS) or not any(one.was_sent or one.is_moving for one in found):
        return []
    if last is not None and visit.now - last <= BACKUP_OLD:
        return []
    if last is None:
        title, lost = "No backup is known", "everybody’s consent and signatures"
    else:
        title = f"The last backup is {distance(last, visit.now).removesuffix(' ago')} old"
        lost = f"what supporters did since {day(last, visit.zone, visit.now)}"
    words = f"If this server broke, {lost} would be lost."
    return [WaitingTask(title, words, "/backups", "Take a backup", "hard-drive")]
