"""What an answer makes of a delivery: the decision, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailer.delivery.ledger.outcomes import GIVE_UP_AFTER, RowChange, decide, is_for_good, is_given_up, may_go_back
from mailer.store.tables.states import DeliveryState
from mailer.transports.base import Fate, Outcome, ReplyClass

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "change"),
    [
        (Outcome(Fate.ACCEPTED), RowChange(DeliveryState.SENT)),
        (Outcome(Fate.UNCERTAIN), RowChange(DeliveryState.UNCERTAIN)),
        (Outcome(Fate.REFUSED, reply_class=ReplyClass.HARD), RowChange(DeliveryState.FAILED)),
        (Outcome(Fate.REFUSED, reply_class=ReplyClass.POLICY), RowChange(DeliveryState.FAILED)),
        # Our own fault: the person keeps their place in the queue.
        (
            Outcome(Fate.REFUSED, reply_class=ReplyClass.OURS),
            RowChange(DeliveryState.QUEUED, not_before=NOW + timedelta(minutes=1)),
        ),
        # Surely nothing left.
        (None, RowChange(DeliveryState.QUEUED, not_before=NOW)),
    ],
)
def test_each_fate_has_one_consequence(outcome: Outcome | None, change: RowChange) -> None:
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


LATER = Outcome(Fate.DEFERRED)
OURS = Outcome(Fate.REFUSED, reply_class=ReplyClass.OURS)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("outcome", [LATER, OURS])
@pytest.mark.parametrize(
    ("attempt", "passed", "given_up"),
    [
        (1, GIVE_UP_AFTER + TICK, False),  # a first try, however late it is
        (2, GIVE_UP_AFTER + TICK, True),
        (9, GIVE_UP_AFTER + TICK, True),
        (2, GIVE_UP_AFTER, False),
        (9, timedelta(0), False),
    ],
)
def test_after_two_days_whoever_is_put_off_again_is_given_up(
    outcome: Outcome, attempt: int, passed: timedelta, given_up: bool
) -> None:
    assert is_given_up(outcome, attempt=attempt, now=NOW, since=NOW - passed) is given_up
    state = decide(outcome, attempt=attempt, now=NOW, since=NOW - passed).state
    assert state is (DeliveryState.FAILED if given_up else DeliveryState.QUEUED)


@pytest.mark.parametrize(
    ("outcome", "for_good", "goes_back"),
    [
        (None, None, True),
        (LATER, False, True),
        (OURS, False, True),
        (Outcome(Fate.ACCEPTED), False, False),
        (Outcome(Fate.UNCERTAIN), False, False),
        (Outcome(Fate.REFUSED), True, False),
        *[(Outcome(Fate.REFUSED, reply_class=one), True, False) for one in ReplyClass if one is not ReplyClass.OURS],
    ],
)
def test_who_is_refused_for_good_and_who_may_go_back_to_the_queue(
    outcome: Outcome | None, for_good: bool | None, goes_back: bool
) -> None:
    assert may_go_back(outcome) is goes_back
    assert outcome is None or is_for_good(outcome) is for_good
    assert outcome is None or not (for_good and is_given_up(outcome, attempt=9, now=NOW, since=NOW - 9 * GIVE_UP_AFTER))


def test_for_how_long_whoever_is_put_off_is_tried() -> None:
    hours = timedelta(hours=1)
    waits = [decide(LATER, attempt=attempt, now=NOW, since=NOW).not_before for attempt in (1, 99)]
    assert waits == [NOW + timedelta(minutes=1), NOW + 4 * hours]
    last, over = (decide(LATER, attempt=2, now=NOW, since=NOW - passed) for passed in (48 * hours, 48 * hours + TICK))
    assert (last.state, over.state) == (DeliveryState.QUEUED, DeliveryState.FAILED)


def test_an_answer_of_a_kind_that_never_goes_back_is_not_given_up() -> None:
    for fate in (Fate.ACCEPTED, Fate.UNCERTAIN):
        assert not is_given_up(Outcome(fate), attempt=9, now=NOW, since=NOW - 9 * GIVE_UP_AFTER)
