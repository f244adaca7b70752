"""Local times and instants: daylight-saving gaps and folds, the past, unknown zones, and how they are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.schedule.schedule import in_words, is_ambiguous, read_due
from mailer.errors import MailerError
from mailer.settings.durations import seconds_of

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday


def due_at(text: str, *, zone: str, now: datetime = NOW) -> datetime:
    return read_due(text, zone=zone, now=now).instant


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
        ("2026-02-30 09:00", "UTC", "a day that doesn't exist"),
        ("2026-12-01 09:00", "BST", "BST is the short name"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_a_remedy(local: str, zone: str, words: str) -> None:
    with pytest.raises(MailerError, match=words) as refused:
        due_at(local, zone=zone, now=NOW)
    assert refused.value.remedy


def test_a_gap_names_the_next_time_that_exists() -> None:
    with pytest.raises(MailerError) as refused:
        due_at("2027-03-28 01:30", zone="Europe/London", now=NOW)
    assert refused.value.remedy == "The next time that exists is 2027-03-28 02:30."


def test_of_a_time_shown_twice_the_first_is_meant() -> None:
    first = due_at("2027-10-31 01:30", zone="Europe/London", now=NOW)
    assert first == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert is_ambiguous(first, "Europe/London")
    assert not is_ambiguous(first + timedelta(days=1), "Europe/London")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01T09:00", "2026-12-01 09:00"),
        ("2026-12-01 09:00:00", "2026-12-01 09:00"),
        ("2026-12-1 9:05", "2026-12-01 09:05"),
        ("1.12.2026 9.30", "2026-12-01 09:30"),
        ("1 December 2026 9am", "2026-12-01 09:00"),
        ("December 1, 2026 9 AM", "2026-12-01 09:00"),
        ("Dec. 1st 2026 at 9:30 p.m.", "2026-12-01 21:30"),
        ("Tuesday, 1 Dec 2026 12am", "2026-12-01 00:00"),
        ("on the 1st of December 2026 at noon", "2026-12-01 12:00"),
        ("1 Sept 2027 12pm", "2027-09-01 12:00"),
        ("today 14:30", "2026-11-24 14:30"),
        ("tomorrow 9:00", "2026-11-25 09:00"),
        ("Tomorrow, 9am", "2026-11-25 09:00"),
        ("friday 9:00", "2026-11-27 09:00"),
        ("Mon 9:00", "2026-11-30 09:00"),
        ("3 December 9am", "2026-12-03 09:00"),
        ("3 March 9am", "2027-03-03 09:00"),
    ],
)
def test_days_and_times_as_people_write_them(text: str, shown: str) -> None:
    due = read_due(text, zone="Europe/London", now=NOW)
    assert f"{due.instant.astimezone(ZoneInfo('Europe/London')):%Y-%m-%d %H:%M}" == shown
    assert due.zone == "Europe/London"


@pytest.mark.parametrize(
    ("text", "shown", "note"),
    [
        ("2026-12-01", "2026-12-01 09:00", "Taken: 09:00, since no time was named."),
        ("tomorrow", "2026-11-25 09:00", "Taken: 09:00, since no time was named."),
        ("1 December", "2026-12-01 09:00", "Taken: 09:00, since no time was named, and 2026, the next year that"),
        ("3 March 10:00", "2027-03-03 10:00", "Taken: 2027, the next year that has that day ahead."),
    ],
)
def test_what_was_left_out_is_said(text: str, shown: str, note: str) -> None:
    due = read_due(text, zone="UTC", now=NOW)
    assert f"{due.instant:%Y-%m-%d %H:%M}" == shown
    assert due.notes[0].startswith(note)


@pytest.mark.parametrize(
    ("text", "words", "remedy"),
    [
        ("01/12/2026 9:00", "in two ways", "Write 2026-12-01 or 2026-01-12."),
        ("25/12/2026 9:00", "in two ways", "Write 2026-12-25."),
        ("next Tuesday 9:00", "in two ways", "Write 2026-12-01 or 2026-12-08."),
        ("tuesday 9:00", "today is a Tuesday", "Write today, or 2026-12-01."),
        ("2026-12-01 9", "in two ways", "Write 09:00, or 9am or 9pm."),
        ("2026-12-01 midnight", "in two ways", "00:00"),
        ("9:00", "names no day", 'Write "today 9:00"'),
        ("9am", "names no day", "today 9am"),
        ("noon", "names no day", "today noon"),
        ("Monday 1 December 2026 9:00", "1 December 2026 is a Tuesday, not a Monday", "2026-12-01 09:00"),
        ("2026-12-01 09:00 BST", "names a time zone", "--tz"),
        ("2026-12-01 09:00Z", "names a time zone", "--tz"),
        ("2026-12-01T09:00+01:00", "names a time zone", "--tz"),
        ("2026-12-01 25:00", "is not a time", "2026-12-01 09:00"),
        ("2026-12-01 13pm", "is not a time", "2026-12-01 09:00"),
        ("2026-12-01 09:60", "is not a time", "2026-12-01 09:00"),
        ("31 November 2026 9:00", "a day that doesn't exist", "2026-12-01 09:00"),
        ("29 February 9:00", "a day that doesn't exist", "2026-12-01 09:00"),
        ("", "is not a time", "2026-12-01 09:00"),
        ("soon", "is not a time", "2026-12-01 09:00"),
        ("1 Dezember 2026", "is not a time", "2026-12-01 09:00"),
        ("today 9:00", "is past", "Give a later time"),
        ("2026-11-24", "is past", "Give a later time"),
    ],
)
def test_what_could_mean_several_is_a_question(text: str, words: str, remedy: str) -> None:
    with pytest.raises(MailerError) as refused:
        read_due(text, zone="UTC", now=NOW)
    assert words in refused.value.message
    assert remedy in (refused.value.remedy or "")


def test_today_and_tomorrow_are_those_of_the_zone() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert due_at("tomorrow 9:00", zone="Asia/Kolkata", now=late) == datetime(2026, 11, 26, 3, 30, tzinfo=UTC)
    assert due_at("tomorrow 9:00", zone="America/New_York", now=late) == datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


def test_a_bare_day_that_a_clock_change_touches_says_both() -> None:
    due = read_due("2027-10-31 01:30", zone="europe/london", now=NOW)
    assert due.notes == ("The clocks of Europe/London show 2027-10-31 01:30 twice that day; the first is meant.",)


def test_a_zone_on_record_is_shown_even_where_it_can_not_be_given_any_more() -> None:
    assert "10:00 CET" in in_words(datetime(2026, 12, 1, 9, tzinfo=UTC), zone="CET", now=NOW)


WORDS = "1 12 31 2026 dec december tue tuesday tomorrow today next 9 9:00 9am 25:00 am noon at , . / - + T Z"


@given(st.text(max_size=40) | st.lists(st.sampled_from(WORDS.split()), max_size=6).map(" ".join))
def test_no_text_is_a_failure_of_ours(text: str) -> None:
    try:
        due = read_due(text, zone="UTC", now=NOW)
    except MailerError as refused:
        assert refused.remedy
    else:
        assert due.instant > NOW


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
