"""Which time zone somebody is likely in, by what is known of where they live: region or postcode, else the country.

Most countries have one zone (CLDR, by Babel). For the others: the zone with most of the people, unless a region says
more. Nothing here is stored: a guess follows the country when that is corrected, and a better table betters it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Territories with several zones in CLDR 47: the zone in which most people live.
LARGEST: Mapping[str, str] = {
    "AQ": "Antarctica/McMurdo", "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago",
    "CN": "Asia/Shanghai", "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil",
    "ES": "Europe/Madrid", "FM": "Pacific/Chuuk", "GL": "America/Nuuk", "ID": "Asia/Jakarta", "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty", "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Gaza", "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "UM": "Pacific/Wake",
    "US": "America/New_York", "UZ": "Asia/Tashkent",
}  # fmt: skip
# What addresses call regions whose people have mostly one zone: codes and names, in small letters.
_BY_ZONE: Mapping[str, Mapping[str, str]] = {
    "US": {
        "America/Chicago": "al alabama ar arkansas il illinois ia iowa ks kansas la louisiana mn minnesota ms"
        " mississippi mo missouri ne nebraska nd north-dakota ok oklahoma sd south-dakota tn tennessee tx texas wi"
        " wisconsin",
        "America/Denver": "co colorado mt montana nm new-mexico ut utah wy wyoming",
        "America/Boise": "id idaho",
        "America/Phoenix": "az arizona",
        "America/Los_Angeles": "ca california nv nevada or oregon wa washington",
        "America/Anchorage": "ak alaska",
        "Pacific/Honolulu": "hi hawaii",
        "America/New_York": "ct connecticut de delaware dc district-of-columbia washington-dc fl florida ga georgia in"
        " indiana ky kentucky me maine md maryland ma massachusetts mi michigan nh new-hampshire nj new-jersey ny"
        " new-york nc north-carolina oh ohio pa pennsylvania ri rhode-island sc south-carolina vt vermont va virginia"
        " wv west-virginia",
        "America/Puerto_Rico": "pr puerto-rico vi",
        "Pacific/Guam": "gu guam",
    },
    "CA": {
        "America/St_Johns": "nl newfoundland-and-labrador newfoundland",
        "America/Halifax": "ns nova-scotia pe prince-edward-island",
        "America/Moncton": "nb new-brunswick nouveau-brunswick",
        "America/Toronto": "on ontario qc quebec québec",
        "America/Winnipeg": "mb manitoba",
        "America/Regina": "sk saskatchewan",
        "America/Edmonton": "ab alberta nt northwest-territories",
        "America/Vancouver": "bc british-columbia colombie-britannique",
        "America/Whitehorse": "yt yukon",
        "America/Iqaluit": "nu nunavut",
    },
    "AU": {
        "Australia/Sydney": "nsw new-south-wales act australian-capital-territory",
        "Australia/Melbourne": "vic victoria",
        "Australia/Brisbane": "qld queensland",
        "Australia/Adelaide": "sa south-australia",
        "Australia/Perth": "wa western-australia",
        "Australia/Hobart": "tas tasmania",
        "Australia/Darwin": "nt northern-territory",
    },
    "BR": {
        "America/Rio_Branco": "ac acre",
        "America/Manaus": "am amazonas rr roraima",
        "America/Porto_Velho": "ro rondônia rondonia",
        "America/Cuiaba": "mt mato-grosso",
        "America/Campo_Grande": "ms mato-grosso-do-sul",
        "America/Belem": "pa pará para ap amapá amapa",
        "America/Bahia": "ba bahia",
        "America/Recife": "pe pernambuco",
        "America/Maceio": "al alagoas se sergipe",
        "America/Fortaleza": "ce ceará ceara ma maranhão maranhao pi piauí piaui pb paraíba paraiba rn"
        " rio-grande-do-norte",
        "America/Araguaina": "to tocantins",
        "America/Sao_Paulo": "df distrito-federal es espírito-santo go goiás goias mg minas-gerais pr paraná parana rj"
        " rio-de-janeiro rs rio-grande-do-sul sc santa-catarina sp são-paulo sao-paulo",
    },
    "MX": {
        "America/Tijuana": "baja-california bc",
        "America/Hermosillo": "sonora son",
        "America/Mazatlan": "sinaloa sin nayarit nay baja-california-sur bcs",
        "America/Cancun": "quintana-roo qroo",
    },
}
# Postcodes: from this beginning on, as they are sorted, until the next one; "" where nothing is known.
_POSTCODES: Mapping[str, Mapping[str, str]] = {
    # USPS ZIP codes by their first three digits (pe.usps.com, labelling list L002).
    "US": {
        "005": "America/New_York", "006": "America/Puerto_Rico", "010": "America/New_York", "324": "America/Chicago",
        "326": "America/New_York", "350": "America/Chicago", "373": "America/New_York", "375": "America/Chicago",
        "376": "America/New_York", "380": "America/Chicago", "398": "America/New_York", "420": "America/Chicago",
        "425": "America/New_York", "463": "America/Chicago", "465": "America/New_York", "476": "America/Chicago",
        "478": "America/New_York", "500": "America/Chicago", "577": "America/Denver", "580": "America/Chicago",
        "586": "America/Denver", "587": "America/Chicago", "590": "America/Denver", "600": "America/Chicago",
        "693": "America/Denver", "700": "America/Chicago", "798": "America/Denver", "832": "America/Boise",
        "835": "America/Los_Angeles", "836": "America/Boise", "838": "America/Los_Angeles", "840": "America/Denver",
        "850": "America/Phoenix", "870": "America/Denver", "889": "America/Los_Angeles", "967": "Pacific/Honolulu",
        "969": "Pacific/Guam", "970": "America/Los_Angeles", "995": "America/Anchorage",
    },
    "CA": {
        "A": "America/St_Johns", "B": "America/Halifax", "E": "America/Moncton", "G": "America/Toronto",
        "R": "America/Winnipeg", "S": "America/Regina", "T": "America/Edmonton", "V": "America/Vancouver",
        "X": "America/Iqaluit", "X0E": "America/Edmonton", "Y": "America/Whitehorse", "Z": "",
    },
    "AU": {
        "02": "Australia/Sydney", "08": "Australia/Darwin", "1": "Australia/Sydney", "3": "Australia/Melbourne",
        "4": "Australia/Brisbane", "5": "Australia/Adelaide", "6": "Australia/Perth", "7": "Australia/Hobart",
        "8": "Australia/Melbourne", "9": "Australia/Brisbane",
    },
    "ES": {"01": "Europe/Madrid", "35": "Atlantic/Canary", "36": "Europe/Madrid", "38": "Atlantic/Canary",
           "39": "Europe/Madrid", "51": "Africa/Ceuta", "53": ""},
    "PT": {"1": "Europe/Lisbon", "90": "Atlantic/Madeira", "95": "Atlantic/Azores"},
}  # fmt: skip
WITH_REGIONS = tuple(sorted({*_BY_ZONE, *_POSTCODES}))  # countries whose regions and postcodes are looked at
# The fields in which imports bring them, the best first.
REGION_FIELDS = ("region", "state", "province", "can2_state_abbreviated")
POSTCODE_FIELDS = ("postcode", "postal_code", "zip", "zip_code", "can2_zip")
POSTCODE_LETTERS = 4  # that say something: more would only make more kinds of people to look up


class Guess(NamedTuple):
    """A zone, and what it was guessed from: "region" or "country"."""

    zone: str
    source: str


def guess_zone(country: str, *, region: str = "", postcode: str = "") -> Guess | None:
    """The likeliest zone; None where nothing is known. `country`: its two letters (ISO 3166-1)."""
    if zone := _of_region(country, region) or _of_postcode(country, postcode):
        return Guess(zone, "region")
    found = _only_zones().get(country) or LARGEST.get(country)
    return Guess(found, "country") if found else None


def _of_region(country: str, region: str) -> str:
    name = "-".join(region.casefold().removeprefix(f"{country.casefold()}-").split())
    return _regions().get((country, name), "")


def _of_postcode(country: str, postcode: str) -> str:
    known = _POSTCODES.get(country)
    written = "".join(postcode.upper().split())
    if not known or len(written) < 2:
        return ""
    if country == "US" and not (written[:3].isdigit() and len(written) >= 3):
        return ""
    first = sorted(known)
    place = bisect_right(first, written)
    return known[first[place - 1]] if place else ""


@cache
def _regions() -> Mapping[tuple[str, str], str]:
    return {
        (country, name): zone
        for country, zones in _BY_ZONE.items()
        for zone, names in zones.items()
        for name in names.split()
    }


@cache
def zones_lived_in() -> tuple[str, ...]:
    """The zones of all countries, each under its name of today: to choose one's own from. Of those of one country whose
    clocks agree all year, one, or the list would be longer than all else on a page."""
    from babel.core import get_global

    zones: Mapping[str, list[str]] = get_global("territory_zones")
    kept: set[str] = set()
    for territory, names in zones.items():
        lived_in = sorted((one for one in names if not one.startswith("Etc/")), reverse=True)
        first = LARGEST.get(territory)
        kept |= set({_hours(one): one for one in (*lived_in, *([first] if first else ()))}.values())
    return tuple(sorted(kept))


def _hours(zone: str) -> tuple[timedelta | None, ...]:
    """How far its clocks are from UTC in each month of a year."""
    known = ZoneInfo(zone)
    return tuple(known.utcoffset(datetime(2027, month, 15)) for month in range(1, 13))  # noqa: DTZ001 - by its own clock


@cache
def _only_zones() -> Mapping[str, str]:
    """The territories with a single zone."""
    from babel.core import get_global  # here, since most programs ask nothing of it

    zones: Mapping[str, list[str]] = get_global("territory_zones")
    return {code: names[0] for code, names in zones.items() if len(names) == 1}
