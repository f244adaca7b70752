"""Requests of forms, in the table `requests`: kept until the link in a mail is pressed, and a while after.

What a request does when it is confirmed is for `subscribe` and `people.change_address`; the mail with the link for
`delivery`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from mailer.store.tables import inbound as tables
from mailer.store.tables.states import RequestKind

requests = tables.requests

VALID = {
    RequestKind.JOIN: timedelta(days=7),  # long enough for a week away from the mailbox
    RequestKind.ADDRESS: timedelta(days=7),
    RequestKind.DATA: timedelta(days=1),  # what it leads to is everything about a person
}
KEEP = timedelta(days=30)


class ConfirmationState(StrEnum):
    """How far a request has come."""

    ASKED = "asked"
    DONE = "done"
    EXPIRED = "expired"  # its time is over, or it isn't kept any more
    REFUSED = "refused"  # something forbids it, such as the list's closing or a suppression by staff


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of `requests`."""

    id: int
    kind: RequestKind
    address: str = field(repr=False)
    person_id: int | None
    fields: Mapping[str, str] = field(repr=False)
    lists: Sequence[str]
    source: str
    wording: str
    asked_at: datetime
    done_at: datetime | None

    def stage(self, now: datetime) -> ConfirmationState:
        """Done requests stay so, however late the link is pressed again."""
        if self.done_at is not None:
            return ConfirmationState.DONE
        return ConfirmationState.ASKED if now < self.asked_at + VALID[self.kind] else ConfirmationState.EXPIRED


@dataclass(frozen=True, slots=True)
class Terms:
    """What somebody who joins agreed to, and what they said of themselves."""

    lists: Sequence[str] = ()
    wording: str = ""
    fields: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


NO_TERMS = Terms()


def keep(
    connection: Connection,
    kind: RequestKind,
    *,
    address: str,
    source: str,
    at: datetime,
    person_id: int | None = None,
    terms: Terms = NO_TERMS,
) -> int:
    """Keep a request; returns its random number, which the link's token names."""
    number = secrets.randbits(62)
    connection.execute(
        insert(requests).values(
            id=number, kind=kind.value, address=address, person_id=person_id, fields=dict(terms.fields),
            lists=list(terms.lists), source=source, wording=terms.wording, asked_at=at,
        )
    )  # fmt: skip
    return number


def find(connection: Connection, number: int, *, lock: bool = False) -> Kept | None:
    """The request with this number; with `lock` nobody else confirms it until this transaction ends."""
    query = select(requests).where(requests.c.id == number)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    return Kept(
        id=row.id, kind=RequestKind(row.kind), address=row.address, person_id=row.person_id, fields=row.fields,
        lists=tuple(row.lists), source=row.source, wording=row.wording, asked_at=row.asked_at, done_at=row.done_at,
    )  # fmt: skip


def finish(connection: Connection, request: Kept, *, at: datetime) -> None:
    """Note that a request is done."""
    connection.execute(update(requests).where(requests.c.id == request.id).values(done_at=at))


def prune(connection: Connection, *, now: datetime) -> int:
    """Delete requests older than 30 days. Returns how many."""
    return connection.execute(delete(requests).where(requests.c.asked_at < now - KEEP)).rowcount
