"""Lines of the audit log about a newsletter, in campaigners' words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.delivery.ledger.guard import why_paused
from mailer.editing.save import BROUGHT_BACK, SAVED
from mailer.staff.audit import PAGE, AuditEntry, AuditFilter, entries, newsletter_subject
from mailer.store.tables.staff import audit_log

WORDS = {  # what was done, and its icon
    "newsletter begun": ("Begun", "plus"),
    "newsletter saved": ("Saved", "pencil"),
    "automation begun": ("Begun", "plus"),
    "automation saved": ("Its steps saved", "pencil"),
    "automation started": ("Started", "play"),
    "automation closed": ("Closed: nobody comes in any more", "log-out"),
    "automation stopped": ("Stopped, and everybody taken out", "octagon-x"),
    "person taken out of automation": ("Somebody taken out", "user-minus"),
    "version brought back": ("An earlier version brought back", "history"),
    "picture replaced": ("Picture replaced", "image"),
    "picture described": ("Picture described", "image"),
    "newsletter renamed": ("Given another name", "pen-line"),
    "newsletter put away": ("Put away", "archive"),
    "newsletter taken out again": ("Taken out again", "archive-restore"),
    "approval asked for": ("Approval asked for", "message-square"),
    "newsletter approved": ("Approved", "circle-check"),
    "approval withdrawn": ("Approval taken back", "x"),
    "comments shown": ("Comments shown on the page", "check"),
    "comments hidden": ("Comments hidden", "x"),
    "comments held": ("Comments put back to wait", "clock"),
    "petition bundle made": ("Made what is handed in", "download"),
    "petition delivered": ("Petition delivered", "circle-check"),
    "petition not delivered": ("Delivery taken back", "x"),
    "newsletter scheduled": ("Scheduled", "clock"),
    "newsletter taken off the schedule": ("Taken off the schedule", "octagon-x"),
    "newsletter launched": ("Began to leave", "send"),
    "newsletter not launched": ("Did not leave", "triangle-alert"),
    "series started": ("The series started", "calendar"),
    "series paused": ("The series paused", "pause"),
    "series stopped": ("The series stopped", "octagon-x"),
    "series ended": ("The series ended: its last day is past", "check"),
    "issue skipped": ("No issue", "minus"),
    "issue missed": ("An issue was missed", "triangle-alert"),
    "issue failed": ("An issue did not leave", "triangle-alert"),
    "issue sent after all": ("An issue sent after all", "send"),
    "newsletter paused": ("Paused", "pause"),
    "newsletter went on down the list": ("Went on down the list", "chevron-down"),
    "test decided": ("Decided the test", "check"),
    "newsletter resumed": ("Went on", "play"),
    "newsletter cancelled": ("Stopped for good", "octagon-x"),
    "newsletter archived": ("Moved to another disk", "hard-drive"),
    "uncertain mails sent again": ("Sent again to those who may not have got it", "circle-question-mark"),
    "uncertain mails counted as sent": ("Those who may have got it count as sent", "circle-question-mark"),
    "held mails: now": ("Mailed at once to those whose hour was past", "clock"),
    "held mails: next day": ("Left for the next day for those whose hour was past", "clock"),
    "held mails: left out": ("Left out those whose hour was past", "clock"),
    "failed mails queued again": ("Those missed through our own fault get it after all", "send"),
}
BY_ITSELF = ("cron", "")  # names of what runs by itself


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that was done. `by` is "" for what happened by itself; `place` is where from, without the network."""

    at: datetime
    words: str
    icon: str
    by: str
    place: str
    detail: str
    version: str = ""  # what the file held then, by its digest


def history_of(
    connection: Connection, slug: str, *, before_id: int | None = None
) -> tuple[list[HistoryLine], int | None]:
    """What was done with a newsletter, the newest first, and where the next page begins; None at the end."""
    found = entries(connection, AuditFilter(subject=newsletter_subject(slug)), before_id=before_id, limit=PAGE + 1)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return lines(found[:PAGE]), more


def sent_by(connection: Connection, slug: str) -> str:
    """Who sent it, as its lines name them: what is scheduled leaves by itself, so who scheduled it last. "" where the
    log doesn't say."""
    ordered = AuditFilter(subject=newsletter_subject(slug), actions=("newsletter scheduled", "newsletter launched"))
    return next((line.by for line in lines(entries(connection, ordered, limit=2)) if line.by), "")


def latest(connection: Connection, slug: str, *, limit: int) -> list[HistoryLine]:
    """The last of it."""
    return lines(entries(connection, AuditFilter(subject=newsletter_subject(slug)), limit=limit))


def save_of(connection: Connection, slug: str, version: str) -> tuple[str, str]:
    """Who saved a version last, and the version that was there before; "" where the log doesn't say."""
    mine = (audit_log.c.subject == newsletter_subject(slug), audit_log.c.after == version)
    query = select(audit_log.c.by, audit_log.c.before).where(*mine).order_by(audit_log.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return (row.by.removeprefix("terminal: "), row.before) if row else ("", "")


def count_of(connection: Connection, slug: str) -> int:
    """How many lines there are."""
    mine = audit_log.c.subject == newsletter_subject(slug)
    return connection.execute(select(func.count()).select_from(audit_log).where(mine)).scalar_one()


def lines(found: Iterable[AuditEntry]) -> list[HistoryLine]:
    """Entries as they are shown."""
    return [_line(one) for one in found]


def days(found: Sequence[HistoryLine], names: Iterable[str]) -> list[tuple[str, list[HistoryLine]]]:
    """The lines below the name of their day; `names` has one for each line."""
    grouped: dict[str, list[HistoryLine]] = {}
    for name, line in zip(names, found, strict=True):
        grouped.setdefault(name, []).append(line)
    return list(grouped.items())


def _line(one: AuditEntry) -> HistoryLine:
    words, icon = WORDS.get(one.action, (f"{one.action[:1].upper()}{one.action[1:]}", "circle"))
    by = "" if one.by in BY_ITSELF else one.by
    return HistoryLine(
        at=one.at, words=words, icon=icon, by=by.removeprefix("terminal: "),
        place="terminal" if one.by.startswith("terminal: ") else "", detail=_detail(one),
        version=one.after if one.action in (SAVED, BROUGHT_BACK) else "",
    )  # fmt: skip


def _detail(one: AuditEntry) -> str:
    """What is worth saying beside the words: nothing that they say already, and no command of the terminal."""
    if one.action == "newsletter paused":
        what, remedy = why_paused(one.detail)
        return what if remedy else ""
    return one.reason or one.detail.partition(". Fix that")[0]
