"""Guesses by country, region and postcode: each zone exists, and every territory with several has its table."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pytest
from babel.core import get_global

from mailer.timezones import guesses
from mailer.timezones.guesses import LARGEST, guess_zone


def test_every_territory_has_a_zone() -> None:
    zones = {code: names for code, names in get_global("territory_zones").items() if code not in ("001", "ZZ")}
    assert set(LARGEST) == {code for code, names in zones.items() if len(names) > 1}
    for code, names in zones.items():
        found = guess_zone(code)
        assert found is not None
        assert found.source == "country"
        assert found.zone in names
    assert guess_zone("") is None
    assert guess_zone("XX") is None


def test_every_zone_in_the_tables_exists() -> None:
    tables = (*guesses._BY_ZONE.values(), *(dict.fromkeys(one.values(), "") for one in guesses._POSTCODES.values()))  # pyright: ignore[reportPrivateUsage]
    named = {zone for table in tables for zone in table if zone}
    assert named | set(LARGEST.values()) <= available_timezones()
    assert all(ZoneInfo(zone) for zone in named)


@pytest.mark.parametrize(
    ("country", "region", "postcode", "zone"),
    [
        ("US", "CA", "", "America/Los_Angeles"),
        ("US", "New  York", "", "America/New_York"),
        ("US", "US-TX", "90210", "America/Chicago"),  # the region goes before the postcode
        ("US", "", "90210", "America/Los_Angeles"),
        ("US", "", "60601-1234", "America/Chicago"),
        ("US", "", "96813", "Pacific/Honolulu"),
        ("US", "", "79901", "America/Denver"),
        ("CA", "", "k1a 0b1", "America/Toronto"),
        ("CA", "", "V6B1A1", "America/Vancouver"),
        ("AU", "", "2000", "Australia/Sydney"),
        ("AU", "", "0800", "Australia/Darwin"),
        ("AU", "WA", "", "Australia/Perth"),
        ("BR", "amazonas", "", "America/Manaus"),
        ("ES", "", "35001", "Atlantic/Canary"),
        ("ES", "", "28001", "Europe/Madrid"),
        ("PT", "", "9500-321", "Atlantic/Azores"),
    ],
)
def test_a_region_says_more(country: str, region: str, postcode: str, zone: str) -> None:
    found = guess_zone(country, region=region, postcode=postcode)
    assert found == (zone, "region")


@pytest.mark.parametrize(
    ("country", "region", "postcode", "zone"),
    [("US", "Atlantis", "ABCDE", "America/New_York"), ("US", "", "1", "America/New_York"),
     ("GB", "CA", "90210", "Europe/London")],
)  # fmt: skip
def test_what_says_nothing_leaves_the_country(country: str, region: str, postcode: str, zone: str) -> None:
    assert guess_zone(country, region=region, postcode=postcode) == (zone, "country")
