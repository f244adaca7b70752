"""Mails people again who were set inactive, as soon as they act: they signed, joined, wrote back or followed a link."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, delete, select

from mailer.audience.selection.groups import PEOPLE
from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import consents, deliveries, hits, people, suppressions
from mailer.store.tables.inbound import replies, signatures
from mailer.store.tables.states import Membership, ReplyKind, SuppressionReason


def lift_of_active(connection: Connection, feed: str, *, after: int, until: int) -> int:
    """Lift "inactive" off everybody who acted in these rows of a table, on every list; returns how many were lifted."""
    who = _who(feed, after, until)
    hashes = select(people.c.address_hash).where(people.c.id.in_(who))
    gone = delete(suppressions).where(
        suppressions.c.reason == SuppressionReason.INACTIVE.value, suppressions.c.address_hash.in_(hashes)
    )
    return connection.execute(gone).rowcount


def _who(feed: str, after: int, until: int) -> Select[Any]:
    if feed == consents.name:
        joined = (consents.c.id > after, consents.c.id <= until, consents.c.status == Membership.SUBSCRIBED.value)
        return select(consents.c.person_id).where(*joined)
    if feed == signatures.name:
        span = (signatures.c.id > after, signatures.c.id <= until, signatures.c.person_id.is_not(None))
        return select(signatures.c.person_id).where(*span)
    if feed == replies.name:
        span = (replies.c.id > after, replies.c.id <= until, replies.c.kind != ReplyKind.AUTOMATIC.value)
        return select(deliveries.c.person_id).join(replies, about(replies)).where(*span)
    clicked = (hits.c.id > after, hits.c.id <= until, hits.c.n > 0, hits.c.verdict.in_(PEOPLE))
    return select(deliveries.c.person_id).join(hits, about(hits)).where(*clicked)
