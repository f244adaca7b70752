"""Tells another program, such as a CRM, what `events` noted: signed POSTs of JSON, again until they are taken.

At least once: a program that dies between the other side's answer and its own record tells the same again, under the
same Mailer-Id. Overlapping runs do not: a claim moves a call's time on before it leaves.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from mailer.delivery.sending.run_control import Stop
from mailer.delivery.webhooks.events import CallState
from mailer.findings import Finding, bad, warning, well
from mailer.settings.schema import Webhook
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import webhook_calls
from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.public_network import LeadsInside, NotPublic, require_public, resolve_host

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
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Mailer",
        "Mailer-Id": call_id,
        "Mailer-Timestamp": timestamp,
        "Mailer-Signature": signature(key, timestamp=timestamp, body=body),
    }
    deadline = time.monotonic() + webhook.timeout_seconds
    try:
        endpoint = HttpEndpoint.of(webhook.url)
        addresses = _addresses(webhook, endpoint, deadline)
        status = exchange(HttpRequest("POST", endpoint, headers, body), addresses=addresses, deadline=deadline).status
    except LeadsInside as error:
        return f"{error}; {PRIVATE_HINT}"
    except TimeoutError:
        return "no answer in time"
    except (NotPublic, NoAnswer) as error:
        return str(error)
    except ValueError:
        return "webhook.url is no web address"
    return "" if 200 <= status < 300 else f"HTTP {status}"


def examine_webhook(webhook: Webhook) -> list[Finding]:
    """Whether calls can be made at all, without making one."""
    if not webhook.url:
        return []
    try:
        endpoint = HttpEndpoint.of(webhook.url)
        _addresses(webhook, endpoint, time.monotonic() + webhook.timeout_seconds)
    except LeadsInside as error:
        return [bad("webhook", f"webhook.url: {error}, so nobody is told", f"{PRIVATE_HINT.capitalize()}.")]
    except TimeoutError:
        return [warning("webhook", "webhook.url: its name couldn't be looked up in time")]
    except (NotPublic, ValueError) as error:
        return [warning("webhook", f"webhook.url: {error}")]
    return [well("webhook", f"{endpoint.host} is told of signatures")]


def _addresses(webhook: Webhook, endpoint: HttpEndpoint, deadline: float) -> Sequence[str]:
    """Where to connect to. Raises `NotPublic` and `TimeoutError`."""
    found = find_addresses(endpoint, resolve=resolve_host, deadline=deadline)
    return require_public(found, private=webhook.private)


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
