"""Somebody ticked the box for news while signing: on the list at once when they are known, else once they confirm.

The mails that ask for a confirmation, and what its link does, are made elsewhere from the row that is written here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select

from mailer.audience.addresses import normalise
from mailer.audience.consent import EVERY_LIST, consent_source, insert_for, list_id
from mailer.audience.handover import change_consent
from mailer.store.returns import confirmations
from mailer.store.states import Membership, Wish
from mailer.store.tables import consents, people, subscriptions, suppressions

HOW = "form"
NUMBER_BITS = 62  # of a confirmation: too many to try, and a positive number in both engines


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody agreed to: the list, the words, and the page these stood on."""

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
        return True
    stopped = connection.execute(
        select(suppressions.c.list_id)
        .join(people, people.c.address_hash == suppressions.c.address_hash)
        .where(people.c.id == person_id, or_(suppressions.c.list_id == EVERY_LIST, suppressions.c.list_id == number))
    ).first()
    if stopped or status is not None:
        return False
    row = {"list_id": number, "person_id": person_id, "status": Membership.SUBSCRIBED.value, "changed_at": at}
    connection.execute(insert_for(connection, subscriptions).values(row).on_conflict_do_nothing())
    origin = consent_source(connection, how=HOW, source=agreed.source, wording=agreed.wording)
    proof = {"person_id": person_id, "list_id": number, "status": Membership.SUBSCRIBED.value, "at": at}
    connection.execute(insert(consents).values(**proof, source_id=origin))
    return True


def ask_to_confirm(
    connection: Connection, *, address: str, fields: Mapping[str, str], agreed: Agreed, at: datetime
) -> int:
    """Note that somebody wants to be on a list, to be confirmed by mail; returns the confirmation's number."""
    number = secrets.randbits(NUMBER_BITS)
    connection.execute(
        insert(confirmations).values(
            id=number, kind=Wish.JOIN.value, address=normalise(address), fields=dict(fields), lists=[agreed.list],
            source=agreed.source, wording=agreed.wording, asked_at=at,
        )
    )  # fmt: skip
    return number
