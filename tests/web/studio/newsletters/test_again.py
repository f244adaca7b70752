"""A copy for those who didn't get the newsletter, or got it and didn't sign: nobody mailed twice, nobody left
out; and one that repeats."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from mailer.audience.petition.signatures import tally
from mailer.editing.first_draft import make_newsletter
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.web.studio.newsletters.shelf import shelf_of
from tests.audience.world import add_campaign, deliver, put_name
from tests.web.studio.conftest import BODY, FRONT, HERE, SLUG, House

COPY = "2026-11-once-more"
STATES = {1: DeliveryState.SENT, 2: DeliveryState.UNCERTAIN}  # the third didn't get it


@pytest.fixture
def sent(house: House) -> None:
    """It was sent: the first got it and signed, the second may have got it, the third not."""
    (house.workspace.newsletters / SLUG / "action.md").write_text("---\ntitle: Ask\n---\nWe ask.\n", encoding="utf-8")
    with house.studio.database.write() as connection:
        number = add_campaign(connection, 1, SLUG, finished_at=house.studio.clock())
        left = {"state": CampaignState.FINISHED.value, "launched_at": house.studio.clock()}
        connection.execute(update(campaigns).values(left))
        for person, state in STATES.items():
            deliver(connection, number, person, number=person, state=state)
        put_name(connection, SLUG, 1)


def copied(house: House, aim: str) -> str:
    body = urlencode({"name": "Once more", "copy": SLUG, "aim": aim}).encode()
    reply = house.post("/newsletters/new", body)
    assert reply.status == 303, reply.text
    assert reply.headers["location"] == f"/newsletters/{COPY}/{'audience' if aim else ''}"
    return (house.workspace.newsletters / COPY / "message.md").read_text(encoding="utf-8")


def counted(house: House) -> int:
    page = house.get(f"/newsletters/{COPY}/audience?count=1").text
    return int(re.findall(r'<p class="figure num"[^>]*>([\d,]+)</p>', page)[0])


@pytest.mark.parametrize(
    ("aim", "segment", "people"),
    [
        ("missed", f'not mailed("{SLUG}")', 1),
        ("unsigned", f'mailed("{SLUG}") and not signed("{SLUG}")', 1),
    ],
)
def test_a_copy_is_for_those_who_are_meant(house: House, sent: None, aim: str, segment: str, people: int) -> None:
    text = copied(house, aim)
    assert (
        text
        == ('---\nname: "Once more"\n' + FRONT.removeprefix('---\nname: "Our appeal"\n')).removesuffix("---\n")
        + f"audience:\n  segment: {segment}\n---\n"
        + BODY
    )
    assert counted(house) == people


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("supporter.country", f'supporter.country and not mailed("{SLUG}")'),
        ('supporter.country or mailed("x")', f'(supporter.country or mailed("x")) and not mailed("{SLUG}")'),
        ('"a" if supporter.country else "b"', f'("a" if supporter.country else "b") and not mailed("{SLUG}")'),
    ],
)
def test_the_audience_it_had_stays(house: House, sent: None, before: str, after: str) -> None:
    own = f"audience:\n  include: [supporters]\n  segment: '{before}'\n  limit: 1\n  seed: 7\n"
    house.write(front=FRONT.replace("list: supporters\n", f"list: supporters\n{own}"))
    text = copied(house, "missed")
    assert f"audience:\n  include: [supporters]\n  segment: '{after}'\ntemplate" in text
    assert "limit" not in text


def test_a_plain_copy_is_for_the_same_people(house: House, sent: None) -> None:
    page = house.get(f"/newsletters/new?copy={SLUG}").text
    assert page.count('type="radio"') == 3
    (house.file.parent / ".message.md.saving-x").write_text("half")  # somebody saves it at this moment
    assert "audience" not in copied(house, "")
    assert not list((house.workspace.newsletters / COPY).glob(".*"))


def test_what_is_signed_on_a_copy_counts_for_the_copy_alone(house: House, sent: None) -> None:
    assert "counts signatures of its own" in house.get(f"/newsletters/new?copy={SLUG}").text
    copied(house, "unsigned")
    with house.studio.database.write() as connection:
        for person in (2, 3):
            put_name(connection, COPY, person)
        assert [tally(connection, page, names=0).signatures for page in (SLUG, COPY)] == [1, 2]


def test_a_page_that_came_later_is_known(house: House) -> None:
    shelf = shelf_of(house.studio)
    assert not shelf.newsletter(house.workspace, SLUG).has_page
    (house.file.parent / "action.md").write_text("---\nheadline: Ask\n---\nWe ask.\n", encoding="utf-8")
    assert shelf.newsletter(house.workspace, SLUG).has_page


def test_what_nobody_got_offers_no_choice(house: House) -> None:
    assert 'type="radio"' not in house.get(f"/newsletters/new?copy={SLUG}").text


def test_an_audience_that_can_not_be_read_makes_no_copy(house: House, sent: None) -> None:
    house.write(front=FRONT.replace("list: supporters\n", "list: supporters\naudience:\n  segment: supporter.x ==\n"))
    body = urlencode({"name": "Once more", "copy": SLUG, "aim": "missed"}).encode()
    reply = house.post("/newsletters/new", body)
    assert reply.status == 422
    assert "can’t be read" in reply.text
    assert "Make the copy" in reply.text
    assert not (house.workspace.newsletters / COPY).exists()
    assert house.get(HERE).status == 200


@pytest.mark.sqlite
def test_one_that_repeats_begins_as_the_command_makes_it(house: House) -> None:
    page = house.get("/newsletters/new").text
    assert re.findall(r'name="series" value="([^"]*)"', page) == ["digest"]
    reply = house.post("/newsletters/new", urlencode({"name": "River news", "series": "digest"}).encode())
    assert reply.status == 303, reply.text
    slug = reply.headers["location"].split("/")[2]
    made = (house.workspace.newsletters / slug / "message.md").read_bytes()
    again = make_newsletter(house.workspace, "again", template="digest", name="River news", repeats=True)
    assert made == (house.workspace.root / again).read_bytes().replace(b"again", slug.encode())
    assert house.get(f"/newsletters/{slug}/series").status == 200
    wrong = house.post("/newsletters/new", urlencode({"name": "Another", "series": "appeal"}).encode())
    assert (wrong.status, "has no series.md" in wrong.text) == (422, True)
