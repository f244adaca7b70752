"""The languages that pages, notices and the mails' own words are in: which one a reader gets, and its words.

The words are in <language>.po beside this, the usual catalogues of gettext; the English ones are in the texts
themselves. They are read when first needed, so that nothing has to be compiled and no second form can be stale.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unicodedata import combining, normalize

from markupsafe import Markup

from mailer.locale.cldr import Direction, direction_of, locale_of, own_name, script_of

if TYPE_CHECKING:
    from babel import Locale

CATALOGUES = Path(__file__).parent
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(path.stem.replace("_", "-") for path in CATALOGUES.glob("*.po")))  # BCP 47
COMMAS = {"Arab": "\N{ARABIC COMMA}"}  # by script, where it is another one
MOST_ASKED = 20  # languages of an Accept-Language header that are looked at
MOST_REGIONS = 4  # of these, for regions
# CLDR's territories that are no countries: unions, pseudo-locales, outlying and unknown regions.
NO_COUNTRIES = ("EU", "EZ", "UN", "XA", "XB", "QO", "ZZ", "CP", "DG", "AC", "TA", "CQ", "IC", "EA")
# Countries that a short list has in every language: the large ones of each continent, and most of Europe.
LARGE = (
    "AR", "AT", "AU", "BD", "BE", "BR", "CA", "CH", "CN", "CO", "CZ", "DE", "DK", "EG", "ES", "FI", "FR",
    "GB", "GH", "GR", "HU", "ID", "IE", "IN", "IT", "JM", "JP", "KE", "KR", "MX", "MY", "NG", "NL", "NO",
    "NZ", "PH", "PK", "PL", "PT", "RO", "SE", "SG", "TR", "UA", "US", "ZA",
)  # fmt: skip
SPOKEN_PERCENT = (
    50  # of a country's people who speak one of its official languages, for it to be in that one's short list
)


def later(words: str) -> str:
    """Marks words that are translated when they are shown, so that they are found for the catalogues."""
    return words


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages can be read in. `code` is BCP 47."""

    code: str

    @property
    def direction(self) -> Direction:
        return direction_of(self.code)

    @property
    def comma(self) -> str:
        """The comma of its script."""
        return COMMAS.get(script_of(self.code), ",")

    @property
    def locale(self) -> Locale:
        return locale_of(self.code)

    @property
    def name(self) -> str:
        """What it calls itself."""
        return own_name(self.code)

    @property
    def words(self) -> gettext.NullTranslations:
        """Its catalogue, as gettext and Jinja use one."""
        return _catalogue(self.code)

    def say(self, words: str) -> str:
        """The English words in this language."""
        return self.words.gettext(words)

    def say_many(self, one: str, many: str, number: int) -> str:
        """The English words for one or for many in this language, which may have other forms for other numbers."""
        return self.words.ngettext(one, many, number)

    def number(self, value: float) -> str:
        """A number as it is written here: 12,500 or 12 500."""
        from babel.numbers import format_decimal

        return str(format_decimal(value, locale=self.locale))

    def day(self, moment: date) -> str:
        """A day as it is written here: 25 November 2026."""
        from babel.dates import format_date

        return str(format_date(moment, format="long", locale=self.locale))

    def moment(self, moment: datetime) -> str:
        """A moment of the coming days in its own zone: Tuesday, 1 December at 14:05 CET."""
        from babel.dates import format_skeleton, format_time, get_datetime_format, get_timezone_name

        day = format_skeleton("MMMMEEEEd", moment, locale=self.locale)
        zone = str(get_timezone_name(moment, width="short", locale=self.locale))
        zone = str(moment.tzname()) if zone[0] in "+-" else zone  # CLDR has no short name in this language
        time = f"{format_time(moment, 'short', locale=self.locale)} {zone}"
        joined = str(get_datetime_format("long", locale=self.locale)).replace("'", "")
        return joined.replace("{0}", time).replace("{1}", str(day))

    def near_day(self, moment: date) -> str:
        """A day of the months around this one, without its year: 12 January."""
        from babel.dates import format_skeleton

        return str(format_skeleton("MMMMd", moment, locale=self.locale))

    def ago(self, passed: timedelta) -> str:
        """How long ago something was: 12 minutes ago; at least one, since none would be said to be still to come."""
        from babel.dates import format_timedelta

        passed = max(passed, timedelta(minutes=1))
        return str(format_timedelta(-passed, add_direction=True, granularity="minute", locale=self.locale))

    def listed(self, names: Iterable[str]) -> Markup:
        """Names as HTML, strong and each in its own direction: "A, B and C"."""
        marked = (Markup("<strong><bdi>{}</bdi></strong>").format(name) for name in names)
        return Markup(self.enumerated(str(one) for one in marked))  # noqa: S704 - escaped above

    def enumerated(self, names: Iterable[str]) -> str:
        """Names as plain text: "A, B and C"."""
        from babel.lists import format_list

        return format_list(list(names), locale=self.locale)

    def countries(self) -> Sequence[tuple[str, str]]:
        """Code and name of each country, by name as this language sorts it, as nearly as code points can."""
        return _countries(self.code)

    def likely_countries(self, also: Collection[str] = ()) -> Sequence[tuple[str, str]]:
        """Those of `countries` that readers of this language are most often in, and these."""
        return [pair for pair in self.countries() if pair[0] in also or pair[0] in _likely(self.code)]

    def country(self, code: str) -> str:
        """The name of a country, or its code when it has none."""
        return self._territories().get(code, code)

    def _territories(self) -> Mapping[str, str]:
        return cast(Mapping[str, str], self.locale.territories)


