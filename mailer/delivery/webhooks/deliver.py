"""Tells another program, such as a CRM, what `events` noted: signed POSTs of JSON, again until they are taken.

At least once: a program that dies between the other side's answer and its own record tells the same again, under the
same Mailer-Id. Overlapping runs do not: a claim moves a call's time on before it leaves.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, func, select, update

from mailer.delivery.sending.run_control import Stop
from mailer.delivery.webhooks.events import CallState
from mailer.findings import Finding, bad, warning, well
from mailer.settings.schema import Webhook
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import webhook_calls
from mailer.transports.public_network import LeadsInside, NotPublic, PinnedConnection, choose_address, resolve_host

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=3)
LEASE = timedelta(seconds=300)  # longer than a call takes with any timeout that mailer.toml may set
MOST_FAILURES = 3  # in a row: the other side is down, and the run has mails to send
LONGEST_DETAIL = 200
PRIVATE_HINT = "if it is your own, set webhook.private = true"


@dataclass(slots=True)
class CallRound:
    """What one round did."""

    sent: int = 0
    put_off: int = 0
    given_up: int = 0
    why: str = ""  # the last failure

    @property
    def wants_setting(self) -> bool:
        """Whether trying again helps nobody until staff have looked at the settings."""
        return self.why.endswith(PRIVATE_HINT)


def signature(key: bytes, *, timestamp: str, body: bytes) -> str:
    """The Mailer-Signature header: HMAC-SHA256 (RFC 2104) over the timestamp, a dot and the body."""
    return "v1=" + hmac.digest(key, timestamp.encode() + b"." + body, hashlib.sha256).hex()


def next_wait(attempt: int) -> timedelta:
    """How long to wait after the failure of this attempt, counted from 1: one minute, doubled up to six hours."""
    return min(FIRST_WAIT * 2 ** min(attempt - 1, 20), LONGEST_WAIT)


def tell_due(
    database: Database, *, webhook: Webhook, key: bytes, clock: Callable[[], datetime], stop: Stop | None = None
) -> CallRound:
    """Make every call that is due, one after another; leave off when the other side fails three times in a row."""
    told, in_a_row = CallRound(), 0
    while in_a_row < MOST_FAILURES and not (stop and stop.due()):
        call = _claim(database, clock())
        if call is None:
            break
        why = post(webhook, key=key, call_id=_call_id(call), payload=call.payload, at=clock())
        in_a_row = in_a_row + 1 if why else 0
        _record(database, call, why, told=told, now=clock())
    return told


def standing(connection: Connection) -> dict[str, int]:
    """How many calls wait ("queued") and how many were given up ("failed")."""
    rows = connection.execute(
        select(webhook_calls.c.state, func.count())
        .where(webhook_calls.c.state.in_((CallState.QUEUED.value, CallState.FAILED.value)))
        .group_by(webhook_calls.c.state)
        .order_by(webhook_calls.c.state.desc())
    )
    return {str(state): int(number) for state, number in rows}


def post(webhook: Webhook, *, key: bytes, call_id: str, payload: dict[str, Any], at: datetime) -> str:
    """Make one call; "" when it was taken (2xx), else why not. Redirects are not followed: the answer was not a 2xx.
    Nothing is sent into a private network unless `webhook.private` says so.

    `timeout_seconds` is for the whole call, also when the other side answers a byte at a time.
    """
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(at.timestamp()))
    parts = urlsplit(webhook.url)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Mailer",
        "Mailer-Id": call_id,
        "Mailer-Timestamp": timestamp,
        "Mailer-Signature": signature(key, timestamp=timestamp, body=body),
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: HTTPConnection | None = None
    cut: threading.Timer | None = None
    late = threading.Event()
    try:
        connection = _connection(webhook)
        connection.connect()
        cut = threading.Timer(webhook.timeout_seconds, _cut, (connection.sock, late))
        cut.daemon = True
        cut.start()
        connection.request("POST", target, body=body, headers=headers)
        status = connection.getresponse().status
    except LeadsInside as error:
        return f"{error}; {PRIVATE_HINT}"
    except NotPublic as error:
        return str(error)
    except (OSError, HTTPException, ValueError) as error:
        # Only the kind: the words of an error may quote what was sent.
        return "no answer in time" if late.is_set() or isinstance(error, TimeoutError) else type(error).__name__
    finally:
        if cut is not None:
            cut.cancel()
        if connection is not None:
            connection.close()
    return "" if 200 <= status < 300 else f"HTTP {status}"


def examine_webhook(webhook: Webhook) -> list[Finding]:
    """Whether calls can be made at all, without making one."""
    if not webhook.url:
        return []
    try:
        _connection(webhook)
    except LeadsInside as error:
        return [bad("webhook", f"webhook.url: {error}, so nobody is told", f"{PRIVATE_HINT.capitalize()}.")]
    except (NotPublic, ValueError) as error:
        return [warning("webhook", f"webhook.url: {error}")]
    return [well("webhook", f"{urlsplit(webhook.url).hostname} is told of signatures")]


def _connection(webhook: Webhook) -> PinnedConnection:
    """Not opened yet. Raises `NotPublic`."""
    parts = urlsplit(webhook.url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = choose_address(resolve_host(host, port), private=webhook.private)
    return PinnedConnection(host, port, address, secure=secure, seconds=webhook.timeout_seconds)


def _cut(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):  # it ended by itself just now
        sock.shutdown(socket.SHUT_RDWR)


def _claim(database: Database, now: datetime) -> Row[Any] | None:
    """The call that is due the longest, put aside for us: if we die, it is due again when the lease ends."""
    due = (webhook_calls.c.state == CallState.QUEUED.value) & (webhook_calls.c.not_before <= now)
    first = select(webhook_calls.c.id).where(due).order_by(webhook_calls.c.not_before, webhook_calls.c.id).limit(1)
    with database.read() as connection:  # usually nothing is, and a write would keep others waiting
        if connection.execute(first).first() is None:
            return None
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            first = first.with_for_update(skip_locked=True)
        return connection.execute(
            update(webhook_calls)
            .where(webhook_calls.c.id == first.scalar_subquery(), due)
            .values(not_before=now + LEASE, attempt=webhook_calls.c.attempt + 1)
            .returning(webhook_calls)
        ).first()


def _record(database: Database, call: Row[Any], why: str, *, told: CallRound, now: datetime) -> None:
    if not why:
        told.sent += 1
        # What was told is not kept twice: it names a person, and is with the other side now.
        values: dict[str, Any] = {"state": CallState.SENT.value, "detail": "", "payload": {}}
    elif now + next_wait(call.attempt) >= call.created_at + GIVE_UP_AFTER:
        told.given_up, told.why = told.given_up + 1, why
        values = {"state": CallState.FAILED.value, "detail": why[:LONGEST_DETAIL]}
    else:
        told.put_off, told.why = told.put_off + 1, why
        values = {"detail": why[:LONGEST_DETAIL], "not_before": now + next_wait(call.attempt)}
    # Whoever took it after our lease had ended records for themselves.
    ours = (webhook_calls.c.id == call.id) & (webhook_calls.c.attempt == call.attempt)
    with database.write() as connection:
        connection.execute(update(webhook_calls).where(ours).values(values))


def _call_id(call: Row[Any]) -> str:
    """The same at every attempt; the moment is in it since a database put back from a backup counts anew."""
    return f"{call.id}-{int(call.created_at.timestamp() * 1_000_000):x}"
