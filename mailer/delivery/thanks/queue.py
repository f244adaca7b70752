"""Thanks for a signature: whether a person is mailed, once for each page they sign, and with what beside the thanks.

Anybody can type any address into a form. So the mail to an address that was typed has nothing in it that anybody but
staff wrote, few of them go to one mailbox, and none to an address that is not to be mailed. Somebody who signs by the
link of their own mail is thanked by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.eligibility import unwelcome
from mailer.audience.consent.subscribe import JoinOutcome, JoinResult
from mailer.audience.petition.signatures import SignResult
from mailer.delivery.subscriptions.requests import mailbox
from mailer.store.jobs import THANKS, Job, add
from mailer.store.rate_limits import Limit, limit_key, take
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import ThanksState

# Somebody may sign several pages in a row. The limit is apart from that of other mails, so that whatever strangers sign
# in somebody's name, a link that they ask for themselves still comes.
TO_ONE_MAILBOX = Limit(3, timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed. `by_link`: they came by the link of their own mail, so the address is theirs."""

    person_id: int
    address: str
    by_link: bool
    language: str  # that they were answered in


@dataclass(frozen=True, slots=True)
class Thanks:
    """What a job says: whose signature, and what the mail has beside its words."""

    signature: int
    by_link: bool
    language: str
    lists: tuple[str, ...] = ()  # that they asked to join …
    confirmation: int | None = None  # … by pressing the link of this request, None where they needn't


def thank(
    connection: Connection,
    signed: SignResult,
    signer: SignedBy,
    *,
    joining: JoinResult | None,
    limited: bool = False,
    address_key: bytes,
    at: datetime,
) -> bool:
    """Queue the thanks for a signature, in the transaction that stores it. `joining` is what became of a ticked box for
    news that is confirmed by mail; `limited`: that box's mail is one too many for the mailbox.

    False when none is sent: they were thanked, the signature wasn't changed, or their mailbox is not to be mailed now.
    """
    if signed.kept:  # somebody typed the address of a person who signed by their own link
        return False
    if not moved(connection, signed.id, ThanksState.QUEUED, ThanksState.NONE, ThanksState.HELD):
        return False
    hashed = address_hash(signer.address, address_key)
    welcome = not limited and not connection.execute(select(unwelcome(hashed))).scalar_one()
    if welcome and joining is None and not signer.by_link:
        key = limit_key("thanks", mailbox(signer.address), key=address_key)
        welcome = take(connection, key, TO_ONE_MAILBOX, now=at)
    if not welcome:
        moved(connection, signed.id, ThanksState.HELD, ThanksState.QUEUED)
        return False
    said: dict[str, Any] = {"signature": signed.id, "by_link": signer.by_link, "language": signer.language}
    if joining is not None:
        said["lists"] = list(joining.lists)
        if joining.answer is JoinOutcome.CONFIRM:
            said["confirmation"] = str(joining.confirmation)  # as text: 63 bits are too many for some readers of JSON
    add(
        connection, THANKS, json.dumps(said).encode(), at=at, address=signer.address, person_id=signer.person_id,
    )  # fmt: skip
    return True


def read_thanks(job: Job) -> Thanks:
    """What a job says."""
    said = json.loads(job.payload)
    number = said.get("confirmation")
    return Thanks(
        signature=said["signature"],
        by_link=said["by_link"],
        language=said["language"],
        lists=tuple(said.get("lists", ())),
        confirmation=None if number is None else int(number),
    )


def moved(connection: Connection, signature: int, to: ThanksState, *before: ThanksState) -> bool:
    """Note what became of a signature's thanks, if it was one of `before` until now. Of several that try, one does."""
    theirs = (signatures.c.id == signature) & signatures.c.thanks.in_([state.value for state in before])
    return connection.execute(update(signatures).where(theirs).values(thanks=to.value)).rowcount == 1


def count_thanks(connection: Connection, page: str) -> Mapping[str, int]:
    """How many signatures of a page have their thanks in each `ThanksState`, where there are any."""
    counted = (
        select(signatures.c.thanks, func.count())
        .where(signatures.c.page == page, signatures.c.thanks != ThanksState.NONE.value)
        .group_by(signatures.c.thanks)
    )
    return {str(state): int(number) for state, number in connection.execute(counted)}
