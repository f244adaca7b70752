"""Automations by their addresses: made, drawn, changed in place, started, ended."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mailer.automations.control.figures import automation_states
from mailer.automations.definition import read_automation
from mailer.automations.first_automation import CHOICES
from mailer.automations.steps import SendStep, WaitStep
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.tables.states import AutomationState
from mailer.workspace import Newsletter
from tests.patience import until
from tests.web.client import Reply
from tests.web.studio.conftest import House

PAGE = """\
---
headline: "Keep the library open"
statement: "We ask the council to keep it open."
to: The council
---

It is the only one in town.
"""


def form(**values: str | list[str]) -> bytes:
    return urlencode({name.rstrip("_"): value for name, value in values.items()}, doseq=True).encode()


def make(house: House, kind: str = "welcome") -> Path:
    library = house.workspace.newsletters / "library"
    library.mkdir(exist_ok=True)
    (library / "action.md").write_text(PAGE, encoding="utf-8")
    reply = house.post("/automations/-/new", form(kind=kind, title="Ours", petition="library"))
    assert (reply.status, reply.headers["location"]) == (303, "/automations/ours?done=made")
    return house.workspace.newsletters / "ours"


def fill_in(folder: Path) -> None:
    for path in folder.glob("*.md"):
        text = re.sub(r"\[\[[^]]*\]\]", "We write twice a month.", path.read_text(encoding="utf-8"))
        path.write_text(text.replace("https://action.example.org/act/your-petition", "https://x.org/"), "utf-8")


def base(reply: Reply) -> str:
    return re.findall(r'name="base" value="([0-9a-f]+)"', reply.text)[0]


def shown_fields(html: str) -> list[tuple[str, str]]:
    """What a browser would send of a form as it is shown."""
    sent: list[tuple[str, str]] = []
    for tag in re.findall(r"<input[^>]*>", html):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        ticked = ('type="radio"' not in tag and 'type="checkbox"' not in tag) or " checked" in tag
        if name and ticked and name[1] != "q":
            sent.append((name[1], unescape(value[1]) if value else "on"))
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent.append((name, chosen[1] if chosen else ""))
    return sent


def test_an_empty_room_says_what_it_is_for(house: House) -> None:
    assert "Welcome new people" in house.get("/automations").text
    assert "Welcome series" in house.get("/automations/-/new").text


def test_a_welcome_series_from_nothing_to_running(house: House) -> None:
    folder = make(house)
    drawn = house.get("/automations/ours").text
    assert "somebody joins Campaign" in drawn or "somebody joins" in drawn
    assert [f'id="step-{name}"' in drawn for name in ("hello", "three-days", "first-step")] == [True] * 3
    written = house.get("/newsletters/ours/message/hello/")
    assert written.status == 200
    assert "What they get" in written.text
    assert "How we win" in written.text, "the other mails are beside it"
    assert house.get("/newsletters/ours/").headers["location"] == "/automations/ours"
    until(lambda: "things before this can start" in house.get("/automations/ours/start").text)
    fill_in(folder)
    until(lambda: "Nobody comes in at once" in house.get("/automations/ours/start").text)
    page = house.get("/automations/ours/start").text
    seen = re.findall(r'name="seen" value="([0-9a-f]+)"', page)[0]
    assert house.post("/automations/ours/start", form(seen="0" * 64)).status == 422
    assert house.post("/automations/ours/start", form(seen=seen)).headers["location"].endswith("done=started")
    with house.studio.database.read() as connection:
        assert automation_states(connection) == {"ours": AutomationState.ACTIVE}
    until(lambda: "Nobody has come in yet" in house.get("/automations/ours").text)
    assert "Active" in house.get("/automations").text
    assert house.post("/automations/ours/close").status == 303
    assert "It isn’t running" not in house.get("/automations/ours/stop").text
    assert house.post("/automations/ours/stop").status == 303
    assert "Stopped" in house.get("/automations/ours").text
    with house.studio.database.read() as connection:
        done = [one.action for one in entries(connection, AuditFilter(subject="newsletter ours"))]
    assert done == ["automation stopped", "automation closed", "automation started", "automation begun"]


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", [one.name for one in CHOICES])
def test_saving_what_is_shown_changes_nothing(house: House, kind: str) -> None:
    file = make(house, kind) / "automation.toml"
    before = file.read_bytes()
    sent = urlencode(shown_fields(house.get("/automations/ours/settings").text)).encode()
    assert house.post("/automations/ours/settings", sent).status == 303
    assert file.read_bytes() == before
    for step in read_automation(Newsletter(house.workspace, "ours")).steps:
        address = f"/automations/ours/steps/{step.name}"
        sent = urlencode([*shown_fields(house.get(address).text), ("do", "save")]).encode()
        assert house.post(address, sent).status == 303, step
        assert file.read_bytes() == before, step


@pytest.mark.sqlite
def test_steps_are_changed_in_place(house: House) -> None:
    file = make(house) / "automation.toml"
    before = file.read_text(encoding="utf-8")
    here = "/automations/ours/steps/three-days"
    first = base(house.get(here))
    assert house.post(here, form(base=first, wait="2 weeks", next_="", do="save")).status == 303
    assert file.read_text(encoding="utf-8") == before.replace('"3 days"', '"2 weeks"')
    late = house.post(here, form(base=first, wait="1 day", next_="", do="save"))
    assert (late.status, "changed this automation meanwhile" in late.text) == (422, True)
    wrong = house.post(here, form(base=base(house.get(here)), wait="soon", next_="", do="save"))
    assert (wrong.status, "must be a length of time" in wrong.text) == (422, True)
    assert house.post(here, form(base=base(house.get(here)), wait="2 weeks", do="later")).status == 303
    names = [step.name for step in read_automation(Newsletter(house.workspace, "ours")).steps]
    assert names[:3] == ["hello", "how-we-win", "three-days"]
    assert house.post(here, form(base=base(house.get(here)), wait="2 weeks", do="out")).status == 303
    assert "three-days" not in file.read_text(encoding="utf-8")
    added = house.post("/automations/ours/add", form(base=base(house.get("/automations/ours/add?after=hello")),
                                                      after="hello", kind="send", value_send="A picture"))  # fmt: skip
    assert added.status == 422, "the field is called value-send"
    asked = urlencode({"base": base(house.get("/automations/ours/add?after=hello")), "after": "hello", "kind": "send",
                       "value-send": "A picture"}).encode()  # fmt: skip
    assert house.post("/automations/ours/add", asked).headers["location"] == "/newsletters/ours/message/a-picture/"
    found = read_automation(Newsletter(house.workspace, "ours"))
    assert found.steps[1] == SendStep("a-picture", "a-picture.md", None, "how-we-win")
    waits = urlencode({"base": base(house.get("/automations/ours/add")), "after": "a-picture", "kind": "wait",
                       "value-wait": "12 hours"}).encode()  # fmt: skip
    assert house.post("/automations/ours/add", waits).status == 303
    assert isinstance(read_automation(Newsletter(house.workspace, "ours")).steps[2], WaitStep)


@pytest.mark.sqlite
def test_who_is_limited_to_lists_changes_no_other(house: House) -> None:
    make(house)
    other = house.sign_in(Role.ADMIN, "Other", lists=["x"])
    assert house.get("/automations/ours", cookie=other).status == 200
    for path in ("/automations/ours/settings", "/automations/ours/steps/hello", "/newsletters/ours/message/hello/look"):
        assert house.post(path, form(do="out"), cookie=other).status == 403, path
    assert "Ours" not in house.get("/automations", cookie=other).text
    anybody = house.sign_in(Role.ADMIN)
    for path in ("/automations/nobody", "/automations/library", "/automations/ours/steps/gone"):
        assert house.get(path, cookie=anybody).status == 404, path


@pytest.mark.sqlite
def test_a_message_is_saved_in_its_own_file(house: House) -> None:
    folder = make(house)
    (folder / "hello.fr.md").write_text("---\nsubject: Bonjour\n---\n\nBonjour.\n", encoding="utf-8")
    assert "Bonjour" in house.get("/newsletters/ours/in/fr/message/hello/").text
    assert house.get("/newsletters/ours/message/gone/").status == 404
    assert house.get("/newsletters/library/message/action/").status == 404


@pytest.mark.sqlite
def test_a_file_with_faults_says_them(house: House) -> None:
    folder = make(house)
    (folder / "how-we-win.md").unlink()
    page = house.get("/automations/ours").text
    assert "there is no how-we-win.md beside the automation" in page
    assert "to fix in its file" in house.get("/automations").text
