"""Maps SendGrid's terms to ours, in tables, and decides which posts are believed.

The words: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
https://www.twilio.com/docs/sendgrid/ui/sending-email/bounces (classifications).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import ReplyClass
from mailer.transports.events import COMPLAINT, PROVIDER, ProviderEvent, Remedy, What, bounce
from mailer.transports.replies.classify import judge_report
from mailer.transports.replies.phrases import US
from mailer.transports.sendgrid.events import SendgridEvent, read_post
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, load_keys

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
        events, strange = read_post(body, received=received)
        return [in_our_words(event) for event in events], strange


def in_our_words(event: SendgridEvent) -> ProviderEvent:
    """What an event means. Pure."""
    what = KINDS.get(event.kind)
    reply_class, remedy, how = None, Remedy.NONE, PROVIDER
    if what is What.BOUNCED:
        reply_class = bounce_class(event)
        remedy = bounce(reply_class)
    elif what is What.DROPPED:
        reply_class, remedy = DROPS.get(event.reason.lower(), (None, Remedy.NONE))
    elif what is What.DEFERRED:
        reply_class = SOFT
    elif what is What.COMPLAINED:
        remedy, how = Remedy.COMPLAINED, COMPLAINT
    elif what is What.UNSUBSCRIBED:
        remedy = Remedy.LEAVE
    return ProviderEvent(
        kind=event.kind,
        what=what,
        at=event.at,
        address=event.address,
        delivery_id=event.delivery_id,
        attempt=event.attempt,
        key=event.key,
        payload=event.payload,
        reply_class=reply_class,
        remedy=remedy,
        how=how,
        detail=f"{event.status} {event.reason}".strip() if what in (What.BOUNCED, What.DROPPED) else event.reason,
        provider_id=event.message_id.partition(".")[0],  # their number of it, a dot, and which server had it
        worth_keeping=event.kind not in UNUSED,
    )


def bounce_class(event: SendgridEvent) -> ReplyClass:
    """Whose fault a bounce is: by the reply where it speaks of us, or says why an address isn't what is wrong; else by
    their classification. `blocked` is for the moment, so never hard; `bounce` is for good, so an unclear one is."""
    told = judge_report(event.status, event.reason)
    if told.about in US:
        return told.reply_class
    found = CLASSIFICATIONS.get(event.classification)
    if found is HARD and told.sure:
        found = told.reply_class
    elif found is None:
        unclear = not told.sure and event.status in ("", "5.0.0") and not event.reason.startswith("4")
        found = HARD if event.type == "bounce" and told.reply_class is SOFT and unclear else told.reply_class
    return SOFT if found is HARD and event.type == "blocked" else found
