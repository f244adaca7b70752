"""event.ics: a calendar file that programs read, with nothing in it about the person."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.message import Message, to_json
from mailer.tracking.tokens import Purpose
from mailer.web.public.mail.calendar_file import calendar_of
from tests.reports.builders import SLUG, make_message
from tests.web.conftest import Served
from tests.web.public.mail.test_archive import publish

pytestmark = pytest.mark.sqlite  # about a file

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EVENT = {
    "title": "Come, all; of you", "place": "Town Hall", "address": "1 Market Street, Leeds", "url": "https://example.org/x",
    "begin": "2026-07-04T18:30:00+00:00", "end": "2026-07-04T20:00:00+00:00",
}  # fmt: skip
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=200)


def read(text: str) -> dict[str, str]:
    """The properties of a calendar file, unfolded and unescaped (RFC 5545 §3.1, §3.3.11)."""
    assert text.endswith("\r\n")
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    found = dict(line.split(":", 1) for line in lines)
    marks = {"\\\\": "\\", "\\;": ";", "\\,": ",", "\\n": "\n"}
    for name in ("SUMMARY", "LOCATION"):
        out, at = "", 0
        value = found.get(name, "")
        while at < len(value):
            pair = value[at : at + 2]
            out += marks.get(pair, value[at])
            at += 2 if pair in marks else 1
        found[name] = out
    return found


def test_it_says_what_when_and_where() -> None:
    text = calendar_of(EVENT, uid="hall@mail.example.org", now=NOW)
    found = read(text)
    assert text.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert (found["DTSTART"], found["DTEND"], found["DTSTAMP"]) == (
        "20260704T183000Z", "20260704T200000Z", "20261130T120000Z",
    )  # fmt: skip
    assert (found["SUMMARY"], found["LOCATION"]) == ("Come, all; of you", "Town Hall, 1 Market Street, Leeds")
    assert (found["UID"], found["URL"]) == ("hall@mail.example.org", "https://example.org/x")
    assert "DTEND" not in read(calendar_of({**EVENT, "end": ""}, uid="x", now=NOW))


@given(TEXT, TEXT)
def test_any_words_come_through_and_no_line_is_too_long(title: str, place: str) -> None:
    text = calendar_of({**EVENT, "title": title, "place": place, "address": ""}, uid="x", now=NOW)
    found = read(text)
    assert (found["SUMMARY"], found["LOCATION"]) == (title, place)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


@pytest.mark.parametrize("line", ["x\r\nBEGIN:VEVENT", "x\nATTENDEE:mailto:a@example.org"])
def test_nothing_can_add_a_line(line: str) -> None:
    text = calendar_of({**EVENT, "title": line}, uid="x", now=NOW)
    assert text.count("BEGIN:VEVENT") == 1 or "\\nBEGIN:VEVENT" in text
    assert "\nATTENDEE" not in text


def test_it_is_below_the_archive_of_an_invitation_alone(served: Served) -> None:
    address = f"/archive/{SLUG}/event.ics"
    assert served.get(address).status == 404, "not public"
    publish(served)
    assert served.get(address).status == 404, "no invitation"
    constants = {**make_message().constants, "event": EVENT}
    publish(served, message=to_json(replace(make_message(), constants=constants)))
    answer = served.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert read(answer.body.decode())["SUMMARY"] == EVENT["title"]
    assert served.get("/archive/nothing/event.ics").status == 404


def test_in_the_archive_it_is_in_the_language_of_the_page_that_leads_to_it(served: Served) -> None:
    link = '</p><p><a href="#mailer-view/event.ics">Calendar</a></p>'

    def version(**said: str) -> Message:
        message = make_message()
        constants = {**message.constants, "event": {**EVENT, **said}}
        return replace(message, constants=constants, html=(*message.html, link))

    german = replace(version(title="Kommt alle"), language="de")
    publish(served, message=to_json(replace(version(), translations=(german,))))
    for language, title in (("en", EVENT["title"]), ("de", "Kommt alle")):
        page = served.get(f"/archive/{SLUG}?lang={language}").text
        found = re.search(r'href="([^"]*event\.ics[^"]*)"', page)
        assert found, language
        assert read(served.get(found[1]).body.decode())["SUMMARY"] == title


def test_it_is_below_the_mail_of_an_invitation_alone(served: Served) -> None:
    token = served.token(Purpose.VIEW)
    assert served.get(f"/v/{token}/event.ics").status == 404, "no invitation"
    assert served.get(f"/v/{token[:-1]}x/event.ics").status == 404
