"""event.ics: the event of a mailed invitation as a calendar file (RFC 5545), with nothing in it about the person.

It is below the mail's own address in the browser, and below its page in the archive. It says what the mail said: the
facts are frozen with the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.compose.message import Message
from mailer.tracking.tokens import Purpose
from mailer.web.public.core.context import Door, door_of

FOLDED = 75  # octets of a line (RFC 5545 §3.1)
ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})
SCOPE = "event"  # the name of the facts in a message


async def of_mail(request: Request) -> Response:
    """The event of a mail that was sent, in the version this person got. 404 when it has none."""
    door = door_of(request)
    named = door.named(request, Purpose.VIEW)
    letter = await door.threads.read(door.letters.find, named)
    version = await door.threads.read(door.letters.version, named, letter)
    return _answer(door, (letter.builders.get(version) or next(iter(letter.builders.values()))).message)


async def of_archive(request: Request) -> Response:
    """The event of a newsletter in the archive, in the language in which its page is shown there."""
    door = door_of(request)
    message = await door.threads.read(door.archive.message, str(request.path_params["slug"]))
    if message is None:
        raise HTTPException(404)
    answer = _answer(door, message.versions[message.spoken.version_for(*door.wishes(request))])
    answer.headers["Vary"] = "Accept-Language"
    return answer


def _answer(door: Door, message: Message) -> Response:
    event = message.constants.get(SCOPE)
    if not event:
        raise HTTPException(404)
    host = door.workspace.settings.public.url.partition("://")[2].partition("/")[0]
    text = calendar_of(event, uid=f"{message.slug}@{host}", now=door.clock())
    headers = {"Content-Disposition": f'attachment; filename="{message.slug}.ics"', "Cache-Control": "private"}
    return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)


def calendar_of(event: Mapping[str, str], *, uid: str, now: datetime) -> str:
    """The calendar file. Equal `uid`s are the same event, so that a second invitation moves it."""
    place = ", ".join(event[key] for key in ("place", "address") if event[key])
    lines = {
        "UID": uid,
        "DTSTAMP": _utc(now),
        "DTSTART": _utc(datetime.fromisoformat(event["begin"])),
        "DTEND": _utc(datetime.fromisoformat(event["end"])) if event["end"] else "",
        "SUMMARY": event["title"].translate(ESCAPED),
        "LOCATION": place.translate(ESCAPED),
        "DESCRIPTION": event["url"].translate(ESCAPED),
        "URL": event["url"],
    }
    inside = [f"{name}:{value}" for name, value in lines.items() if value]
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Mailer//Mailer//EN", "METHOD:PUBLISH",
             "BEGIN:VEVENT", *inside, "END:VEVENT", "END:VCALENDAR"]  # fmt: skip
    return "".join(f"{_folded(line)}\r\n" for line in whole)


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _folded(line: str) -> str:
    """A long line over several, each after the first with a blank in front; no character is cut in two."""
    rows: list[str] = [""]
    for char in line:
        if len((rows[-1] + char).encode()) > FOLDED:
            rows.append(" ")
        rows[-1] += char
    return "\r\n".join(rows)
