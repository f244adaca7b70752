"""Single sign-on through the studio's pages: there, back, and what a browser keeps meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import pytest

from mailer.staff.rights import Role
from tests.servers.sign_in_service import CLIENT, SECRET, SignInService
from tests.web.client import Reply
from tests.web.studio.staff.conftest import House, account_named, cookie_from, invited


@pytest.fixture
def now() -> datetime:
    """The provider's tokens are of the real time."""
    return datetime.now(UTC)


@pytest.fixture
def service(house: House) -> Iterator[SignInService]:
    """A provider, and a studio that is told of it while it runs."""
    root = house.studio.reader.read().root
    with SignInService() as running:
        with (root / "mailer.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[sso]\nissuer = "{running.url}"\nclient_id = "{CLIENT}"\n[sso.roles]\npress = "writer"\n')
        with (root / "secrets.toml").open("a", encoding="utf-8") as file:
            file.write(f"sso_client_secret = '{SECRET}'\n")
        running.claims |= {"groups": ["press"]}
        invited(house, Role.VIEWER)
        yield running


def begin(house: House) -> Reply:
    return house.get("/sign-in/sso", cookie="", Host=f"localhost:{house.port}")


def back(house: House, query: dict[str, str], cookie: str) -> Reply:
    return house.get(f"/sign-in/back?{urlencode(query)}", cookie=cookie, Host=f"localhost:{house.port}")


def test_the_button_leads_there_and_back_in(house: House, service: SignInService) -> None:
    page = house.get("/sign-in", cookie="", Host=f"localhost:{house.port}")
    assert 'href="/sign-in/sso"' in page.text
    reply = begin(house)
    assert reply.status == 303
    assert reply.headers["location"].startswith(f"{service.url}/authorize?")
    assert "HttpOnly" in reply.headers["set-cookie"]
    kept = reply.headers["set-cookie"].partition(";")[0]
    assert kept.partition("=")[2] not in urlsplit(reply.headers["location"]).query
    done = back(house, service.login(reply.headers["location"]), kept)
    assert done.status == 303, done.text
    assert done.headers["location"] == "/"
    assert house.get("/newsletters", cookie=cookie_from(done)).status == 200
    assert account_named(house).role.value == "writer"


def test_another_browser_gets_nothing_by_the_same_answer(house: House, service: SignInService) -> None:
    answer = service.login(begin(house).headers["location"])
    for cookie in ("", begin(house).headers["set-cookie"].partition(";")[0]):
        reply = back(house, answer, cookie)
        assert reply.status == 422
        assert "set-cookie" not in reply.headers
    for odd in ({}, {"error": "access_denied"}, {"state": "\0", "code": "'"}):
        assert back(house, odd, "").status == 422


def test_the_only_admin_is_told_why_they_can_become_nothing_else(house: House, service: SignInService) -> None:
    invited(house, Role.ADMIN, "tom@example.org")
    service.claims |= {"sub": "tom", "email": "tom@example.org"}
    reply = begin(house)
    cookie = reply.headers["set-cookie"].partition(";")[0]
    done = back(house, service.login(reply.headers["location"]), cookie)
    assert done.status == 422
    assert "is the only admin" in done.text


def test_without_a_provider_there_is_no_button(house: House) -> None:
    invited(house)
    assert "/sign-in/sso" not in house.get("/sign-in", cookie="", Host=f"localhost:{house.port}").text
    assert begin(house).status == 422
