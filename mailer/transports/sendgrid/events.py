"""A post of SendGrid's Event Webhook read into values. Pure: bytes in, events out.

Types are taken loosely, since their own examples differ from their own table
(https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event). What an event does is for `delivery`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from mailer.errors import MailerError

LONGEST_TEXT = 500  # of one field, cut
MOST_FIELDS = 40  # of one event that is kept
ADDRESS = re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:=]+")
WITHOUT = "<address>"  # what stands for an address that was taken out
NAMING = frozenset(("email", "ip", "useragent", "to", "from"))  # fields that say who or where somebody is
FIRST, LAST = datetime(2009, 1, 1, tzinfo=UTC), timedelta(days=1)  # times outside of this are somebody's mistake

_OURS = re.compile(r"([0-9a-f]{1,16})\.([0-9]{1,6})")  # the custom argument `c`: delivery in hexadecimal, attempt
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")


class UnreadablePost(MailerError):
    """The body of a post is no JSON array of events."""


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
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadablePost("the body is not JSON") from None
    entries = cast(list[object], data) if isinstance(data, list) else [data]
    found = [
        _event(cast(dict[str, object], entry), received)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("event"), str)  # pyright: ignore[reportUnknownMemberType]
    ]
    return found, len(entries) - len(found)


def without_addresses(text: str, *, longest: int = LONGEST_TEXT) -> str:
    """A reply's words on one line, cut, and without the addresses that providers like to quote."""
    return ADDRESS.sub(WITHOUT, _clean(text, longest=4 * longest))[:longest]


def _event(entry: Mapping[str, object], received: datetime) -> SendgridEvent:
    delivery_id, attempt = _ours(entry.get("c"))
    return SendgridEvent(
        kind=_text(entry, "event").lower().replace(" ", ""),  # their table says "spam report", their posts "spamreport"
        at=_time(entry.get("timestamp"), received),
        address=_text(entry, "email"),
        delivery_id=delivery_id,
        attempt=attempt,
        type=_text(entry, "type").lower(),
        classification=_text(entry, "bounce_classification").lower(),
        status=_text(entry, "status"),
        reason=without_addresses(_text(entry, "reason") or _text(entry, "response")),
        message_id=_text(entry, "sg_message_id"),
        key=_digest(entry),
        payload=_kept(entry),
    )


def _ours(value: object) -> tuple[int | None, int | None]:
    found = _OURS.fullmatch(value) if isinstance(value, str) else None
    number = int(found.group(1), 16) if found else 0
    return (number, int(found.group(2))) if found and 0 < number < 2**63 else (None, None)


def _time(value: object, received: datetime) -> datetime:
    """A number of seconds since 1970, or the same as a text; when the post came if it can't be right."""
    try:
        seconds = float(cast(Any, value))
        at = datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else received
    except (TypeError, ValueError, OverflowError, OSError):
        return received
    return min(at, received) if FIRST < at < received + LAST else received


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return _clean(value) if isinstance(value, str) else ""


def _clean(text: str, *, longest: int = 4 * LONGEST_TEXT) -> str:
    """Without what no text column takes: half surrogate pairs and control characters."""
    cut = text[:longest].encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(" ", cut).strip()


def _digest(entry: Mapping[str, object]) -> str:
    same = {name: value for name, value in entry.items() if name != "sg_event_id"}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def _kept(entry: Mapping[str, object]) -> dict[str, object]:
    """The event without addresses, and bounded."""
    kept: dict[str, object] = {}
    for name, value in list(entry.items())[:MOST_FIELDS]:
        if name.lower() in NAMING:
            continue
        if isinstance(value, str):
            kept[without_addresses(name)] = without_addresses(value)
        elif value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            kept[without_addresses(name)] = value
        else:
            kept[without_addresses(name)] = without_addresses(json.dumps(value))
    return kept
