"""Every route as every role and as a stranger: nobody gets what their rights don't bring, and nothing fails."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from mailer.staff.rights import RIGHTS, Right, Role
from mailer.web.studio.app import ROOMS
from mailer.web.studio.core.access import cookie_name
from mailer.web.studio.core.rooms import Access, StudioRoute
from tests.web.client import Reply
from tests.web.studio.conftest import SLUG, House

ROUTES = [route for room in ROOMS for route in room.routes]
NOTHING: dict[str, str] = {}
SOMETHING = {  # what placeholders stand for, where it is there
    "name": SLUG, "template": "appeal", "n": "1", "thread": "1", "as": "ada", "shape": "phone", "page": "view",
    "list": "supporters", "segment": "active",
}  # fmt: skip
NOBODYS = "9"  # in place of all others: nobody's number, so no session ends
EVENTS = re.compile(r"/(moves|changes|events|progress)$")  # answers that go on until somebody leaves
# What is in the house without a right, and why. Anything else that lets everybody in fails here first.
OPEN = {
    "/static/{digest}/{name:path}", "/open/{key}",  # what pages are made of; the key of one's own machine
    "/sign-in", "/sign-in/passkey", "/sign-in/passkey/ask", "/sign-in/sso", "/sign-in/back", "/sign-out",
    "/join", "/join/{token}", "/join/{token}/passkey", "/join/{token}/passkey/ask",
}  # fmt: skip


def path_of(route: StudioRoute, values: Mapping[str, str] = NOTHING) -> str:
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values.get(found[1], NOBODYS), route.path)


def ask(house: House, route: StudioRoute, cookie: str, values: Mapping[str, str] = NOTHING) -> Reply:
    path = path_of(route, values)
    return house.get(path, cookie=cookie) if route.method == "GET" else house.post(path, b"", cookie=cookie)


def test_each_route_is_there_once() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_only_the_door_lets_everybody_in() -> None:
    assert {route.path for route in ROUTES if route.asks is Access.ANYBODY} == OPEN


def test_what_changes_something_asks_for_a_right_or_is_ones_own() -> None:
    own = {route.path for route in ROUTES if route.method != "GET" and route.asks is Access.SIGNED_IN}
    stops_work = "/long-work/{number}/stop"  # asks for what the work's topic asks for
    assert all(path.startswith("/account") for path in own - {stops_work}), own


@pytest.mark.parametrize(
    "values", [NOTHING, pytest.param(SOMETHING, marks=pytest.mark.sqlite)], ids=["nothing", "something"]
)
@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_its_rights_bring(house: House, role: Role, values: Mapping[str, str]) -> None:
    """All routes in one studio: ending one's own session would only be seen by the next."""
    house.sign_in(Role.ADMIN, "Amina")  # whose account and session are number 1
    cookie = house.sign_in(role)
    wrong: list[str] = []
    for route in ROUTES:
        if EVENTS.search(route.path) or route.path == "/sign-out":
            continue
        reply = ask(house, route, cookie, values)
        may = not isinstance(route.asks, Right) or route.asks in RIGHTS[role]
        if reply.status >= 500 or (reply.status == 403) is may:
            wrong.append(f"{route.method} {route.path} ({route.asks}): {reply.status}")
    assert wrong == []


@pytest.mark.parametrize(
    ("lists", "may"), [(("supporters",), True), (("supporters", "x"), True), (("x",), False), ((), False)]
)
def test_who_is_limited_to_lists_works_on_their_newsletters_alone(
    house: House, lists: tuple[str, ...], may: bool
) -> None:
    """Whatever the room: they look at the others, and do nothing there."""
    cookie = house.sign_in(Role.ADMIN, lists=lists)
    before, wrong = house.file.read_bytes(), list[str]()
    for route in ROUTES:
        if not route.path.startswith("/newsletters/{name}") or EVENTS.search(route.path):
            continue
        reply = ask(house, route, cookie, {"name": SLUG})
        if (reply.status == 403) is not (isinstance(route.asks, Right) and not may):
            wrong.append(f"{route.method} {route.path} ({route.asks}): {reply.status}")
    assert wrong == []
    assert may or house.file.read_bytes() == before


def test_a_stranger_opens_the_door_alone(house: House) -> None:
    house.sign_in(Role.ADMIN)  # from here on everybody signs in
    wrong: list[str] = []
    for route in ROUTES:
        for cookie in ("", house.cookie, f"{cookie_name(house.studio)}=x"):
            if route.asks is Access.ANYBODY:
                continue
            reply = ask(house, route, cookie, SOMETHING)
            to_the_door = reply.status == 303 and reply.headers["location"].startswith("/sign-in")
            if not (to_the_door or reply.status == 401):
                wrong.append(f"{route.method} {route.path}: {reply.status}")
    assert wrong == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_nothing_is_changed_from_another_site(house: House, origin: str) -> None:
    cookie = house.sign_in(Role.ADMIN)
    for route in ROUTES:
        if route.method != "GET":
            path = path_of(route)
            assert house.post(path, b"", cookie=cookie, Origin=origin).status == 403, route.path
            crossed = house.post(path, b"", cookie=cookie, Sec_Fetch_Site="cross-site")
            assert crossed.status == 403, route.path
