"""Maps Postmark's terms to ours, in a table, and believes only posts with the webhook's password.

The words: postmarkapp.com/developer/api/bounce-api (bounce types) and …/developer/webhooks. A post is one event.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from mailer.errors import MailerError
from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import ReplyClass
from mailer.transports.events import (
    ProviderEvent,
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
from mailer.transports.postmark.settings import Postmark
from mailer.transports.replies.classify import judge_report
from mailer.transports.replies.phrases import US

HARD, SOFT, POLICY = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY
NAMING = frozenset(("email", "recipient", "from", "content", "subject", "dump", "geo", "client", "suppressionreason"))
LEAST_PASSWORD = 16  # characters: with the user it is all that tells their posts from forged ones

RECORDS: dict[str, What] = {
    "delivery": What.DELIVERED,
    "bounce": What.BOUNCED,
    "spamcomplaint": What.COMPLAINED,
    "subscriptionchange": What.UNSUBSCRIBED,  # only one that suppresses
}
# None: no mail came back, as with an answer to one that arrived. Others than these: by what the server said.
BOUNCES: dict[str, ReplyClass | None] = {
    "hardbounce": HARD,
    "bademailaddress": HARD,
    "transient": SOFT,
    "softbounce": SOFT,
    "dnserror": SOFT,
    "undeliverable": SOFT,
    "spamnotification": POLICY,
    "virusnotification": POLICY,
    "blocked": POLICY,
    "dmarcpolicy": POLICY,
    "autoresponder": None,
    "challengeverification": None,
    "addresschange": None,
    "subscribe": None,
    "openrelaytest": None,
    "unconfirmed": None,
    "manuallydeactivated": None,  # by staff at Postmark
    "inbounderror": None,
    "templaterenderingfailed": None,
}
DROPPED = "smtpapierror"  # it took the mail, and never mailed it
UNUSED = frozenset(("open", "click", "delivery"))


@dataclass(frozen=True, slots=True)
class PostmarkVerifier:
    """Believes posts with the user and the password (RFC 7617)."""

    expected: str = field(repr=False)

    def promising(self, headers: Mapping[str, str]) -> bool:
        return hmac.compare_digest(headers.get("authorization", "").encode(), self.expected.encode())

    def is_theirs(self, headers: Mapping[str, str], body: bytes) -> bool:
        return self.promising(headers)


class PostmarkWebhook:
    """Postmark's webhooks for bounces, deliveries, complaints and changes of subscription."""

    def verifier(self, settings: Settings, secrets: Secrets) -> PostmarkVerifier | None:
        password = secrets.of_provider("postmark_webhook_password")
        if not password:
            return None
        if len(password) < LEAST_PASSWORD:
            raise MailerError(f"postmark_webhook_password is shorter than {LEAST_PASSWORD} characters")
        login = f"{settings.section(Postmark).webhook_user}:{password}".encode()
        return PostmarkVerifier(f"Basic {b64encode(login).decode()}")

    def read(self, body: bytes, *, received: datetime) -> tuple[list[ProviderEvent], int]:
        return events_of(body, lambda entry: _event(entry, received), named="RecordType")


def _event(entry: Mapping[str, Any], received: datetime) -> ProviderEvent:
    record, kind = text_of(entry, "RecordType").lower(), text_of(entry, "Type").lower()
    details = without_addresses(text_of(entry, "Details") or text_of(entry, "Description"))
    what, reply_class = RECORDS.get(record), None
    if what is What.BOUNCED and kind == "spamcomplaint":
        what = What.COMPLAINED
    elif what is What.BOUNCED and kind == "unsubscribe":
        what = What.UNSUBSCRIBED
    elif what is What.BOUNCED:
        what, reply_class = _bounce(kind, details)
    if what is What.UNSUBSCRIBED and record == "subscriptionchange":
        what = _change(entry)
    metadata: Any = entry.get("Metadata")
    mark = cast(dict[str, Any], metadata).get("mailer") if isinstance(metadata, dict) else None
    delivery_id, attempt = read_mark(mark)
    return ProviderEvent(
        kind=f"{record} {kind}".strip(),
        what=what,
        at=likely_time(_time(entry), received),
        address=text_of(entry, "Email") or text_of(entry, "Recipient"),
        delivery_id=delivery_id,
        attempt=attempt,
        key=digest_of(entry),
        payload=payload_of(entry, naming=NAMING),
        reply_class=reply_class,
        remedy=remedy_of(what, reply_class),
        detail=details,
        provider_id=text_of(entry, "MessageID"),
        worth_keeping=record not in UNUSED,
    )


def _bounce(kind: str, details: str) -> tuple[What | None, ReplyClass | None]:
    """What became of the mail, and whose fault it is: theirs to say, unless the server's words are about us or say why
    an address isn't what is wrong."""
    if kind == DROPPED:
        return What.DROPPED, ReplyClass.OURS
    told = judge_report("", details)
    if kind in BOUNCES and BOUNCES[kind] is None:
        return None, None
    if told.about in US:
        return What.BOUNCED, told.reply_class
    found = BOUNCES.get(kind)
    if found is None or (found is HARD and told.sure):
        found = told.reply_class
    return What.BOUNCED, found


def _change(entry: Mapping[str, Any]) -> What | None:
    """A change of subscription that suppresses by somebody's wish; the others are reported as what caused them."""
    reason = text_of(entry, "SuppressionReason").lower()
    return What.UNSUBSCRIBED if entry.get("SuppressSending") is True and reason == "manualsuppression" else None


def _time(entry: Mapping[str, Any]) -> datetime | None:
    for name in ("BouncedAt", "DeliveredAt", "ChangedAt", "ReceivedAt"):
        try:
            at = datetime.fromisoformat(text_of(entry, name))
        except ValueError:
            continue
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None
