"""Takes an address out of what is kept for a while: what jobs are about, and unclear mails' senders.

`erase` calls it in the transaction that deletes the person.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, LargeBinary, func, literal, or_, select, update

from mailer.store.tables.inbound import replies, returned_mails
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import ReplyState

FORGOTTEN = "forgotten@example.invalid"  # RFC 2606 §2


def scrub(connection: Connection, address: str) -> int:
    """Take `address` (normalised) out of jobs and of mails that came back. Returns how many named it.

    An event that isn't applied yet stays, without the address: it counts for the delivery, which is kept as a figure.
    """
    count = 0
    # Days of posts may be a gigabyte: the database looks for those that name somebody, or that may in another spelling.
    named = or_(_holds(connection, address.encode()), _holds(connection, b"\\u"))
    for number in connection.execute(select(jobs.c.id).where(named)).scalars().all():
        query = select(jobs.c.payload).where(jobs.c.id == number)
        body = connection.execute(query).scalar()
        cleaned = _without(body, address.lower()) if body is not None else body
        if cleaned != body:
            count += 1
            connection.execute(update(jobs).where(jobs.c.id == number).values(payload=cleaned))
    texts = [func.lower(column).contains(address, autoescape=True) for column in _TEXTS]
    mails = update(returned_mails).where(or_(*texts)).values(sender="", subject="")
    texts = [func.lower(column).contains(address, autoescape=True) for column in _OF_REPLIES]
    answers = update(replies).where(or_(*texts)).values(NOTHING_SAID)
    return count + connection.execute(mails).rowcount + connection.execute(answers).rowcount


# A reply without its words and its writer: it counts, names nobody, and waits for nobody.
NOTHING_SAID: dict[str, Any] = {
    "sender": "", "subject": "", "words": "", "message_id": "", "attachments": [], "state": ReplyState.DONE.value,
}  # fmt: skip
_TEXTS = (returned_mails.c.sender, returned_mails.c.subject)
_OF_REPLIES = (replies.c.sender, replies.c.subject, replies.c.words)


def _holds(connection: Connection, text: bytes) -> ColumnElement[bool]:
    wanted, body = literal(text, LargeBinary), jobs.c.payload
    if connection.dialect.name == "postgresql":
        return func.position(wanted.op("IN")(body)) > 0
    return func.instr(body, wanted) > 0


def _without(body: bytes, address: str) -> bytes:
    if address.encode() not in body.lower() and b"\\u" not in body:
        return body
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        return b"" if address.encode() in body.lower() else body  # nobody could apply it anyway
    cleaned = _cleaned(data, address)
    return body if cleaned == data else json.dumps(cleaned).encode()


def _cleaned(value: object, address: str) -> object:
    if isinstance(value, str) and address in value.lower():
        start = value.lower().index(address)
        return _cleaned(value[:start] + FORGOTTEN + value[start + len(address) :], address)
    if isinstance(value, list):
        return [_cleaned(one, address) for one in cast(list[object], value)]
    if isinstance(value, dict):
        named = cast(Mapping[str, object], value).items()
        return {str(_cleaned(name, address)): _cleaned(one, address) for name, one in named}
    return value
