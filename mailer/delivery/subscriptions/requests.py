"""What people ask for by forms, with the mails that go with it: joining, another address, a copy of their data.

The decisions are those of `audience`; here they meet the notices, in one transaction, and the limit that keeps a
stranger from filling somebody's mailbox through our forms.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from mailer.audience.consent import confirmations, subscribe
from mailer.audience.consent.confirmations import ConfirmationState, Kept
from mailer.audience.consent.subscribe import Asking, JoinResult, confirm_join
from mailer.audience.people import change_address
from mailer.audience.people.change_address import ask_for_address, confirm_address
from mailer.delivery.notices.queue import Notice, NoticeKind, queue
from mailer.store.rate_limits import Limit, limit_key, take
from mailer.store.tables.core import people
from mailer.store.tables.states import RequestKind

# Someone who loses the first mail asks again, perhaps twice; a stranger can send no more than that in a day.
MAILS_TO_ADDRESS = Limit(3, timedelta(hours=8))
# Somebody who is on the list learns so from one mail; a second one would say nothing new.
REMINDERS = Limit(1, timedelta(days=7))
GMAIL = ("gmail.com", "googlemail.com")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A request whose link was opened or pressed. `request` is None when it isn't kept any more."""

    stage: ConfirmationState
    request: Kept | None


def mailbox(address: str) -> str:
    """What a normalised address has in common with others that lead into the same mailbox: no tag (RFC 5233), and at
    Gmail no dots (support.google.com/mail/answer/7436150). For counting only: nobody is mailed there."""
    local, _, domain = address.lower().rpartition("@")
    local = local[:1] + local[1:].partition("+")[0]
    if domain in GMAIL:
        local, domain = local.replace(".", "") or local, GMAIL[0]
    return f"{local}@{domain}"


def ask_to_join(
    connection: Connection,
    asking: Asking,
    *,
    confirmed: Collection[str],
    language: str,
    address_key: bytes,
    at: datetime,
) -> subscribe.JoinOutcome | None:
    """Join at once or queue the mail with the link; None when that address was mailed often enough for now.

    `confirmed` are those of the lists with double opt-in. The caller's page says the same whatever this returns.
    """
    done = join(connection, asking, confirmed=confirmed, address_key=address_key, at=at)
    if done is None:
        return None
    tell_of_joining(connection, asking.address, done, language=language, address_key=address_key, at=at)
    return done.answer


def join(
    connection: Connection, asking: Asking, *, confirmed: Collection[str], address_key: bytes, at: datetime
) -> JoinResult | None:
    """The same without the mail that tells of it, which is the caller's."""
    # Counted in every case, so that each costs the same and a second form gives nothing away.
    if not _may_mail(connection, asking.address, address_key=address_key, at=at):
        return None
    return subscribe.ask_to_join(connection, asking, confirmed=confirmed, address_key=address_key, at=at)


def tell_of_joining(
    connection: Connection, address: str, done: JoinResult, *, language: str, address_key: bytes, at: datetime
) -> None:
    """Queue the mail that tells of a request to join, if there is anything to tell."""
    kind = {
        subscribe.JoinOutcome.CONFIRM: NoticeKind.CONFIRM_JOIN,
        subscribe.JoinOutcome.JOINED: NoticeKind.WELCOME,
        subscribe.JoinOutcome.KNOWN: NoticeKind.ALREADY,
    }.get(done.answer)
    if kind is NoticeKind.ALREADY:
        reminder = limit_key("reminder", mailbox(address), key=address_key)
        kind = kind if take(connection, reminder, REMINDERS, now=at) else None
    if kind is not None:
        queue(connection, Notice(kind, address, language, done.lists, done.confirmation), at=at)


def ask_to_be_mailed_at(
    connection: Connection,
    *,
    person_id: int,
    address: str,
    source: str,
    language: str,
    address_key: bytes,
    at: datetime,
) -> change_address.AddressOutcome | None:
    """Queue the mail to a new address; None when that address was mailed often enough for now."""
    if not _may_mail(connection, address, address_key=address_key, at=at):
        return None
    change = ask_for_address(
        connection, person_id=person_id, address=address, source=source, address_key=address_key, at=at
    )
    if change.answer is change_address.AddressOutcome.CONFIRM:
        queue(connection, Notice(NoticeKind.CONFIRM_ADDRESS, address, language, (), change.confirmation), at=at)
    elif change.answer is change_address.AddressOutcome.TAKEN:
        queue(connection, Notice(NoticeKind.ADDRESS_TAKEN, address, language), at=at)
    return change.answer


def ask_for_data(
    connection: Connection, *, person_id: int, source: str, language: str, address_key: bytes, at: datetime
) -> None:
    """Queue a mail, to the person's own address, with a link to everything that is kept of them.

    A mail can be forwarded, and its links with it; so what it leads to is never the data itself.
    """
    address = connection.execute(select(people.c.address).where(people.c.id == person_id)).scalar()
    if address is None or not _may_mail(connection, address, address_key=address_key, at=at):
        return
    kind = RequestKind.DATA
    number = confirmations.keep(connection, kind, address=address, person_id=person_id, source=source, at=at)
    queue(connection, Notice(NoticeKind.DATA, address, language, (), number), at=at)


def look(connection: Connection, number: int, *, at: datetime) -> Confirmed:
    """The state of a request; changes nothing."""
    request = confirmations.find(connection, number)
    return Confirmed(request.stage(at) if request else ConfirmationState.EXPIRED, request)


def confirm(connection: Connection, number: int, *, address_key: bytes, language: str, at: datetime) -> Confirmed:
    """The button was pressed: do what was asked for. Repeats change nothing."""
    request = confirmations.find(connection, number, lock=True)
    if request is None or request.stage(at) is not ConfirmationState.ASKED:
        return Confirmed(request.stage(at) if request else ConfirmationState.EXPIRED, request)
    if request.kind is RequestKind.JOIN:
        return Confirmed(confirm_join(connection, request, address_key=address_key, at=at), request)
    if request.kind is RequestKind.ADDRESS:
        stage, before = confirm_address(connection, request, address_key=address_key, at=at)
        if before is not None:
            queue(connection, Notice(NoticeKind.ADDRESS_CHANGED, before, language), at=at)
        return Confirmed(stage, request)
    # Their data may be opened any number of times until the request expires (24 h).
    return Confirmed(ConfirmationState.ASKED, request)


def _may_mail(connection: Connection, address: str, *, address_key: bytes, at: datetime) -> bool:
    return take(connection, limit_key("mail", mailbox(address), key=address_key), MAILS_TO_ADDRESS, now=at)
