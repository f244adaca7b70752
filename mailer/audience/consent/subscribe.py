"""Subscribing to a list by a form: what happens at once, what waits for a link in a mail, and what that link then does.

Anybody can type anybody's address. So nothing that a person decided before is changed by a form alone: people who left
come back only by the link, which reaches nobody but them. Anyone who complained, bounced or was stopped by staff is not
mailed at all. What is answered on the page is the same in every case, and for `web` to say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, delete, select

from mailer.audience.addresses import address_hash as hash_of
from mailer.audience.consent.changes import consent_source, list_id, prove, prove_again, subscribe, suppress
from mailer.audience.consent.confirmations import ConfirmationState, Kept, Terms, finish, keep
from mailer.audience.consent.eligibility import EVERY_LIST, THEIR_OWN
from mailer.audience.names import clean_name
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import lists, people, subscriptions, suppressions
from mailer.store.tables.states import Membership, RequestKind, SuppressionReason

HOW = "form"
FIELDS = ("first_name", "last_name", "country", "language")  # what a form may say of somebody new


class JoinOutcome(StrEnum):
    """What became of a request to join."""

    JOINED = "joined"  # on the list at once
    CONFIRM = "confirm"  # a request is kept, and its link is to be mailed
    KNOWN = "known"  # on the list already
    REFUSED = "refused"  # not to be mailed at all


@dataclass(frozen=True, slots=True)
class Asking:
    """What a form says. `address` is normalised; `wording` is what was agreed to, word for word."""

    address: str = field(repr=False)
    lists: Sequence[str]
    source: str
    wording: str
    fields: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class JoinResult:
    """The answer, the lists it is about, and the number of the request if one is kept."""

    answer: JoinOutcome
    lists: Sequence[str] = ()
    confirmation: int | None = None


@dataclass(frozen=True, slots=True)
class _Person:
    """What is known of an address, read at once."""

    hashed: bytes
    id: int | None
    statuses: Mapping[int, str]  # list → Membership
    stops: Collection[tuple[int, str]]  # list and SuppressionReason


def ask_to_join(
    connection: Connection, asking: Asking, *, confirmed: Collection[str], address_key: bytes, at: datetime
) -> JoinResult:
    """Do at once what may be done at once. `confirmed` are those of the lists that want the link pressed always."""
    person = _look_up(connection, asking.address, address_key=address_key)
    numbers = {name: list_id(connection, name) for name in dict.fromkeys(asking.lists)}
    open_to = {name: number for name, number in numbers.items() if not _refused(person, number)}
    wanted = {name: number for name, number in open_to.items() if not _is_on(person, number)}
    if not open_to:
        return JoinResult(JoinOutcome.REFUSED)
    for name in open_to.keys() - wanted.keys() - set(confirmed):
        prove_again(
            connection, person_id=person.id or 0, list_id=open_to[name], how=HOW, source=asking.source,
            wording=asking.wording, at=at,
        )  # fmt: skip
    if not wanted:
        return JoinResult(JoinOutcome.KNOWN, tuple(open_to))
    # Anyone who was ever on one of these lists, or is suppressed in any way, is asked by mail.
    decided = any(number in person.statuses for number in wanted.values()) or person.stops
    if decided or not set(confirmed).isdisjoint(wanted):
        terms = Terms(tuple(wanted), asking.wording, _fields(asking.fields))
        number = keep(connection, RequestKind.JOIN, address=asking.address, source=asking.source, at=at, terms=terms)
        return JoinResult(JoinOutcome.CONFIRM, tuple(wanted), number)
    person_id = _ensure(connection, asking.address, person.hashed, asking.fields, at=at)
    for number in wanted.values():
        subscribe(
            connection, person_id=person_id, list_id=number, how=HOW, source=asking.source, wording=asking.wording,
            at=at,
        )  # fmt: skip
    return JoinResult(JoinOutcome.JOINED, tuple(wanted))


def confirm_join(connection: Connection, request: Kept, *, address_key: bytes, at: datetime) -> ConfirmationState:
    """The link was pressed: the person, new if need be, is on the lists, with the proof of both moments.

    That they left these lists, or were inactive there, is lifted, and no other suppression of the address.
    """
    person = _look_up(connection, request.address, address_key=address_key)
    numbers = [list_id(connection, name) for name in request.lists]
    numbers = [number for number in numbers if not _refused(person, number)]
    if not numbers:
        return ConfirmationState.REFUSED
    person_id = _ensure(connection, request.address, person.hashed, request.fields, at=at)
    source_id = consent_source(connection, how=HOW, source=request.source, wording=request.wording)
    narrow(connection, address_hash=person.hashed, keeping=numbers, at=at)
    for number in numbers:
        lift(connection, address_hash=person.hashed, list_id=number, reasons=THEIR_OWN)
        if _is_on(person, number):
            prove_again(
                connection, person_id=person_id, list_id=number, how=HOW, source=request.source,
                wording=request.wording, at=at,
            )  # fmt: skip
        else:
            prove(
                connection, person_id=person_id, list_id=number, status=Membership.PENDING, at=request.asked_at,
                source_id=source_id,
            )  # fmt: skip
            subscribe(
                connection, person_id=person_id, list_id=number, how=HOW, source=request.source,
                wording=request.wording, at=at,
            )  # fmt: skip
    finish(connection, request, at=at)
    return ConfirmationState.DONE


def lift(
    connection: Connection, *, address_hash: bytes, list_id: int,
    reasons: Sequence[SuppressionReason] = (SuppressionReason.UNSUBSCRIBED,),
) -> bool:  # fmt: skip
    """Take back that somebody left this list. Every reason but `reasons` stays. False when they hadn't left it."""
    return bool(
        connection.execute(
            delete(suppressions).where(
                suppressions.c.address_hash == address_hash,
                suppressions.c.list_id == list_id,
                suppressions.c.reason.in_([reason.value for reason in reasons]),
            )
        ).rowcount
    )


