"""What an answer makes of a delivery: the decision, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailer.delivery.recording import Change, decide
from mailer.store.states import DeliveryState
from mailer.transports.envelope import Fate, Outcome, ReplyClass

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "change"),
    [
        (Outcome(Fate.ACCEPTED), Change(DeliveryState.SENT)),
        (Outcome(Fate.UNCERTAIN), Change(DeliveryState.UNCERTAIN)),
        (Outcome(Fate.REFUSED, reply_class=ReplyClass.HARD), Change(DeliveryState.FAILED)),
        (Outcome(Fate.REFUSED, reply_class=ReplyClass.POLICY), Change(DeliveryState.FAILED)),
        # Our own fault: the person keeps their place in the queue.
        (
            Outcome(Fate.REFUSED, reply_class=ReplyClass.OURS),
            Change(DeliveryState.QUEUED, not_before=NOW + timedelta(minutes=1)),
        ),
        # Surely nothing left.
        (None, Change(DeliveryState.QUEUED, not_before=NOW)),
    ],
)
def test_each_fate_has_one_consequence(outcome: Outcome | None, change: Change) -> None:
    assert decide(outcome, attempt=1, now=NOW, since=NOW) == change


def test_a_deferral_waits_longer_each_time_up_to_a_bound() -> None:
    waits = [
        (change.not_before - NOW).total_seconds() / 60
        for attempt in range(1, 8)
        if (change := decide(Outcome(Fate.DEFERRED), attempt=attempt, now=NOW, since=NOW)).not_before
    ]
    assert waits == [1, 4, 16, 64, 240, 240, 240]


def test_a_time_named_by_the_provider_is_kept() -> None:
    change = decide(Outcome(Fate.DEFERRED, retry_after_seconds=7000), attempt=1, now=NOW, since=NOW)
    assert change.not_before == NOW + timedelta(seconds=7000)


def test_after_two_days_of_deferrals_it_is_given_up() -> None:
    long_ago = NOW - timedelta(hours=49)
    assert decide(Outcome(Fate.DEFERRED), attempt=9, now=NOW, since=long_ago).state is DeliveryState.FAILED
    assert decide(Outcome(Fate.DEFERRED), attempt=1, now=NOW, since=long_ago).state is DeliveryState.QUEUED
