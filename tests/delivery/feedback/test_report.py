"""What reports do to a delivery: the decision as a table, and the law that order and repeats don't matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.delivery.feedback.report import NOTED, RANK, Ledger, NotedEvent, decide, note
from mailer.store.tables.states import DeliveryState, Feedback
from mailer.transports.base import ReplyClass
from mailer.transports.events import FeedbackReport, What

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SENT, FAILED, UNCERTAIN = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN
QUEUED, SENDING, SKIPPED = DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SKIPPED


def report(
    what: What, attempt: int | None = 1, *, after: int = 0, reply_class: ReplyClass | None = None
) -> FeedbackReport:
    at = NOW + timedelta(seconds=after)
    return FeedbackReport(7, attempt, what, at, "SendGrid", reply_class=reply_class, detail=f"{what} {after}")


@pytest.mark.parametrize(
    ("before", "what", "attempt", "after"),
    [
        # Proof of the attempt settles what nobody knew.
        (Ledger(UNCERTAIN, 1), What.PROCESSED, 1, Ledger(SENT, 1, Feedback.PROCESSED)),
        (Ledger(UNCERTAIN, 1), What.DEFERRED, 1, Ledger(SENT, 1, Feedback.PROCESSED)),
        (Ledger(SENDING, 2), What.DELIVERED, 2, Ledger(SENT, 2, Feedback.DELIVERED)),
        (Ledger(UNCERTAIN, 1), What.BOUNCED, 1, Ledger(SENT, 1, Feedback.BOUNCED)),
        (Ledger(QUEUED, 1), What.PROCESSED, 1, Ledger(SENT, 1, Feedback.PROCESSED)),
        # Proof of an earlier attempt says nothing of the later one.
        (Ledger(SENDING, 2), What.DELIVERED, 1, Ledger(SENDING, 2, Feedback.DELIVERED)),
        (Ledger(QUEUED, 2), What.PROCESSED, 1, Ledger(QUEUED, 2, Feedback.PROCESSED)),
        # A mail that came back without its attempt: enough where there was only one.
        (Ledger(UNCERTAIN, 3), What.BOUNCED, None, Ledger(SENT, 3, Feedback.BOUNCED)),
        (Ledger(SENDING, 1), What.BOUNCED, None, Ledger(SENT, 1, Feedback.BOUNCED)),
        (Ledger(QUEUED, 1), What.BOUNCED, None, Ledger(QUEUED, 1, Feedback.BOUNCED)),
        # It was never mailed.
        (Ledger(SENT, 1, code="202"), What.DROPPED, 1, Ledger(FAILED, 1, code="dropped")),
        (Ledger(UNCERTAIN, 1), What.DROPPED, 1, Ledger(FAILED, 1, code="dropped")),
        (Ledger(SENT, 2), What.DROPPED, 1, Ledger(SENT, 2)),
        (Ledger(UNCERTAIN, 1, Feedback.DELIVERED), What.DROPPED, 1, Ledger(SENT, 1, Feedback.DELIVERED)),
        (Ledger(SKIPPED, 1), What.DROPPED, 1, Ledger(SKIPPED, 1)),
        # What is known only rises.
        (Ledger(SENT, 1, Feedback.BOUNCED), What.DELIVERED, 1, Ledger(SENT, 1, Feedback.BOUNCED)),
        (Ledger(SENT, 1, Feedback.DELIVERED), What.BOUNCED, 1, Ledger(SENT, 1, Feedback.BOUNCED)),
        (Ledger(SENT, 1, Feedback.COMPLAINED), What.BOUNCED, 1, Ledger(SENT, 1, Feedback.COMPLAINED)),
        # Refused by the transport: no event makes it sent.
        (Ledger(FAILED, 1, code="550 5.1.1"), What.DELIVERED, 1, Ledger(FAILED, 1, Feedback.DELIVERED, "550 5.1.1")),
    ],
)
def test_each_report_has_one_consequence(before: Ledger, what: What, attempt: int | None, after: Ledger) -> None:
    assert decide(before, report(what, attempt)) == after


ledgers = st.builds(
    Ledger,
    st.sampled_from(list(DeliveryState)),
    st.integers(1, 2),
    st.sampled_from(list(Feedback)),
)
reports = st.builds(
    report,
    st.sampled_from(What),
    st.sampled_from([1, 2, None]),
    after=st.integers(0, 5),
    reply_class=st.sampled_from([None, *ReplyClass]),
)


def fold(ledger: Ledger, all_reports: list[FeedbackReport]) -> tuple[DeliveryState, Feedback]:
    for one in all_reports:
        ledger = decide(ledger, one)
    return ledger.state, ledger.feedback


def events_of(all_reports: list[FeedbackReport]) -> dict[What, tuple[str, datetime]]:
    noted: dict[What, NotedEvent] = {}
    for one in all_reports:
        if one.what in NOTED and (event := note(noted.get(one.what), one)):
            noted[one.what] = event
    return {what: (event.reply_class, event.at) for what, event in noted.items()}


@settings(max_examples=250)
@given(ledgers, st.lists(reports, max_size=6), st.data())
def test_order_and_repeats_change_nothing(ledger: Ledger, some: list[FeedbackReport], data: st.DataObject) -> None:
    repeated = some + data.draw(st.lists(st.sampled_from(some), max_size=6)) if some else []
    shuffled = data.draw(st.permutations(repeated))
    assert fold(ledger, shuffled) == fold(ledger, some)
    assert events_of(shuffled) == events_of(some)


@given(ledgers, st.lists(reports, max_size=6))
def test_what_is_known_of_a_mail_only_rises(ledger: Ledger, some: list[FeedbackReport]) -> None:
    for one in some:
        after = decide(ledger, one)
        assert RANK[after.feedback] >= RANK[ledger.feedback]
        assert after.state is ledger.state or after.state in (SENT, FAILED), "nobody is queued again by a report"
        ledger = after
