"""Moving house in the studio: by several files, and from listmonk; each with the report of both sides."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mailer.moving.origins import ORIGINS
from mailer.staff.rights import Role
from tests.moving.listmonk_server import TOKEN, USER, many, serving
from tests.web.client import Reply
from tests.web.studio.conftest import House
from tests.web.studio.imports.conftest import AGREED, done, house, put  # noqa: F401 - a fixture  # pyright: ignore[reportUnusedImport]

pytestmark = pytest.mark.sqlite
HERE = "/imports/moving"
ACTIVE = "Subscriber,Sent,Opens,Clicks,Subscribed\nada@example.org,3,1,0,2024-01-02\nbob@example.org,3,1,0,2024-01-02\n"
BOUNCED = "Subscriber,Sent,Opens,Clicks,Subscribed\nbob@example.org,3,1,0,2024-01-02\nbad,0,0,0,\n"


def press(house: House, path: str, *, cookie: str | None = None, **fields: str) -> Reply:  # noqa: F811
    return house.post(path, urlencode(fields).encode(), cookie=cookie)


def bring(house: House, content: str, name: str, joins: str = "") -> str:  # noqa: F811
    """A file of a move, brought in pieces as script does."""
    about = {"name": name, "size": str(len(content)), "list": "supporters", "origin": "mailerlite", "joins": joins}
    address = str(json.loads(press(house, "/imports/files", **about).body)["address"])
    status, told = put(house, address, 0, content.encode())
    assert status == 200
    done(house)
    return str(told["next"])


def test_several_files_are_one_move(house: House) -> None:  # noqa: F811
    first = bring(house, ACTIVE, "active.csv")
    token = first.rpartition("/")[2]
    assert bring(house, BOUNCED, "active.csv", token) == first, "it joins the other, under a name of its own"
    html = house.get(f"{first}/columns").text
    assert "4 rows in 2 files" in html
    assert "Nothing in <bdi>active (2).csv</bdi> says who left" in html
    assert press(house, f"{first}/columns", **{"s-0": "subscribed"}).status == 422
    assert press(house, f"{first}/columns", **{"s-0": "subscribed", "s-1": "bounced"}).status == 303
    assert press(house, f"{first}/consent", **AGREED).status == 303
    done(house)
    assert "1 new person" in house.get(f"{first}/rehearsal").text
    press(house, f"{first}/import")
    done(house)
    assert press(house, "/imports/files", name="late.csv", size="3", list="supporters", joins=token).status == 200
    place = house.get(first).headers["location"]
    assert place == f"{HERE}/1"
    html = house.get(place).text
    assert "1 of 4 people came" in html
    assert "4 there = 1 in + 2 left out + 1 merged" in html
    report = json.loads(house.get(f"{place}/report.json").body)
    assert report["report"]["people"]["left_out"] == {"bounced": 1, "rejected": 1}
    left_out = house.get(f"{place}/left-out.csv")
    assert left_out.headers["cache-control"] == "no-store"
    assert "bob@example.org" in left_out.text
    assert "MailerLite" in house.get(HERE).text
    press(house, f"{place}/undo")
    done(house)
    assert "1 import of this move was taken back since" in house.get(place).text


def test_a_file_that_comes_too_late_is_refused(house: House) -> None:  # noqa: F811
    first = bring(house, ACTIVE, "active.csv")
    press(house, f"{first}/columns", everyone="subscribed")
    press(house, f"{first}/consent", **AGREED)
    done(house)
    press(house, f"{first}/import")
    about = {"name": "late.csv", "size": str(len(BOUNCED)), "list": "supporters", "joins": first.rpartition("/")[2]}
    address = str(json.loads(press(house, "/imports/files", **about).body)["address"])
    status, told = put(house, address, 0, BOUNCED.encode())
    assert status == 422
    assert "isn’t open any more" in str(told["words"])


def test_every_program_says_what_to_fetch(house: House) -> None:  # noqa: F811
    html = house.get(HERE).text
    for one in ORIGINS:
        assert one.title in html
        page = house.get(f"{HERE}/from/{one.name}").text
        assert one.files[0].what in page or one.has_api
    assert house.get(f"{HERE}/from/nobody").status == 404
    assert house.get(f"{HERE}/99").status == 404


def test_from_listmonk_to_the_report(house: House) -> None:  # noqa: F811
    with serving(many(60)) as fake:
        wrong = press(house, f"{HERE}/listmonk", url="http://8.8.8.8", user=USER, token=TOKEN)
        assert wrong.status == 422
        assert "unencrypted" in wrong.text
        assert TOKEN not in wrong.text
        address = press(house, f"{HERE}/listmonk", url=fake.url, user=USER, token=TOKEN).headers["location"]
        done(house)
    root = house.workspace.root
    assert not [one for one in root.rglob("*") if one.is_file() and TOKEN.encode() in one.read_bytes()]
    html = house.get(house.get(address).headers["location"]).text
    assert "60 people in" in html
    assert "A new list: River news" in html
    asked = {"onto-1": "river-news", "onto-2": "supporters", "onto-3": "-", "drafts": "on"}
    assert "Say where and how" in press(house, f"{address}/lists", **asked, agreed="", which="none").text
    bad = press(house, f"{address}/lists", **{**asked, "onto-1": "../x"}, agreed="Form", which="none")
    assert bad.status == 422
    assert press(house, f"{address}/lists", **asked, agreed="Their form", which="none").status == 303
    done(house)
    html = house.get(house.get(address).headers["location"]).text
    assert "nothing has been moved yet" in html
    assert not (root / "lists" / "river-news.toml").exists()
    press(house, f"{address}/move")
    done(house)
    place = house.get(address).headers["location"]
    html = house.get(place).text
    assert "List by list" in html
    report = json.loads(house.get(f"{place}/report.json").body)["report"]
    assert report["people"]["theirs"] == 60
    assert f"{report['people']['in']} of 60 people came" in html
    assert "formerly" in (root / "lists" / "river-news.toml").read_text(encoding="utf-8")


def test_a_listmonk_that_refuses_is_said_and_its_token_gone(house: House) -> None:  # noqa: F811
    with serving(many(12)) as fake:
        address = press(house, f"{HERE}/listmonk", url=fake.url, user=USER, token="wrong").headers["location"]
        done(house)
    assert "doesn’t take this user and token" in house.get(address).text
    assert not list(Path(house.workspace.root).rglob("login.json"))
    assert press(house, f"{address}/remove").headers["location"] == HERE
    assert house.get(address).status == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.WRITER, Role.APPROVER, Role.SENDER])
def test_listmonk_is_for_admins(house: House, role: Role) -> None:  # noqa: F811
    cookie = house.sign_in(role)
    assert (
        press(house, f"{HERE}/listmonk", cookie=cookie, url="https://a.example", user=USER, token=TOKEN).status == 403
    )
