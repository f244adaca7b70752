"""A post of SendGrid's Event Webhook read into values. Pure: bytes in, events out.

Types are taken loosely, since their own examples differ from their own table
(https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event). What an event does is for `delivery`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from mailer.transports.events import (
    digest_of,
    json_of,
    likely_time,
    objects_of,
    payload_of,
    read_mark,
    text_of,
    without_addresses,
)

NAMING = frozenset(("email", "ip", "useragent", "to", "from"))  # fields that say who or where somebody is


@dataclass(frozen=True, slots=True)
class SendgridEvent:
    """One event. `delivery_id` and `attempt` are None when it doesn't carry our arguments."""

    kind: str  # processed, delivered, bounce, dropped …
    at: datetime
    address: str  # as SendGrid has it; "" for events of the account
    delivery_id: int | None
    attempt: int | None
    type: str  # of a bounce: bounce or blocked
    classification: str
    status: str  # an enhanced code, RFC 3463
    reason: str  # or response; without addresses
    message_id: str  # SendGrid's own
    key: str  # a digest of everything but their own number, which changes between repeats
    payload: Mapping[str, object]  # without addresses, for keeping


def read_post(body: bytes, *, received: datetime) -> tuple[list[SendgridEvent], int]:
    """The events of a post, and how many entries were no events. Raises `UnreadablePost`."""
    entries, strange = objects_of(json_of(body))
    found = [_event(entry, received) for entry in entries if isinstance(entry.get("event"), str)]
    return found, strange + len(entries) - len(found)


def _event(entry: Mapping[str, object], received: datetime) -> SendgridEvent:
    delivery_id, attempt = read_mark(entry.get("c"))
    return SendgridEvent(
        kind=text_of(entry, "event").lower().replace(" ", ""),  # "spam report" in their table
        at=_time(entry.get("timestamp"), received),
        address=text_of(entry, "email"),
        delivery_id=delivery_id,
        attempt=attempt,
        type=text_of(entry, "type").lower(),
        classification=text_of(entry, "bounce_classification").lower(),
        status=text_of(entry, "status"),
        reason=without_addresses(text_of(entry, "reason") or text_of(entry, "response")),
        message_id=text_of(entry, "sg_message_id"),
        key=digest_of(entry, but="sg_event_id"),
        payload=payload_of(entry, naming=NAMING),
    )


def _time(value: object, received: datetime) -> datetime:
    """A number of seconds since 1970, or the same as a text; when the post came if it can't be right."""
    try:
        seconds = float(cast(Any, value))
        at = datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
    except (TypeError, ValueError, OverflowError, OSError):
        at = None
    return likely_time(at, received)
