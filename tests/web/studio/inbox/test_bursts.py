"""A scanner's unsubscribes in the Inbox: everybody in them is shown first, and who may decides, once."""

from __future__ import annotations

import re

import pytest

from mailer.staff.rights import Role
from mailer.web import counted_beside
from tests.patience import HANG_SECONDS
from tests.web.studio.conftest import House
from tests.web.studio.inbox.came_back import PEOPLE, SCANNED, leave, on_the_list, scan, words

EVERYBODY = set(range(1, PEOPLE + 1))


@pytest.fixture
def scanned(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(counted_beside, "A_PAGE_WAITS_SECONDS", HANG_SECONDS)
    scan(house, leave(house))
    return house


def place(house: House) -> str:
    found = re.search(r'href="(/inbox/bursts/\d+)"', house.get("/inbox").text)
    assert found
    return found[1]


def mark(house: House, path: str) -> bytes:
    found = re.search(r'name="mark" value="(\w+)"', house.get(path).text)
    assert found
    return found[1].encode()


def test_the_list_comes_first_and_undoing_puts_back_exactly_them(scanned: House) -> None:
    assert "A scanner may have unsubscribed 6 people" in words(scanned.get("/").text)
    assert re.search(r'Inbox<span class="n">1</span>', scanned.get("/inbox").text)
    path = place(scanned)
    text = words(scanned.get(path).text)
    assert all(f"mary{n}@example.org" in text for n in SCANNED)
    assert "mary7@example.org" not in text
    assert on_the_list(scanned) == EVERYBODY - set(SCANNED), "looking changes nothing"
    body = b"choice=undo&mark=" + mark(scanned, path)
    assert scanned.post(path, body).headers["location"] == "/inbox"
    assert on_the_list(scanned) == EVERYBODY
    assert "Nothing waits for you." in words(scanned.get("/inbox").text)
    assert scanned.post(path, body).status == 422, "it isn’t there any more"
    assert "6 people" in words(scanned.get("/audit?q=unsubscribes").text)


def test_people_pressed_holds_and_is_asked_no_more(scanned: House) -> None:
    path = place(scanned)
    assert scanned.post(path, b"choice=people&mark=" + mark(scanned, path)).status == 303
    assert on_the_list(scanned) == EVERYBODY - set(SCANNED)
    assert "Nothing waits for you." in words(scanned.get("/inbox").text)


@pytest.mark.sqlite
def test_names_are_for_who_may_see_them_and_decisions_for_who_may_decide(scanned: House) -> None:
    path = place(scanned)
    body = b"choice=undo&mark=" + mark(scanned, path)
    approver, elsewhere = scanned.sign_in(Role.APPROVER), scanned.sign_in(Role.SENDER, "E", lists=("others",))
    text = scanned.get("/inbox", cookie=approver).text
    assert "A scanner may have unsubscribed 6 people" in text
    assert not re.search(r"mary\d|/inbox/bursts/", text)
    for cookie, status in ((approver, 403), (scanned.sign_in(Role.VIEWER), 403), (elsewhere, 404)):
        assert scanned.get(path, cookie=cookie).status == status
        assert scanned.post(path, body, cookie=cookie).status == status
    assert "Nothing waits for you." in words(scanned.get("/inbox", cookie=elsewhere).text)
    assert on_the_list(scanned) == EVERYBODY - set(SCANNED)


@pytest.mark.sqlite
def test_a_form_without_its_list_does_nothing(scanned: House) -> None:
    path = place(scanned)
    for body in (b"", b"choice=undo", b"choice=x&mark=1"):
        assert scanned.post(path, body).status == 400
    assert scanned.post(path, b"choice=undo&mark=0123456789abcdef").status == 422
    assert scanned.get("/inbox/bursts/x").status == 404
    assert on_the_list(scanned) == EVERYBODY - set(SCANNED)
