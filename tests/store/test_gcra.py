"""The arithmetic of rate limits: never more turns than the rate says, one for each who waits, and SQL agrees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, select, type_coerce

from mailer.store.engine.database import Database
from mailer.store.gcra import Rate, begin, begin_in_sql, turns
from mailer.store.gcra import moments as moments_of
from mailer.store.tables.core import EPOCH, MICROSECOND
from mailer.store.tables.inbound import rate_limits

NOW = 1_795_000_000_000_000  # microseconds
rates = st.builds(
    lambda interval, more, late: Rate(interval, ahead=interval * more, late=late),
    st.integers(1, 10_000), st.integers(0, 20), st.integers(0, 5_000),
)  # fmt: skip
moments = st.integers(-300_000, 300_000).map(lambda offset: NOW + offset)


@given(rates, st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 5)), max_size=60))
def test_no_stretch_of_time_holds_more_turns_than_the_rate_says(
    rate: Rate[int], demands: list[tuple[int, int]]
) -> None:
    now, next_at, taken = NOW, 0, list[int]()
    for pause, wanted in demands:
        now += pause
        begins = begin(next_at, now, rate)
        count = min(wanted, turns(begins, now, rate))
        taken += [now] * count
        if count:
            next_at = begins + count * rate.interval
    for index, first in enumerate(taken):
        for count, last in enumerate(taken[index:], start=1):
            assert count <= 1 + (last - first + rate.ahead + rate.late) / rate.interval


@given(rates, st.integers(0, 40))
def test_as_many_as_the_burst_at_once_and_one_more_after_an_interval(rate: Rate[int], before: int) -> None:
    next_at, burst = NOW, 1 + rate.ahead // rate.interval
    for _ in range(before):
        begins = begin(next_at, NOW, rate)
        next_at = begins + rate.interval if turns(begins, NOW, rate) else next_at
    assert turns(begin(next_at, NOW, rate), NOW, rate) == max(0, burst - before)
    later = NOW + rate.interval
    assert turns(begin(next_at, later, rate), later, rate) > 0


@given(rates, st.integers(1, 10**12))
def test_no_clock_put_forward_or_back_locks_anybody_out_or_saves_turns_up(rate: Rate[int], leap: int) -> None:
    for next_at in (NOW - rate.late - leap, NOW + rate.furthest + leap):
        assert begin(next_at, NOW, rate) == NOW


@given(rates, moments)
def test_the_next_turn_is_near_and_asking_again_changes_nothing(rate: Rate[int], next_at: int) -> None:
    begins = begin(next_at, NOW, rate)
    assert -rate.late <= begins - NOW <= rate.furthest
    assert begin(begins, NOW, rate) == begins


@given(rates, moments)
def test_seconds_give_what_microseconds_give(rate: Rate[int], next_at: int) -> None:
    offset, scaled = next_at - NOW, Rate(float(rate.interval), ahead=float(rate.ahead), late=float(rate.late))
    assert begin(float(offset), 0.0, scaled) == begin(offset, 0, rate)
    assert turns(float(offset), 0.0, scaled) == turns(offset, 0, rate)


def test_the_databases_begin_as_python_does(database: Database) -> None:
    each = [Rate(interval, ahead=ahead, late=late) for interval in (1, 7) for ahead in (0, 7, 35) for late in (0, 3)]
    offsets = [*range(-9, 50), -(10**15), 10**15]
    rows = [{"key": b"%d" % offset, "next_at": EPOCH + (NOW + offset) * MICROSECOND} for offset in offsets]
    next_at = type_coerce(rate_limits.c.next_at, BigInteger)
    with database.write() as connection:
        connection.execute(rate_limits.insert(), rows)
        for rate in each:
            found = connection.execute(select(next_at, begin_in_sql(next_at)), moments_of(NOW, rate)).all()
            assert len(found) == len(offsets)
            for held, begins in found:
                assert begins == begin(held, NOW, rate)
