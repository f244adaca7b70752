"""Hours in zones across years: gaps, folds, half-hour zones, a zone that skipped a day, and windows over midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.timezones import zone_names
from mailer.timezones.local_time import (
    EVERY_DAY,
    FIRST_ZONE,
    LAST_ZONE,
    OpenHours,
    first_instant,
    instant_of,
    next_at,
    next_opening,
    wall_of,
)

# UTC+14 and −12, zones of half and quarter hours, one whose summer time is half an hour, and zones that changed their
# rules: Samoa skipped a day, North Korea, Venezuela and Turkey moved their clocks, Morocco changes them around Ramadan.
ODD = [
    "Pacific/Kiritimati", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia",
    "Asia/Pyongyang", "America/Caracas", "Europe/Istanbul", "Africa/Casablanca", "America/Sao_Paulo", "Europe/London",
    "America/New_York", "Asia/Gaza", "America/St_Johns",
]  # fmt: skip
ZONES = st.sampled_from(ODD) | st.sampled_from(zone_names())
WALLS = st.datetimes(datetime(2005, 1, 1), datetime(2037, 12, 31)).map(
    lambda wall: wall.replace(second=0, microsecond=0)
)
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
BERLIN = ZoneInfo("Europe/Berlin")


@given(ZONES, WALLS)
@example("Pacific/Apia", datetime(2011, 12, 30, 9))
@example("Europe/Berlin", datetime(2026, 3, 29, 2, 30))
def test_a_time_is_shown_at_its_moment_or_lands_after_the_gap(name: str, wall: datetime) -> None:
    zone = ZoneInfo(name)
    moment = instant_of(wall, zone)
    shown = wall_of(moment, zone)
    assert shown >= wall
    if shown != wall:  # skipped: no moment shows it, and what is shown is later by the length of the gap
        before, after = (zone.utcoffset(wall.replace(fold=fold)) for fold in (0, 1))
        assert before is not None
        assert after is not None
        assert shown - wall == after - before
    else:  # the first of two
        assert wall_of(moment - timedelta(hours=1), zone) != wall
        assert wall_of(moment - timedelta(minutes=30), zone) != wall
    assert first_instant(wall) <= moment <= wall.replace(tzinfo=UTC) - LAST_ZONE + timedelta(days=1)


@pytest.mark.parametrize(
    ("wall", "zone", "moment"),
    [
        ("2026-03-29 02:30", "Europe/Berlin", "2026-03-29 01:30"),  # skipped: 03:30 there
        ("2026-10-25 02:30", "Europe/Berlin", "2026-10-25 00:30"),  # shown twice: the first
        ("2026-12-01 09:00", "Pacific/Kiritimati", "2026-11-30 19:00"),
        ("2026-12-01 09:00", "Asia/Kathmandu", "2026-12-01 03:15"),
        ("2026-12-01 09:00", "Pacific/Pago_Pago", "2026-12-01 20:00"),
    ],
)
def test_hours_that_are_known(wall: str, zone: str, moment: str) -> None:
    assert instant_of(datetime.fromisoformat(wall), ZoneInfo(zone)) == datetime.fromisoformat(f"{moment}+00:00")


def test_nobody_is_further_ahead_or_behind() -> None:
    years = [datetime(year, month, 15, tzinfo=UTC) for year in range(2012, 2038) for month in range(1, 13)]
    offsets = {at.astimezone(ZoneInfo(name)).utcoffset() for name in zone_names() for at in years}
    assert FIRST_ZONE in offsets
    assert all(one is not None and LAST_ZONE <= one <= FIRST_ZONE for one in offsets)


@given(ZONES, WALLS, CLOCKS, st.frozensets(st.integers(0, 6), min_size=1))
def test_the_next_time_a_clock_shows_an_hour(name: str, wall: datetime, at: time, days: frozenset[int]) -> None:
    zone, after = ZoneInfo(name), wall.replace(tzinfo=UTC)
    found = next_at(after, zone, at, days=days)
    assert after < found <= after + timedelta(days=15)
    meant = [datetime.combine(day, at) for day in _around(found) if day.weekday() in days]
    assert found in [instant_of(one, zone) for one in meant]
    assert not any(after < instant_of(one, zone) < found for one in meant)


@given(ZONES, WALLS, CLOCKS, CLOCKS, st.just(EVERY_DAY) | st.frozensets(st.integers(0, 6), min_size=1))
@example("Europe/Berlin", datetime(2026, 3, 28, 23), time(2, 30), time(5), EVERY_DAY)
@example("Europe/Berlin", datetime(2026, 3, 28, 23), time(2, 15), time(2, 45), EVERY_DAY)  # the gap swallows it
@example("Europe/Berlin", datetime(2026, 10, 25, 0, 45), time(20), time(2, 30), EVERY_DAY)  # opened by the fold
@example("Pacific/Apia", datetime(2011, 12, 30, 8), time(9), time(20), frozenset({4}))  # the Friday it skipped
def test_a_window_opens_at_the_first_moment_whose_clock_is_inside(
    name: str, wall: datetime, begins: time, ends: time, days: frozenset[int]
) -> None:
    zone, moment, window = ZoneInfo(name), wall.replace(tzinfo=UTC), OpenHours(begins, ends, days)
    opens = next_opening(moment, zone, window)
    assert opens >= moment
    assert window.contains(wall_of(opens, zone))
    if opens > moment:
        assert not window.contains(wall_of(opens - timedelta(seconds=1), zone))
        step = timedelta(minutes=15)
        until = min(opens, moment + timedelta(days=15))
        assert not any(
            window.contains(wall_of(moment + n * step, zone)) for n in range(int((until - moment) / step))
        )  # fmt: skip


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "opens"),
    [
        ("08:00", "20:00", "2026-12-01 21:00", "2026-12-02 07:00"),  # 22:00 in Berlin: the next morning at 8
        ("08:00", "20:00", "2026-12-01 12:00", "2026-12-01 12:00"),
        ("20:00", "02:00", "2026-12-01 00:30", "2026-12-01 00:30"),  # 01:30 there: open since the evening before
        ("20:00", "02:00", "2026-12-01 01:00", "2026-12-01 19:00"),  # 02:00 there: just closed
        ("08:00", "20:00", "2026-03-28 21:00", "2026-03-29 06:00"),  # the clocks are put forward in that night
        ("08:00", "20:00", "2026-10-24 21:00", "2026-10-25 07:00"),  # and back
        ("00:00", "00:00", "2026-12-01 01:00", "2026-12-01 01:00"),  # the whole day
    ],
)
def test_windows_by_day_and_over_midnight(begins: str, ends: str, moment: str, opens: str) -> None:
    window = OpenHours(time.fromisoformat(begins), time.fromisoformat(ends))
    found = next_opening(datetime.fromisoformat(f"{moment}+00:00"), BERLIN, window)
    assert found == datetime.fromisoformat(f"{opens}+00:00")


def test_a_window_without_days_is_refused() -> None:
    with pytest.raises(ValueError, match="weekdays"):
        OpenHours(time(8), time(20), frozenset())


def _around(moment: datetime) -> list[date]:
    return [moment.date() + timedelta(days=number) for number in range(-17, 3)]
