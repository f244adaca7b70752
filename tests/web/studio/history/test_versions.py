"""Earlier versions in History: looked at, brought back by the same saving, and never over what is newer."""

from __future__ import annotations

import json
import re

import pytest

from mailer.editing.save import digest
from mailer.review.approvals import WROTE
from mailer.staff.rights import Role
from tests.web.studio.compose.test_pages import HEAD
from tests.web.studio.conftest import BODY, FRONT, HERE, House

TEXT = FRONT + BODY
ROOM = f"{HERE}history"


def save(house: House, text: str, base: str, path: str = HERE, **fields: str) -> None:
    body = text.removeprefix(FRONT).removeprefix(HEAD)
    sent = json.dumps({"base": base, "body": body, "fields": fields}).encode()
    assert house.post(f"{path}save", sent, Content_Type="application/json").status == 200


def bring_back(house: House, version: str, seen: str, cookie: str | None = None) -> int:
    return house.post(f"{ROOM}/{digest(version)}", f"if-match={digest(seen)}".encode(), cookie=cookie).status


def now(house: House) -> str:
    return house.file.read_bytes().decode()


@pytest.fixture
def later(house: House) -> str:
    """What the mail is after a colleague's save; its first version has line ends of its own."""
    house.file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    changed = TEXT.replace("Ask them", "Tell them").replace("\n", "\r\n")
    save(house, TEXT.replace("Ask them", "Tell them"), TEXT.replace("\n", "\r\n"))
    assert now(house) == changed
    return changed


def test_the_first_version_is_found_shown_and_brought_back_byte_for_byte(house: House, later: str) -> None:
    first = TEXT.replace("\n", "\r\n")
    versions = re.findall(rf'href="{ROOM}/(\w+)"', house.get(ROOM).text)
    assert versions == [digest(later)]
    page = house.get(f"{ROOM}/{versions[0]}").text
    assert "This is what is there now" in page
    (before,) = re.findall(rf'href="{ROOM}/(\w+)">What was there before', page)
    assert before == digest(first)
    page = house.get(f"{ROOM}/{before}").text
    assert "<del>Tell</del><ins>Ask</ins>" in page
    assert f'name="if-match" value="{digest(later)}"' in page
    reply = house.post(f"{ROOM}/{before}", f"if-match={digest(later)}".encode())
    assert (reply.status, reply.headers["location"]) == (303, f"{HERE}?done=back")
    assert now(house) == first
    assert "The earlier version is back" in house.get(f"{HERE}?done=back").text
    page = house.get(ROOM).text
    assert "An earlier version brought back" in page
    assert set(re.findall(rf'href="{ROOM}/(\w+)"', page)) == {digest(first), digest(later)}
    assert "version brought back" in WROTE, "who brings it back doesn't approve it"


def test_what_somebody_saved_meanwhile_is_not_replaced(house: House, later: str) -> None:
    first = TEXT.replace("\n", "\r\n")
    newer = later.replace("Germany.", "Berlin.")
    house.file.write_bytes(newer.encode())
    reply = house.post(f"{ROOM}/{digest(first)}", f"if-match={digest(later)}".encode())
    assert reply.status == 422
    assert "Somebody changed it meanwhile" in reply.text
    assert "Berlin." in reply.text
    assert now(house) == newer


def test_who_may_only_look_looks(house: House, later: str) -> None:
    viewer = house.sign_in(Role.VIEWER)
    page = house.get(f"{ROOM}/{digest(TEXT.replace(chr(10), chr(13) + chr(10)))}", cookie=viewer)
    assert page.status == 200
    assert "Bring it back</button>" not in page.text
    assert bring_back(house, TEXT.replace("\n", "\r\n"), later, viewer) == 403
    assert now(house) == later


def test_a_page_is_brought_back_to_its_own_file(house: House) -> None:
    file = house.file.parent / "action.md"
    first = HEAD + "\nIt closes.\n"
    file.write_text(first, encoding="utf-8")
    save(house, HEAD + "\nIt will close.\n", first, f"{HERE}page/", target="6000")
    second = file.read_text(encoding="utf-8")
    page = house.get(f"{ROOM}/{digest(first)}").text
    assert "The sign page as it was" in page
    assert "Field: target" in page
    reply = house.post(f"{ROOM}/{digest(first)}", f"if-match={digest(second)}".encode())
    assert reply.headers["location"] == f"{HERE}page/?done=back"
    assert file.read_text(encoding="utf-8") == first
    assert now(house) == TEXT
    file.unlink()
    assert "can’t be brought back" in house.get(f"{ROOM}/{digest(second)}").text
    assert bring_back(house, second, first) == 422


@pytest.mark.parametrize("version", ["0" * 16, "x", "..", "%00"])
def test_a_version_that_is_not_there(house: House, version: str) -> None:
    assert house.get(f"{ROOM}/{version}").status == 404
    assert house.post(f"{ROOM}/{version}").status == 404