def narrow(connection: Connection, *, address_hash: bytes, keeping: Collection[int], at: datetime) -> None:
    """Someone who left every list and now joins these has left all others: one row becomes one for each of them."""
    if not lift(connection, address_hash=address_hash, list_id=EVERY_LIST):
        return
    for number in connection.execute(select(lists.c.id).where(lists.c.id.not_in(keeping))).scalars().all():
        reason = SuppressionReason.UNSUBSCRIBED
        suppress(connection, address_hash=address_hash, reason=reason, list_id=number, at=at, source="left every list")


def _look_up(connection: Connection, address: str, *, address_key: bytes) -> _Person:
    hashed = hash_of(address, address_key)
    person_id = connection.execute(select(people.c.id).where(people.c.address == address)).scalar()
    # The same queries whether the person is known or not: the time of an answer gives nothing away.
    rows = connection.execute(
        select(subscriptions.c.list_id, subscriptions.c.status).where(subscriptions.c.person_id == (person_id or -1))
    )
    statuses = {int(row.list_id): str(row.status) for row in rows}
    found = connection.execute(
        select(suppressions.c.list_id, suppressions.c.reason).where(suppressions.c.address_hash == hashed)
    )
    return _Person(hashed, person_id, statuses, {(int(row.list_id), str(row.reason)) for row in found})


def _refused(person: _Person, number: int) -> bool:
    """Whether anything but a leaving forbids mailing the person on this list."""
    return any(on in (EVERY_LIST, number) and reason not in THEIR_OWN for on, reason in person.stops)


def _is_on(person: _Person, number: int) -> bool:
    left = any(on in (EVERY_LIST, number) for on, _ in person.stops)
    return person.statuses.get(number) == Membership.SUBSCRIBED.value and not left


def _ensure(connection: Connection, address: str, hashed: bytes, fields: Mapping[str, str], *, at: datetime) -> int:
    """The person's number; made with these fields if they are new. Those known keep what is known of them."""
    row = {"address": address, "address_hash": hashed, **_fields(fields), "created_at": at, "updated_at": at}
    connection.execute(insert_for(connection, people).values(row).on_conflict_do_nothing(index_elements=["address"]))
    return int(connection.execute(select(people.c.id).where(people.c.address == address)).scalar_one())


def _fields(given: Mapping[str, str]) -> dict[str, str]:
    return {name: clean_name(given[name]) for name in FIELDS if given.get(name)}
