"""Saving from the Write room: into the file, put together with what others did, or refused in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from mailer.staff.rights import Role
from mailer.store.tables.staff import audit_log
from tests.web.studio.conftest import BODY, FRONT, HERE, House

TEXT = FRONT + BODY


def save(house: House, *, cookie: str | None = None, **sent: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"base": TEXT, "body": BODY, "fields": {}, **sent}).encode()
    reply = house.post(f"{HERE}save", body, cookie=cookie, Content_Type="application/json")
    return reply.status, json.loads(reply.text) if reply.text.startswith("{") else {}


def test_the_text_and_a_field_go_into_the_file_and_nothing_else_does(house: House) -> None:
    status, done = save(house, body=BODY.replace("Ask them", "Tell them"), fields={"subject": "Now: or never"})
    expected = TEXT.replace("Ask them", "Tell them").replace(
        "\"{{ supporter.first_name | default('Friend') }}, ask them\"", '"Now: or never"'
    )
    assert (status, done["state"]) == (200, "saved")
    assert house.file.read_text(encoding="utf-8") == expected == done["base"]
    with house.studio.database.read() as connection:
        assert "newsletter saved" in connection.execute(select(audit_log.c.action)).scalars().all()


def test_two_people_at_once_lose_nothing(house: House) -> None:
    assert save(house, body=BODY.replace("Dear", "Dearest"))[0] == 200
    status, done = save(house, body=BODY.replace("You live in Germany.", "You live in Berlin."))
    assert (status, done["state"]) == (200, "merged")
    saved = house.file.read_text(encoding="utf-8")
    assert "Dearest" in saved
    assert "Berlin" in saved


def test_the_same_line_twice_is_shown_to_the_second(house: House) -> None:
    assert save(house, body=BODY.replace("Ask them", "Tell them"))[0] == 200
    status, done = save(house, body=BODY.replace("Ask them", "Warn them"))
    assert (status, done["state"]) == (412, "conflict")
    assert "Tell them" in done["theirs"]
    assert "Warn them" not in house.file.read_text(encoding="utf-8")
    status, _ = save(house, base=done["theirs"], body=BODY.replace("Ask them", "Warn them"))
    assert status == 200
    assert "Warn them" in house.file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sent",
    [{"fields": {"audience": "x"}}, {"fields": {"name": "x"}}, {"fields": {"subject": 3}}, {"body": 3}, {"base": None},
     {"fields": []}],
)  # fmt: skip
def test_what_the_form_does_not_have_is_refused(house: House, sent: dict[str, Any]) -> None:
    assert save(house, **sent)[0] == 400
    assert house.file.read_text(encoding="utf-8") == TEXT


def test_who_may_only_look_saves_nothing(house: House) -> None:
    cookie = house.sign_in(Role.VIEWER)
    assert save(house, cookie=cookie, body="x")[0] == 403
    assert house.file.read_text(encoding="utf-8") == TEXT


def test_a_front_matter_that_can_not_be_changed_is_told(house: House) -> None:
    house.write(front="---\nsubject: x\n")
    base = "---\nsubject: x\n" + BODY
    status, done = save(house, base=base, body=BODY)
    assert (status, done["state"]) == (422, "refused")
    assert "no end" in done["words"]
