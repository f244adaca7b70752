"""Maps SES's terms to ours, in tables.

The words: docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html, …/notification-contents.html
A post holds one event, as text inside a message of SNS; `sns` tells whether it is theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import ReplyClass
from mailer.transports.events import (
    ProviderEvent,
    Remedy,
    UnreadablePost,
    What,
    digest_of,
    json_of,
    likely_time,
    payload_of,
    read_mark,
    remedy_of,
    text_of,
    without_addresses,
)
from mailer.transports.replies.classify import judge_report
from mailer.transports.replies.phrases import US
from mailer.transports.ses.settings import Ses
from mailer.transports.ses.sns import CONFIRMATION, UNSUBSCRIBED, Fetch, SnsVerifier, fetch, fields_of

log = logging.getLogger(__name__)

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS
# Where each kind has its details, in what it is called ("eventType", or "notificationType" of an identity's own).
PARTS = {
    "send": "send",
    "delivery": "delivery",
    "deliverydelay": "deliveryDelay",
    "bounce": "bounce",
    "complaint": "complaint",
    "reject": "reject",
    "renderingfailure": "failure",
    "subscription": "subscription",
    "open": "open",
    "click": "click",
}
KINDS: dict[str, What] = {
    "send": What.PROCESSED,
    "delivery": What.DELIVERED,
    "deliverydelay": What.DEFERRED,
    "bounce": What.BOUNCED,
    "complaint": What.COMPLAINED,
    "subscription": What.UNSUBSCRIBED,  # only one that ends all
}
UNUSED = frozenset(("send", "delivery", "deliverydelay", "open", "click"))
NAMING = frozenset(("emailaddress", "ipaddress", "useragent", "link"))
RECIPIENTS = ("bouncedRecipients", "complainedRecipients", "delayedRecipients")
# Soft ones SES has given up on. Others than these: by what the server said.
BOUNCES: dict[tuple[str, str], ReplyClass] = {
    ("permanent", "general"): HARD,
    ("permanent", "noemail"): HARD,
    ("transient", "general"): SOFT,
    ("transient", "mailboxfull"): SOFT,
    ("transient", "customtimeoutexceeded"): SOFT,
    ("transient", "messagetoolarge"): POLICY,
    ("transient", "contentrejected"): POLICY,
    ("transient", "attachmentrejected"): POLICY,
}
# SES took the mail and never mailed it. A bounce of the account's own list doesn't tell why, so nothing follows.
DROPS: dict[tuple[str, str], tuple[ReplyClass, Remedy]] = {
    ("bounce", "suppressed"): (HARD, Remedy.BOUNCED),
    ("bounce", "onaccountsuppressionlist"): (POLICY, Remedy.NONE),
    ("bounce", "unsubscribedrecipient"): (POLICY, Remedy.LEAVE),
    ("complaint", "onaccountsuppressionlist"): (POLICY, Remedy.COMPLAINED),
    ("reject", ""): (POLICY, Remedy.NONE),  # a virus
    ("renderingfailure", ""): (OURS, Remedy.NONE),
}
# Of an ISP's report (IANA's MARF feedback types) what doesn't say that the person complained.
NO_COMPLAINT = frozenset(("auth-failure", "not-spam", "other", "virus"))
VALIDATED = "Successfully validated SNS topic"  # begins what SES publishes once, when the topic is set


class SesWebhook:
    """Events of SES by Amazon SNS."""

    def __init__(self, *, fetch: Fetch = fetch, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._fetch = fetch
        self._clock = clock

    def verifier(self, settings: Settings, secrets: Secrets) -> SnsVerifier | None:
        topic = settings.section(Ses).topic_arn
        return SnsVerifier(topic, self._fetch, self._clock) if topic else None

    def read(self, body: bytes, *, received: datetime) -> tuple[list[ProviderEvent], int]:
        post = fields_of(body)
        kind, message = post.get("Type", ""), post.get("Message", "")
        if kind == CONFIRMATION or message.startswith(VALIDATED):
            return [], 0
        if kind == UNSUBSCRIBED:
            return [_end_of_events(post, received)], 0
        if not message:
            raise UnreadablePost("the body is not a message of Amazon SNS")
        data = json_of(message.encode("utf-8", "surrogatepass"))
        if not isinstance(data, dict):
            return [], 1
        entry = cast(dict[str, Any], data)
        kind = (text_of(entry, "eventType") or text_of(entry, "notificationType")).lower().replace(" ", "")
        return (list(_events(kind, entry, received)), 0) if kind else ([], 1)


def _events(kind: str, entry: Mapping[str, Any], received: datetime) -> Iterator[ProviderEvent]:
    """One event for each recipient that it is about; of ours that is one, since each mail has one."""
    mail, part = _table(entry, "mail"), _table(entry, PARTS.get(kind, ""))
    sent_to = [one for one in _list(mail, "destination") if isinstance(one, str)]
    marks = _list(_table(mail, "tags"), "mailer")
    delivery_id, attempt = read_mark(marks[0].replace("-", ".", 1) if marks and isinstance(marks[0], str) else None)
    named = [cast(dict[str, Any], one) for name in RECIPIENTS for one in _list(part, name) if isinstance(one, dict)]
    for recipient in named or [{}]:
        # A report's recipient may be where somebody forwards to; who was mailed is certain when it was one alone.
        address = sent_to[0] if len(sent_to) == 1 else text_of(recipient, "emailAddress")
        words = text_of(recipient, "diagnosticCode") or text_of(part, "reason") or text_of(part, "errorMessage")
        status, words = text_of(recipient, "status"), without_addresses(words)
        what, reply_class, remedy = _meaning(kind, part, status=status, words=words)
        flat = {"kind": kind, "messageId": text_of(mail, "messageId")}
        flat |= {name: value for name, value in (part | recipient).items() if name not in RECIPIENTS}
        yield ProviderEvent(
            kind=" ".join(filter(None, (kind, text_of(part, "bounceType"), _subtype(part)))).lower(),
            what=what,
            at=likely_time(_time(part) or _time(mail), received),
            address=text_of({"address": address}, "address"),
            delivery_id=delivery_id,
            attempt=attempt,
            key=digest_of({**flat, "to": address}),
            payload=payload_of(flat, naming=NAMING),
            reply_class=reply_class,
            remedy=remedy,
            detail=f"{status} {words}".strip() or _subtype(part),
            provider_id=text_of(mail, "messageId"),
            worth_keeping=kind not in UNUSED,
        )


def _meaning(
    kind: str, part: Mapping[str, Any], *, status: str, words: str
) -> tuple[What | None, ReplyClass | None, Remedy]:
    """What an event says, whose fault it is, and what follows."""
    if dropped := DROPS.get((kind, _subtype(part).lower())):
        return What.DROPPED, *dropped
    what, reply_class = KINDS.get(kind), None
    match what:
        case What.DEFERRED:
            reply_class = SOFT
        case What.BOUNCED:
            reply_class = _bounce_class(part, status=status, words=words)
            what = what if reply_class else None
        case What.COMPLAINED if text_of(part, "complaintFeedbackType").lower() in NO_COMPLAINT:
            what = None
        case What.UNSUBSCRIBED if _table(part, "newTopicPreferences").get("unsubscribeAll") is not True:
            what = None
        case _:
            pass
    return what, reply_class, remedy_of(what, reply_class)


def _bounce_class(part: Mapping[str, Any], *, status: str, words: str) -> ReplyClass | None:
    """Whose fault a bounce is: by the server's words where they are about us or say why an address isn't what is wrong,
    else by SES's own class. None for what isn't a bounce: automatic answers are told as general, without a report."""
    sort = (text_of(part, "bounceType").lower(), _subtype(part).lower())
    if sort == ("transient", "general") and not (status or words):
        return None
    told = judge_report(status, words)
    if told.about in US:
        return told.reply_class
    found = BOUNCES.get(sort) or told.reply_class
    if found is HARD and (told.sure or status.startswith("4")):
        found = told.reply_class
    return SOFT if found is HARD and sort[0] != "permanent" and not told.sure else found


def _end_of_events(post: Mapping[str, str], received: datetime) -> ProviderEvent:
    """That somebody ended the subscription."""
    log.warning("Amazon SNS no longer posts events of SES, since the subscription was ended: make it again")
    told = {name: post.get(name, "") for name in ("Type", "TopicArn", "Timestamp", "MessageId")}
    return ProviderEvent(
        kind="the topic's subscription was ended",
        what=None,
        at=received,
        address="",
        delivery_id=None,
        attempt=None,
        key=digest_of(told),
        payload=payload_of(told, naming=()),
    )


def _subtype(part: Mapping[str, Any]) -> str:
    return text_of(part, "bounceSubType") or text_of(part, "complaintSubType")


def _table(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: object = entry.get(name)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    found: object = entry.get(name)
    return cast(list[Any], found) if isinstance(found, list) else []


def _time(entry: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(text_of(entry, "timestamp"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
