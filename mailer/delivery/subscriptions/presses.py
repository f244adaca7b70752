"""Who pressed "unsubscribe": as little of a press as it takes to tell a scanner's burst from people, kept for a month.

Of somebody who isn't to be tracked only the moment is kept. What the presses show is for `bursts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from mailer.store.engine.by_campaign import numbered
from mailer.store.tables.core import deliveries, people
from mailer.store.tables.inbound import unsubscribe_presses as presses

KEPT = timedelta(days=30)
LOOKED = "page"  # how somebody "pressed" who had left already, and opened the page that says so
MOST_KEPT = 5  # of one mail: a program that presses for ever must not fill the disk


@dataclass(frozen=True, slots=True)
class Presser:
    """By what program and from which network, as `tracking.hits` keeps them; empty when the browser asks for that."""

    agent: str = ""
    network: bytes = b""


def note_press(connection: Connection, delivery_id: int, by: Presser, *, how: str, at: datetime) -> None:
    """Keep a press, whether or not it changed anything: a second one from elsewhere is evidence, too."""
    mine = presses.c.delivery_id == delivery_id
    if connection.execute(select(func.count()).select_from(presses).where(mine)).scalar_one() >= MOST_KEPT:
        return
    tracked = connection.execute(
        select(people.c.tracking).join(deliveries, deliveries.c.person_id == people.c.id).where(numbered(delivery_id))
    ).scalar()
    by = by if tracked else Presser()
    row = {"delivery_id": delivery_id, "at": at, "how": how, "agent": by.agent, "network": by.network}
    connection.execute(insert(presses).values(row))


def any_old(now: datetime) -> ColumnElement[bool]:
    """Whether there is a press that is kept no longer."""
    return select(presses.c.id).where(presses.c.at < now - KEPT).exists()


def prune(connection: Connection, *, now: datetime) -> None:
    """Delete those that are kept no longer."""
    connection.execute(delete(presses).where(presses.c.at < now - KEPT))
