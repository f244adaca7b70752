"""The audit log: who did what, when, from where, and the digest of it before and after. Appended to, never changed.

There is one, for pages, commands and cron alike; the database itself refuses to change a row. It names no supporter: a
subject is a newsletter, a list, an account or the number of a person, so forgetting somebody leaves nothing to erase.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select

from mailer.staff.actor import Actor
from mailer.store.tables.staff import audit_log

PAGE = 100  # entries shown at once
NEWSLETTER = "newsletter "


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log. `before` and `after` are digests of content, "" where there is none."""

    id: int
    at: datetime
    by: str
    via: str
    action: str
    subject: str = ""
    detail: str = ""
    reason: str = ""
    before: str = ""
    after: str = ""
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; "" and None for any. `text` is looked for in who, what and about what."""

    text: str = ""
    by: str = ""
    subject: str = ""
    actions: Collection[str] = ()
    account_id: int | None = None
    address_hash: bytes | None = None  # what was decided of one address
    since: datetime | None = None
    until: datetime | None = None  # exclusive


def record(  # noqa: PLR0913 - the columns of one row
    connection: Connection,
    actor: Actor,
    action: str,
    *,
    at: datetime,
    subject: str = "",
    detail: str = "",
    reason: str = "",
    before: str = "",
    after: str = "",
    address_hash: bytes | None = None,
) -> None:
    """Append an entry, in the transaction of what it tells of: both are kept, or neither.

    `action` is a few words in the past tense, such as "newsletter scheduled". No text may name a supporter.
    """
    connection.execute(
        insert(audit_log),
        {
            "at": at, "by": actor.name, "account_id": actor.account_id, "via": actor.via, "action": action,
            "subject": subject, "detail": detail, "reason": reason, "before": before, "after": after,
            "address_hash": address_hash,
        },
    )  # fmt: skip


def entries(
    connection: Connection, wanted: AuditFilter | None = None, *, before_id: int | None = None, limit: int | None = PAGE
) -> Sequence[AuditEntry]:
    """The newest entries first; `before_id` goes on where a page ended."""
    wanted = wanted or AuditFilter()
    table = audit_log.c
    query = select(audit_log).order_by(table.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(table.id < before_id)
    if wanted.text:
        columns = (table.by, table.action, table.subject, table.detail, table.reason)
        query = query.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    if wanted.by:
        query = query.where(table.by == wanted.by)
    if wanted.subject:
        query = query.where(table.subject == wanted.subject)
    if wanted.actions:
        query = query.where(table.action.in_(wanted.actions))
    if wanted.account_id is not None:
        query = query.where(table.account_id == wanted.account_id)
    if wanted.address_hash is not None:
        query = query.where(table.address_hash == wanted.address_hash)
    if wanted.since is not None:
        query = query.where(table.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.at < wanted.until)
    rows = connection.execute(query).mappings()
    return [AuditEntry(**{name: row[name] for name in row if name != "address_hash"}) for row in rows]


def names_in_log(connection: Connection) -> Sequence[str]:
    """Everybody who did something, by name."""
    return connection.execute(select(audit_log.c.by).distinct().order_by(audit_log.c.by)).scalars().all()


def newsletter_subject(slug: str) -> str:
    """What the log calls a newsletter."""
    return f"{NEWSLETTER}{slug}"


def newsletters_of(connection: Connection, account_id: int, actions: Sequence[str]) -> frozenset[str]:
    """The newsletters that somebody did one of these actions to."""
    query = select(audit_log.c.subject).distinct()
    query = query.where(audit_log.c.account_id == account_id, audit_log.c.action.in_(actions))
    return frozenset(
        subject.removeprefix(NEWSLETTER)
        for subject in connection.execute(query).scalars()
        if subject.startswith(NEWSLETTER)
    )
