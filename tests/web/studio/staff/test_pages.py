"""The pages of the door over HTTP: joining, signing in and out, the account, Staff and the log."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from pyotp.totp import TOTP

from mailer.staff.actor import cron
from mailer.staff.audit import entries, record
from mailer.staff.credentials.tries import ACCOUNT
from mailer.staff.rights import Role
from mailer.staff.sessions import sessions_of
from tests.staff.world import AMINA, PASSWORD
from tests.web.client import Reply
from tests.web.studio.staff.conftest import House, account_named, cookie_from, invited, send


def seed_in(reply: Reply) -> tuple[str, str]:
    """The seed that a page shows, and what its form carries."""
    (typed,) = re.findall(r"<code>([A-Z2-7 ]+)</code>", reply.text)
    (carried,) = re.findall(r'name="carried" value="([^"]+)"', reply.text)
    return typed.replace(" ", ""), unescape(carried)


def local(house: House, path: str, cookie: str = "") -> Reply:
    """The page under a name, as browsers are led to it."""
    return house.get(path, cookie=cookie, Host=f"localhost:{house.port}")


def join(house: House, role: Role = Role.ADMIN, address: str = AMINA) -> tuple[str, str, list[str]]:
    """Cookie, seed and recovery codes of somebody who joined by password."""
    path = invited(house, role, address)
    seed, carried = seed_in(local(house, path))
    code = TOTP(seed).at(house.studio.clock())
    reply = send(house, path, password=PASSWORD, code=code, carried=carried)
    assert reply.status == 200, reply.text
    codes = re.findall(r"<li><code>([a-z2-7-]{19})</code>", reply.text)
    return cookie_from(reply), seed, codes


def actions(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        return [one.action for one in entries(connection)]


def test_a_number_is_led_to_the_name_that_passkeys_need(house: House) -> None:
    path = invited(house)
    for asked in (path, "/sign-in?to=%2Fstaff"):
        reply = house.get(asked, cookie="")
        assert (reply.status, reply.headers["location"]) == (303, f"http://localhost:{house.port}{asked}")


def test_joining_by_password_shows_codes_and_opens_the_studio(house: House) -> None:
    path = invited(house)
    for _ in range(3):
        assert local(house, path).status == 200, "mail scanners look, too"
    cookie, _, codes = join(house)
    assert len(codes) == 10
    assert "amina@example.org" in local(house, "/account", cookie).text
    assert local(house, path).status == 410
    assert actions(house)[:2] == ["signed in", "password and app set"]


def test_what_is_wrong_with_a_set_up_is_said_and_the_link_still_works(house: House) -> None:
    path = invited(house)
    seed, carried = seed_in(local(house, path))
    code = TOTP(seed).at(house.studio.clock())
    for fields, words in (
        ({"password": "short", "code": code, "carried": carried}, "12 characters"),
        ({"password": PASSWORD, "code": "000000", "carried": carried}, "not the code"),
        ({"password": PASSWORD, "code": code, "carried": "x"}, "took too long"),
        ({}, "12 characters"),
    ):
        reply = send(house, path, **fields)
        assert reply.status == 422
        assert words in reply.text
        assert "set-cookie" not in reply.headers
        if fields.get("carried") == carried:
            assert seed_in(reply)[0] == seed, "the app has it already"
    assert send(house, path, password=PASSWORD, code=code, carried=carried).status == 200


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "..%2f..", "a" * 2000])
def test_a_link_that_was_never_made_is_over(house: House, token: str) -> None:
    invited(house)
    assert local(house, f"/join/{token}").status in (404, 410)
    assert send(house, f"/join/{token}", password=PASSWORD).status in (404, 410)
    for end in ("ask", ""):
        assert house.post(f"/join/{token}/passkey/{end}".rstrip("/"), b"{}", cookie="").status in (404, 410, 422)


def test_signing_in_leads_where_one_wanted_to_go_and_nowhere_else(house: House) -> None:
    _, _, codes = join(house)
    asked = house.get("/staff", cookie="")
    assert asked.headers["location"] == "/sign-in?to=%2Fstaff"
    for n, (to, leads) in enumerate(
        [("/staff", "/staff"), ("//evil.example", "/"), ("https://evil.example/", "/"), ("/\\evil.example", "/")]
    ):
        reply = send(house, "/sign-in", address=AMINA, password=PASSWORD, code=codes[n], to=to)
        assert (reply.status, reply.headers["location"]) == (303, leads)
        cookie = reply.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert house.get("/staff", cookie=cookie_from(reply)).status == 200


def test_a_refused_sign_in_says_no_more_than_that(house: House) -> None:
    join(house)
    said = set[str]()
    for address, password in ((AMINA, "tr0ubadour&3"), (AMINA, PASSWORD), ("who@example.org", PASSWORD)):
        reply = send(house, "/sign-in", address=address, password=password, code="000000")
        assert reply.status == 422
        assert "set-cookie" not in reply.headers
        assert password not in reply.text
        said.add(re.sub(r'value="[^"]*"|nonce="[^"]*"', "", reply.text))
    assert len(said) == 1
    for _ in range(ACCOUNT.burst):
        reply = send(house, "/sign-in", address="who@example.org", password=PASSWORD, code="000000")
    assert reply.status == 429
    assert "too many tries" in reply.text


def test_signing_out_ends_the_session(house: House) -> None:
    cookie, _, _ = join(house)
    reply = send(house, "/sign-out", cookie=cookie)
    assert (reply.status, reply.headers["location"]) == (303, "/sign-in")
    assert house.get("/staff", cookie=cookie).status == 303


def test_a_session_elsewhere_is_ended_from_the_account(house: House) -> None:
    here, _, codes = join(house)
    there, third = (
        cookie_from(send(house, "/sign-in", address=AMINA, password=PASSWORD, code=code)) for code in codes[:2]
    )
    page = local(house, "/account", here).text
    assert page.count("Sign out there") == 2
    assert "Chrome on Android" in page
    with house.studio.database.read() as connection:
        listed = sessions_of(connection, account_named(house).id, now=house.studio.clock())
    newest = max(one.id for one in listed)
    assert send(house, f"/account/sessions/{newest}/end", cookie=here).status == 303
    assert house.get("/staff", cookie=third).status == 303
    assert house.get("/staff", cookie=there).status == 200
    assert send(house, "/account/sessions/end", cookie=here).status == 303
    assert house.get("/staff", cookie=there).status == 303
    assert house.get("/staff", cookie=here).status == 200


def test_nobody_ends_anothers_session(house: House) -> None:
    join(house)
    viewer, _, _ = join(house, Role.VIEWER, "tom@example.org")
    with house.studio.database.read() as connection:
        (hers,) = sessions_of(connection, account_named(house).id, now=house.studio.clock())
    assert send(house, f"/account/sessions/{hers.id}/end", cookie=viewer).status == 404
    for odd in ("0", "-1", "x", "9" * 5000, "%C2%B2"):
        assert send(house, f"/account/sessions/{odd}/end", cookie=viewer).status == 404


def test_a_new_password_signs_out_everywhere_else_and_codes_are_renewed(house: House) -> None:
    here, _, codes = join(house)
    there = cookie_from(send(house, "/sign-in", address=AMINA, password=PASSWORD, code=codes[0]))
    seed, carried = seed_in(local(house, "/account", here))
    code = TOTP(seed).at(house.studio.clock())
    reply = send(house, "/account/password", cookie=here, password="Another 4 words", code=code, carried=carried)
    assert reply.status == 200
    assert house.get("/staff", cookie=there).status == 303
    assert send(house, "/sign-in", address=AMINA, password=PASSWORD, code=codes[1]).status == 422
    assert "shown now and never again" in send(house, "/account/codes", cookie=here).text
    refused = send(house, "/account/password/remove", cookie=here)
    assert refused.status == 422
    assert "only way in" in refused.text


def test_an_account_is_added_changed_and_disabled_in_the_room(house: House) -> None:
    admin, _, _ = join(house)
    reply = send(
        house, "/staff", cookie=admin, address=" Tom@Example.org ", name="Tom", role="writer", which="some",
        list="supporters",
    )  # fmt: skip
    (link,) = re.findall(rf'value="(http://localhost:{house.port}/join/[\w-]{{43}})"', reply.text)
    assert local(house, link.partition(str(house.port))[2]).status == 200
    tom = account_named(house, "tom@example.org")
    assert (tom.role, tom.lists) == (Role.WRITER, frozenset({"supporters"}))
    shown = house.get("/staff", cookie=admin).text
    assert "Has not set up a sign-in yet" in shown
    assert send(house, f"/staff/{tom.id}", cookie=admin, role="sender", which="all").status == 303
    assert account_named(house, "tom@example.org").lists is None
    assert "works once" in send(house, f"/staff/{tom.id}/link", cookie=admin).text
    assert "on its way" in send(house, f"/staff/{tom.id}/link", cookie=admin, mail="1").text
    assert send(house, f"/staff/{tom.id}/disable", cookie=admin).status == 303
    assert "Give access again" in house.get(f"/staff/{tom.id}", cookie=admin).text
    assert send(house, f"/staff/{tom.id}/link", cookie=admin).status == 404
    assert send(house, f"/staff/{tom.id}/enable", cookie=admin).status == 303
    assert actions(house)[:3] == ["account enabled", "account disabled", "one-time link made"]


def test_what_is_wrong_with_a_form_is_said_and_kept(house: House) -> None:
    admin, _, _ = join(house)
    for fields, words in (
        ({"address": "tom", "role": "writer"}, "name@example.org"),
        ({"address": "tom@example.org", "role": "owner"}, "Choose what they may do"),
        ({"address": "tom@example.org", "role": "writer", "which": "some"}, "at least one list"),
        ({"address": "tom@example.org", "role": "writer", "which": "some", "list": "x"}, "There is no list"),
        ({"address": AMINA, "role": "writer"}, "has an account already"),
        ({}, "Choose what they may do"),
    ):
        reply = send(house, "/staff", cookie=admin, **fields)
        assert reply.status == 422
        assert words in unescape(reply.text)
        assert f'value="{fields.get("address", "")}"' in reply.text
    mine = account_named(house)
    assert "only admin" in send(house, f"/staff/{mine.id}/disable", cookie=admin).text
    for odd in ("0", "x", "9" * 5000, "99"):
        assert house.get(f"/staff/{odd}", cookie=admin).status == 404


def test_the_first_account_is_made_on_ones_own_machine_and_is_an_admins(house: House) -> None:
    assert "Who works with you?" in house.get("/staff").text
    assert "Nobody signs in here yet" in house.get("/account").text
    refused = house.post("/staff", b"address=amina%40example.org&role=writer")
    assert refused.status == 422
    reply = house.post("/staff", b"address=amina%40example.org&role=admin")
    assert "If this is your own account, open it now" in reply.text
    assert house.get("/staff").status == 303, "from here on everybody signs in"


def test_the_log_is_found_by_words_and_days(house: House) -> None:
    admin, _, _ = join(house)
    send(house, "/account/codes", cookie=admin)
    page = house.get("/audit", cookie=admin).text
    assert "Recovery codes renewed" in page
    assert "Recovery codes renewed" not in house.get("/audit?q=one-time", cookie=admin).text
    assert "One-time link made" in house.get("/audit?q=one-time", cookie=admin).text
    assert "Nothing fits." in house.get("/audit?from=2026-11-25", cookie=admin).text
    assert "Signed in" in house.get("/audit?from=2026-11-24&to=2026-11-24", cookie=admin).text
    for odd in ("from=0001-01-01", "to=9999-12-31", "from=x", "q=%00%25", "q=%27", "before=0", "from=9999-12-31"):
        assert house.get(f"/audit?{odd}", cookie=admin).status == 200
    assert house.get(f"/audit?before={'9' * 5000}", cookie=admin).status == 404


def test_the_log_is_found_by_name_and_carried_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.web.studio.staff.log.ROWS_AT_ONCE", 2)
    admin, _, _ = join(house)
    with house.studio.database.write() as connection:
        record(connection, cron(), "=1+1", at=house.studio.clock(), detail="a, “b”")
    rows = list(csv.DictReader(io.StringIO(house.get("/audit.csv", cookie=admin).text)))
    with house.studio.database.read() as connection:
        assert [row["detail"] for row in rows] == [one.detail for one in entries(connection)]
    assert (rows[0]["action"], rows[0]["by"], rows[0]["detail"]) == ("'=1+1", "cron", "a, “b”")
    (row,) = csv.DictReader(io.StringIO(house.get("/audit.csv?by=cron", cookie=admin).text))
    assert row["by"] == "cron"
    page = house.get("/audit?by=cron", cookie=admin).text
    assert "=1+1" in page
    assert "One-time link made" not in page
    assert house.get("/audit.csv?by=nobody", cookie=admin).text.count("\n") == 1


def test_everybody_is_signed_out_but_who_says_so(house: House) -> None:
    admin, _, _ = join(house)
    other = house.sign_in(Role.WRITER)
    assert house.get("/newsletters", cookie=other).status == 200
    assert house.post("/staff/sign-everybody-out", cookie=other).status == 403
    assert send(house, "/staff/sign-everybody-out", cookie=admin).status == 303
    assert house.get("/newsletters", cookie=other).status == 303
    assert house.get("/newsletters", cookie=admin).status == 200
    assert "everybody signed out" in actions(house)


def test_old_links_lead_to_older_entries(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.web.studio.staff.log.PAGE", 2)
    admin, _, _ = join(house)
    seen, path = list[str](), "/audit?q=amina"
    while path:
        text = house.get(path, cookie=admin).text
        seen += re.findall(r"</td><td>([A-Z][^<]+)<", text)
        path = next(iter(unescape(one) for one in re.findall(r'class="btn" href="(/audit[^"]+)"', text)), "")
    assert seen == ["Signed in", "Password and app set", "One-time link made", "Account added"]


def test_sessions_end_with_time(house: House) -> None:
    cookie, _, _ = join(house)
    later = house.studio.clock() + timedelta(hours=12)
    object.__setattr__(house.studio, "clock", lambda: later)
    assert house.get("/staff", cookie=cookie).status == 303
