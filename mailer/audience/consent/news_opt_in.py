"""Somebody known, who came by the link of their own mail, ticked the box for news while signing: on the list at once.

People who aren't known ask to join as on a sign-up page, and confirm it by mail: that is for `subscribe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from mailer.audience.consent.changes import list_id, prove_again, subscribe
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.consent.recheck import change_consent
from mailer.store.tables.core import people, subscriptions, suppressions
from mailer.store.tables.states import Membership

HOW = "form"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody agreed to: the list, the words, and the page these were on."""

    list: str
    wording: str
    source: str


def join_known(connection: Connection, *, person_id: int, agreed: Agreed, at: datetime) -> bool:
    """Put somebody who came by their own link on a list, with proof. False when they left it before or are suppressed:
    then only a mail that they confirm may bring them back. True, too, when they are on it already."""
    change_consent(connection)
    number = list_id(connection, agreed.list)
    theirs = (subscriptions.c.list_id == number) & (subscriptions.c.person_id == person_id)
    status = connection.execute(select(subscriptions.c.status).where(theirs)).scalar()
    if status == Membership.SUBSCRIBED:
        prove_again(
            connection, person_id=person_id, list_id=number, how=HOW, source=agreed.source, wording=agreed.wording,
            at=at,
        )  # fmt: skip
        return True
    stopped = connection.execute(
        select(suppressions.c.list_id)
        .join(people, people.c.address_hash == suppressions.c.address_hash)
        .where(people.c.id == person_id, or_(suppressions.c.list_id == EVERY_LIST, suppressions.c.list_id == number))
    ).first()
    if stopped or status is not None:
        return False
    subscribe(
        connection, person_id=person_id, list_id=number, how=HOW, source=agreed.source, wording=agreed.wording, at=at
    )
    return True
