"""The last check before a mail leaves: consent and suppressions as they are now, not as they were at the launch.

`may_be_mailed` is the check itself, a condition for the statement that records the intent; `obstacles` gives the reason
for each delivery it held back. The two always agree: a person without an obstacle may be mailed (tested).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, exists, false, func, or_, select

from mailer.audience.consent.caps import BEYOND, CapNow
from mailer.audience.consent.eligibility import BY_RANK, FREE, RANKS, Reason, no_obstacle, obstacle
from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import given, those
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.core import deliveries, people, subscriptions


def may_be_mailed(list_ids: Iterable[int]) -> ColumnElement[bool]:
    """A condition on `deliveries`: the person is known, and on one of these lists without an obstacle."""
    return exists().where(
        people.c.id == deliveries.c.person_id,
        subscriptions.c.person_id == people.c.id,
        or_(false(), *[subscriptions.c.list_id == number for number in list_ids]),
        no_obstacle(),
    )


def obstacles(
    connection: Connection, *, delivery_ids: Collection[int], list_ids: Iterable[int], cap: CapNow | None = None
) -> dict[int, str]:
    """Deliveries that must not be handed over, each with its `Reason`; one query for up to thousands.

    `list_ids` are the lists the campaign includes; `cap`: what counts, where people get at most so many mails.
    Run it in the transaction that records the hand-over, so that nobody can leave between the check and the record.
    """
    rows = LOOK.rows(connection, {**given("deliveries", delivery_ids), "lists": list_ids})
    found: dict[int, str] = {}
    for delivery_id, known, mildest in rows:
        # Somebody who is no longer on any of the lists counts as having left.
        rank = RANKS[Reason.UNSUBSCRIBED] if mildest is None else mildest
        if not known:
            found[delivery_id] = Reason.DELETED.value
        elif rank != FREE:
            found[delivery_id] = BY_RANK[rank].value
    if cap is not None:
        free = [one for one in delivery_ids if one not in found]
        beyond = BEYOND.rows(connection, {**given("deliveries", free), **cap.values})
        found |= {row[0]: Reason.CAPPED.value for row in beyond}
    return found


# The mildest obstacle on any of the lists; null when they are on none.
_MILDEST = (
    select(func.min(obstacle()))
    .where(subscriptions.c.person_id == people.c.id, among(subscriptions.c.list_id, "lists"))
    .correlate(people)
    .scalar_subquery()
)
LOOK = PreparedStatement(
    select(deliveries.c.id, people.c.id.is_not(None), _MILDEST)
    .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
    .where(those("deliveries"))
)


def hold_consent(connection: Connection) -> None:
    """Keep anybody's leaving from being committed until this transaction ends; call it before the check.

    Somebody who leaves is then either seen by the check or leaves after the intent was recorded. SQLite has one writer
    at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        HOLD.rows(connection, {})


def change_consent(connection: Connection) -> None:
    """Wait for hand-overs that have made their check, and hold back further checks until this transaction ends.

    Call it first in a short transaction that takes somebody off a list, and last in a long one.
    """
    if connection.dialect.name == "postgresql":
        CHANGE.rows(connection, {})


# A lock by number (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS); we chose the number.
CONSENT_LOCK = 0x6C656176  # "leav"
HOLD = PreparedStatement(select(func.pg_advisory_xact_lock_shared(CONSENT_LOCK)))
CHANGE = PreparedStatement(select(func.pg_advisory_xact_lock(CONSENT_LOCK)))
