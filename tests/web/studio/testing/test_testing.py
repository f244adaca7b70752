"""A newsletter's test in the studio: set up by form, followed, decided by hand, remembered; and in a real browser."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from mailer.delivery.experiments.kept import find_test
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.states import DecisionState
from tests.accessibility import faults_on
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.patience import until
from tests.web.studio.conftest import BODY, FRONT, HERE, House
from tests.web.studio.sendings import ask_links, launch, more_people, send, sign

TEST, FOLLOWING, RESULTS, MEMORY = f"{HERE}test", f"{HERE}following", f"{HERE}results", "/results/tests"
TEST_IN_FRONT = "test:\n  b:\n    subject: Ask them now\n  # until lunch\n  wait: 6h\n"
TRIED = FRONT.replace("list: supporters\n", f"{TEST_IN_FRONT}list: supporters\n")


def fields(house: House) -> dict[str, str]:
    """What the page's form would send."""
    text = house.get(TEST).text
    found = dict(re.findall(r'name="([a-z._]+)"[^>]* value="([^"]*)"', text))
    found |= dict(re.findall(r'<textarea[^>]* name="([a-z._]+)"[^>]*>\n([^<]*)<', text))
    found |= dict(re.findall(r'name="(hours|decides)".*?<option value="([^"]*)" selected', text, re.DOTALL))
    found["mode"] = re.findall(r'value="([a-z]+)" checked', text)[0]
    return {name: html.unescape(value) for name, value in found.items()}


def save(house: House, **changed: str) -> int:
    """Send the form with some fields changed; the answer's status."""
    asked = fields(house) | {name.replace("__", "."): value for name, value in changed.items()}
    return house.post(TEST, urlencode(asked).encode()).status


def test_a_subject_test_is_set_up_and_taken_out_again(house: House) -> None:
    assert "Try another" in house.get(HERE).text
    assert (
        save(house, mode="versions", b__subject="Ask them now: {{ supporter.country }}", share="30", hours="6") == 303
    )
    written = house.file.read_text(encoding="utf-8")
    assert (
        written
        == FRONT.removesuffix("---\n")
        + ('test:\n  b:\n    subject: "Ask them now: {{ supporter.country }}"\n  share: 30%\n  wait: 6h\n---\n')
        + BODY
    )
    form = fields(house)
    assert (form["mode"], form["share"], form["b.subject"]) == (
        "versions",
        "30",
        "Ask them now: {{ supporter.country }}",
    )
    assert save(house) == 303
    assert house.file.read_text(encoding="utf-8") == written, "saved as it is, nothing changes"
    assert save(house, mode="nothing") == 303
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY
    with house.studio.database.read() as connection:
        saved = [one for one in entries(connection, AuditFilter()) if one.action == "newsletter saved"]
    assert len(saved) == 2


def test_only_what_was_changed_is_written(house: House) -> None:
    house.write(front=TRIED)
    assert save(house, c__from="Rhiannon <rhiannon@example.org>", share="25") == 303
    written = house.file.read_text(encoding="utf-8")
    assert "  # until lunch\n  wait: 6h\n" in written
    assert "  c:\n    from: Rhiannon <rhiannon@example.org>\n" in written
    assert save(house, c__from="", b__subject="", b__preheader="Now") == 303
    written = house.file.read_text(encoding="utf-8")
    assert "  b:\n    preheader: Now\n" in written
    assert "  c:" not in written


