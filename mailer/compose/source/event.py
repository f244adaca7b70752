"""What a template's `starts` says: when and where people meet, in the words of the mail's language.

A template has an event when its template.toml declares `starts` as a time. The facts are merge tags too
(`{{ event.date }}`), and are frozen with the message, so that the calendar file says what the mail said.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailer.compose.source.layouts import LayoutField
from mailer.compose.source.written import Source
from mailer.locale.cldr import locale_of
from mailer.settings import Settings

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
EXAMPLE = "2027-01-30 14:00"
CALENDAR_FILE = "event.ics"  # below a mail's own address and its page in the archive
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
WAITS = re.compile(r"\[\[\s*(.*?)\s*\]\]")  # an example that the writer has to replace
BEGINS, ENDS, PLACE, ADDRESS = "starts", "ends", "place", "address"


def moment(written: str) -> datetime | None:
    """A day and time as staff write them, "2027-01-30 14:00"; None when it isn't one."""
    found = WAITS.fullmatch(written.strip())
    text = found[1] if found else written.strip()
    try:
        return datetime.fromisoformat(text) if MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def event_of(source: Source, *, language: str, settings: Settings) -> dict[str, str]:
    """The facts of the event that a message's template has, {} where it has none.

    Times are those of the workspace's zone; `begin` and `end` are in UTC (ISO 8601). An example that still waits for
    the writer stays in its brackets, so that checks find it.
    """
    from babel.dates import format_date, format_time, get_timezone_name

    fields, zone = source.fields, settings.zone
    begin = moment(fields.get(BEGINS, "")) if is_time(source.layout.fields.get(BEGINS)) else None
    if begin is None:
        return {}
    locale, local = locale_of(language), ZoneInfo(zone)
    begin = begin.replace(tzinfo=local)
    end = moment(fields.get(ENDS, ""))
    end = end.replace(tzinfo=local) if end else None
    time = format_time(begin, "short", locale=locale)
    if end and end.date() == begin.date():
        time += f"–{format_time(end, 'short', locale=locale)}"
    elif end:
        time += f" – {format_date(end, 'long', locale=locale)}, {format_time(end, 'short', locale=locale)}"
    if zone == "UTC":
        time += f" {get_timezone_name(begin, 'short', locale=locale)}"
    date = format_date(begin, "full", locale=locale)
    waits = WAITS.fullmatch(fields.get(BEGINS, "").strip()) is not None
    return {
        "title": without_tags(source.headline or source.subject),
        "date": f"[[{date}]]" if waits else date,
        "day": format_date(begin, "d", locale=locale),
        "month": format_date(begin, "LLL", locale=locale).rstrip("."),
        "time": time,
        "place": fields.get(PLACE, ""),
        "address": fields.get(ADDRESS, ""),
        "url": _page(source, settings),
        "begin": begin.astimezone(UTC).isoformat(),
        "end": end.astimezone(UTC).isoformat() if end else "",
    }


def without_tags(text: str) -> str:
    """A line without its merge tags, for where there is no person."""
    return " ".join(TAG.sub("", text).split()).strip(" ,:;–-")


def is_time(field: LayoutField | None) -> bool:
    """Whether a template's field is a day and time."""
    return field is not None and field.type == "time"


def _page(source: Source, settings: Settings) -> str:
    """Where people say that they come: the action's page; "" when it waits for the person."""
    action = source.action
    if action is None:
        return ""
    return f"{settings.public.url}/act/{source.newsletter.slug}" if action.page else TAG.sub("", action.url)
