"""SendGrid's Event Webhook: maps its terms to ours, in tables, and decides which posts are believed.

The words: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
https://www.twilio.com/docs/sendgrid/ui/sending-email/bounces (classifications). Types are taken loosely, since their
own examples differ from their own table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import ReplyClass
from mailer.transports.events import (
    ProviderEvent,
    Remedy,
    What,
    digest_of,
    events_of,
    likely_time,
    payload_of,
    read_mark,
    remedy_of,
    text_of,
    without_addresses,
)
from mailer.transports.replies.classify import judge_report
from mailer.transports.replies.phrases import US
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, load_keys

NAMING = frozenset(("email", "ip", "useragent", "to", "from"))  # fields that say who or where somebody is
HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS

KINDS: dict[str, What] = {
    "processed": What.PROCESSED,
    "delivered": What.DELIVERED,
    "deferred": What.DEFERRED,
    "bounce": What.BOUNCED,
    "dropped": What.DROPPED,
    "spamreport": What.COMPLAINED,
    "unsubscribe": What.UNSUBSCRIBED,
    "group_unsubscribe": What.UNSUBSCRIBED,
}
# Not worth keeping. Their own opens and clicks are switched off in every request, and ours are what counts; and the
# others say nothing when they are about the mails of another program on the same account.
UNUSED = frozenset(("open", "click", "processed", "delivered", "deferred"))

CLASSIFICATIONS: dict[str, ReplyClass] = {
    "invalid address": HARD,
    "technical": SOFT,
    "mailbox unavailable": SOFT,
    "content": POLICY,
    "reputation": POLICY,
    "frequency/volume": POLICY,
    "frequency or volume too high": POLICY,
}  # "unclassified" and all others: by their status and reason

DROPS: dict[str, tuple[ReplyClass, Remedy]] = {
    "bounced address": (HARD, Remedy.BOUNCED),
    "invalid address": (HARD, Remedy.BOUNCED),
    "invalid": (HARD, Remedy.BOUNCED),  # what it was called before
    "spam reporting address": (POLICY, Remedy.COMPLAINED),
    "unsubscribed address": (POLICY, Remedy.LEAVE),
    "spam content": (POLICY, Remedy.NONE),
    "invalid smtpapi header": (OURS, Remedy.NONE),
    "recipient list over package quota": (OURS, Remedy.NONE),
}


@dataclass(frozen=True, slots=True)
class SendgridVerifier:
    """Believes posts signed with one of the keys; with `unsigned`, all posts."""

    keys: tuple[EllipticCurvePublicKey, ...]
    unsigned: bool

    def promising(self, headers: Mapping[str, str]) -> bool:
        signed = headers.get(SIGNATURE_HEADER) and headers.get(TIMESTAMP_HEADER)
        return self.unsigned or bool(self.keys and signed)

    def is_theirs(self, headers: Mapping[str, str], body: bytes) -> bool:
        signature, timestamp = headers.get(SIGNATURE_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
        return self.unsigned or is_signed(self.keys, body, signature=signature, timestamp=timestamp)


class SendgridWebhook:
    """SendGrid's Event Webhook."""

    def verifier(self, settings: Settings, secrets: Secrets) -> SendgridVerifier | None:
        given = settings.section(Sendgrid)
        keys = load_keys(given.webhook_keys)
        return SendgridVerifier(keys, given.webhook_unsigned) if keys or given.webhook_unsigned else None

    def read(self, body: bytes, *, received: datetime) -> tuple[list[ProviderEvent], int]:
        return events_of(body, lambda entry: event_of(entry, received), named="event")


def event_of(entry: Mapping[str, object], received: datetime) -> ProviderEvent:
    """What an event means. Pure."""
    kind = text_of(entry, "event").lower().replace(" ", "")  # "spam report" in their table
    reason = without_addresses(text_of(entry, "reason") or text_of(entry, "response"))
    detail = f"{text_of(entry, 'status')} {reason}".strip()
    delivery_id, attempt = read_mark(entry.get("c"))
    what = KINDS.get(kind)
    reply_class, remedy = _consequence(what, entry, reason)
    return ProviderEvent(
        kind=kind,
        what=what,
        at=_time(entry.get("timestamp"), received),
        address=text_of(entry, "email"),
        delivery_id=delivery_id,
        attempt=attempt,
        key=digest_of(entry, but="sg_event_id"),  # their own number, which changes between repeats
        payload=payload_of(entry, naming=NAMING),
        reply_class=reply_class,
        remedy=remedy,
        detail=detail if what in (What.BOUNCED, What.DROPPED) else reason,
        provider_id=text_of(entry, "sg_message_id").partition(".")[0],  # a dot follows, and which server had it
        worth_keeping=kind not in UNUSED,
    )


def _consequence(what: What | None, entry: Mapping[str, object], reason: str) -> tuple[ReplyClass | None, Remedy]:
    """Whose fault it is, and what follows for the person."""
    if what is What.DROPPED:
        return DROPS.get(reason.lower(), (None, Remedy.NONE))
    reply_class = bounce_class(entry, reason) if what is What.BOUNCED else SOFT if what is What.DEFERRED else None
    return reply_class, remedy_of(what, reply_class)


def _time(value: object, received: datetime) -> datetime:
    """A number of seconds since 1970, or the same as a text; when the post came if it can't be right."""
    try:
        seconds = float(cast(Any, value))
        at = datetime.fromtimestamp(seconds, UTC) if math.isfinite(seconds) else None
    except (TypeError, ValueError, OverflowError, OSError):
        at = None
    return likely_time(at, received)


def bounce_class(entry: Mapping[str, object], reason: str) -> ReplyClass:
    """Whose fault a bounce is: by the reply where it speaks of us, or says why an address isn't what is wrong; else by
    their classification. `blocked` is for the moment, so never hard; `bounce` is for good, so an unclear one is."""
    kind, status = text_of(entry, "type").lower(), text_of(entry, "status")
    told = judge_report(status, reason)
    if told.about in US:
        return told.reply_class
    found = CLASSIFICATIONS.get(text_of(entry, "bounce_classification").lower())
    if found is HARD and told.sure:
        found = told.reply_class
    elif found is None:
        unclear = not told.sure and status in ("", "5.0.0") and not reason.startswith("4")
        found = HARD if kind == "bounce" and told.reply_class is SOFT and unclear else told.reply_class
    return SOFT if found is HARD and kind == "blocked" else found
