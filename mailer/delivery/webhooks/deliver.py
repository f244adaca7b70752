"""Sends another program, such as a CRM, the calls that `events` noted: signed POSTs of JSON, repeated until accepted.

At least once: a process that dies between the other side's answer and its own record repeats the call, under the same
Mailer-Id. Overlapping runs don't repeat calls: claiming a call postpones its next attempt before it is sent.
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
from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.settings.schema import Webhook
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import webhook_calls
from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.public_network import LeadsInside, NotPublic, require_public, resolve_host

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
GIVE_UP_AFTER = timedelta(days=3)
LEASE = timedelta(seconds=300)  # longer than a call with any timeout that mailer.toml allows
MOST_FAILURES = 3  # in a row: the other side is down, and the run still has mails to send
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
        """Whether trying again is no use until staff have looked at the settings."""
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
    """Make every call that is due, one after another; stop when the other side fails three times in a row."""
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
    """How many calls are waiting ("queued") and how many were given up ("failed")."""
    rows = connection.execute(
        select(webhook_calls.c.state, func.count())
        .where(webhook_calls.c.state.in_((CallState.QUEUED.value, CallState.FAILED.value)))
        .group_by(webhook_calls.c.state)
        .order_by(webhook_calls.c.state.desc())
    )
    return {str(state): int(number) for state, number in rows}


def post(webhook: Webhook, *, key: bytes, call_id: str, payload: dict[str, Any], at: datetime) -> str:
    """Make one call; returns "" if it was accepted (2xx), else why not. A redirect isn't followed: it is no 2xx.
    Nothing is sent into a private network unless `webhook.private` allows it.

    `timeout_seconds` covers the whole call, even if the other side answers a byte at a time.
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
        return "webhook.url is not a web address"
    return "" if 200 <= status < 300 else f"HTTP {status}"


def examine_webhook(webhook: Webhook) -> list[Diagnostic]:
    """Check whether calls can be made at all, without making one."""
    if not webhook.url:
        return []
    try:
        endpoint = HttpEndpoint.of(webhook.url)
        _addresses(webhook, endpoint, time.monotonic() + webhook.timeout_seconds)
    except LeadsInside as error:
        return [bad("webhook", f"webhook.url: {error}, so nothing is sent to it", f"{PRIVATE_HINT.capitalize()}.")]
    except TimeoutError:
        return [warning("webhook", "webhook.url: the DNS lookup of its host timed out")]
    except (NotPublic, ValueError) as error:
        return [warning("webhook", f"webhook.url: {error}")]
    return [well("webhook", f"signatures are reported to {endpoint.host}")]


def _addresses(webhook: Webhook, endpoint: HttpEndpoint, deadline: float) -> Sequence[str]:
    """Where to connect to. Raises `NotPublic` and `TimeoutError`."""
    found = find_addresses(endpoint, resolve=resolve_host, deadline=deadline)
    return require_public(found, private=webhook.private)


def _claim(database: Database, now: datetime) -> Row[Any] | None:
    """The call that has been due the longest, claimed for us: if we die, it is due again when the lease ends."""
    due = (webhook_calls.c.state == CallState.QUEUED.value) & (webhook_calls.c.not_before <= now)
    first = select(webhook_calls.c.id).where(due).order_by(webhook_calls.c.not_before, webhook_calls.c.id).limit(1)
    with database.read() as connection:  # usually nothing is due, and a write would keep others waiting
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
        # The payload names a person and the other side has it now, so no second copy is kept.
        values: dict[str, Any] = {"state": CallState.SENT.value, "detail": "", "payload": {}}
    elif now + next_wait(call.attempt) >= call.created_at + GIVE_UP_AFTER:
        told.given_up, told.why = told.given_up + 1, why
        values = {"state": CallState.FAILED.value, "detail": why[:LONGEST_DETAIL]}
    else:
        told.put_off, told.why = told.put_off + 1, why
        values = {"detail": why[:LONGEST_DETAIL], "not_before": now + next_wait(call.attempt)}
    # If our lease ended and another run claimed the call, that run records the outcome.
    ours = (webhook_calls.c.id == call.id) & (webhook_calls.c.attempt == call.attempt)
    with database.write() as connection:
        connection.execute(update(webhook_calls).where(ours).values(values))


def _call_id(call: Row[Any]) -> str:
    """The same for every attempt. It contains the time since a database restored from a backup reuses numbers."""
    return f"{call.id}-{int(call.created_at.timestamp() * 1_000_000):x}"
