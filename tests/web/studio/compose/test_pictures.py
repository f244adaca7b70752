"""Pictures that are taken in, merge tags with who has them, and fixes: what the editor asks the studio for."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from mailer.editing.pictures import MOST_UPLOADED
from mailer.staff.rights import Role
from mailer.web.studio.compose.saving import entity_tag
from tests.web.studio.compose.test_write import look, mail
from tests.web.studio.conftest import BODY, FRONT, HERE, House


def picture(width: int = 2000, kind: str = "PNG") -> bytes:
    written = BytesIO()
    Image.new("RGB", (width, 300), "teal").save(written, kind)
    return written.getvalue()


def upload(house: House, data: bytes, cookie: str | None = None) -> tuple[int, dict[str, str]]:
    reply = house.post(f"{HERE}pictures", data, cookie=cookie, Content_Type="image/png")
    return reply.status, json.loads(reply.text) if reply.text.startswith("{") else {}


def test_a_picture_is_prepared_kept_beside_the_text_and_shown(house: House) -> None:
    status, told = upload(house, picture())
    assert status == 200
    with Image.open(house.file.parent / told["source"]) as kept:
        assert kept.width == 1200
    shown = house.get(told["address"])
    assert shown.headers["content-type"] == "image/png"
    assert shown.body == (house.file.parent / told["source"]).read_bytes()
    assert upload(house, picture())[1] == told  # the same one is one file
    found = look(house, BODY + f"\n![A river]({told['source']})\n")
    assert "A river" in mail(house, found)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"<svg onload='alert(1)'/>"])
def test_what_is_no_picture_is_refused_in_words(house: House, data: bytes) -> None:
    before = sorted(house.file.parent.iterdir())
    status, told = upload(house, data)
    assert status == 422
    assert "no picture that can be read" in told["words"]
    assert sorted(house.file.parent.iterdir()) == before


def test_one_that_is_too_large_is_refused_while_it_comes(house: House) -> None:
    assert upload(house, b"\0" * (MOST_UPLOADED + 1))[0] == 413


def test_only_writers_put_pictures_in(house: House) -> None:
    assert upload(house, picture(), cookie=house.sign_in(Role.VIEWER))[0] == 403
    assert upload(house, picture(), cookie=house.sign_in(Role.WRITER))[0] == 200
    assert house.post(f"{HERE}pictures", picture(), Origin="https://evil.example").status == 403


@pytest.mark.parametrize("name", ["message.md", "lamp.png", "0123456789abcdef.png", "..%2f..%2fmailer.toml", "x"])
def test_no_other_file_is_shown(house: House, name: str) -> None:
    assert house.get(f"{HERE}pictures/{name}").status == 404


def test_who_has_a_value_is_counted_and_nobody_named(house: House) -> None:
    with house.studio.database.write() as connection:
        connection.exec_driver_sql("UPDATE people SET first_name = '' WHERE id = 1")
    writer = house.sign_in(Role.WRITER)
    reply = house.get(f"{HERE}known", cookie=writer)
    told = json.loads(reply.text)
    assert told["of"] == 3
    assert told["known"]["supporter.first_name"] == 2
    assert told["known"]["supporter.email"] == 3
    assert "example.org" not in reply.text


def test_a_fix_is_offered_where_it_is_certain(house: House) -> None:
    for wrong, put in (
        ("{{ supporter.first_nam }}", "supporter.first_name"),
        ("*|FNAME|*", '{{ supporter.first_name | default("friend") }}'),
        ("{{ first_name }}", "supporter.first_name"),
        ("{{ suporter.country }}", "supporter"),
    ):
        marks = look(house, BODY + f"\nHello {wrong}.\n")["marks"]
        assert [mark["fix"]["put"] for mark in marks] == [put], wrong
        (fix,) = (mark["fix"] for mark in marks)
        fixed = BODY + f"\nHello {wrong}.\n".replace(fix["words"], fix["put"])
        assert [mark for mark in look(house, fixed)["marks"] if mark["level"] == "error"] == []
    for twice in ("{{ supporter.first_nam }} {{ supporter.first_nam }}", "{{ supporter.qqq }}"):
        assert all("fix" not in mark for mark in look(house, BODY + f"\nHello {twice}.\n")["marks"])


def test_the_inbox_lines_go_on_while_the_mail_can_not_be_made(house: House) -> None:
    found = look(
        house, BODY + "{{ supporter.qqq }}", fields={"subject": "Dear {{ supporter.first_name | default('you') }}"}
    )
    assert not found["can"]
    assert "Dear you" in found["inboxes"]


def test_a_save_names_what_it_is_based_on(house: House) -> None:
    base = FRONT + BODY
    sent = json.dumps({"base": base, "body": BODY + "More.\n", "fields": {}}).encode()
    wrong = house.post(f"{HERE}save", sent, Content_Type="application/json", If_Match=entity_tag("another"))
    assert wrong.status == 400
    assert house.file.read_text(encoding="utf-8") == base
    done = house.post(f"{HERE}save", sent, Content_Type="application/json", If_Match=entity_tag(base))
    assert done.status == 200
    assert done.headers["etag"] == entity_tag(base + "More.\n")
