"""Who gets in, from where, and what every answer carries."""

from __future__ import annotations

import re

import pytest

from mailer.staff.accounts import account_at, disable_account
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.web.studio.core.access import cookie_name
from mailer.web.studio.core.opening import own_path
from tests.web.studio.conftest import House


def test_the_printed_address_lets_this_machine_in(house: House) -> None:
    reply = house.get(f"/open/{house.studio.run_key}?to=/tried", cookie="")
    assert (reply.status, reply.headers["location"]) == (303, "/tried")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert house.get("/tried", cookie=cookie.partition(";")[0]).status == 200


@pytest.mark.parametrize("key", ["x", "%00", "..", "a" * 500])
def test_nobody_comes_in_without_the_key(house: House, key: str) -> None:
    assert house.get(f"/open/{key}", cookie="").status == 404
    refused = house.get("/tried", cookie=f"{cookie_name(house.studio, 'run')}={key}")
    assert refused.status == 403
    assert "terminal printed" in refused.text


def test_once_somebody_has_an_account_the_key_opens_nothing(house: House) -> None:
    assert house.get("/tried").status == 200
    cookie = house.sign_in(Role.WRITER)
    reply = house.get("/tried")
    assert (reply.status, reply.headers["location"]) == (303, "/sign-in?to=%2Ftried")
    assert house.post("/tried", b"words=x").status == 401
    assert house.get("/tried", cookie=cookie).status == 200


def test_who_lacks_a_right_is_told_who_has_it(house: House) -> None:
    writer = house.sign_in(Role.WRITER)
    house.sign_in(Role.APPROVER, "Amina")
    house.sign_in(Role.ADMIN, "Tom")
    reply = house.get("/tried/approve", cookie=writer)
    assert reply.status == 403
    title = re.search(r"<h1>(.*)</h1>", reply.text)
    assert title
    assert title[1] == "Only approvers can do this: Tom and Amina"


def test_a_session_that_is_over_lets_nobody_in(house: House) -> None:
    cookie = house.sign_in(Role.WRITER)
    with house.studio.database.write() as connection:
        disable_account(connection, terminal(), account_at(connection, "writer@example.org"), at=house.studio.clock())
    assert house.get("/tried", cookie=cookie).status == 303


@pytest.mark.parametrize(
    "host", ["attacker.example", "attacker.example:{port}", "127.0.0.1:1", "127.0.0.1", "", "x@127.0.0.1:{port}"]
)
def test_a_foreign_name_that_points_here_gets_nothing(house: House, host: str) -> None:
    reply = house.get("/tried", Host=host.format(port=house.port) or " ")
    assert reply.status == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "same-origin", "Origin": "https://attacker.example"}, 200),  # the browser's word counts
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),  # another port of this machine
        ({"Sec_Fetch_Site": "anything"}, 403),
        ({}, 200),
        ({"Origin": "http://attacker.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),  # neither header
    ],
)
def test_what_changes_something_comes_from_our_own_page(house: House, headers: dict[str, str], status: int) -> None:
    assert house.post("/tried", b"words=x", **headers).status == status


def test_no_other_site_frames_us(house: House) -> None:
    assert house.get("/tried", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="iframe").status == 403
    reply = house.get("/tried")
    assert reply.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]


def test_every_answer_keeps_to_a_strict_policy(house: House) -> None:
    nonces: set[str] = set()
    for path in ("/tried", "/find?q=x", "/nothing", "/tried/told"):
        reply = house.get(path)
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<[^>]+ (?:style|on\w+)=", reply.text), "an inline style or handler would be refused"
        nonces |= set(re.findall(r"nonce-([\w-]+)", policy))
    assert len(nonces) == 4


def test_bodies_have_a_limit(house: House) -> None:
    assert house.post("/tried", b"words=" + b"x" * 1000).text == "x" * 1000
    assert house.post("/tried", b"words=" + b"x" * 70_000).status == 413
    assert house.post("/tried", b"&".join(b"a=1" for _ in range(2_000))).status == 400


def test_failures_are_told_plainly(house: House) -> None:
    assert "There is nothing here" in house.get("/nothing").text
    assert house.post("/find").status == 405
    told = house.get("/tried/told")
    assert (told.status, "The ink is empty." in told.text, "Fill it." in told.text) == (422, True, True)
    failed = house.get("/tried/fails")
    assert failed.status == 500
    assert "Ada" not in failed.text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/newsletters/x/", "/newsletters/x/"),
        ("/x?a=b", "/x?a=b"),
        ("https://attacker.example/", "/"),
        ("//attacker.example", "/"),
        ("/\\attacker.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_addresses_lead_on_inside_the_studio_alone(text: str, path: str) -> None:
    assert own_path(text) == path
