"""The standing list of reviewers: who gets the proofs of every newsletter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mailer.audience.addresses import normalise
from mailer.audience.consent.changes import insert_for
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.writing import reviewers


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who gets proofs; they needn't have an account."""

    address: str
    name: str


def reviewers_of(connection: Connection) -> list[Reviewer]:
    """Everybody on the list, in the order of their addresses."""
    rows = connection.execute(select(reviewers).order_by(reviewers.c.address))
    return [Reviewer(row.address, row.name) for row in rows]


def add_reviewer(connection: Connection, actor: Actor, address: str, *, name: str = "", at: datetime) -> Reviewer:
    """Put somebody on the list, or rename them. Raises `MailerError` for what is no address."""
    actor.require(Right.PROOF)
    added = Reviewer(normalise(address), name.strip())
    row = {"address": added.address, "name": added.name, "added_at": at}
    known = insert_for(connection, reviewers).values(row)
    renamed = known.on_conflict_do_update(index_elements=["address"], set_={"name": added.name})
    connection.execute(renamed)
    audit.record(connection, actor, "reviewer added", at=at, detail=added.address)
    return added


def remove_reviewer(connection: Connection, actor: Actor, address: str, *, at: datetime) -> bool:
    """Take somebody off the list; False when they weren't on it."""
    actor.require(Right.PROOF)
    if not connection.execute(delete(reviewers).where(reviewers.c.address == normalise(address))).rowcount:
        return False
    audit.record(connection, actor, "reviewer removed", at=at, detail=normalise(address))
    return True
