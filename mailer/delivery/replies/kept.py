"""Keeps replies as they are read from the mailbox, and lists them. What staff do with them is for `dealing`.

Only words are kept, cut short; of attachments the names. All of it is deleted with the person, and when it is old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, update

from mailer.audience.addresses import BadAddress, normalise
from mailer.audience.consent.scrub import NOTHING_SAID
from mailer.staff.actor import Actor
from mailer.store.engine.by_campaign import about, campaign_of
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.inbound import WAITING_REPLY, replies
from mailer.store.tables.staff import staff
from mailer.store.tables.states import ReplyKind, ReplyState

MOST_ATTACHMENTS = 20


@dataclass(frozen=True, slots=True)
class WrittenReply:
    """What a reply says."""

    kind: ReplyKind
    words: str
    message_id: str = ""
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply as it is listed. `person_id` and `address` are those of the person it is from by our token, or, where it
    has none, of the person with the sender's address (`is_proven` tells which); None for somebody unknown."""

    id: int
    at: datetime
    kind: ReplyKind
    state: ReplyState
    sender: str
    subject: str
    words: str
    message_id: str
    attachments: Sequence[str]
    delivery_id: int | None
    slug: str
    lists: tuple[str, ...]
    person_id: int | None
    address: str | None
    handed_to: int | None
    handed_name: str
    is_proven: bool

    @property
    def name(self) -> str:
        """Who it is from, as their mail says."""
        name, address = parseaddr(self.sender)
        return name or address or self.address or "Somebody"

    @property
    def answer_to(self) -> str:
        """Where an answer goes: the sender's address."""
        return parseaddr(self.sender)[1] or self.address or ""

    def is_for(self, actor: Actor) -> bool:
        """Whether they may read it: somebody who is limited to lists reads those to their newsletters."""
        return actor.may_work_on(self.lists)


def keep_reply(
    connection: Connection,
    reply: WrittenReply,
    *,
    delivery_id: int | None,
    digest: str,
    sender: str,
    subject: str,
    at: datetime,
) -> bool:
    """Keep a reply; False for one that came before, in another copy."""
    known = f"{reply.message_id}\0{delivery_id}" if reply.message_id else digest
    waits = reply.kind is not ReplyKind.AUTOMATIC
    row = {
        "key": hashlib.sha256(known.encode("utf-8", "replace")).hexdigest(), "at": at, "kind": reply.kind.value,
        "state": (ReplyState.NEW if waits else ReplyState.DONE).value,
        "campaign_id": None if delivery_id is None else campaign_of(delivery_id), "delivery_id": delivery_id,
        "sender": sender, "subject": subject, "message_id": reply.message_id, "words": reply.words,
        "attachments": list(reply.attachments), "changed_at": at,
    }  # fmt: skip
    added = insert_for(connection, replies).values(row).on_conflict_do_nothing().returning(replies.c.id)
    return connection.execute(added).first() is not None


def list_replies(
    connection: Connection,
    actor: Actor,
    *,
    kind: ReplyKind | None = None,
    waiting: bool = False,
    handed_to: int | None = None,
    before: int | None = None,
    most: int,
) -> list[KeptReply]:
    """Replies that the actor may read, the newest first; those before the number `before`, where a page goes on."""
    query = _query().order_by(replies.c.id.desc())
    if kind is not None:
        query = query.where(replies.c.kind == kind.value)
    if waiting:
        query = query.where(WAITING_REPLY)
    if handed_to is not None:
        query = query.where(replies.c.handed_to == handed_to)
    if before is not None:
        query = query.where(replies.c.id < before)
    if actor.lists is None:
        query = query.limit(most)
    found = (_kept(connection, row) for row in connection.execute(query))
    return [one for one in found if one.is_for(actor)][:most]


def find_reply(connection: Connection, actor: Actor, number: int) -> KeptReply | None:
    """One reply, if there is such a one and the actor may read it."""
    row = connection.execute(_query().where(replies.c.id == number)).first()
    found = _kept(connection, row) if row else None
    return found if found and found.is_for(actor) else None


def count_waiting(connection: Connection, actor: Actor) -> int:
    """How many wait for somebody; quick. Those that were handed to others don't wait for the actor."""
    if actor.lists is not None:
        mine = list_replies(connection, actor, waiting=True, most=1_000)
        return sum(one.handed_to in (None, actor.account_id) for one in mine)
    query = select(func.count()).select_from(replies).where(WAITING_REPLY)
    theirs = replies.c.handed_to.is_(None)
    if actor.account_id is not None:
        theirs |= replies.c.handed_to == actor.account_id
    return connection.execute(query.where(theirs)).scalar_one()


def blank_old(connection: Connection, *, now: datetime, keep: timedelta) -> None:
    """Delete the words and senders of old replies; what they count for stays."""
    connection.execute(update(replies).where(_is_old(now, keep)).values(NOTHING_SAID))


def any_old(now: datetime, keep: timedelta) -> ColumnElement[bool]:
    """Whether there is a reply whose words are kept no longer."""
    return select(replies.c.id).where(_is_old(now, keep)).exists()


def _is_old(now: datetime, keep: timedelta) -> ColumnElement[bool]:
    return (replies.c.at < now - keep) & ((replies.c.sender != "") | (replies.c.words != ""))


def _query() -> Select[Any]:
    return select(
        replies, campaigns.c.slug, campaigns.c.audience, people.c.id.label("person_id"), people.c.address,
        staff.c.name.label("handed_name"), staff.c.address.label("handed_address"),
    ).select_from(
        replies.outerjoin(deliveries, about(replies))
        .outerjoin(campaigns, campaigns.c.id == replies.c.campaign_id)
        .outerjoin(people, people.c.id == deliveries.c.person_id)
        .outerjoin(staff, staff.c.id == replies.c.handed_to)
    )  # fmt: skip


def _kept(connection: Connection, row: Row[Any]) -> KeptReply:
    person_id, address = row.person_id, row.address
    if row.delivery_id is None:
        person_id, address = _by_sender(connection, row.sender)
    lists: list[str] = row.audience.get("include", []) if row.audience else []
    return KeptReply(
        id=row.id, at=row.at, kind=ReplyKind(row.kind), state=ReplyState(row.state), sender=row.sender,
        subject=row.subject, words=row.words, message_id=row.message_id, attachments=tuple(row.attachments),
        delivery_id=row.delivery_id, slug=row.slug or "", lists=tuple(lists), person_id=person_id, address=address,
        handed_to=row.handed_to, handed_name=row.handed_name or row.handed_address or "",
        is_proven=row.delivery_id is not None,
    )  # fmt: skip


def _by_sender(connection: Connection, sender: str) -> tuple[int | None, str | None]:
    """The person with the address that the mail names as its sender, which anybody may write there."""
    try:
        address = normalise(parseaddr(sender)[1])
    except BadAddress:
        return None, None
    row = connection.execute(select(people.c.id, people.c.address).where(people.c.address == address)).first()
    return (row.id, row.address) if row else (None, None)
