"""The room Audience over HTTP: it shows what the file says, counts what is asked, and saves it and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import unescape
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from mailer.audience.consent.changes import list_id
from mailer.staff.accounts import add_account
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.staff.sessions import open_session
from mailer.store.tables.core import people, subscriptions
from mailer.store.tables.states import Membership
from mailer.web.studio.core.access import cookie_name
from tests.audience.world import subscribe
from tests.web.client import Reply
from tests.web.studio.conftest import BODY, FRONT, HERE, House

ROOM = f"{HERE}audience"
Fields = Sequence[tuple[str, str]]
SUPPORTERS: Fields = [("include", "supporters"), ("mode", "all")]


def press(house: House, button: str, fields: Fields, *, base: str = FRONT + BODY, cookie: str | None = None) -> Reply:
    """The page's form, with a button pressed."""
    body = urlencode([*fields, ("base", json.dumps(base)), ("do", button)]).encode()
    return house.post(ROOM, body, cookie=cookie)


def figures(page: str) -> dict[str, int]:
    """The table of reasons."""
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="n">−?([\d,]+)</td>', page)
    return {unescape(re.sub("<.*?>", "", words)): int(number.replace(",", "")) for words, number in rows}


@pytest.fixture
def volunteers(house: House) -> None:
    """A second list, with the first two people; the third person leaves the first list."""
    text = (house.workspace.lists / "supporters.toml").read_text(encoding="utf-8")
    (house.workspace.lists / "volunteers.toml").write_text(text.replace("Supporters", "Volunteers"), encoding="utf-8")
    with house.studio.database.write() as connection:
        number = list_id(connection, "volunteers")
        subscribe(connection, 1, number)
        subscribe(connection, 2, number)
        connection.execute(
            update(subscriptions).where(subscriptions.c.person_id == 3).values(status=Membership.UNSUBSCRIBED.value)
        )
        connection.execute(update(people).where(people.c.id == 1).values(first_name="Amal"))
        connection.execute(update(people).where(people.c.id == 2).values(country="IE"))


def test_the_room_shows_what_the_file_says(house: House) -> None:
    written = 'audience:\n  segment: supporter.country == "GB"\n  limit: 2\n'
    house.write(front=FRONT.replace("list: supporters\n", f"list: supporters\n{written}"))
    page = house.get(ROOM).text
    assert 'value="field:country" selected' in page
    assert 'value="GB" checked' in page
    assert 'name="limit" value="2"' in page
    assert "How many get it?" in page, "a million people take a second, so the page doesn't wait"


