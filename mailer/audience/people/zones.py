"""Which time zone people are in: as they or an import said, and else a guess, made when it is asked for.

A guess isn't stored: it follows a country that is corrected, and can never be taken for what somebody said. Asked of
everybody, the database puts people of one kind together, and the guess is made once for each kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, Connection, FromClause, Subquery, Text, and_, case, cast, func, select

from mailer.counting import counted
from mailer.store.tables.core import people
from mailer.store.tables.states import ZoneSource
from mailer.timezones.guesses import POSTCODE_FIELDS, POSTCODE_LETTERS, REGION_FIELDS, WITH_REGIONS, guess_zone

KEY = ("timezone", "country", "region", "postcode")


class ZoneKey(NamedTuple):
    """All that is known of where some people are. Of those whose zone is known nothing else matters."""

    timezone: str
    country: str = ""
    region: str = ""
    postcode: str = ""  # its beginning

    @property
    def zone(self) -> tuple[str, ZoneSource]:
        """Their zone and who says so; "" and UNKNOWN where nothing does."""
        if self.timezone:
            known = is_zone(self.timezone)
            return (self.timezone, ZoneSource.IMPORT) if known else ("", ZoneSource.UNKNOWN)
        guess = guess_zone(self.country, region=self.region, postcode=self.postcode)
        return (guess.zone, ZoneSource(guess.source)) if guess else ("", ZoneSource.UNKNOWN)


class PeopleOfKey(NamedTuple):
    """So many people, all known to be in the same place."""

    key: ZoneKey
    people: int


def key_columns(table: FromClause = people) -> tuple[ColumnElement[str], ...]:
    """What is known of where each row of `people` is, in the order of `KEY`. Attributes are read of few people.
    `table`: an alias of it."""
    here = table.c
    unknown = here.timezone == ""
    looked_at = and_(unknown, here.country.in_(WITH_REGIONS), cast(here.attributes, Text) != "{}")
    postcode = func.substr(func.upper(func.replace(_attribute(here, POSTCODE_FIELDS), " ", "")), 1, POSTCODE_LETTERS)
    return (
        here.timezone,
        case((unknown, here.country), else_=""),
        case((looked_at, func.lower(_attribute(here, REGION_FIELDS))), else_=""),
        case((looked_at, postcode), else_=""),
    )


def people_by_key(connection: Connection, who: FromClause) -> list[PeopleOfKey]:
    """How many of `who`, a table with a `person_id`, are of each kind."""
    kinds = _kinds(who).c
    rows = connection.execute(select(func.count(), *kinds).group_by(*kinds))
    return [PeopleOfKey(ZoneKey(*key), int(number)) for number, *key in rows]


def keys_of(connection: Connection, who: FromClause) -> list[ZoneKey]:
    """The same without the numbers, for which SQLite sorts everybody."""
    return [ZoneKey(*key) for key in connection.execute(select(*_kinds(who).c).distinct())]


def _kinds(who: FromClause) -> Subquery:
    named = [column.label(name) for name, column in zip(KEY, key_columns(), strict=True)]
    return select(*named).select_from(who.join(people, people.c.id == who.c.person_id)).subquery()


def zone_of(fields: Mapping[str, str], source: str = "") -> tuple[str, ZoneSource]:
    """The zone of one person, by their fields and the stored source. "" where nothing says anything."""
    first = (next((found for name in names if (found := fields.get(name, ""))), "") for names in
             (REGION_FIELDS, POSTCODE_FIELDS))  # fmt: skip
    key = ZoneKey(fields.get("timezone", ""), fields.get("country", ""), *first)
    zone, said = key.zone
    return zone, ZoneSource.OWN if said is ZoneSource.IMPORT and source == ZoneSource.OWN else said


def is_zone(name: str) -> bool:
    """Whether the machine knows a zone of this name."""
    try:
        return bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def in_words(zone: str, source: ZoneSource) -> str:
    """For staff: "Europe/London", "America/New_York, guessed from the country", or "not known"."""
    guessed = {ZoneSource.REGION: ", guessed from region or postcode", ZoneSource.COUNTRY: ", guessed from the country",
               ZoneSource.OWN: ", their own choice"}  # fmt: skip
    return f"{zone}{guessed.get(source, '')}" if zone else "not known"


def zones_in_words(kinds: Iterable[PeopleOfKey]) -> str:
    """How many zones people are in, and of how many it is guessed or not known: "9, guessed for 286 people"."""
    found: Counter[str] = Counter()
    guessed = 0
    for key, number in kinds:
        zone, source = key.zone
        found[zone] += number
        guessed += number * (source in (ZoneSource.COUNTRY, ZoneSource.REGION))
    unknown = found.pop("", 0)
    said = [f"guessed for {counted(guessed)}"] * bool(guessed) + [f"not known of {counted(unknown)}"] * bool(unknown)
    return ", ".join([str(len(found)), *said]) if found or unknown else ""


def _attribute(here: Any, names: Iterable[str]) -> ColumnElement[Any]:
    return func.coalesce(*(func.nullif(here.attributes[name].as_string(), "") for name in names), "")
