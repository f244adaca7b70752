"""Whose newsletters, what a template's picture shows, and what somebody limited to lists is told."""

from __future__ import annotations

import json
from urllib.parse import quote

from mailer.compose.source.layouts import layout_names
from mailer.staff.accounts import add_account, find_account
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.staff.sessions import open_session
from mailer.web.studio.core.access import cookie_name
from tests.web.studio.conftest import BODY, FRONT, HERE, SLUG, House


def test_newsletters_are_narrowed_to_those_somebody_wrote(house: House) -> None:
    amina, tom = house.sign_in(Role.WRITER, "Amina"), house.sign_in(Role.APPROVER, "Tom")
    text = json.dumps({"base": FRONT + BODY, "body": BODY + "More.\n", "fields": {}}).encode()
    assert house.post(f"{HERE}save", text, cookie=amina, Content_Type="application/json").status == 200
    page = house.get("/newsletters", cookie=tom).text
    with house.studio.database.read() as connection:
        found = find_account(connection, f"{Role.WRITER}amina@example.org")
    assert found is not None
    assert f'<option value="{found.id}">Amina</option>' in page
    assert SLUG in house.get(f"/newsletters?writer={found.id}", cookie=tom).text
    for other in (str(found.id + 1), "9" * 18):
        assert "No newsletter fits" in house.get(f"/newsletters?writer={other}", cookie=tom).text
    for odd in ("x", "²", "-1", "9" * 40):
        assert SLUG in house.get(f"/newsletters?writer={quote(odd)}", cookie=tom).text


def test_every_template_has_a_picture_also_one_that_needs_facts(house: House) -> None:
    for name in layout_names(house.workspace.root):
        assert "Unsubscribe" in house.get(f"/looks/{name}").text, name


def test_a_templates_picture_shows_progress(house: House) -> None:
    shown = house.get("/looks/thanks")
    assert "data:image/png;base64," in shown.text
    assert "/progress/" not in shown.text
    assert "img-src data:;" in shown.headers["content-security-policy"]


def test_a_mail_in_the_preview_shows_how_many_signed(house: House) -> None:
    house.write(body=BODY + "\n::: progress\n:::\n")
    (house.file.parent / "action.md").write_text("---\nheadline: Sign\nstatement: We ask.\ntarget: 50\n---\nText.\n")
    page = house.get(HERE).text
    address = next(part.split('"')[0] for part in page.split('src="') if part.startswith(HERE))
    assert "data:image/png;base64," in house.get(address.replace("&amp;", "&")).text


def test_who_is_limited_to_lists_is_told_so_and_not_that_writers_may(house: House) -> None:
    now = house.studio.clock()
    with house.studio.database.write() as connection:
        account = add_account(connection, terminal(), "tom@example.org", Role.WRITER, at=now, lists=("others",))
        cookie = f"{cookie_name(house.studio)}={open_session(connection, account, now=now)}"
    refused = house.post(f"{HERE}put-away", cookie=cookie)
    assert refused.status == 403
    assert "a list that your account doesn’t work with" in refused.text
    assert "Only writers" not in refused.text
    copied = house.post("/newsletters/new", f"name=Mine&copy={SLUG}".encode(), cookie=cookie)
    assert "supporters" in copied.text
    assert len(list(house.workspace.newsletters.iterdir())) == 1
    viewer = house.post(f"{HERE}put-away", cookie=house.sign_in(Role.VIEWER))
    assert "Only writers can do this" in viewer.text
