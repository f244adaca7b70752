"""The room Lists over HTTP: figures of everybody, a list made and changed, its form, saved segments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert

from mailer.audience.consent.changes import consent_source, list_id
from mailer.staff.rights import Role
from mailer.store.tables.core import consents
from tests.patience import until
from tests.web.client import Reply
from tests.web.studio.conftest import FRONT, House

SETTINGS = "/lists/supporters/settings"
Saver = Callable[..., Reply]


def post(house: House, path: str, fields: dict[str, str], *, cookie: str | None = None) -> Reply:
    return house.post(path, urlencode(fields).encode(), cookie=cookie)


def fields_on(page: str) -> dict[str, str]:
    """What the form of a list holds."""
    found = {
        name: unescape(value)
        for name, value in re.findall(r'<input class="in" id="f-[a-z_]+" name="([a-z_]+)"[^>]* value="([^"]*)"', page)
    }
    found |= {name: unescape(text) for name, text in re.findall(r'name="([a-z_]+)"[^>]*>\n([^<]*)</textarea>', page)}
    found |= {
        name: re.search(r'value="([^"]*)" selected', inside)[1]  # type: ignore[index]
        for name, inside in re.findall(r'<select class="in sel"[^>]* name="([a-z_]+)"[^>]*>(.*?)</select>', page)
    }
    base = re.search(r'name="base" value="([^"]*)"', page)
    return found | ({"base": unescape(base[1])} if base else {}) | {"public_form": "1"}


@pytest.mark.sqlite
def test_figures_come_and_what_people_agreed_to_is_told(house: House) -> None:
    with house.studio.database.write() as connection:
        number = list_id(connection, "supporters")
        for person, words in ((1, "Old words."), (2, "Old words."), (3, "Newer <words>.")):
            source = consent_source(connection, how="form", source="/join/supporters", wording=words)
            row = {"person_id": person, "list_id": number, "status": "subscribed", "source_id": source}
            connection.execute(insert(consents), {**row, "at": house.studio.clock()})
    assert "Supporters" in house.get("/lists").text
    until(lambda: "3 people" in house.get("/lists/supporters").text)
    page = house.get("/lists/supporters").text
    assert "3 joined and 0 left since last month" in page
    assert "Sign-up form of supporters" in page
    assert "Newer &lt;words&gt;." in page
    assert "2 people agreed" in page
    assert house.get("/lists/nowhere").status == 404
    limited = house.sign_in(Role.VIEWER, "Vi", lists=["elsewhere"])
    assert house.get("/lists/supporters", cookie=limited).status == 404
    assert "Supporters" not in house.get("/lists", cookie=limited).text


@pytest.mark.sqlite
def test_opening_and_saving_changes_nothing_and_one_field_one_line(house: House) -> None:
    path = house.workspace.lists / "supporters.toml"
    path.write_text(path.read_text() + "public_form = true  # kept\n")
    before = path.read_text()
    fields = fields_on(house.get(SETTINGS).text)
    assert post(house, SETTINGS, fields).status == 303
    assert path.read_text() == before
    changed = {**fields, "consent": "Yes, mail me: “often”.", "own_colour": "1", "colour": "#0b6069"}
    assert post(house, SETTINGS, changed).headers["location"] == f"{SETTINGS}?done=saved"
    after = path.read_text()
    assert set(before.splitlines()) - set(after.splitlines()) == {
        line for line in before.splitlines() if line.startswith("consent")
    }
    page = house.get(SETTINGS).text
    assert "#0b6069" in page
    assert "Put it on your website" in page
    again = {**fields, "consent": "Another."}  # by somebody whose page is older
    reply = post(house, SETTINGS, again)
    assert reply.status == 412
    assert "Somebody changed the same meanwhile" in reply.text
    assert path.read_text() == after
    refused = post(house, SETTINGS, {**fields_on(page), "title": ""})
    assert refused.status == 422
    assert "Title is missing" in refused.text


@pytest.mark.sqlite
def test_the_picture_is_the_public_page_with_what_is_being_typed(house: House) -> None:
    asked = urlencode({"title": "Our <news>", "consent": "Yes & no", "colour": "#0b6069", "about": ""})
    picture = house.get(f"/lists/supporters/picture?{asked}")
    assert "Our &lt;news&gt;" in picture.text
    assert "Yes &amp; no" in picture.text
    assert "#0b6069" in picture.text
    assert "frame-ancestors 'self'; sandbox" in picture.headers["content-security-policy"]
    assert house.get("/lists/-/picture?colour=javascript:x").status == 200


@pytest.mark.sqlite
def test_a_segment_is_made_from_rows_counted_used_and_taken_away(house: House) -> None:
    row = {"mode": "all", "what.0": "field:country", "how.0": "is", "value.0": "GB"}
    counted = post(house, "/segments/-/count", row).text
    assert re.search(r'<p class="figure num" data-now>\d', counted)
    saved = post(house, "/segments/-", {**row, "title": "In Britain", "do": "save", "base": '""'})
    assert saved.headers["location"] == "/segments/in-britain?done=saved"
    path = house.workspace.lists / "segments" / "in-britain.toml"
    assert """expression = "supporter.country == \\"GB\\"\"""" in path.read_text()
    house.write(front=FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  segment: in-britain\n"))
    page = house.get("/segments/in-britain").text
    assert "Where it is used" in page
    assert "In 1 newsletter to come" in house.get("/segments").text
    assert "is used by" in post(house, "/segments/in-britain/remove", {}).text
    assert path.exists()
    unfinished = post(house, "/segments/in-britain", {"what.0": "field:country", "title": "x", "do": "save"})
    assert unfinished.status == 422
    typed = {"shown": "text", "text": "supporter.contry", "title": "In Britain", "do": "save"}
    base = json.dumps(path.read_text())
    (path.parent / "broken.toml").write_text('title = "Broken"\nexpression = "supporter.contry"\n')
    assert "Unknown field supporter.contry" in unescape(house.get("/segments").text)
    wrong = post(house, "/segments/in-britain", {**typed, "base": base})
    assert "Unknown field supporter.contry" in unescape(wrong.text)
    house.write()
    assert post(house, "/segments/in-britain/remove", {}).status == 303
    assert not path.exists()


@pytest.mark.sqlite
def test_the_silent_are_a_segment_in_one_press(house: House) -> None:
    reply = post(house, "/segments/-/silent", {"list": "supporters"})
    assert reply.headers["location"] == "/segments/silent-supporters?done=saved"
    written = (house.workspace.lists / "segments" / "silent-supporters.toml").read_text()
    assert 'subscribed(\\"supporters\\") and not clicked_within' in written
    assert "Silent for 12 months on" in house.get("/segments/silent-supporters").text
    assert post(house, "/segments/-/silent", {"list": "supporters"}).status == 303, "again: it is there"
    assert post(house, "/segments/-/silent", {"list": "nowhere"}).status == 404
