"""Local times and instants: daylight-saving gaps and folds, the past, unknown zones, and how they are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.schedule import due_at, in_words, is_ambiguous, seconds_of
from mailer.errors import MailerError

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def test_a_local_time_becomes_its_instant() -> None:
    assert due_at("2026-12-01 09:00", zone="Europe/London", now=NOW) == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert due_at("2026-12-01T09:00", zone="Asia/Kolkata", now=NOW) == datetime(2026, 12, 1, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "zone", "words"),
    [
        ("2026-11-24 08:59", "UTC", "is past"),
        ("2027-03-28 01:30", "Europe/London", "does not exist in Europe/London"),
        ("2026-12-01 09:00", "Europe/Lodnon", "no time zone 'Europe/Lodnon'"),
        ("2026-12-01 09:00", "../../etc/passwd", "no time zone"),
        ("tomorrow at nine", "UTC", "is not a time"),
        ("2026-02-30 09:00", "UTC", "is not a time"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_a_remedy(local: str, zone: str, words: str) -> None:
    with pytest.raises(MailerError, match=words) as refused:
        due_at(local, zone=zone, now=NOW)
    assert refused.value.hint


def test_a_gap_names_the_next_time_that_exists() -> None:
    with pytest.raises(MailerError) as refused:
        due_at("2027-03-28 01:30", zone="Europe/London", now=NOW)
    assert refused.value.hint == "The next time that exists is 2027-03-28 02:30."


def test_of_a_time_shown_twice_the_first_is_meant() -> None:
    first = due_at("2027-10-31 01:30", zone="Europe/London", now=NOW)
    assert first == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert is_ambiguous(first, "Europe/London")
    assert not is_ambiguous(first + timedelta(days=1), "Europe/London")


@given(
    wall=st.datetimes(datetime(2026, 11, 25), datetime(2032, 1, 1)).map(lambda t: t.replace(second=0, microsecond=0)),
    zone=st.sampled_from(["Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"]),
)
def test_a_clock_in_the_zone_shows_the_time_that_was_asked_for(wall: datetime, zone: str) -> None:
    try:
        instant = due_at(f"{wall:%Y-%m-%d %H:%M}", zone=zone, now=NOW)
    except MailerError as refused:
        assert "does not exist" in refused.message
    else:
        shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert shown == wall


@pytest.mark.parametrize(("text", "seconds"), [("55s", 55), ("30m", 1800), ("2h", 7200), ("1d", 86400)])
def test_durations(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "2 h", "-1h", "2h30m", "1w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(MailerError, match="not a duration"):
        seconds_of(text)


def test_an_instant_in_words_has_local_time_utc_and_distance() -> None:
    due = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert in_words(due, zone="Europe/Berlin", now=NOW) == "Tue 1 Dec 2026 09:00 Europe/Berlin (08:00 UTC), in 6 d 23 h"
    assert in_words(NOW - timedelta(minutes=90), zone="", now=NOW).endswith("07:30 UTC, 1 h 30 min ago")