def test_going_down_the_list_is_set_up(house: House) -> None:
    assert save(house, mode="down") == 303
    assert (
        house.file.read_text(encoding="utf-8")
        == FRONT.removesuffix("---\n") + ("audience:\n  down_the_list: true\n---\n") + BODY
    )
    assert save(house, groups="60 days, 2 years", sample="2,000", clicks="5") == 303
    assert (
        "  down_the_list:\n    groups: [60 days, 2 years]\n    sample: 2000\n    clicks: 5\n" in house.file.read_text()
    )
    assert "60 days, 2 years" in house.get(TEST).text
    assert save(house, mode="versions", b__subject="Ask them now") == 303, "one takes the place of the other"
    assert "down_the_list" not in house.file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"mode": "versions"}, "One version alone can’t be tried. Say what is different in B."),
        ({"mode": "versions", "b__subject": "Now", "share": "60"}, "Test.share must be from 10% to 50%"),
        ({"mode": "versions", "b__subject": "Now", "share": "many"}, "must be a number, not “many”"),
        ({"mode": "versions", "b__subject": "Now", "hours": "0"}, "Test.wait must be from 1 hour to 7 days"),
        ({"mode": "down", "groups": "90 days, 30 days"}, "Groups must be 1 to 8 ages, the shortest first"),
        ({"mode": "down", "sample": "none"}, "must be a number, not “none”"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_saved(house: House, changed: dict[str, str], words: str) -> None:
    asked = fields(house) | {name.replace("__", "."): value for name, value in changed.items()}
    reply = house.post(TEST, urlencode(asked).encode())
    assert reply.status == 422
    assert words in html.unescape(reply.text)
    assert house.file.read_text(encoding="utf-8") == FRONT + BODY


def test_what_somebody_else_saved_meanwhile_stays(house: House) -> None:
    asked = fields(house) | {"mode": "versions", "b.subject": "Ask them now"}
    house.write(front=FRONT.replace("Twelve of them", "Ten of them"))
    assert house.post(TEST, urlencode(asked).encode()).status == 303
    written = house.file.read_text(encoding="utf-8")
    assert "Ten of them" in written
    assert "    subject: Ask them now\n" in written
    assert house.post(TEST, urlencode(asked | {"base": "{"}).encode()).status == 400


def test_it_says_what_a_test_buys_once_people_are_counted(house: House) -> None:
    more_people(house.studio, range(10, 60))
    assert "Count them" in house.get(TEST).text
    text = house.get(f"{TEST}?count=1").text
    assert "more signatures than no test" in text
    curves = json.loads(html.unescape(re.search(r'data-gains="([^"]+)"', text)[1]))  # type: ignore[index]
    assert set(curves) == {"2", "3", "4"}
    assert "Count them" not in house.get(TEST).text, "it is known for a while"


def test_who_may_not_write_may_look(house: House) -> None:
    viewer = house.sign_in(Role.VIEWER)
    text = house.get(TEST, cookie=viewer).text
    assert "What should it find out?" in text
    assert 'form="trial">Save' not in text
    assert house.post(TEST, b"mode=nothing", cookie=viewer).status == 403


@pytest.fixture
def tested(house: House) -> int:
    """63 people: 9 get each of two versions; 2 of a and 7 of b sign, and the time has come."""
    more_people(house.studio, range(10, 70))
    house.write(front=TRIED.replace("  wait: 6h", "  share: 30%\n  wait: 6h"))
    campaign = launch(house.studio)
    send(house.studio)
    return campaign


def people_of(house: House, campaign: int, arm: str) -> list[int]:
    with house.studio.database.read() as connection:
        mine = (deliveries.c.campaign_id == campaign, deliveries.c.arm == arm)
        return [int(one) for one in connection.execute(select(deliveries.c.person_id).where(*mine)).scalars()]


def page_once_counted(house: House, path: str, cookie: str | None = None) -> str:
    until(lambda: "Counting…" not in house.get(path, cookie=cookie).text)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", house.get(path, cookie=cookie).text)))


def test_before_its_time_the_pages_name_no_leader(house: House, tested: int) -> None:
    first, *_, last = ask_links(house.studio, tested)
    for person in people_of(house, tested, "b")[:5]:
        sign(house.studio, tested, person, n=last)
    assert first != last
    for path in (FOLLOWING, RESULTS):
        text = page_once_counted(house, path)
        assert "A: 0 of 9 signed, B: 5 of 9 so far." in text
        assert "No version leads before" in text
        assert "per 1,000 Clicked" not in text
    assert "The others wait" in page_once_counted(house, FOLLOWING) or "Nothing is leaving" in house.get(FOLLOWING).text
    assert house.post(f"{TEST}/decide", b"arm=b").status != 303, "nobody is that far ahead"
    assert house.get(TEST).status == 303, "what has left isn't set up any more"


def test_staff_decide_by_hand_what_is_left_to_them(house: House, tested: int) -> None:
    house.studio.clock.at += timedelta(hours=6, minutes=1)  # type: ignore[attr-defined]
    assert "To everybody else goes" in page_once_counted(house, FOLLOWING)
    writer = house.sign_in(Role.WRITER)
    assert house.post(f"{TEST}/decide", b"arm=b", cookie=writer).status == 403
    sender = house.sign_in(Role.SENDER, "Rhiannon")
    reply = house.post(f"{TEST}/decide", b"arm=b", cookie=sender)
    assert (reply.status, reply.headers["location"]) == (303, FOLLOWING)
    send(house.studio)
    with house.studio.database.read() as connection:
        test = find_test(connection, tested)
        stage = connection.execute(select(campaigns.c.stage)).scalar_one()
    assert test
    assert (test.state, test.winner, stage) == (DecisionState.DECIDED, "b", 1)
    until(lambda: "chose B by hand." in house.get(RESULTS, cookie=sender).text)
    memory = page_once_counted(house, MEMORY, sender)
    assert "Our appeal" in memory
    assert "B went to the others, chosen by hand" in memory
    limited = house.sign_in(Role.SENDER, "Ann", lists=("another",))
    assert "Our appeal" not in house.get(MEMORY, cookie=limited).text


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    found, trouble = context.new_page(), list[str]()
    found.on("pageerror", lambda error: trouble.append(str(error)))
    found.goto(house.door)
    yield found
    assert trouble == []
    context.close()


@pytest.mark.sqlite
def test_a_walk_from_an_idea_to_the_memory_on_a_phone_and_a_desktop(page: Page, house: House) -> None:
    more_people(house.studio, range(10, 70))
    page.goto(house.origin + HERE)
    page.get_by_role("link", name="Try another").click()
    page.goto(f"{house.origin}{TEST}?count=1")
    page.get_by_label("Which version brings more signatures").check()
    page.locator("#f-b-subject").fill("Ask them now")
    slider = page.get_by_label("The same as a slider")
    slider.fill("40")
    expect(page.get_by_label("The part that tries them")).to_have_value("40")
    expect(page.locator("#each")).to_have_text("13 people each get one version")
    found: dict[str, object] = {}

    def looked(name: str) -> None:
        for width, scheme in ((390, "light"), (1280, "dark")):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            wide = page.evaluate("document.documentElement.scrollWidth") > width
            if faults := [*faults_on(page), *(["too wide"] if wide else [])]:
                found[f"{name} {width}"] = faults

    looked("setting up")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.get_by_label("How far down the list it does well").check()
    looked("down the list")
    page.goto(f"{house.origin}{HERE}send?whole")
    expect(page.get_by_text("2 versions")).to_be_visible()
    looked("before it is sent")
    page.goto(house.origin + MEMORY)  # Send would follow it by itself
    campaign = launch(house.studio)
    send(house.studio)
    house.studio.clock.at += timedelta(hours=5)  # type: ignore[attr-defined]
    page_once_counted(house, FOLLOWING)
    page.goto(house.origin + FOLLOWING)
    looked("following")
    with page.expect_navigation():
        page.get_by_role("button", name="Ask them now").click()
    send(house.studio)
    for path, name in ((RESULTS, "results"), (MEMORY, "memory")):
        page_once_counted(house, path)
        page.goto(house.origin + path)
        looked(name)
    assert found == {}
    assert campaign
