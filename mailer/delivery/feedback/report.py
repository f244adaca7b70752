"""Decides what a report about a mail that was handed over changes, from whatever source it comes. Pure.

A report may come twice, late, or before an earlier one: its effect is the same. A delivery's feedback only rises (in
the order of `Feedback`), each kind of event is noted once per delivery, and its consequences (a suppression, leaving a
list) happen once, so that a repeat doesn't overrule staff who undid them. `apply` writes them to the database;
`webhook_events` and `bounce_mailbox` decide who may report.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mailer.store.tables.states import DeliveryState, Feedback, SuppressionReason
from mailer.transports.base import ReplyClass
from mailer.transports.events import FeedbackReport, Remedy, What

DROPPED_CODE = "dropped"  # the value of `deliveries.code`


RANK = {feedback: rank for rank, feedback in enumerate(Feedback)}
MEANS = {
    What.PROCESSED: Feedback.PROCESSED,
    What.DEFERRED: Feedback.PROCESSED,
    What.DELIVERED: Feedback.DELIVERED,
    What.UNSUBSCRIBED: Feedback.DELIVERED,  # a person who unsubscribes by a mail has received it
    What.BOUNCED: Feedback.BOUNCED,
    What.COMPLAINED: Feedback.COMPLAINED,
    What.DROPPED: Feedback.NONE,
}
# States that proof of the last attempt settles, as the transport's answer would (`ledger.outcomes`).
OPEN = (DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.QUEUED, DeliveryState.HELD,
        DeliveryState.CANCELLED)  # fmt: skip
NOTED = (What.DEFERRED, What.BOUNCED, What.DROPPED, What.COMPLAINED)  # in `events`; unsubscribing notes its own
# If a bounce is reported twice with different reply classes, the more serious one counts.
GRAVITY = {"": 0, ReplyClass.OURS: 1, ReplyClass.POLICY: 2, ReplyClass.SOFT: 3, ReplyClass.HARD: 4}


SUPPRESSING = {
    Remedy.BOUNCED: SuppressionReason.BOUNCED,
    Remedy.COMPLAINED: SuppressionReason.COMPLAINED,
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """The part of a delivery that reports change."""

    state: DeliveryState
    attempt: int
    feedback: Feedback = Feedback.NONE
    code: str = ""


@dataclass(frozen=True, slots=True)
class NotedEvent:
    """An event as it is in `events`, or is to be."""

    reply_class: str
    at: datetime
    detail: str
    id: int | None = None


def decide(ledger: Ledger, report: FeedbackReport) -> Ledger:
    """The state of a delivery after a report; pure, and the same in whatever order reports come."""
    same = report.attempt == ledger.attempt
    rises = RANK[MEANS[report.what]] > RANK[ledger.feedback]
    feedback = MEANS[report.what] if rises else ledger.feedback
    arrived = RANK[feedback] > RANK[Feedback.PROCESSED]  # by whichever attempt
    if report.what is What.DROPPED:
        if not same or ledger.state not in (*OPEN, DeliveryState.SENT):
            return ledger
        failed = replace(ledger, state=DeliveryState.FAILED, code=DROPPED_CODE)
        return replace(ledger, state=DeliveryState.SENT, code="") if arrived else failed
    # A report without an attempt can't tell a mail that has been put back into the queue since from one that hasn't.
    first = ledger.state is DeliveryState.SENDING and ledger.attempt == 1
    proven = report.attempt is None and (first or ledger.state is DeliveryState.UNCERTAIN)
    dropped = ledger.state is DeliveryState.FAILED and ledger.code == DROPPED_CODE
    if proven or (dropped and arrived) or (same and ledger.state in OPEN):
        return Ledger(DeliveryState.SENT, ledger.attempt, feedback)
    return replace(ledger, feedback=feedback)


def note(known: NotedEvent | None, report: FeedbackReport) -> NotedEvent | None:
    """The event as it must be stored now, or None if it is already; pure, and the same in any order of reports."""
    fresh = NotedEvent(report.reply_class or "", report.at, report.detail, known.id if known else None)
    if known is None or (GRAVITY[fresh.reply_class], known.at) > (GRAVITY[known.reply_class], fresh.at):
        return fresh
    return None
