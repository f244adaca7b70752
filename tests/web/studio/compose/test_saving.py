"""Saving from the Write room: into the file, put together with what others did, or refused in words."""

from __future__ import annotations

import json
import subprocess
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from mailer.staff.rights import Role
from mailer.store.tables.staff import audit_log
from mailer.web.studio.preview.file_watch import fingerprint
from tests.web.studio.conftest import BODY, FRONT, HERE, House

TEXT = FRONT + BODY


def save(house: House, *, cookie: str | None = None, to: str = "save", **sent: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"base": TEXT, "body": BODY, "fields": {}, **sent}).encode()
    reply = house.post(f"{HERE}{to}", body, cookie=cookie, Content_Type="application/json")
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
    assert save(house, to="draft", **sent)[0] == 400
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


def test_a_save_that_git_did_not_take_is_saved_and_says_so(house: House) -> None:
    settings = house.workspace.root / "mailer.toml"
    settings.write_text(settings.read_text() + "\n[studio]\ngit = true\n")
    status, done = save(house, body=BODY.replace("Ask them", "Tell them"))
    assert (status, done["state"]) == (200, "saved")
    assert "not in a git repository" in done["git"]
    assert "Tell them" in house.file.read_text(encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=house.workspace.root, check=True)
    status, done = save(house, base=done["base"], body=BODY.replace("Ask them", "Warn them"))
    assert (status, done["git"]) == (200, "")
    said = subprocess.run(
        ["git", "log", "--format=%s", "--name-only"],
        cwd=house.workspace.root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split("\n\n")[0] == f"Save {house.file.parent.name}"
    assert f"newsletters/{house.file.parent.name}/message.md" in said.stdout


def test_what_is_written_is_kept_offered_and_brought_back(house: House) -> None:
    writer, other = (house.sign_in(Role.WRITER, name) for name in ("Amina", "Bo"))
    fields = {"subject": "Half a th"}
    assert save(house, to="draft", cookie=writer, body="Half a text", fields=fields) == (200, {"writing": []})
    assert house.file.read_text(encoding="utf-8") == TEXT
    (kept,) = json.loads(house.get(f"{HERE}drafts", cookie=other).text)
    assert (kept["by"], kept["saved"]) == ("Amina", False)
    assert json.loads(house.get(f"{HERE}drafts/{kept['id']}", cookie=other).text) == {
        "base": TEXT, "body": "Half a text", "fields": fields,
    }  # fmt: skip
    assert f'"id": {kept["id"]}' in house.get(HERE, cookie=writer).text
    page = house.get(HERE, cookie=other).text
    assert f'"id": {kept["id"]}' not in page  # it is hers: others find it in the list, and are told that she writes
    assert "<bdi>Amina</bdi>" in page
    assert save(house, to="draft", cookie=other, body=BODY + "x") == (200, {"writing": ["Amina"]})


def test_a_save_ends_the_offer_of_older_drafts(house: House) -> None:
    assert save(house, to="draft", body=BODY + "One more line.\n")[0] == 200
    assert save(house, body=BODY + "One more line.\n")[0] == 200
    assert [one["saved"] for one in json.loads(house.get(f"{HERE}drafts").text)] == [True]
    assert '"saved": false' not in house.get(HERE).text


@pytest.mark.parametrize("number", ["0", "999", "x", "9" * 30, "-1", "٣"])
def test_a_draft_that_is_not_there(house: House, number: str) -> None:
    assert house.get(f"{HERE}drafts/{quote(number)}").status == 404


def test_who_may_only_look_keeps_no_drafts(house: House) -> None:
    cookie = house.sign_in(Role.VIEWER)
    assert save(house, to="draft", cookie=cookie, body="x")[0] == 403
    assert house.get(f"{HERE}drafts", cookie=cookie).status == 403


def test_a_file_that_is_being_written_is_no_change(house: House) -> None:
    folder = house.file.parent
    before = fingerprint(house.workspace.root, folder.name)
    (folder / ".message.md.saving-x").write_text("half")
    assert fingerprint(house.workspace.root, folder.name) == before
    house.write(body=BODY + "More.\n")
    assert fingerprint(house.workspace.root, folder.name) != before
