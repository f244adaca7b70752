"""What SendGrid's words mean in ours, in tables; and to whom an event belongs that carries none of our arguments.

The words: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
https://www.twilio.com/docs/sendgrid/ui/sending-email/bounces (classifications).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, exists, select

from mailer.audience.addresses import BadAddress, normalise
from mailer.delivery.feedback.report import FeedbackReport, Remedy, What, bounce
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.states import DeliveryState
from mailer.transports.base import ReplyClass
from mailer.transports.replies.classify import judge_report
from mailer.transports.replies.phrases import US
from mailer.transports.sendgrid.events import SendgridEvent

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS
SOURCE = "SendGrid"
TRANSPORT = "sendgrid"  # as `campaigns.transport` has it
HOW = "provider"  # of leaving
COMPLAINT = "complaint"

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

# A server may take a mail and send it back later; SendGrid then knows neither its own number nor our arguments.
# Relays give up after four or five days (RFC 5321 §4.5.4.1).
ASYNCHRONOUS = timedelta(days=5)


def report_of(event: SendgridEvent) -> FeedbackReport | None:
    """The event as a report on the delivery it names; None for kinds that change nothing. Pure."""
    what = KINDS.get(event.kind)
    if what is None or event.delivery_id is None:
        return None
    reply_class, remedy, how = None, Remedy.NONE, HOW
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
    return FeedbackReport(
        delivery_id=event.delivery_id,
        attempt=event.attempt,
        what=what,
        at=event.at,
        source=SOURCE,
        reply_class=reply_class,
        detail=f"{event.status} {event.reason}".strip() if what in (What.BOUNCED, What.DROPPED) else event.reason,
        remedy=remedy,
        how=how,
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


def names_nobody(event: SendgridEvent) -> bool:
    """Whether an event says that there is nobody at its address. Pure."""
    what = KINDS.get(event.kind)
    if what is What.BOUNCED:
        return bounce_class(event) is HARD
    return what is What.DROPPED and DROPS.get(event.reason.lower(), (None, Remedy.NONE))[1] is Remedy.BOUNCED


def mailed_person(connection: Connection, event: SendgridEvent) -> bytes | None:
    """The keyed hash of the event's address, if it is a person's whom we have mailed by this provider before."""
    try:
        address = normalise(event.address)
    except BadAddress:
        return None
    mailed = exists().where(
        deliveries.c.person_id == people.c.id,
        deliveries.c.state.in_((DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNCERTAIN)),
        campaigns.c.id == deliveries.c.campaign_id,
        campaigns.c.transport == TRANSPORT,
    )
    return connection.execute(select(people.c.address_hash).where(people.c.address == address, mailed)).scalar()


def plausible(connection: Connection, event: SendgridEvent) -> int | None:
    """The delivery an event without our arguments is about: the only one to its address in the five days before."""
    if KINDS.get(event.kind) is not What.BOUNCED:
        return None  # every other kind has our arguments, if it is about a mail of ours
    try:
        address = normalise(event.address)
    except BadAddress:
        return None
    conditions = [
        people.c.address == address,
        deliveries.c.state.in_((DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNCERTAIN)),
        deliveries.c.changed_at.between(event.at - ASYNCHRONOUS, event.at),
    ]
    if event.message_id:  # their number of it, a dot, and which server had it
        conditions.append(deliveries.c.provider_id == event.message_id.partition(".")[0])
    query = select(deliveries.c.id).join(people, people.c.id == deliveries.c.person_id).where(*conditions).limit(2)
    found = connection.execute(query).scalars().all()
    return found[0] if len(found) == 1 else None
