"""Sends another program, such as a CRM, the calls that `events` noted: signed POSTs of JSON, repeated until accepted.

At least once: a process that dies between the other side's answer and its own record repeats the call, under the same
Mailer-Id. Overlapping runs don't: each call is a job, which one of them has claimed.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.delivery.sending.run_control import Stop
from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.settings.schema import Webhook
from mailer.store.engine.database import Database
from mailer.store.jobs import WEBHOOK_CALL, Job, claimed, finish, retry
from mailer.store.tables.states import JobState
from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.public_network import LeadsInside, NotPublic, require_public, resolve_host

MOST_FAILURES = 3  # in a row: the other side is down, and the run still has mails to send
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


def tell_due(
    database: Database, *, webhook: Webhook, key: bytes, clock: Callable[[], datetime], stop: Stop | None = None
) -> CallRound:
    """Make every call that is due, one after another; stop when the other side fails three times in a row."""
    told, in_a_row = CallRound(), 0

    def enough() -> bool:
        return in_a_row == MOST_FAILURES or bool(stop and stop.due())

    for job in claimed(database, WEBHOOK_CALL, clock=clock, until=enough):
        why = post(webhook, key=key, call_id=job.key, body=job.payload, at=clock())
        in_a_row = in_a_row + 1 if why else 0
        _record(database, job, why, told=told, now=clock())
    return told


def post(webhook: Webhook, *, key: bytes, call_id: str, body: bytes, at: datetime) -> str:
    """Make one call; returns "" if it was accepted (2xx), else why not. A redirect isn't followed: it is no 2xx.
    Nothing is sent into a private network unless `webhook.private` allows it.

    `timeout_seconds` covers the whole call, even if the other side answers a byte at a time.
    """
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
        return [bad(f"webhook.url: {error}, so nothing is sent to it", f"{PRIVATE_HINT.capitalize()}.")]
    except TimeoutError:
        return [warning("webhook.url: the DNS lookup of its host timed out")]
    except (NotPublic, ValueError) as error:
        return [warning(f"webhook.url: {error}")]
    return [well(f"signatures are reported to {endpoint.host}")]


def _addresses(webhook: Webhook, endpoint: HttpEndpoint, deadline: float) -> Sequence[str]:
    """Where to connect to. Raises `NotPublic` and `TimeoutError`."""
    found = find_addresses(endpoint, resolve=resolve_host, deadline=deadline)
    return require_public(found, private=webhook.private)


def _record(database: Database, job: Job, why: str, *, told: CallRound, now: datetime) -> None:
    with database.write() as connection:
        if not why:
            finish(connection, job, now=now, clear=True)  # it names a person, and the other side has it now
            told.sent += 1
            return
        state = retry(connection, job, now=now, detail=why)
    told.why = why
    if state is JobState.FAILED:
        told.given_up += 1
    else:
        told.put_off += 1
