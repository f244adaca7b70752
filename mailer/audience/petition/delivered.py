"""That a petition was delivered: the day, what is told of it, and how many had signed. One row for each page.

The page says so to everybody who opens it; the mail to those who signed is for `delivery.notices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from mailer.audience.petition.signatures import count
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.inbound import delivered_petitions

LONGEST_NOTE = 300  # characters: it is read on the page
A_ZONE = timedelta(days=1)  # somewhere it is tomorrow


@dataclass(frozen=True, slots=True)
class DeliveredPetition:
    """When and how a petition was delivered. `note` is the group's own words on one line, or ""."""

    page: str
    day: date
    note: str
    signatures: int  # counted when it was noted
    noted_at: datetime


def petition_delivered(connection: Connection, page: str) -> DeliveredPetition | None:
    """What is kept of the delivery of this page's petition; None while it was not delivered."""
    row = connection.execute(select(delivered_petitions).where(delivered_petitions.c.page == page)).first()
    if row is None:
        return None
    return DeliveredPetition(row.page, date.fromisoformat(row.day), row.note, row.signatures, row.noted_at)


def note_delivery(
    connection: Connection, actor: Actor, page: str, *, day: date, note: str, at: datetime
) -> DeliveredPetition:
    """Keep that a petition was delivered on `day`, in place of what was noted before.

    Raises `MailerError` for a day to come, or where nobody has signed, and `NotAllowed` unless the actor may write.
    """
    actor.require(Right.WRITE)
    if day > at.date() + A_ZONE:
        raise MailerError(f"{day} is still to come", remedy="Note it once the petition was delivered.")
    kept = DeliveredPetition(page, day, " ".join(note.split())[:LONGEST_NOTE], count(connection, page), at)
    if not kept.signatures:
        raise MailerError(f"nobody has signed {page}", remedy="Look at the newsletter’s name: mailer signatures")
    connection.execute(delete(delivered_petitions).where(delivered_petitions.c.page == page))
    connection.execute(
        insert(delivered_petitions),
        {"page": page, "day": day.isoformat(), "note": kept.note, "signatures": kept.signatures, "noted_at": at},
    )
    audit.record(connection, actor, "petition delivered", at=at, subject=f"newsletter {page}", detail=f"on {day}")
    return kept


def forget_delivery(connection: Connection, actor: Actor, page: str, *, at: datetime) -> None:
    """Take back that a petition was delivered. Raises `MailerError` when that wasn't noted."""
    actor.require(Right.WRITE)
    if not connection.execute(delete(delivered_petitions).where(delivered_petitions.c.page == page)).rowcount:
        raise MailerError(f"{page} was not noted as delivered", remedy="There is nothing to take back.")
    audit.record(connection, actor, "petition not delivered", at=at, subject=f"newsletter {page}")
