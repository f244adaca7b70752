"""What comes back of a mail after it was handed over, whoever reports it: decided as values. Pure.

A report may come twice, late, or before an earlier one: its effect is the same. What it says of the mail only rises
(`Feedback` in its order), each kind of event is noted once for a delivery, and what follows from it (a suppression, a
list that is left) follows once, so that staff who undo it aren't overruled by a repeat. Writing it down is for
`apply`, reading posts and mails for `tracking`, and who may report for `webhook_events` and `bounce_mailbox`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mailer.store.tables.states import DeliveryState, Feedback, SuppressionReason
from mailer.transports.base import ReplyClass
from mailer.transports.events import FeedbackReport, Remedy, What

DROPPED_CODE = "dropped"  # stands in `deliveries.code`


RANK = {feedback: rank for rank, feedback in enumerate(Feedback)}
MEANS = {
    What.PROCESSED: Feedback.PROCESSED,
    What.DEFERRED: Feedback.PROCESSED,
    What.DELIVERED: Feedback.DELIVERED,
    What.UNSUBSCRIBED: Feedback.DELIVERED,  # whoever leaves by a mail has it
    What.BOUNCED: Feedback.BOUNCED,
    What.COMPLAINED: Feedback.COMPLAINED,
    What.DROPPED: Feedback.NONE,
}
# States that proof of the last attempt settles, as an answer of the transport does (`ledger.outcomes`).
OPEN = (DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.QUEUED, DeliveryState.CANCELLED)
NOTED = (What.DEFERRED, What.BOUNCED, What.DROPPED, What.COMPLAINED)  # in `events`; leaving notes itself
# A bounce that is reported twice in different words counts as the graver one.
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
    """An event as it stands, or is to stand."""

    reply_class: str
    at: datetime
    detail: str
    id: int | None = None


def decide(ledger: Ledger, report: FeedbackReport) -> Ledger:
    """How a delivery stands after a report; pure, and the same in whatever order reports come."""
    same = report.attempt == ledger.attempt
    rises = RANK[MEANS[report.what]] > RANK[ledger.feedback]
    feedback = MEANS[report.what] if rises else ledger.feedback
    arrived = RANK[feedback] > RANK[Feedback.PROCESSED]  # by whichever attempt
    if report.what is What.DROPPED:
        if not same or ledger.state not in (*OPEN, DeliveryState.SENT):
            return ledger
        failed = replace(ledger, state=DeliveryState.FAILED, code=DROPPED_CODE)
        return replace(ledger, state=DeliveryState.SENT, code="") if arrived else failed
    # Without its attempt a report can't tell a mail that was put back into the queue since from one that wasn't.
    first = ledger.state is DeliveryState.SENDING and ledger.attempt == 1
    proven = report.attempt is None and (first or ledger.state is DeliveryState.UNCERTAIN)
    dropped = ledger.state is DeliveryState.FAILED and ledger.code == DROPPED_CODE
    if proven or (dropped and arrived) or (same and ledger.state in OPEN):
        return Ledger(DeliveryState.SENT, ledger.attempt, feedback)
    return replace(ledger, feedback=feedback)


def note(known: NotedEvent | None, report: FeedbackReport) -> NotedEvent | None:
    """The event as it must stand now, or None when it stands so already; pure, and the same in any order."""
    fresh = NotedEvent(report.reply_class or "", report.at, report.detail, known.id if known else None)
    if known is None or (GRAVITY[fresh.reply_class], known.at) > (GRAVITY[known.reply_class], fresh.at):
        return fresh
    return None
