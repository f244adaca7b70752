"""All results: newsletters compared, who joins, leaves and acts, and sign pages; by right, and in a real browser."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from mailer.audience.selection.saved_segments import read_segment
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.tables.inbound import signatures
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import until
from tests.web.studio.compose.test_pages import HEAD, TEXT
from tests.web.studio.conftest import HERE, SLUG, House
from tests.web.studio.sendings import ask_links, launch, send, sign

ROOM = "/results"
PEOPLE, PAGES = f"{ROOM}/people", f"{ROOM}/pages"


@pytest.fixture
def sent(house: House) -> House:
    """Three people got a newsletter, and one signed by its button."""
    (house.file.parent / "action.md").write_text(HEAD + TEXT, encoding="utf-8")
    campaign = launch(house.studio)
    send(house.studio)
    sign(house.studio, campaign, 1, n=ask_links(house.studio, campaign)[0])
    return house


def counted_page(house: House, path: str, cookie: str | None = None) -> str:
    """The page once its figures are counted."""

    def is_counted() -> bool:
        reply = house.get(path, cookie=cookie)
        assert reply.status == 200, path
        return "Counting…" not in reply.text

    until(is_counted)
    return house.get(path, cookie=cookie).text


def test_before_anything_left_it_says_what_will_be_here(house: House) -> None:
    assert "Nothing to compare yet" in counted_page(house, ROOM)
    assert "No sign page yet" in counted_page(house, PAGES)
    assert f'href="{ROOM}"' in house.get("/").text, "it is in the sidebar"


def test_newsletters_are_compared_sorted_and_put_together(sent: House) -> None:
    html = counted_page(sent, ROOM)
    assert "333 signatures per 1,000 people" in html
    assert f'<a class="t" href="{HERE}results"><bdi>Our appeal</bdi></a>' in html
    assert "Our appeal: 333" in html, "the chart says its bars"
    for query, words in (
        ("?by=month", "Nov 2026"), ("?by=list", 'href="/lists/supporters"'), ("?measure=sent", "Our appeal: 3"),
        ("?sort=signed&up=1", 'aria-sort="ascending"'), ("?list=supporters&span=all", "Our appeal"),
        ("?by=x&list=../x&measure=x&sort=x", "333 signatures"),
    ):  # fmt: skip
        assert words in counted_page(sent, ROOM + query), query


def test_the_file_holds_what_is_compared(sent: House) -> None:
    counted_page(sent, ROOM)
    reply = sent.get(f"{ROOM}/newsletters.csv?by=list")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(reply.text))
    assert (row["list"], row["sent"], row["signed"]) == ("supporters", "3", "1")


def test_who_acted_lately_is_saved_as_a_segment_in_one_press(sent: House) -> None:
    writer = sent.sign_in(Role.WRITER)
    html = counted_page(sent, PEOPLE, writer)
    until(lambda: "In 30 days" in sent.get(PEOPLE, cookie=writer).text)
    told = r'In 30 days</b><p class="sub"><span class="num">1</span> · 333 of 1,000'
    assert re.search(told, sent.get(PEOPLE, cookie=writer).text)
    assert "joined" in html
    assert sent.post(f"{PEOPLE}/acted", b"days=31", cookie=writer).status == 400
    assert sent.post(f"{PEOPLE}/acted", b"days=30", cookie=sent.sign_in(Role.VIEWER)).status == 403
    for _ in range(2):
        reply = sent.post(f"{PEOPLE}/acted", b"days=30", cookie=writer)
        assert (reply.status, reply.headers["location"]) == (303, "/segments/acted-in-30-days?done=saved")
    assert read_segment(sent.workspace, "acted-in-30-days").title == "Acted in the last 30 days"
    with sent.studio.database.read() as connection:
        saved = [one for one in entries(connection, AuditFilter()) if one.subject == "segment acted-in-30-days"]
    assert len(saved) == 1
    assert 'href="/segments/acted-in-30-days"' in counted_page(sent, PEOPLE, writer)


def test_sign_pages_show_their_signatures_and_lead_to_the_petition(sent: House) -> None:
    html = counted_page(sent, PAGES)
    assert "1 signature in 24 hours" in html
    assert f'href="{HERE}petition"' in html
    (sent.file.parent / "action.md").write_text(HEAD.replace("target:", "show_comments: held\ntarget:") + TEXT, "utf-8")
    with sent.studio.database.write() as connection:
        connection.execute(update(signatures).values(comment="Because.", shown=True, comment_state="new"))
    assert "1 comment to read" in counted_page(sent, PAGES)


def test_who_is_limited_to_lists_sees_those_alone(sent: House) -> None:
    other = sent.sign_in(Role.SENDER, lists=("another",))
    assert "Our appeal" not in counted_page(sent, f"{ROOM}?span=all", other)
    assert SLUG not in sent.get(f"{ROOM}/newsletters.csv", cookie=other).text
    assert "Our appeal" not in counted_page(sent, PAGES, other)
    people = counted_page(sent, PEOPLE, other)
    assert "/lists/supporters" not in people
    assert "Who acted lately" not in people
    assert "Our appeal" in counted_page(sent, ROOM, sent.sign_in(Role.SENDER, "Ann", lists=("supporters",)))


@pytest.fixture
def page(browser: Browser, sent: House) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    found, trouble = context.new_page(), list[str]()
    found.on("pageerror", lambda error: trouble.append(str(error)))
    found.goto(sent.door)
    yield found
    assert trouble == []
    context.close()


@pytest.mark.sqlite
def test_a_walk_through_the_room_on_a_phone_and_a_desktop(page: Page, sent: House) -> None:
    for path in (ROOM, PEOPLE, PAGES):
        counted_page(sent, path)
    found: dict[str, object] = {}
    for width, scheme in ((390, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for path in (ROOM, f"{ROOM}?by=month", PEOPLE, PAGES):
            page.goto(sent.origin + path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            wide = page.evaluate("document.documentElement.scrollWidth") > width
            if faults := [*faults_on(page), *(["too wide"] if wide else [])]:
                found[f"{path} {width}"] = faults
    assert found == {}
    page.goto(sent.origin + ROOM)
    page.get_by_role("link", name="Unsubscribed").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Unsubscribed")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("link", name="People", exact=True).last.click()
    page.get_by_role("button", name="Save those of 60 days as a segment").click()
    page.wait_for_url(f"{sent.origin}/segments/acted-in-60-days?done=saved")
