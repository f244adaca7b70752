"""Every route as every role and as a stranger: nobody gets what their rights don't bring, and nothing falls over."""

from __future__ import annotations

import re

import pytest

from mailer.staff.accounts import add_account
from mailer.staff.actor import terminal
from mailer.staff.rights import RIGHTS, Right, Role
from mailer.staff.sessions import open_session
from mailer.web.studio.app import ROOMS
from mailer.web.studio.core.access import cookie_name
from mailer.web.studio.core.rooms import Access, StudioRoute
from tests.web.client import Reply
from tests.web.studio.conftest import House

ROUTES = [route for room in ROOMS for route in room.routes]
NAME = "9"  # in place of each placeholder: nobody's number, so no session ends
EVENTS = re.compile(r"/(moves|changes|events)$")  # answers that go on until somebody leaves
# What is in the house without a right, and why. Anything else that lets everybody in fails here first.
OPEN = {
    "/static/{digest}/{name:path}", "/open/{key}",  # what pages are made of; the key of one's own machine
    "/sign-in", "/sign-in/passkey", "/sign-in/passkey/ask", "/sign-in/sso", "/sign-in/back", "/sign-out",
    "/join", "/join/{token}", "/join/{token}/passkey", "/join/{token}/passkey/ask",
}  # fmt: skip


def ask(house: House, route: StudioRoute, cookie: str) -> Reply:
    path = re.sub(r"{[^}]*}", NAME, route.path)
    if route.method == "GET":
        return house.get(path, cookie=cookie)
    return house.post(path, b"", cookie=cookie)


def cookie_of(house: House, role: Role) -> str:
    now = house.studio.clock()
    with house.studio.database.write() as connection:
        account = add_account(connection, terminal(), f"{role}@example.org", role, at=now)
        return f"{cookie_name(house.studio)}={open_session(connection, account, now=now)}"


def test_only_the_door_lets_everybody_in() -> None:
    assert {route.path for route in ROUTES if route.asks is Access.ANYBODY} == OPEN


def test_what_changes_something_asks_for_a_right_or_is_ones_own() -> None:
    own = {route.path for route in ROUTES if route.method != "GET" and route.asks is Access.SIGNED_IN}
    assert all(path.startswith("/account") for path in own), own


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_its_rights_bring(house: House, role: Role) -> None:
    """All routes in one studio: ending one's own session would only be seen by the next."""
    cookie = cookie_of(house, role)
    wrong: list[str] = []
    for route in ROUTES:
        if EVENTS.search(route.path) or route.path == "/sign-out":
            continue
        reply = ask(house, route, cookie)
        may = not isinstance(route.asks, Right) or route.asks in RIGHTS[role]
        if reply.status >= 500 or (reply.status == 403) is may:
            wrong.append(f"{route.method} {route.path} ({route.asks}): {reply.status}")
    assert wrong == []


def test_a_stranger_opens_the_door_alone(house: House) -> None:
    cookie_of(house, Role.ADMIN)  # from here on everybody signs in
    wrong: list[str] = []
    for route in ROUTES:
        for cookie in ("", house.cookie, f"{cookie_name(house.studio)}=x"):
            if route.asks is Access.ANYBODY:
                continue
            reply = ask(house, route, cookie)
            let_in = reply.status != 401 and not reply.headers.get("location", "").startswith("/sign-in")
            if let_in:
                wrong.append(f"{route.method} {route.path}: {reply.status}")
    assert wrong == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_nothing_is_changed_from_another_site(house: House, origin: str) -> None:
    cookie = cookie_of(house, Role.ADMIN)
    for route in ROUTES:
        if route.method != "GET":
            path = re.sub(r"{[^}]*}", NAME, route.path)
            assert house.post(path, b"", cookie=cookie, Origin=origin).status == 403, route.path
            crossed = house.post(path, b"", cookie=cookie, Sec_Fetch_Site="cross-site")
            assert crossed.status == 403, route.path
