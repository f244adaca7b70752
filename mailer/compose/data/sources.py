"""`data:` in the front matter: where a message's data comes from, by the name it has in the text.

    data:
      news: https://example.org/feed.xml
      prices: prices.csv
      ours:
        newsletters: supporters
        since: last issue

Reading them is for `delivery.data`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, cast
from zoneinfo import ZoneInfo

from mailer.diagnostics import Place
from mailer.errors import nearest

DATA = "data"  # the key of the front matter, and the name before the dot
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
LAST_ISSUE = "last issue"
DAYS = re.compile(r"(\d{1,4}) days?")
FILE = re.compile(r"(?!/)(?:[\w. -]+/)*[\w. -]+")
MOST_SOURCES = 10
MOST_SHOWN = 500
SHOWN = 10  # of what has many entries, unless `limit` says otherwise
EXAMPLE = "Below `data:` write indented lines such as `news: https://example.org/feed.xml`."


class DataKind(StrEnum):
    """What a source names."""

    FROM = "from"  # an address, or a file beside the message or in the workspace's data/
    NEWSLETTERS = "newsletters"  # the group's own in the public archive: of a list, or `all`
    SIGNATURES = "signatures"  # of the petition of a newsletter


OPTIONS = ("limit", "since", "items")


@dataclass(frozen=True, slots=True)
class DataSource:
    """A source as written. `since`: "", LAST_ISSUE, "7 days" or a day; `items`: where in JSON the list is."""

    name: str
    kind: DataKind
    where: str
    limit: int = SHOWN
    since: str = ""
    items: str = ""

    @property
    def is_address(self) -> bool:
        return self.kind is DataKind.FROM and "://" in self.where

    @property
    def is_file(self) -> bool:
        return self.kind is DataKind.FROM and not self.is_address

    @property
    def key(self) -> str:
        """What is read, apart from how much of it is shown."""
        return f"{self.kind.value} {self.where}"

    def begins(self, *, since: datetime | None, now: datetime, zone: str) -> datetime | None:
        """From when on entries are shown; None for all. `since`: when the last issue was made."""
        if self.since == LAST_ISSUE:
            return since
        if days := DAYS.fullmatch(self.since):
            return now - timedelta(days=int(days[1]))
        if self.since:
            return datetime.combine(date.fromisoformat(self.since), time(), ZoneInfo(zone)).astimezone(UTC)
        return None


Fault = Callable[[str, str, str], None]  # what is wrong, at which key, and what to write


def read_sources(data: object, fault: Fault) -> tuple[DataSource, ...]:
    """The sources that the front matter's `data` names. What is wrong with it is told to `fault`."""
    if data is None:
        return ()
    if not isinstance(data, dict) or not data:
        fault("data must name sources", DATA, EXAMPLE)
        return ()
    named = cast("dict[Any, Any]", data)
    if len(named) > MOST_SOURCES:
        fault(f"data has more than {MOST_SOURCES} sources", DATA, "Take out those that the text doesn't use.")
        return ()
    found = [_source(str(name), value, fault) for name, value in named.items()]
    return tuple(one for one in found if one is not None)


def _source(name: str, value: object, fault: Fault) -> DataSource | None:
    key = f"{DATA}.{name}"
    if not NAME.fullmatch(name):
        fault(f"data: {name!r} is no name that the text can use", key, "Small letters, digits and _, such as `news`.")
        return None
    options: Mapping[str, Any] = {"from": value}
    if isinstance(value, dict):
        options = {str(option): one for option, one in cast("dict[Any, Any]", value).items()}
    before: list[str] = []

    def wrong(message: str, option: str, remedy: str) -> None:
        before.append(message)
        fault(message, f"{key}.{option}" if option in options and isinstance(value, dict) else key, remedy)

    kinds = [kind for kind in DataKind if kind.value in options]
    known = [*(kind.value for kind in DataKind), *OPTIONS]
    for option in options:
        if option not in known:
            wrong(f"unknown key {key}.{option}", option, nearest(option, known))
    if len(kinds) != 1:
        said = "needs one of from, newsletters and signatures" if not kinds else "has two sources"
        wrong(f"{key} {said}", kinds[-1].value if kinds else "", f"For example `{name}: https://example.org/feed.xml`.")
        return None
    where = options[kinds[0].value]
    if not isinstance(where, str) or not where.strip():
        wrong(f"{key}.{kinds[0].value} must be a text", kinds[0].value, EXAMPLE)
        return None
    source = DataSource(
        name, kinds[0], where.strip(), limit=_limit(options.get("limit", SHOWN), key, wrong),
        since=_since(options.get("since"), key, wrong), items=_items(options.get("items"), key, wrong),
    )  # fmt: skip
    _place(source, key, wrong)
    return None if before else source


def _place(source: DataSource, key: str, wrong: Fault) -> None:
    if source.is_address and not source.where.startswith("https://"):
        remedy = "Write https://: what comes unencrypted could be changed by others on its way into your mail."
        wrong(f"{key} must be an https address", "from", remedy)
    elif source.is_file and (not FILE.fullmatch(source.where) or ".." in source.where.split("/")):
        wrong(f"{key} is neither an address nor the name of a file", "from",
              "Begin an address with https://; put a file beside the message or into data/.")  # fmt: skip
    if source.kind is DataKind.SIGNATURES and (source.since or source.items):
        wrong(f"{key} is one count, so since and items have no meaning", "since", "Take the line out.")


def _limit(value: object, key: str, wrong: Fault) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_SHOWN:
        return value
    wrong(f"{key}.limit must be a number from 1 to {MOST_SHOWN}", "limit", "limit: 5")
    return SHOWN


def _since(value: object, key: str, wrong: Fault) -> str:
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else str(value).strip()
    try:
        if text != LAST_ISSUE and not DAYS.fullmatch(text):
            date.fromisoformat(text)
    except ValueError:
        wrong(f"{key}.since must be “{LAST_ISSUE}”, “7 days” or a day", "since", f"since: {LAST_ISSUE}")
        return ""
    return text


def _items(value: object, key: str, wrong: Fault) -> str:
    if value is None or (isinstance(value, str) and re.fullmatch(r"\w[\w -]*(?:\.\w[\w -]*)*", value)):
        return value or ""
    wrong(f"{key}.items must say where the list is", "items", "items: results.petitions")
    return ""


def place_of(lines: Mapping[str, int], file: str, source: DataSource) -> Place:
    """Where the front matter names a source."""
    return Place(file, lines.get(f"{DATA}.{source.name}", lines.get(DATA, 1)))