def test_a_saved_segment_is_a_row_and_counts_for_those_who_are_in_it(house: House, volunteers: None) -> None:
    folder = house.workspace.lists / "segments"
    folder.mkdir()
    (folder / "irish.toml").write_text('title = "In Ireland"\nexpression = \'supporter.country == "IE"\'\n')
    house.write(front=FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  segment: irish\n"))
    page = house.get(f"{ROOM}?count=1").text
    assert '<option value="irish" selected>In Ireland</option>' in page
    assert figures(page)["Don’t match the conditions"] > 0
    link = re.search(r'href="(/segments/-[^"]*)">Save these conditions', page)
    assert link
    assert '<option value="irish" selected>In Ireland</option>' in house.get(unescape(link[1])).text
    no = [*SUPPORTERS, ("what.0", "segment"), ("how.0", "no"), ("value.0", "irish")]
    assert press(house, "save", no, base=house.file.read_text(encoding="utf-8")).status == 303
    assert '  segment: not segment("irish")\n' in house.file.read_text(encoding="utf-8")
    (folder / "irish.toml").write_text('title = "In Ireland"\nexpression = "supporter.contry"\n')
    broken = house.get(f"{ROOM}?count=1").text
    assert "In the saved segment irish: unknown field supporter.contry" in unescape(broken)


def test_a_saved_segment_brings_nobody_of_lists_that_are_others(house: House, volunteers: None) -> None:
    folder = house.workspace.lists / "segments"
    folder.mkdir()
    (folder / "helpers.toml").write_text('title = "Helpers"\nexpression = \'subscribed("volunteers")\'\n')
    limited = house.sign_in(Role.WRITER, "Lim", lists=["supporters"])
    asking = [*SUPPORTERS, ("what.0", "segment"), ("how.0", "yes"), ("value.0", "helpers")]
    assert press(house, "look", asking, cookie=limited).status == 403
    front = FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  segment: helpers\n")
    house.write(front=front)  # somebody with the right to both chose it: it may be looked at, and kept
    assert house.get(f"{ROOM}?count=1", cookie=limited).status == 200
    assert press(house, "save", [*asking, ("limit", "2")], base=front + BODY, cookie=limited).status == 303


@pytest.mark.parametrize("limit", ["nan", "inf", "1e999", "-5", "0", "1.5", "many", "1e300"])
def test_a_limit_that_is_no_number_of_people_is_refused_in_words(house: House, limit: str) -> None:
    fields = [*SUPPORTERS, ("limit", limit)]
    assert press(house, "look", fields).status == 200
    reply = press(house, "save", fields)
    assert reply.status == 422
    assert 'role="alert"' in reply.text
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY


@pytest.mark.parametrize("key", ["exclude", "not_mailed_by", "include"])
def test_an_empty_list_in_the_file_is_put_right_by_a_save(house: House, key: str) -> None:
    front = FRONT.replace("list: supporters\n", f"list: supporters\naudience:\n  {key}: []\n  limit: 2\n")
    house.write(front=front)
    assert press(house, "save", [*SUPPORTERS, ("limit", "3")], base=front + BODY).status == 303
    kept = "  include: [supporters]\n" if key == "include" else ""
    assert f"audience:\n{kept}  limit: 3\n" in house.file.read_text(encoding="utf-8")


def test_what_the_form_shows_of_a_pause_is_saved_as_it_was(house: House) -> None:
    front = FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  not_mailed_within_hours: 12.3456789\n")
    house.write(front=front)
    assert 'value="12.3456789" selected' in house.get(ROOM).text
    fields = [*SUPPORTERS, ("hours", "12.3456789"), ("limit", "3")]
    assert press(house, "save", fields, base=front + BODY).status == 303
    assert "  not_mailed_within_hours: 12.3456789\n  limit: 3\n" in house.file.read_text(encoding="utf-8")


def test_reasons_add_up(house: House, volunteers: None) -> None:
    fields = [*SUPPORTERS, ("exclude", "volunteers")]
    found = figures(press(house, "look", fields).text)
    assert found == {"On these lists": 3, "Unsubscribed": 1, "On Volunteers": 2, "Get it": 0}
    both = figures(press(house, "look", [*SUPPORTERS, ("include", "volunteers")]).text)
    assert both == {"On these lists": 3, "Unsubscribed": 1, "Get it": 2}
    rows = [("what.0", "field:country"), ("how.0", "is"), ("value.0", "GB")]
    one = figures(press(house, "look", [*SUPPORTERS, *rows]).text)
    assert one == {"On these lists": 3, "Unsubscribed": 1, "Don’t match the conditions": 1, "Gets it": 1}


def test_buttons_change_the_form_and_save_nothing(house: House) -> None:
    page = press(house, "add", SUPPORTERS).text
    assert 'name="what.0"' in page
    rows = [("what.0", "joined"), ("how.0", "since"), ("value.0", "2024-01-01")]
    page = press(house, "as-text", [*SUPPORTERS, *rows]).text
    assert "joined_since(&#34;2024-01-01&#34;)" in page
    page = press(house, "as-rows", [*SUPPORTERS, ("shown", "text"), ("text", 'not signed_within("7 days")')]).text
    assert re.search(r'value="not_within" selected', page)
    page = press(house, "include.drop.supporters", SUPPORTERS).text
    assert '<input type="hidden" name="include"' not in page
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY


def test_saving_changes_the_audience_and_nothing_else(house: House, volunteers: None) -> None:
    rows = [("what.0", "field:country"), ("how.0", "is"), ("value.0", "GB"), ("value.0", "IE")]
    fields = [*SUPPORTERS, ("include", "volunteers"), *rows, ("hours", "48"), ("limit", "1,000")]
    reply = press(house, "save", fields)
    assert (reply.status, reply.headers["location"]) == (303, f"{ROOM}?done=saved")
    added = (
        "audience:\n  include: [supporters, volunteers]\n"
        '  segment: supporter.country in ["GB", "IE"]\n  not_mailed_within_hours: 48\n  limit: 1000\n'
    )
    saved = house.file.read_text(encoding="utf-8")
    assert saved == FRONT.replace("label: Add your name\n", f"label: Add your name\n{added}") + BODY
    assert press(house, "save", fields, base=saved).status == 303
    assert house.file.read_text(encoding="utf-8") == saved, "opening and saving changes no byte"
    assert press(house, "save", SUPPORTERS, base=saved).status == 303
    left = house.file.read_text(encoding="utf-8")
    assert left.replace("audience:\n  include: [supporters]\n", "") == FRONT + BODY


@pytest.mark.parametrize("segment", ['supporter.country in ["GB"]', "(supporter.town)", 'supporter.first_name == ""'])
def test_what_was_written_by_hand_stays_as_it_was_written(house: House, segment: str) -> None:
    front = FRONT.replace("list: supporters\n", f"list: supporters\naudience:\n  segment: {segment}  # by hand\n")
    house.write(front=front)
    page = unescape(house.get(ROOM).text)
    if 'name="shown" value="text"' in page:
        fields = [*SUPPORTERS, ("shown", "text"), ("text", segment)]
    elif "field:country" in segment or "country" in segment:
        fields = [*SUPPORTERS, ("what.0", "field:country"), ("how.0", "is"), ("value.0", "GB")]
    else:
        fields = [*SUPPORTERS, ("what.0", "field:town"), ("how.0", "known")]
    assert press(house, "save", [*fields, ("limit", "5")], base=front + BODY).status in (303, 422)
    assert f"segment: {segment}  # by hand\n" in house.file.read_text(encoding="utf-8")


def test_an_unfinished_condition_is_not_saved_since_it_would_mail_more_people(house: House) -> None:
    reply = press(house, "save", [*SUPPORTERS, ("what.0", "field:country"), ("how.0", "is")])
    assert reply.status == 422
    assert "isn’t finished, so nothing is saved" in reply.text
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([("include", "nobody")], "There is no list"),
        ([*SUPPORTERS, ("exclude", "supporters")], "included and excluded"),
        ([*SUPPORTERS, ("limit", "some")], "must be a number"),
        ([*SUPPORTERS, ("limit", "0")], "from 1"),
        ([*SUPPORTERS, ("shown", "text"), ("text", "supporter.contry")], "contry"),
        ([*SUPPORTERS, ("what.0", "signed"), ("how.0", "yes"), ("value.0", "x")], "no sign page"),
    ],
)
def test_faults_are_said_and_nothing_is_saved(house: House, fields: Fields, words: str) -> None:
    for button, status in (("look", 200), ("save", 422)):
        reply = press(house, button, fields)
        assert (reply.status, words in unescape(reply.text)) == (status, True), reply.text
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY


