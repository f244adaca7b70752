"""The archive: only what staff made public, nothing personal in it, and a feed that feed readers take."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from urllib.parse import quote
from xml.etree import ElementTree as ET

import PIL.Image
import pytest
from sqlalchemy import update

from mailer.compose.message import Image, to_json
from mailer.store.tables.core import campaigns, images
from mailer.store.tables.states import CampaignState
from mailer.tracking.tokens import Purpose
from mailer.web.public.app import create_app
from mailer.web.public.core.public_issues import Entry
from mailer.web.public.mail.archive import ATOM, atom
from mailer.web.public.mail.view_in_browser import with_main
from mailer.workspace import Workspace
from tests.conftest import NOW
from tests.reports.builders import CAMPAIGN, SLUG, add_campaign, make_message
from tests.web.client import BROWSER, fetch, serving
from tests.web.conftest import Served
from tests.web.test_pages import Outline

pytestmark = pytest.mark.sqlite  # about pages; what they read is little

NAMES = {"a": ATOM}


def publish(served: Served, **values: object) -> None:
    with served.database.write() as connection:
        connection.execute(
            update(campaigns).where(campaigns.c.id == CAMPAIGN).values(is_public=True, launched_at=NOW, **values)
        )


def test_nothing_is_public_by_itself(served: Served) -> None:
    assert SLUG not in served.get("/archive").text
    assert served.get(f"/archive/{SLUG}").status == 404
    assert served.get(f"/archive/{SLUG}/go/1").status == 404
    assert not ET.fromstring(served.get("/archive/feed.atom").body).findall("a:entry", NAMES)


@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.OVERDUE, CampaignState.CANCELLED])
def test_what_was_not_sent_is_not_shown(served: Served, state: CampaignState) -> None:
    publish(served, state=state)
    assert served.get(f"/archive/{SLUG}").status == 404
    assert SLUG not in served.get("/archive").text


def test_a_public_newsletter_shows_nothing_of_anybody(served: Served) -> None:
    publish(served)
    page = served.get(f"/archive/{SLUG}")
    assert page.status == 200
    assert "Mary" not in page.text
    assert "/c/" not in page.text, "no link of anybody's mail"
    assert "/u/" not in page.text
    assert f"/archive/{SLUG}/go/1" in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["x-robots-tag"] == "all"


def test_its_links_lead_on_and_count_for_nothing(served: Served) -> None:
    publish(served)
    answer = served.get(f"/archive/{SLUG}/go/1")
    assert (answer.status, answer.headers["location"]) == (302, "https://action.example.org/act/ask?source=mail")
    assert served.get(f"/archive/{SLUG}/go/4").headers["location"] == "https://example.org/in/?x=1", "a fallback"
    for wrong in ("0", "01", "99", "x", "1/2"):
        assert served.get(f"/archive/{SLUG}/go/{wrong}").status == 404
    assert served.rows() == []


def test_the_newest_stands_first_on_the_page_and_in_the_feed(served: Served) -> None:
    publish(served)
    with served.database.write() as connection:
        later = replace(make_message(), slug="2026-12-thanks", subject=("Thank you & <all>",), language="fr")
        add_campaign(
            connection, later, now=NOW, campaign_id=CAMPAIGN + 1, is_public=True, launched_at=NOW + timedelta(days=9)
        )
    text = served.get("/archive").text
    assert text.index("2026-12-thanks") < text.index(f"/archive/{SLUG}")
    assert "Thank you &amp; &lt;all&gt;" in text
    answer = served.get("/archive/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = ET.fromstring(answer.body)
    titles = [entry.findtext("a:title", namespaces=NAMES) for entry in root.findall("a:entry", NAMES)]
    assert titles == ["Thank you & <all>", "Ask them"]
    assert root.findtext("a:updated", namespaces=NAMES) == (NOW + timedelta(days=9)).isoformat()
    for entry in root.findall("a:entry", NAMES):  # RFC 4287 §4.1.2: what each entry must have
        for name in ("id", "title", "updated"):
            assert entry.findtext(f"a:{name}", namespaces=NAMES)


def test_a_feed_is_xml_whatever_staff_wrote() -> None:
    sent_at = datetime.fromisoformat("2026-11-25T09:00Z")
    entry = Entry("x", sent_at, "a\x0bb\x00<&", "😀\ufffe", "en", "ltr")
    root = ET.fromstring(atom([entry], base="https://mail.example.org", organisation="A & B"))
    assert root.findtext("a:title", namespaces=NAMES) == "A & B"
    assert root.find("a:entry/a:title", NAMES).text == "ab<&"  # pyright: ignore[reportOptionalMemberAccess]


def test_search_engines_may_read_what_is_for_everybody_alone(served: Served) -> None:
    lines = served.get("/robots.txt").text.splitlines()
    assert "Allow: /archive" in lines
    assert lines[-1] == "Disallow: /"


def ids(body: bytes) -> list[str | None]:
    root = ET.fromstring(body)
    return [one.findtext("a:id", namespaces=NAMES) for one in (root, *root.findall("a:entry", NAMES))]


def test_ids_of_the_feed_survive_a_move(served: Served, workspace: Workspace, now: datetime) -> None:
    publish(served)
    before = served.get("/archive/feed.atom").body
    public = replace(workspace.settings.public, url="https://news.example.net/mail")
    moved = replace(workspace, settings=replace(workspace.settings, public=public))
    with serving(create_app(moved, served.database, clock=lambda: now)) as port:
        after = fetch(port, "/archive/feed.atom").body
    assert b"https://news.example.net/mail/archive/" in after
    assert ids(after) == ids(before)
    assert len(set(ids(before))) == 2
    assert all(str(one).startswith("urn:uuid:") for one in ids(before))


@pytest.mark.parametrize("path", ["/archive/feed.atom", "/archive", f"/archive/{SLUG}", "/i/0123456789abcdef/x.png"])
def test_what_a_reader_has_is_not_sent_again(served: Served, path: str) -> None:
    publish(served)
    first = served.get(path)
    mark = first.headers["etag"]
    for known in (mark, f"W/{mark}", f'"other", {mark}', "*"):
        again = served.get(path, headers={**BROWSER, "If-None-Match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", mark)
        assert again.headers["cache-control"] == first.headers["cache-control"]
    for other in ('"other"', mark[:-2] + 'x"', "W/", ""):
        assert served.get(path, headers={**BROWSER, "If-None-Match": other}).status == 200
    with served.database.write() as connection:
        add_campaign(
            connection, replace(make_message(), slug="2026-12-x"), now=NOW, campaign_id=CAMPAIGN + 1, is_public=True,
            launched_at=NOW + timedelta(days=9),
        )  # fmt: skip
    changed = served.get(path, headers={**BROWSER, "If-None-Match": mark}).status
    assert changed == (200 if path in ("/archive", "/archive/feed.atom") else 304)


def test_mails_as_pages_have_one_main_part(served: Served) -> None:
    publish(served)
    for path in (served.path(Purpose.VIEW),):
        assert len(re.findall(r"<body><main>.*</main>", served.get(path).text, re.DOTALL)) == 1


@pytest.mark.parametrize("html", ["", "no body", "<body>", "<BODY class=a>x</BODY >", "<body>a</body>b</body>"])
def test_a_main_part_takes_nothing_away(html: str) -> None:
    assert with_main(html).replace("<main>", "").replace("</main>", "") == html


def test_a_newsletter_mailed_under_another_public_address_shows_its_pictures(served: Served) -> None:
    old = replace(
        make_message(public_url="https://old.example.org"),
        html=('<html lang="en"><body><img src="https://old.example.org/i/0123456789abcdef/a.png" alt=""><a href="', 2,
              '/1">Add your name</a>'),
    )  # fmt: skip
    publish(served, message=to_json(old))
    page = served.get(f"/archive/{SLUG}").text
    assert "old.example.org" not in page
    assert "/i/0123456789abcdef/a.png" in page
    mail = served.get(f"/v/{served.token(Purpose.VIEW)}").text
    assert "old.example.org" not in mail
    assert "/i/0123456789abcdef/a.png" in mail


def png(size: tuple[int, int]) -> bytes:
    out = BytesIO()
    PIL.Image.new("RGB", size, "#2a7f86").save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(BytesIO(data))


PNG = png((640, 400))
WITH_PICTURE = (
    '<html lang="en"><body><table><tr><td>Take action</td></tr><tr><td><h1>Ask them</h1></td></tr><tr><td>'
    '<img src="https://mail.example.org/i/0123456789abcdef/river.png" alt="The river" width="520"></td></tr>'
    "<tr><td><p>Dear friend, read this.</p></td></tr></table></body></html>"
)


@pytest.fixture
def illustrated(served: Served) -> Served:
    """A door with a public newsletter that has a picture, and a list that anybody may join."""
    with served.database.write() as connection:
        connection.execute(update(images).values(content=PNG))
    river = Image("river.png", "0123456789abcdef", "image/png")
    publish(served, message=to_json(replace(make_message(), html=(WITH_PICTURE,), images=(river,))))
    return served


def test_a_public_newsletter_is_a_page_of_ours(illustrated: Served) -> None:
    page = illustrated.get(f"/archive/{SLUG}").text
    outline = Outline(page)
    assert outline.names().count("h1") == outline.names().count("main") == 1
    assert '<p class="kicker"' in page
    assert "Dear friend, read this." in page
    assert "<table" not in page
    assert "noindex" not in page
    assert 'alt="The river"' in page


def test_its_pictures_come_in_sizes(illustrated: Served) -> None:
    for path in ("/archive", f"/archive/{SLUG}"):
        tags = Outline(illustrated.get(path).text).tags
        sources = [given["srcset"] or "" for tag, given in tags if tag == "source"]
        (address, width), *_ = (one.rsplit(" ", 1) for one in sources[0].split(", "))
        reply = illustrated.get(address)
        assert (reply.status, reply.headers["content-type"]) == (200, "image/webp")
        assert f"{opened(reply.body).width}w" == width
        (image,) = [given for tag, given in tags if tag == "img"]
        assert (image["width"], image["height"]) == ("640", "400"), "nothing moves while it loads"
        assert illustrated.get(str(image["src"])).status == 200
    for other in ("fedcba9876543210-480.webp", "0123456789abcdef-481.webp", "x"):
        assert illustrated.get(f"/archive/{SLUG}/picture/{other}").status == 404
    assert illustrated.get("/archive/2026-01-other/picture/0123456789abcdef-480.webp").status == 404


def test_a_link_to_it_shows_a_card(illustrated: Served) -> None:
    for path, title, kind in (
        (f"/archive/{SLUG}", "Ask them", "article"),
        ("/archive", "Example Campaigns", "website"),
    ):
        told = {
            given["property"]: given["content"]
            for tag, given in Outline(illustrated.get(path).text).tags
            if tag == "meta" and "property" in given
        }
        assert (told["og:title"], told["og:type"]) == (title, kind)
        assert told["og:url"] == f"https://mail.example.org{path}"
        card = illustrated.get(str(told["og:image"]).removeprefix("https://mail.example.org"))
        assert (card.status, card.headers["content-type"], opened(card.body).size) == (200, "image/jpeg", (1200, 630))
        assert "immutable" in card.headers["cache-control"]
    older = illustrated.get(f"/archive/{SLUG}/card/{'0' * 16}.jpg")
    assert (older.status, "immutable" in older.headers["cache-control"]) == (200, False)
    assert illustrated.get(f"/archive/2026-01-other/card/{'0' * 16}.jpg").status == 404


def test_the_feed_has_the_picture(illustrated: Served) -> None:
    (entry,) = ET.fromstring(illustrated.get("/archive/feed.atom").body).findall("a:entry", NAMES)
    (enclosed,) = entry.findall("a:link[@rel='enclosure']", NAMES)
    src = "https://mail.example.org/i/0123456789abcdef/river.png"
    assert (enclosed.get("href"), enclosed.get("type")) == (src, "image/png")
    content = entry.find("a:content", NAMES)
    assert content is not None
    assert content.get("type") == "html"
    assert f'<img src="{src}" alt="The river">' in (content.text or "")


def test_the_archive_has_a_way_to_join(illustrated: Served, workspace: Workspace) -> None:
    assert "Get the next one" not in illustrated.get("/archive").text, "no list is open to all"
    (workspace.lists / "updates.toml").write_text(
        'title = "Updates"\nlist_id = "u.example.org"\nabout = "Twice a month."\npublic_form = true\nconsent = "Yes"\n'
    )
    for path in ("/archive", f"/archive/{SLUG}"):
        page = illustrated.get(path).text
        assert "Get the next one" in page
        assert "Twice a month." in page
        assert 'action="/join/updates"' in page
    assert "Sign up for Updates" in illustrated.get("/").text


def test_dates_are_in_the_readers_language(illustrated: Served) -> None:
    assert "30 novembre 2026" not in illustrated.get("/archive").text
    day = NOW.strftime("%-d")
    assert f"{day} novembre {NOW.year}" in illustrated.get("/archive?lang=fr").text
    assert f"{day}. November {NOW.year}" in illustrated.get(f"/archive/{SLUG}?lang=de").text


def test_an_empty_archive_is_not_for_search_engines(served: Served) -> None:
    page = served.get("/archive")
    assert "noindex" in page.text
    assert page.headers["x-robots-tag"] == "noindex"


def test_a_long_archive_comes_in_light_pages(illustrated: Served) -> None:
    river = Image("river.png", "0123456789abcdef", "image/png")
    made = replace(make_message(), html=(WITH_PICTURE,), images=(river,), preheader=("What became of it. " * 5,))
    with illustrated.database.write() as connection:
        for number in range(1, 20):
            add_campaign(
                connection, replace(made, slug=f"2026-12-issue-{number}"), now=NOW, campaign_id=CAMPAIGN + number,
                is_public=True, launched_at=NOW + timedelta(days=number),
            )  # fmt: skip
    seen: list[str] = []
    path = "/archive?lang=ar"
    for _ in range(3):
        page = illustrated.get(path)
        assert len(page.body) < 20_000
        seen += re.findall(r'<h2><a href="/archive/([^/"]+)"', page.text)
        assert page.text.count('loading="lazy"') <= 8
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = "/archive" + html.unescape(older[1]) if older else ""
    assert path == ""
    assert seen == [f"2026-12-issue-{number}" for number in range(19, 0, -1)] + [SLUG]
    assert illustrated.get("/archive?page=4").status == 404
    for odd in ("0", "-1", "x", "99999", "٣"):
        assert "2026-12-issue-19" in illustrated.get(f"/archive?page={quote(odd)}").text
