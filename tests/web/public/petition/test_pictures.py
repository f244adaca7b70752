"""A page's pictures and its card: kept for a year under the address of their content, and read as large sites do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from PIL import Image

from mailer.web.pages.picture_sizes import WIDTHS
from mailer.workspace import ACTION_FILE, Workspace
from tests.web.client import fetch
from tests.web.conftest import Served
from tests.web.public.petition.test_action_page import PAGE, acting

pytestmark = pytest.mark.sqlite  # about pictures
__all__ = ["acting"]

PICTURED = PAGE.replace(
    "target: 10",
    "target: 10\npicture: river.png\nalt: A heron & a pipe\nasks: {name: Rhiannon Price, picture: face.png}\n",
)
# What sites read of a page before they give up: the first bytes, and no script. They name themselves.
HEAD_BYTES = 32_768
CRAWLERS = ("facebookexternalhit/1.1", "WhatsApp/2.23.20.0", "Twitterbot/1.0", "Bluesky Cardyb/1.1", "Mastodon/4.5")
HEAVIEST = 300_000  # WhatsApp shows no larger picture


@pytest.fixture
def pictured(acting: Served, workspace: Workspace) -> Served:
    folder = workspace.newsletters / "library"
    Image.linear_gradient("L").resize((1600, 1000)).convert("RGB").save(folder / "river.png")
    Image.new("RGB", (200, 200), "teal").save(folder / "face.png")
    (folder / ACTION_FILE).write_text(PICTURED, encoding="utf-8")
    return acting


class Head(HTMLParser):
    """What a site keeps of a page: its title, meta and link elements."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.told: dict[str, list[str]] = {}
        self.canonical = ""
        self.feed(html[:HEAD_BYTES].decode("utf-8", "replace"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("property") or given.get("name")
        if tag == "meta" and name:
            self.told.setdefault(name, []).append(given.get("content") or "")
        if tag == "link" and given.get("rel") == "canonical":
            self.canonical = given.get("href") or ""

    def one(self, name: str) -> str:
        (value,) = self.told[name]
        return value


@pytest.mark.parametrize("crawler", CRAWLERS)
def test_a_link_to_a_page_shows_a_card(pictured: Served, crawler: str) -> None:
    head = Head(fetch(pictured.port, "/act/library", headers={"User-Agent": crawler}).body)
    assert head.one("og:title") == "Keep the library & its <staff>"
    assert head.one("og:description") == head.one("description") == "The council wants to close it."
    assert head.one("og:url") == head.canonical == "https://mail.example.org/act/library"
    assert head.one("og:type") == "website"
    assert head.one("og:site_name") == "Example Campaigns"
    assert head.one("og:image:alt") == "A heron & a pipe"
    assert head.one("twitter:card") == "summary_large_image"
    address = urlsplit(head.one("og:image"))
    assert (address.scheme, address.netloc) == ("https", "mail.example.org")
    picture = fetch(pictured.port, address.path, headers={"User-Agent": crawler})
    assert (picture.status, picture.headers["content-type"]) == (200, head.one("og:image:type"))
    assert len(picture.body) < HEAVIEST
    with Image.open(BytesIO(picture.body)) as card:
        assert card.size == (int(head.one("og:image:width")), int(head.one("og:image:height"))) == (1200, 630)
    assert picture.headers["x-robots-tag"] == "all"
    assert "immutable" in picture.headers["cache-control"]


def test_a_card_of_ones_own_is_shown_as_it_is(pictured: Served, workspace: Workspace) -> None:
    folder = workspace.newsletters / "library"
    Image.new("RGB", (1200, 630), "#00ff00").save(folder / "card.png")
    before = Head(pictured.get("/act/library").body).one("og:image")
    (folder / ACTION_FILE).write_text(PICTURED.replace("picture: river", "card: card.png\npicture: river"))
    after = Head(pictured.get("/act/library").body).one("og:image")
    assert after != before, "another card has another address"
    with Image.open(BytesIO(pictured.get(urlsplit(after).path).body)) as card:
        red, green, _ = card.convert("RGB").getpixel((5, 5))  # pyright: ignore[reportGeneralTypeIssues, reportAssignmentType]
        assert (red < 9, green > 246) == (True, True)
    old = pictured.get(urlsplit(before).path)
    assert old.status == 200, "posts with the old address still show a card"
    assert old.headers["cache-control"] == "public, max-age=60"


def test_a_page_without_a_picture_has_a_card_all_the_same(acting: Served) -> None:
    head = Head(acting.get("/act/library").body)
    assert acting.get(urlsplit(head.one("og:image")).path).status == 200
    assert head.one("og:image:alt") == "Keep the library & its <staff>"


def test_pictures_come_in_sizes_and_are_kept_for_a_year(pictured: Served) -> None:
    page = pictured.get("/act/library").text
    (offered,) = re.findall(r'srcset="([^"]+)" sizes="\(min-width:900px\) 648px', page)
    for one, width in zip(offered.split(", "), WIDTHS, strict=True):
        address = one.split()[0]
        reply = pictured.get(address)
        assert (reply.status, reply.headers["content-type"]) == (200, "image/webp")
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        with Image.open(BytesIO(reply.body)) as picture:
            assert picture.width == width
        known = {"If-None-Match": reply.headers["etag"]}
        assert pictured.get(address, headers=known).status == 304
    for width, height, alt in re.findall(r'<img src="/act/[^"]+" width="(\d+)" height="(\d+)" alt="([^"]*)"', page):
        assert (width, height, alt) in (("1600", "1000", "A heron &amp; a pipe"), ("200", "200", ""))


def test_what_is_no_picture_of_the_page_is_not_there(pictured: Served, workspace: Workspace) -> None:
    address = re.findall(r"/act/library/picture/([0-9a-f]{16})-480\.webp", pictured.get("/act/library").text)[0]
    for path in (
        f"/act/other/picture/{address}-480.webp", f"/act/library/picture/{address}-481.webp",
        f"/act/library/picture/{address}-480.svg", "/act/library/picture/ffffffffffffffff-480.webp",
        "/act/library/picture/action.md", "/act/library/picture/..%2Faction.md", "/act/other/card/0123456789abcdef.jpg",
    ):  # fmt: skip
        assert pictured.get(path).status == 404, path


def test_another_picture_under_the_same_name_shows_at_once(pictured: Served, workspace: Workspace) -> None:
    before = pictured.get("/act/library").text
    Image.new("RGB", (1300, 900), "navy").save(workspace.newsletters / "library" / "river.png")
    after = pictured.get("/act/library").text
    pattern = r"/act/library/picture/[0-9a-f]{16}-480\.webp"
    assert re.findall(pattern, before)[0] != re.findall(pattern, after)[0]


def test_the_page_has_nothing_of_anothers_site(pictured: Served) -> None:
    page = pictured.get("/act/library").text
    assert "img-src 'self'" in pictured.get("/act/library").headers["content-security-policy"]
    assert not re.findall(r'(?:src|srcset)="(?!/)', page)
