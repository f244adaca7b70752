"""The rule of a series: its moments strictly increase, and the clocks of its zone show the hour, in every zone."""

from __future__ import annotations

import json
from calendar import monthrange
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.schedule.recurring import SeriesRule, from_json, to_json

ZONES = (
    "Europe/London", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Apia", "Etc/GMT+12",
    "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "Asia/Gaza", "Antarctica/Troll",
)  # fmt: skip
DAY = timedelta(days=1)
hours = st.times().map(lambda one: one.replace(second=0, microsecond=0, fold=0))
rules = st.builds(
    SeriesRule, zone=st.sampled_from(ZONES), at=hours,
    weekdays=st.frozensets(st.integers(0, 6)), places=st.frozensets(st.tuples(st.sampled_from([1, 2, 3, 4, -1]),
    st.integers(0, 6)), max_size=2), days=st.frozensets(st.integers(1, 31), max_size=3),
).filter(lambda rule: rule.weekdays or rule.places or rule.days)  # fmt: skip
moments = st.datetimes(datetime(2005, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))


def is_skipped(local: datetime) -> bool:
    """Whether the clocks of its zone never show this."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None)


@given(rules, moments)
def test_moments_increase_and_the_clock_shows_the_hour(rule: SeriesRule, moment: datetime) -> None:
    zone, found = ZoneInfo(rule.zone), rule.next(12, moment)
    assert len(found) == 12, "it never ends"
    for before, after in pairwise([moment, *found]):
        assert before < after
    for one in found:
        local = one.astimezone(zone)
        assert rule.has(one)
        assert not rule.has(one + timedelta(minutes=1))
        if local.time() != rule.at:
            wanted = [datetime.combine(local.date() + shift, rule.at, zone) for shift in (-DAY, timedelta(), DAY)]
            assert one in [day.astimezone(UTC) for day in wanted if is_skipped(day)], "only what the clock skips"
        else:
            assert rule.names(local.date()) or rule.names(local.date() - DAY), "of the next day, where one is skipped"


@given(rules, moments)
def test_no_day_is_left_out(rule: SeriesRule, moment: datetime) -> None:
    """Each day that the rule names has its moment, and those between are found from wherever one begins to look."""
    found, zone = rule.next(6, moment), ZoneInfo(rule.zone)
    assert [rule.next_after(before) for before in [moment, *found[:-1]]] == found
    days = {one.astimezone(zone).date() for one in found}
    day = found[0].astimezone(zone).date()
    while day < found[-1].astimezone(zone).date():
        wanted = datetime.combine(day, rule.at, zone).astimezone(UTC)
        assert not rule.names(day) or wanted in found or wanted <= moment or day in days
        day += DAY


@given(rules, st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_it_keeps_within_its_days(rule: SeriesRule, start: date, days: int) -> None:
    rule = replace(rule, start=start, end=start + timedelta(days=days))
    found = rule.next(1000, datetime(2000, 1, 1, tzinfo=UTC))
    assert rule.end is not None
    for one in found:
        local = one.astimezone(ZoneInfo(rule.zone))
        gap = timedelta(hours=2) if local.time() != rule.at else timedelta()  # what the clock skips lands behind it
        assert start <= local.date()
        assert (local - gap).date() <= rule.end
    assert from_json(json.loads(json.dumps(to_json(rule)))) == rule


MONTHLY = SeriesRule(at=time(9), zone="Europe/London", days=frozenset({31}))


def test_a_month_without_the_day_has_its_last() -> None:
    found = MONTHLY.next(12, datetime(2027, 1, 1, tzinfo=UTC))
    assert [one.day for one in found] == [monthrange(2027, month)[1] for month in range(1, 13)]
    assert MONTHLY.remark(found[0]) == ""
    assert MONTHLY.remark(found[1]) == "the last day of the month, which has no 31st"


@pytest.mark.parametrize(
    ("zone", "day", "at", "utc"),
    [
        ("Europe/Berlin", date(2027, 3, 28), time(2, 30), "2027-03-28T01:30"),  # a gap: 03:30 there
        ("Europe/Berlin", date(2027, 10, 31), time(2, 30), "2027-10-31T00:30"),  # twice: the first
        ("Australia/Lord_Howe", date(2027, 10, 3), time(2, 15), "2027-10-02T15:45"),  # a gap of half an hour
        ("Pacific/Kiritimati", date(2027, 1, 1), time(9), "2026-12-31T19:00"),
        ("Etc/GMT+12", date(2027, 1, 1), time(9), "2027-01-01T21:00"),
    ],
)
def test_gaps_folds_and_the_edges_of_the_world(zone: str, day: date, at: time, utc: str) -> None:
    rule = SeriesRule(at=at, zone=zone, weekdays=frozenset(range(7)), start=day, end=day)
    assert [f"{one:%Y-%m-%dT%H:%M}" for one in rule.after(datetime(2020, 1, 1, tzinfo=UTC))] == [utc]


def test_a_day_that_a_zone_skipped_is_no_second_issue() -> None:
    rule = SeriesRule(at=time(9), zone="Pacific/Apia", weekdays=frozenset(range(7)), start=date(2011, 12, 29))
    zone = ZoneInfo("Pacific/Apia")
    assert [one.astimezone(zone).day for one in rule.next(3, datetime(2011, 12, 1, tzinfo=UTC))] == [29, 31, 1]


def test_it_is_said_in_words() -> None:
    rule = SeriesRule(
        at=time(9),
        zone="Europe/London",
        weekdays=frozenset({0, 3}),
        places=frozenset({(1, 1)}),
        days=frozenset({1, 31}),
    )
    assert rule.in_words == (
        "every Monday and Thursday, on the first Tuesday of the month and on the 1st and last day of the month at "
        "09:00, Europe/London"
    )
