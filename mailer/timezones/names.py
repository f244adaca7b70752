"""Time zones as people name them: an area and a city, and a question for everything that could mean several.

An abbreviation is never guessed: IST is India, Ireland or Israel, and EST is for most people the clock of New York,
where in summer it isn't UTC-5. After a wrong guess a campaign leaves hours away from what was meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from mailer.errors import MailerError

UNIVERSAL = "UTC"
EXAMPLE = "Name it by area and city, such as Europe/London or Asia/Kolkata, or UTC."
# Abbreviations in use → cities whose clocks they may mean, the likeliest first (IANA time zone database, 2026).
ABBREVIATIONS = {
    "GMT": "Europe/London Africa/Abidjan Africa/Accra", "BST": "Europe/London Asia/Dhaka",
    "WET": "Europe/Lisbon Atlantic/Canary", "WEST": "Europe/Lisbon Atlantic/Canary",
    "IST": "Asia/Kolkata Europe/Dublin Asia/Jerusalem", "IDT": "Asia/Jerusalem",
    "CET": "Europe/Berlin Europe/Paris Europe/Madrid Africa/Algiers",
    "CEST": "Europe/Berlin Europe/Paris Europe/Madrid",
    "MET": "Europe/Berlin Europe/Paris", "MEZ": "Europe/Berlin Europe/Vienna Europe/Zurich",
    "MEST": "Europe/Berlin Europe/Paris",
    "MESZ": "Europe/Berlin Europe/Vienna Europe/Zurich", "EET": "Europe/Athens Europe/Kyiv Africa/Cairo",
    "EEST": "Europe/Athens Europe/Kyiv Africa/Cairo", "MSK": "Europe/Moscow", "TRT": "Europe/Istanbul",
    "ET": "America/New_York America/Toronto", "EST": "America/New_York America/Toronto America/Jamaica America/Panama",
    "EDT": "America/New_York America/Toronto", "EST5EDT": "America/New_York America/Toronto",
    "CT": "America/Chicago America/Winnipeg",
    "CST": "America/Chicago America/Winnipeg America/Mexico_City Asia/Shanghai Asia/Taipei America/Havana",
    "CDT": "America/Chicago America/Winnipeg America/Havana", "CST6CDT": "America/Chicago America/Winnipeg",
    "MT": "America/Denver America/Edmonton", "MST": "America/Denver America/Edmonton America/Phoenix",
    "MDT": "America/Denver America/Edmonton", "MST7MDT": "America/Denver America/Edmonton",
    "PT": "America/Los_Angeles America/Vancouver",
    "PST": "America/Los_Angeles America/Vancouver America/Tijuana Asia/Manila",
    "PDT": "America/Los_Angeles America/Vancouver America/Tijuana", "PST8PDT": "America/Los_Angeles America/Vancouver",
    "AST": "America/Halifax America/Puerto_Rico Asia/Riyadh", "ADT": "America/Halifax",
    "NST": "America/St_Johns", "NDT": "America/St_Johns", "AKST": "America/Anchorage", "AKDT": "America/Anchorage",
    "HST": "Pacific/Honolulu", "HDT": "America/Adak", "SST": "Pacific/Pago_Pago Asia/Singapore",
    "CHST": "Pacific/Guam", "BRT": "America/Sao_Paulo", "ART": "America/Argentina/Buenos_Aires",
    "CLT": "America/Santiago", "COT": "America/Bogota", "PET": "America/Lima",
    "WAT": "Africa/Lagos Africa/Kinshasa", "CAT": "Africa/Johannesburg Africa/Harare Africa/Maputo",
    "SAST": "Africa/Johannesburg", "EAT": "Africa/Nairobi Africa/Addis_Ababa", "GST": "Asia/Dubai",
    "PKT": "Asia/Karachi", "NPT": "Asia/Kathmandu", "ICT": "Asia/Bangkok Asia/Ho_Chi_Minh",
    "WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura", "PHT": "Asia/Manila", "PHST": "Asia/Manila",
    "HKT": "Asia/Hong_Kong", "SGT": "Asia/Singapore", "JST": "Asia/Tokyo", "KST": "Asia/Seoul",
    "AWST": "Australia/Perth", "ACST": "Australia/Adelaide Australia/Darwin", "ACDT": "Australia/Adelaide",
    "AET": "Australia/Sydney Australia/Melbourne Australia/Brisbane",
    "AEST": "Australia/Sydney Australia/Melbourne Australia/Brisbane",
    "AEDT": "Australia/Sydney Australia/Melbourne", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}  # fmt: skip
MOST_CHOICES = 6


def zone_named(name: str) -> ZoneInfo:
    """The zone of an area and a city, in any case and with blanks for underscores, or UTC.

    Raises `MailerError` for everything else, with the cities that may be meant.
    """
    wanted = "_".join(name.split())
    if wanted.upper() in (UNIVERSAL, "ETC/UTC"):
        return ZoneInfo(UNIVERSAL)
    if wanted.upper() in ABBREVIATIONS:
        cities = ABBREVIATIONS[wanted.upper()].split()
        raise MailerError(f"{wanted.upper()} is the short name of a time, not of a place", remedy=_question(cities))
    known = _zones()
    if wanted.casefold() in known:
        return ZoneInfo(known[wanted.casefold()])
    if _is_offset(wanted):
        raise MailerError(
            f"{name} is a distance from UTC, which knows no summer time and isn't the same all year", remedy=EXAMPLE
        )
    near = _near(wanted.casefold(), known)
    raise MailerError(f"there is no time zone {name!r}", remedy=_question(near) if near else EXAMPLE)


def zone_names() -> Sequence[str]:
    """The zones there are, to choose from."""
    return sorted(_zones().values())


@cache  # each page of the studio asks, and finding them all reads some hundred folders and files
def _zones() -> Mapping[str, str]:
    """The zones named after places, by their names in small letters."""
    return {key.casefold(): key for key in available_timezones() if "/" in key and not key.startswith("Etc/")}


def _question(cities: Sequence[str]) -> str:
    if len(cities) == 1:
        return f"Did you mean {cities[0]}?"
    return f"Name the city whose clocks you mean: {', '.join(cities[:-1])} or {cities[-1]}."


def _is_offset(text: str) -> bool:
    rest = text.upper().removeprefix("ETC/").removeprefix("UTC").removeprefix("GMT").lstrip("_")
    return rest[:1] in ("+", "-") or rest == "Z"


def _near(wanted: str, known: Mapping[str, str]) -> list[str]:
    """Zones of that city, in whatever area, and else those that are spelled nearly so."""
    cities: dict[str, list[str]] = {}
    for folded, key in known.items():
        cities.setdefault(folded.rpartition("/")[2], []).append(key)
    if wanted in cities:
        return sorted(cities[wanted])[:MOST_CHOICES]
    from difflib import get_close_matches  # here, since most names are spelled right

    if spelled := get_close_matches(wanted, known, n=3, cutoff=0.85):
        return [known[one] for one in spelled]
    near = get_close_matches(wanted.rpartition("/")[2], cities, n=2, cutoff=0.8)
    return sorted(key for city in near for key in cities[city])[:MOST_CHOICES]
