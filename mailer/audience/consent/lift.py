"""Lifts a suppression by staff's decision: with a reason, and written to the audit log.

What a person decided is never lifted: who left comes back by joining again. A complaint is lifted only where staff say
so in so many words, since mailing somebody who reported spam harms every mail of the sender's domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from mailer.audience.addresses import address_hash, normalise
from mailer.audience.consent.recheck import change_consent
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.audit import AuditEntry, AuditFilter
from mailer.store.tables.core import lists, suppressions
from mailer.store.tables.staff import audit_log
from mailer.store.tables.states import SuppressionReason

LIFTED = "suppression lifted"  # `audit_log.action`
LONGEST_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class LiftedSuppression:
    """A suppression as it was or is. `list` is "" for every list."""

    list: str
    reason: SuppressionReason
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Lifted:
    """What was taken back, and what still keeps the address from being mailed."""

    address: str
    lifted: Sequence[LiftedSuppression]
    kept: Sequence[LiftedSuppression]


def lift(
    connection: Connection, address: str, *, address_key: bytes, reason: str, by: Actor, complaint: bool, at: datetime
) -> Lifted:
    """Let an address that bounced, or that staff had stopped, be mailed again; with `complaint` also one that reported
    spam. Raises `MailerError`, with nothing changed, when nothing can be lifted."""
    why = " ".join(reason.split())[:LONGEST_REASON]
    if not why:
        raise MailerError(
            "lifting a suppression needs a reason", remedy='For example: --reason "new mailbox, they wrote"'
        )
    spelling = normalise(address)
    hashed = address_hash(spelling, address_key)
    change_consent(connection)
    found = _stops(connection, hashed)
    if not found:
        raise MailerError(f"nothing stops {spelling} from being mailed", remedy=f"See: mailer people show {spelling}")
    if not complaint and any(stop.reason is SuppressionReason.COMPLAINED for stop in found):
        raise MailerError(
            f"{spelling} reported our mail as spam, so they are not mailed again",
            remedy="Only if they themselves asked for our mail since then: add --complaint",
        )
    kept = [stop for stop in found if stop.reason is SuppressionReason.UNSUBSCRIBED]
    lifted = [stop for stop in found if stop not in kept]
    if not lifted:
        raise MailerError(
            f"{spelling} left by their own decision, which nobody else can take back",
            remedy="They can join again by your form. If a scanner pressed the button: mailer people undo-unsubscribes",
        )
    connection.execute(
        delete(suppressions).where(
            suppressions.c.address_hash == hashed, suppressions.c.reason != SuppressionReason.UNSUBSCRIBED.value
        )
    )
    for stop in lifted:
        audit.record(connection, by, LIFTED, at=at, address_hash=hashed, detail=_detail(stop), reason=why)
    return Lifted(spelling, lifted, kept)


def decisions(connection: Connection, hashed: bytes) -> list[AuditEntry]:
    """What staff decided of an address, the oldest first."""
    return [*reversed(audit.entries(connection, AuditFilter(address_hash=hashed), limit=None))]


def last_lifted(connection: Connection, hashed: bytes) -> datetime | None:
    """When a suppression of the address was lifted last; what led to it counts no more."""
    query = select(func.max(audit_log.c.at)).where(audit_log.c.address_hash == hashed, audit_log.c.action == LIFTED)
    return connection.execute(query).scalar()


def _stops(connection: Connection, hashed: bytes) -> list[LiftedSuppression]:
    query = (
        select(
            func.coalesce(lists.c.name, "").label("list"),
            suppressions.c.reason,
            suppressions.c.at,
            suppressions.c.source,
        )
        .select_from(suppressions.outerjoin(lists, lists.c.id == suppressions.c.list_id))
        .where(suppressions.c.address_hash == hashed)
        .order_by(suppressions.c.list_id, suppressions.c.reason)
        .with_for_update(of=suppressions)
    )
    rows = connection.execute(query)
    return [LiftedSuppression(row.list, SuppressionReason(row.reason), row.at, row.source) for row in rows]


def _detail(stop: LiftedSuppression) -> str:
    """What was lifted. A source may name an address where a colleague typed one; the log names nobody."""
    source = "" if "@" in stop.source else f", {stop.source}"
    return f"{stop.reason} on {stop.list or 'every list'} since {stop.at:%Y-%m-%d %H:%M} UTC{source}"
