"""The room People: found by a form, within one's lists, for those who may see people; Ctrl-K finds them too."""

from __future__ import annotations

import json
from urllib.parse import quote

from sqlalchemy import select

from mailer.audience.consent.changes import list_id
from mailer.audience.people.search import has_search
from mailer.audience.tags import add_tags
from mailer.staff.rights import Role
from mailer.store.tables.core import people
from tests.patience import until
from tests.web.studio.conftest import House


def test_people_are_found_without_script(house: House) -> None:
    with house.studio.database.write() as connection:
        mary2 = select(people.c.id).where(people.c.id == 2)
        add_tags(connection, mary2, ["Swimmer"], source="x", at=house.studio.clock())
    everybody = house.get("/people").text
    assert [everybody.count(f'href="/people/{n}"') for n in (1, 2, 3, 4)] == [1, 1, 1, 0]
    assert "Mary &lt;3" in everybody
    for asked in ("q=mary2", "q=MARY+mary2", "q=swim", "tag=swimmer", "q=mary&tag=Swimmer&list=supporters"):
        found = house.get(f"/people?{asked}").text
        assert 'href="/people/2"' in found, asked
        assert 'href="/people/1"' not in found, asked
    odd = quote('<%"*')
    assert "Nobody fits" in house.get(f"/people?q={odd}").text
    # The index that makes it quick comes beside the pages.
    until(lambda: _indexed(house))
    assert 'href="/people/2"' in house.get("/people?q=mary2").text


def _indexed(house: House) -> bool:
    with house.studio.database.read() as connection:
        return has_search(connection)


def test_ctrl_k_finds_people_for_those_who_may_see_them(house: House) -> None:
    def found(cookie: str) -> list[str]:
        reply = house.get("/find?q=mary2", cookie=cookie, Accept="application/json")
        return [one["path"] for one in json.loads(reply.text)]

    assert found(house.sign_in(Role.SENDER)) == ["/people/2"]
    assert found(house.sign_in(Role.WRITER)) == []


def test_who_is_limited_to_lists_finds_the_people_of_those_alone(house: House) -> None:
    cookie = house.sign_in(Role.SENDER, "Tom", lists=("updates",))
    assert "/people/2" not in house.get("/people?q=mary2", cookie=cookie).text
    with house.studio.database.write() as connection:
        number = list_id(connection, "updates")
        connection.exec_driver_sql(
            f"INSERT INTO subscriptions (list_id, person_id, status, changed_at) VALUES ({number}, 2, 'pending', 0)"
        )
    assert "/people/2" in house.get("/people", cookie=cookie).text
    assert "/people/1" not in house.get("/people", cookie=cookie).text


def test_a_saved_segment_narrows_the_search(house: House) -> None:
    folder = house.workspace.lists / "segments"
    folder.mkdir()
    (folder / "second.toml").write_text(
        'title = "The second"\nexpression = "supporter.email == \'mary2@example.org\'"\n'
    )
    page = house.get("/people?segment=second").text
    assert ("/people/2" in page, "/people/1" in page, "The second" in page) == (True, False, True)
    assert "can’t be read" in house.get("/people?segment=gone").text
    assert "1 person" in house.get("/people/bulk?segment=second").text
    assert house.get("/people/bulk?segment=gone").status == 422
    limited = house.sign_in(Role.SENDER, "Tom", lists=("supporters",))
    assert "/people/1" in house.get("/people?segment=second", cookie=limited).text, "it may ask about other lists"
