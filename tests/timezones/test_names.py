"""Zones by area and city; whatever could mean several is a question."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from mailer.errors import MailerError
from mailer.timezones import ABBREVIATIONS, zone_named

MOMENTS = [datetime(year, month, 15, tzinfo=UTC) for year in (2025, 2026) for month in (1, 4, 7, 10)]
# Abbreviations that people use and the zone database has given up, or never had.
SAID_ONLY = {
    "ET", "CT", "MT", "PT", "AET", "MEZ", "MESZ", "MET", "TRT", "BRT", "ART", "CLT", "COT", "PET", "GST", "NPT", "ICT",
    "PHT", "PHST", "MEST", "SGT", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Europe/London", "Europe/London"),
        ("europe/london", "Europe/London"),
        (" America/New York ", "America/New_York"),
        ("america/argentina/buenos_aires", "America/Argentina/Buenos_Aires"),
        ("utc", "UTC"),
        ("Etc/UTC", "UTC"),
    ],
)
def test_a_zone_by_its_name(name: str, key: str) -> None:
    assert zone_named(name).key == key


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("BST", "Europe/London or Asia/Dhaka"),
        ("bst", "Europe/London or Asia/Dhaka"),
        ("PST", "America/Los_Angeles, America/Vancouver, America/Tijuana or Asia/Manila"),
        ("CEST", "Europe/Berlin, Europe/Paris or Europe/Madrid"),
        ("EST", "America/New_York"),
        ("IST", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem"),
        ("JST", "Did you mean Asia/Tokyo?"),
        ("GMT", "Europe/London"),
        ("London", "Did you mean Europe/London?"),
        ("new york", "Did you mean America/New_York?"),
        ("Eastern", "Canada/Eastern or US/Eastern"),
        ("Europe/Lodnon", "Did you mean Europe/London?"),
        ("Lundon", "Did you mean Europe/London?"),
        ("UK/London", "Europe/London"),
        ("UTC+2", "area and city"),
        ("+05:30", "area and city"),
        ("GMT-5", "area and city"),
        ("Etc/GMT+5", "area and city"),
        ("Z", "area and city"),
        ("", "area and city"),
        ("local", "area and city"),
        ("XYZT", "area and city"),
        ("../../etc/passwd", "area and city"),
        ("posix/Europe/London", "Europe/London"),
        ("Ωmega", "area and city"),
    ],
)
def test_anything_else_is_a_question(name: str, asked: str) -> None:
    with pytest.raises(MailerError) as refused:
        zone_named(name)
    assert asked in (refused.value.remedy or "")


def test_no_abbreviation_of_any_zone_is_taken_for_one() -> None:
    """Also EST, MST, CET …, which the database keeps as zones of their own, without anybody's summer time."""
    used = {moment.astimezone(ZoneInfo(key)).tzname() for key in available_timezones() for moment in MOMENTS}
    named = sorted(name for name in used if name and re.fullmatch(r"[A-Za-z]+", name) and name not in ("UTC", "-00"))
    assert len(named) > 40
    for name in named:
        with pytest.raises(MailerError) as refused:
            zone_named(name)
        assert refused.value.remedy


def test_each_city_really_uses_the_abbreviation_it_is_asked_about_for() -> None:
    for short, cities in ABBREVIATIONS.items():
        for city in cities.split():
            assert city in available_timezones(), city
        if short in SAID_ONLY:
            continue
        names = {moment.astimezone(ZoneInfo(city)).tzname() for city in cities.split() for moment in MOMENTS}
        assert short.lower() in {str(name).lower() for name in names}, short