def test_two_people_at_once_lose_nothing(house: House, volunteers: None) -> None:
    """Elsewhere in the file: put together. The audience itself: both are shown, and saving again is a decision."""
    house.write(body=BODY + "\nMore.\n")
    reply = press(house, "save", [*SUPPORTERS, ("exclude", "volunteers")])
    assert reply.headers["location"].endswith("done=merged")
    both = house.file.read_text(encoding="utf-8")
    assert "exclude: [volunteers]" in both
    assert both.endswith("\nMore.\n")
    mine = [*SUPPORTERS, ("limit", "7")]
    house.write(front=FRONT.replace("  label: Add your name\n", "  label: Add your name\naudience:\n  limit: 99\n"))
    reply = press(house, "save", mine)
    assert reply.status == 412
    assert "chose another audience meanwhile" in reply.text
    assert "limit: 99" in house.file.read_text(encoding="utf-8")
    base = json.loads(unescape(re.findall(r'name="base" id="base" value="(.*?)"', reply.text)[0]))
    assert press(house, "save", mine, base=base).status == 303
    assert "limit: 7" in house.file.read_text(encoding="utf-8")


def test_names_are_for_those_who_may_see_people(house: House, volunteers: None) -> None:
    for role, sees in ((Role.VIEWER, False), (Role.WRITER, False), (Role.SENDER, True), (Role.ADMIN, True)):
        page = house.get(f"{ROOM}?count=1", cookie=house.sign_in(role)).text
        assert figures(page)["Get it"] == 2
        assert ("Amal" in page) is sees, role
        assert "mary1@" not in page
        counted = house.get(f"{ROOM}/count", cookie=house.sign_in(role)).text
        assert ("Amal" in counted) is sees


def test_who_is_limited_to_lists_counts_no_others(house: House, volunteers: None) -> None:
    with house.studio.database.write() as connection:
        account = add_account(
            connection, terminal(), "tom@example.org", Role.SENDER, at=house.studio.clock(), lists=("supporters",)
        )
        cookie = f"{cookie_name(house.studio)}={open_session(connection, account, now=house.studio.clock())}"
    page = house.get(ROOM, cookie=cookie).text
    assert "Volunteers" not in page
    others: list[Fields] = [
        [*SUPPORTERS, ("include", "volunteers")],
        [*SUPPORTERS, ("exclude", "volunteers")],
        [*SUPPORTERS, ("shown", "text"), ("text", 'subscribed("volunteers")')],
    ]
    for fields in others:
        for button in ("look", "save"):
            assert press(house, button, fields, cookie=cookie).status == 403
        body = urlencode([*fields, ("do", "look")]).encode()
        assert house.post(f"{ROOM}/count", body, cookie=cookie).status == 403
    assert figures(press(house, "look", SUPPORTERS, cookie=cookie).text)["Get it"] == 2
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY


def test_the_way_says_how_many(house: House) -> None:
    assert '>Audience</b><span class="">Supporters<' in house.get(HERE).text
    house.get(f"{ROOM}/count")
    assert '>Audience</b><span class="">3 people<' in house.get(HERE).text
    house.write(front=FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  segment: x\n"))
    assert "Can’t be read" in house.get(HERE).text


def test_a_form_without_its_base_is_refused(house: House) -> None:
    for base in ("", "not json", "7"):
        body = urlencode([*SUPPORTERS, ("base", base), ("do", "save")]).encode()
        assert house.post(ROOM, body).status == 400
