"""The archive: only what staff made public, nothing personal in it, and a feed that feed readers take."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import update

from mailer.compose.message import to_json
from mailer.store.tables.core import campaigns
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
