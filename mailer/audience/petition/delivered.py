"""That a petition was delivered: the day, what is told of it, and how many had signed. One row for each page.

The page says so to everybody who opens it; the mail to those who signed is for `delivery.notices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, insert, select

from mailer.audience.petition.signatures import count
from mailer.store.tables.inbound import delivered_petitions


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


def note_delivery(connection: Connection, page: str, *, day: date, note: str, at: datetime) -> DeliveredPetition:
    """Keep that a petition was delivered on `day`, in place of what was noted before."""
    forget_delivery(connection, page)
    kept = DeliveredPetition(page, day, " ".join(note.split()), count(connection, page), at)
    connection.execute(
        insert(delivered_petitions),
        {"page": page, "day": day.isoformat(), "note": kept.note, "signatures": kept.signatures, "noted_at": at},
    )
    return kept


def forget_delivery(connection: Connection, page: str) -> bool:
    """Take back that a petition was delivered; whether that had been noted."""
    gone = connection.execute(delete(delivered_petitions).where(delivered_petitions.c.page == page))
    return gone.rowcount > 0
