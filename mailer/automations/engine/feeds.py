"""What happened since an automation looked last: consents, signatures, replies and clicks, by their numbers.

A mark says how far it has looked. On PostgreSQL a transaction may commit a number below one that others committed long
before, so the mark moves on only while nobody else is writing to the table: until then the same rows are looked at
again, which puts nobody in twice (`entering`). On SQLite one writes at a time, and no number is given twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, Table, and_, exists, func, literal, select, text, type_coerce

from mailer.audience.consent.changes import IMPORT
from mailer.automations.engine.entering import enter, leave_now
from mailer.automations.engine.versions import AutomationVersion
from mailer.automations.steps import TriggerKind
from mailer.store.engine.by_campaign import about
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.automations import automation_marks
from mailer.store.tables.core import MICROSECOND, consent_sources, consents, deliveries, hits, lists
from mailer.store.tables.inbound import replies, signatures
from mailer.store.tables.states import Membership, ReplyKind, WhyLeft

FEEDS: Mapping[str, Table] = {table.name: table for table in (consents, signatures, replies, hits)}
ROWS_AT_ONCE = 20_000
# Somebody who signs and joins by the same form presses the link in a mail some time later.
TO_CONFIRM = timedelta(days=7)
WRITING = text(
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'relation' AND relation = to_regclass(:name)"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
    " AND pid IS DISTINCT FROM pg_backend_pid())"
)


def newest(connection: Connection, feed: str) -> int:
    """The highest number of a table so far; 0 where there is none."""
    return connection.execute(select(func.max(FEEDS[feed].c.id))).scalar() or 0


def mark_of(connection: Connection, automation_id: int, feed: str) -> int:
    """How far an automation has looked."""
    mine = (automation_marks.c.automation_id == automation_id, automation_marks.c.feed == feed)
    return connection.execute(select(automation_marks.c.up_to).where(*mine)).scalar() or 0


def set_mark(connection: Connection, automation_id: int, feed: str, up_to: int, *, at: datetime | None = None) -> None:
    """Keep how far it has looked; `at` as the table's column says."""
    row = {"automation_id": automation_id, "feed": feed, "up_to": up_to, "at": at}
    statement = insert_for(connection, automation_marks).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["automation_id", "feed"], set_={"up_to": up_to, "at": at})
    )


def all_is_settled(connection: Connection, feed: str) -> bool:
    """Whether every number of a table that was given out before this look is committed, or never will be.

    A transaction that inserts holds the table's lock from before the number is given until the commit can be seen
    (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES).
    """
    if connection.dialect.name != "postgresql":
        return True
    return not connection.execute(WRITING, {"name": feed}).scalar()


def look_at(
    connection: Connection, feed: str, entering: AutomationVersion | None, inside: list[AutomationVersion], *,
    after: int, until: int, now: datetime,
) -> int:  # fmt: skip
    """Take out and let in those of the rows after `after`, up to `until`. `entering` is the version that is open.
    Returns how many came in."""
    span = and_(FEEDS[feed].c.id > after, FEEDS[feed].c.id <= until)
    for version in inside:
        who, why = _leaving(feed, version)
        if who is not None:
            leave_now(connection, version, who.where(span), why, now=now)
    came = None if entering is None else coming(feed, entering)
    return 0 if entering is None or came is None else enter(connection, entering, came.where(span), now=now)


def _leaving(feed: str, version: AutomationVersion) -> tuple[Select[Any] | None, WhyLeft]:
    if feed == consents.name:
        left = and_(consents.c.list_id == version.rules.list_id, consents.c.status != Membership.SUBSCRIBED.value)
        return select(consents.c.person_id).where(left), WhyLeft.UNSUBSCRIBED
    if feed == signatures.name:
        reached = signatures.c.page.in_(version.rules.goals)
        return (select(signatures.c.person_id).where(reached) if version.rules.goals else None), WhyLeft.SIGNED
    if feed == hits.name:
        return None, WhyLeft.STAFF
    answered = (
        select(deliveries.c.person_id)
        .select_from(replies.join(deliveries, about(replies)))
        .where(
            deliveries.c.entry > 0,
            deliveries.c.campaign_id.in_(sorted(version.sends.values())),
            replies.c.kind != ReplyKind.AUTOMATIC.value,
        )
    )
    return answered, WhyLeft.REPLIED


def coming(feed: str, version: AutomationVersion) -> Select[Any, Any] | None:
    """Those that the rows of a table let in, and when it happened; None where they let in nobody."""
    trigger = version.automation.trigger
    if feed == signatures.name and trigger.kind is TriggerKind.SIGNED:
        signed = signatures.c.page == trigger.subject
        return select(signatures.c.person_id, signatures.c.signed_at.label("at")).where(signed)
    if feed != consents.name or trigger.kind not in (TriggerKind.JOINED, TriggerKind.SIGNED):
        return None
    name = trigger.subject if trigger.kind is TriggerKind.JOINED else version.automation.list
    joined = (
        select(consents.c.person_id, consents.c.at.label("at"))
        .join(consent_sources, consent_sources.c.id == consents.c.source_id)
        .where(
            consents.c.list_id == select(lists.c.id).where(lists.c.name == name).scalar_subquery(),
            consents.c.status == Membership.SUBSCRIBED.value,
            consent_sources.c.how != IMPORT,  # an import brings people who joined at another time, elsewhere
        )
    )
    if trigger.kind is TriggerKind.JOINED:
        return joined
    since = type_coerce(consents.c.at, BigInteger) - literal(TO_CONFIRM // MICROSECOND, BigInteger)
    just = type_coerce(signatures.c.signed_at, BigInteger) > since
    mine = (signatures.c.person_id == consents.c.person_id, signatures.c.page == trigger.subject, just)
    return joined.where(exists().where(*mine))
