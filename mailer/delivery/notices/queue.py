"""Notices: mails to one person outside any campaign, such as the link that confirms a subscription, and their queue.

A notice is queued in the transaction that it tells of. The thread that hands it over claims it first under a lease, and
commits that; when the lease runs out the program died on the way, and the notice is uncertain: it is never sent twice
by itself.
What a notice says is for `text`; handing it over for `sender`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from mailer.store.engine.database import Database
from mailer.store.tables import inbound as tables
from mailer.store.tables.states import DeliveryState
from mailer.transports.base import Fate, Outcome

notices = tables.notices

LEASE = timedelta(minutes=5)  # longer than any hand-over of one mail takes
# Pauses before the second, third … try. Servers that put strangers off (greylisting) take a mail after some minutes.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 30, 60))
GIVE_UP = timedelta(days=2)  # nobody waits for a link longer
KEEP_ADDRESS = timedelta(days=7)  # as long as a link in it works, so that staff can answer "where is my mail?"
KEEP = timedelta(days=90)
DONE = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN)
DETAIL_CHARACTERS = 300


class NoticeKind(StrEnum):
    """The text to use: texts/<kind>.txt."""

    CONFIRM_JOIN = "confirm-join"
    WELCOME = "welcome"
    ALREADY = "already"
    CONFIRM_ADDRESS = "confirm-address"
    ADDRESS_TAKEN = "address-taken"
    ADDRESS_CHANGED = "address-changed"
    DATA = "data"
    STAFF_LINK = "staff-link"


@dataclass(frozen=True, slots=True)
class Notice:
    """What to say, and to which person. `confirmation` is the row its button leads to; `lists` are names.

    `account` is the member of staff whose one-time link it carries; that is made when the notice is handed over, so it
    is kept nowhere and its day begins then.
    """

    kind: NoticeKind
    address: str
    language: str = ""
    lists: Sequence[str] = ()
    confirmation: int | None = None
    account: int | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that this program is about to hand over."""

    id: int
    attempt: int
    created_at: datetime
    notice: Notice = field(repr=False)


def queue(connection: Connection, notice: Notice, *, at: datetime) -> None:
    """Queue a notice to be handed over as soon as this transaction is committed."""
    fields: dict[str, Any] = {"lists": list(notice.lists)}
    if notice.confirmation is not None:
        fields["confirmation"] = str(notice.confirmation)  # as text: 63 bits are too many for some readers of JSON
    if notice.account is not None:
        fields["account"] = notice.account
    connection.execute(
        insert(notices).values(
            kind=notice.kind.value, address=notice.address, language=notice.language, fields=fields,
            state=DeliveryState.QUEUED.value, not_before=at, created_at=at,
        )
    )  # fmt: skip


def waiting(database: Database, *, now: datetime) -> bool:
    """Whether a notice is due, or was claimed by somebody who is late."""
    due = (notices.c.state == DeliveryState.QUEUED.value) & (notices.c.not_before <= now)
    lapsed = (notices.c.state == DeliveryState.SENDING.value) & (notices.c.lease_until < now)
    with database.read() as connection:
        return any(connection.execute(select(notices.c.id).where(one).limit(1)).first() for one in (due, lapsed))


def claim(database: Database, *, now: datetime) -> Claimed | None:
    """The next notice that is due, committed as being on its way; None when there is none."""
    due = (
        select(notices.c.id)
        .where(notices.c.state == DeliveryState.QUEUED.value, notices.c.not_before <= now)
        .order_by(notices.c.not_before, notices.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with database.write() as connection:
        row = connection.execute(
            update(notices)
            .where(notices.c.id == due.scalar_subquery())
            .values(state=DeliveryState.SENDING.value, attempt=notices.c.attempt + 1, lease_until=now + LEASE)
            .returning(*notices.c)
        ).first()
    return None if row is None else _claimed(row)


def record(database: Database, claimed: Claimed, outcome: Outcome, *, now: datetime) -> DeliveryState:
    """Write down what became of a claimed notice; returns its state."""
    values: dict[str, Any] = {"code": outcome.code, "detail": outcome.detail[:DETAIL_CHARACTERS], "lease_until": None}
    state = _state(claimed, outcome, now=now)
    if state is DeliveryState.QUEUED:
        pause = PAUSES[min(claimed.attempt, len(PAUSES)) - 1]
        asked = timedelta(seconds=min(outcome.retry_after_seconds or 0.0, GIVE_UP.total_seconds()))
        values["not_before"] = now + max(pause, asked)
    with database.write() as connection:
        # Also when the lease ran out meanwhile: what is known now is more than "uncertain".
        mine = (notices.c.id == claimed.id) & (notices.c.attempt == claimed.attempt)
        connection.execute(update(notices).where(mine).values(state=state.value, **values))
    return state


def _state(claimed: Claimed, outcome: Outcome, *, now: datetime) -> DeliveryState:
    waits = outcome.fate is Fate.DEFERRED or outcome.refuses_us  # a refused sender or host is put right by staff
    match outcome.fate:
        case Fate.ACCEPTED:
            return DeliveryState.SENT
        case Fate.UNCERTAIN:
            return DeliveryState.UNCERTAIN
        case _ if waits and now < claimed.created_at + GIVE_UP:
            return DeliveryState.QUEUED
        case _:
            return DeliveryState.FAILED


def settle(database: Database, *, now: datetime) -> int:
    """Notices whose program died while it handed them over become uncertain. Returns how many."""
    lapsed = (notices.c.state == DeliveryState.SENDING.value) & (notices.c.lease_until < now)
    values: Mapping[str, Any] = {"state": DeliveryState.UNCERTAIN.value, "lease_until": None}
    with database.write() as connection:
        return connection.execute(
            update(notices).where(lapsed).values(detail="the program that was sending it died", **values)
        ).rowcount


def prune(connection: Connection, *, now: datetime) -> None:
    """Remove personal data from old notices, and delete the oldest."""
    done = notices.c.state.in_([state.value for state in DONE])
    old = (notices.c.created_at < now - KEEP_ADDRESS) & (notices.c.address != "")
    connection.execute(update(notices).where(done, old).values(address="", fields={}, detail=""))
    connection.execute(delete(notices).where(done, notices.c.created_at < now - KEEP))


def _claimed(row: Row[Any]) -> Claimed:
    confirmation = row.fields.get("confirmation")
    notice = Notice(
        kind=NoticeKind(row.kind),
        address=row.address,
        language=row.language,
        lists=tuple(row.fields.get("lists", ())),
        confirmation=None if confirmation is None else int(confirmation),
        account=row.fields.get("account"),
    )
    return Claimed(row.id, row.attempt, row.created_at, notice)