def choose(*wishes: str, accepted: str = "") -> Language:
    """The first of the wishes that pages can be read in, then the best of an Accept-Language header, then English."""
    for wish in (*wishes, *accepted_languages(accepted)):
        if code := closest(wish):
            return Language(code)
    return Language(ENGLISH)


@lru_cache(maxsize=256)
def closest(tag: str) -> str:
    """The one of LANGUAGES that readers of a language are given: without its region (fr-CH: fr), then that of another
    region in the same script (pt, pt-PT: pt-BR); "" for none."""
    parts = tag.replace("_", "-").lower().split("-")
    known = {code.lower(): code for code in LANGUAGES}
    for length in range(len(parts), 0, -1):
        if code := known.get("-".join(parts[:length])):
            return code
    akin = (code for lower, code in known.items() if lower.partition("-")[0] == parts[0])
    return next((code for code in akin if script_of(code) == script_of(tag)), "")


@cache
def _countries(code: str) -> Sequence[tuple[str, str]]:
    territories = cast(Mapping[str, str], locale_of(code).territories)
    names = [pair for pair in territories.items() if len(pair[0]) == 2 and pair[0].isalpha()]
    return sorted([pair for pair in names if pair[0] not in NO_COUNTRIES], key=lambda pair: _bare(pair[1]))


@cache
def _likely(code: str) -> frozenset[str]:
    from babel.languages import get_territory_language_info

    def is_spoken(country: str) -> bool:
        spoken = cast(Mapping[str, Any], get_territory_language_info(country).get(locale_of(code).language, {}))
        official = spoken.get("official_status") in ("official", "de_facto_official")
        return official and float(spoken["population_percent"]) >= SPOKEN_PERCENT

    # English is an official language of 58 places, most of them small islands.
    return frozenset(LARGE) | {country for country, _ in _countries(code) if code != ENGLISH and is_spoken(country)}


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    if code == ENGLISH:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    name, compiled = code.replace("-", "_"), io.BytesIO()
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@lru_cache(maxsize=256)
def accepted_languages(header: str) -> Sequence[str]:
    """The languages of an Accept-Language header (RFC 9110 §12.5.4), the most wanted first."""
    found: list[tuple[float, str]] = []
    for item in header.split(",")[:MOST_ASKED]:
        name, _, weight = item.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            found.append((-quality, name.strip()))
    return tuple(name for _, name in sorted(found, key=lambda pair: pair[0]))


def region_of(accepted: str) -> str:
    """The region that the most wanted language of an Accept-Language header names ("en-GB": GB), or ""."""
    for name in accepted_languages(accepted)[:1]:
        for part in name.split("-")[1:]:
            if len(part) == 2 and part.isalpha():
                return part.upper()
    return ""


def regions_of(accepted: str) -> frozenset[str]:
    """The regions of the most wanted languages of an Accept-Language header, named or likely ("en-GB, pl": GB, PL)."""
    from babel.core import get_global

    likely, found = get_global("likely_subtags"), set[str]()
    for name in accepted_languages(accepted)[:MOST_REGIONS]:
        parts = [part.upper() for part in (*name.split("-")[1:], str(likely.get(name.lower(), "")).rpartition("_")[2])]
        found.update(part for part in parts if len(part) == 2 and part.isalpha())
    return frozenset(found)


def _bare(name: str) -> str:
    """A name without its accents, for sorting."""
    return "".join(c for c in normalize("NFD", name) if not combining(c)).casefold()
