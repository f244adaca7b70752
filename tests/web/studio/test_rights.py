"""Every route and every role: nobody gets more than their rights, and whatever is asked, nothing fails."""

from __future__ import annotations

import re

import pytest

from mailer.staff.rights import RIGHTS, Right, Role
from mailer.web.studio.app import ROOMS
from mailer.web.studio.core.rooms import Access, StudioRoute
from tests.web.studio.conftest import SLUG, House

ROUTES = [route for room in ROOMS for route in room.routes]
ENDLESS = re.compile(r"/(moves|changes|events|progress)$")  # events
VALUES = {"name": SLUG, "template": "appeal", "n": "1", "thread": "1", "as": "ada", "shape": "phone", "page": "view"}


def path_of(route: StudioRoute) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: VALUES.get(found[1], "nothing"), route.path)


def test_each_route_asks_for_something() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    assert all(isinstance(route.asks, Right | Access) for route in ROUTES)
    changing = [route.path for route in ROUTES if route.method != "GET" and route.asks is Access.SIGNED_IN]
    assert all(path.startswith(("/account", "/sign-")) for path in changing), "one's own affairs alone"


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.sqlite
def test_each_role_gets_what_its_rights_allow(house: House, role: Role | None) -> None:
    house.sign_in(Role.ADMIN, "Amina")  # so that there are accounts, also for a stranger
    cookie = house.sign_in(role) if role else ""
    for route in ROUTES:
        if ENDLESS.search(route.path) or "sign" in route.path:
            continue
        path = path_of(route)
        reply = house.get(path, cookie=cookie) if route.method == "GET" else house.post(path, b"x=1", cookie=cookie)
        assert reply.status < 500, (route.method, path, reply.text)
        if route.asks is Access.ANYBODY:
            continue
        if role is None:
            assert reply.status in (303, 401), (route.method, path)
            assert reply.headers.get("location", "/sign-in").startswith("/sign-in")
        else:
            allowed = route.asks is Access.SIGNED_IN or route.asks in RIGHTS[role]
            assert (reply.status != 403) == allowed, (role, route.method, path)
