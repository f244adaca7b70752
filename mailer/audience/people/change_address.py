"""A change of address: asked for by somebody we mail, confirmed by a link in a mail to the new address.

Until then nothing changes. Suppressions of the old address move with the person; a suppression of the new address
holds too. An address that somebody else has is not taken over, nor are two people made one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import suppress
from mailer.audience.consent.confirmations import ConfirmationState, Kept, finish, keep
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.consent.recheck import change_consent
from mailer.store.tables.core import people, suppressions
from mailer.store.tables.states import RequestKind, SuppressionReason


class AddressOutcome(StrEnum):
    """The outcome of the request; the page says the same for each."""

    CONFIRM = "confirm"  # the link is to be mailed to the new address
    TAKEN = "taken"  # somebody has that address; they are told
    SAME = "same"  # it is the address we mail already
    REFUSED = "refused"  # that address is not to be mailed at all


@dataclass(frozen=True, slots=True)
class AddressChange:
    """The answer, and the number of the request if one is kept."""

    answer: AddressOutcome
    confirmation: int | None = None


def ask_for_address(
    connection: Connection, *, person_id: int, address: str, source: str, address_key: bytes, at: datetime
) -> AddressChange:
    """Store a person's request to be mailed at `address`, which is normalised."""
    holder = connection.execute(select(people.c.id).where(people.c.address == address)).scalar()
    refused = _is_refused(connection, address_hash(address, address_key))
    if refused:
        return AddressChange(AddressOutcome.REFUSED)
    if holder is not None:
        return AddressChange(AddressOutcome.SAME if holder == person_id else AddressOutcome.TAKEN)
    number = keep(connection, RequestKind.ADDRESS, address=address, person_id=person_id, source=source, at=at)
    return AddressChange(AddressOutcome.CONFIRM, number)


def confirm_address(
    connection: Connection, request: Kept, *, address_key: bytes, at: datetime
) -> tuple[ConfirmationState, str | None]:
    """The link was pressed: the person is mailed at the new address. Returns the stage, and the address before."""
    change_consent(connection)
    before = connection.execute(
        select(people.c.address, people.c.address_hash).where(people.c.id == (request.person_id or -1))
    ).first()
    hashed = address_hash(request.address, address_key)
    taken = connection.execute(select(people.c.id).where(people.c.address == request.address)).scalar()
    if before is None or taken is not None or _is_refused(connection, hashed):
        return ConfirmationState.REFUSED, None
    stops = select(suppressions).where(
        suppressions.c.address_hash == before.address_hash,
        suppressions.c.reason != SuppressionReason.BOUNCED.value,  # that was about the mailbox, not about its owner
    )
    for stop in connection.execute(stops).all():
        reason = SuppressionReason(stop.reason)
        suppress(
            connection, address_hash=hashed, reason=reason, list_id=stop.list_id, at=stop.at, source=stop.source
        )  # fmt: skip
    connection.execute(
        update(people)
        .where(people.c.id == request.person_id)
        .values(address=request.address, address_hash=hashed, updated_at=at)
    )
    finish(connection, request, at=at)
    return ConfirmationState.DONE, before.address


def _is_refused(connection: Connection, hashed: bytes) -> bool:
    """Whether an address is not to be mailed, by anything but its owner's leaving a list."""
    stop = select(suppressions.c.list_id).where(
        suppressions.c.address_hash == hashed,
        suppressions.c.list_id == EVERY_LIST,
        suppressions.c.reason != SuppressionReason.UNSUBSCRIBED.value,
    )
    return connection.execute(stop.limit(1)).first() is not None
