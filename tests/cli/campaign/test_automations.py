"""`mailer automations`: from a draft to a run to the end of it, as staff type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import update

from mailer.audience.consent.changes import list_id, subscribe
from mailer.audience.people.people import find_supporter
from mailer.store.engine.database import open_database
from mailer.store.tables.automations import automations
from mailer.store.tables.core import deliveries
from mailer.workspace import find_workspace
from tests.automations.conftest import MESSAGE, WELCOME
from tests.cli.conftest import PEOPLE, Mailer
from tests.conftest import NOW


def joins(address: str) -> None:
    """Somebody who is imported already asks to join by the form; and a minute passes."""
    database = open_database(find_workspace().settings.database_url)
    with database.write() as connection:
        person, _ = find_supporter(connection, address)
        subscribe(
            connection, person_id=person, list_id=list_id(connection, "supporters"), how="form", source="x",
            wording="Yes", at=NOW,
        )  # fmt: skip
        connection.execute(update(automations).values(looked_at=None, due_at=NOW))
    database.close()


@pytest.mark.usefixtures("own_day")
def test_staff_start_an_automation_look_at_it_and_end_it(mailer: Mailer) -> None:
    assert "mailer new welcome --automation welcome" in mailer("automations").out
    folder = Path("newsletters/hello")
    folder.mkdir()
    (folder / "automation.toml").write_text(WELCOME, encoding="utf-8")
    for name in ("hello.md", "second.md"):
        (folder / name).write_text(MESSAGE, encoding="utf-8")
    Path("people.csv").write_text(PEOPLE, encoding="utf-8")
    assert mailer("import", "supporters", "people.csv").code == 0
    assert "hello draft Start it: mailer automations start hello" in " ".join(mailer("automations").out.split())
    assert "never started" in mailer("automations", "show", "hello").err
    tried = mailer("automations", "dry-run", "hello")
    assert (tried.code, "Nobody comes in at once" in tried.out) == (0, True), tried
    assert json.loads(mailer("automations", "dry-run", "hello", "--json").out)["people"] == 0
    assert "hello is active, in version 1" in mailer("automations", "start", "hello", "--yes").out
    assert "active already" in mailer("automations", "start", "hello", "--yes").err
    joins("ada@example.org")
    ran = mailer("run")
    assert (ran.code, "hello.1.hello: 1 sent; more is due later." in ran.out) == (0, True), ran
    assert "hello active 1 1 0 0" in " ".join(mailer("automations").out.split())
    assert "three-days 1" in " ".join(mailer("automations", "show", "hello").out.split())
    told = mailer("automations", "show", "hello", "--person", "ada@example.org").out
    assert "hello: sent" in told
    assert "is at three-days, until 2026-11-27" in told
    gone = mailer("automations", "show", "hello", "--person", "ada@example.org", "--take-out").out
    assert gone == "ada@example.org is out of hello.\n"
    assert "wasn’t inside" in mailer("automations", "show", "hello", "--person", "ada@example.org", "--take-out").out
    assert "hello closes" in mailer("automations", "close", "hello").out
    assert "closing" in mailer("automations", "close", "hello").err
    assert "hello is stopped.\n" in mailer("automations", "stop", "hello", "--yes").out
    assert json.loads(mailer("automations", "--json").out)["hello"]["state"] == "stopped"
    log = mailer("audit").out
    assert all(f"automation {what}" in log for what in ("started", "closed", "stopped"))


def test_status_shows_the_mails_of_automations_that_wait_for_staff(mailer: Mailer) -> None:
    folder = Path("newsletters/hello")
    folder.mkdir()
    (folder / "automation.toml").write_text(WELCOME, encoding="utf-8")
    for name in ("hello.md", "second.md"):
        (folder / name).write_text(MESSAGE, encoding="utf-8")
    Path("people.csv").write_text(PEOPLE, encoding="utf-8")
    assert mailer("import", "supporters", "people.csv").code == 0
    assert mailer("automations", "start", "hello", "--yes").code == 0
    joins("ada@example.org")
    assert mailer("run").code == 0
    assert "hello.1" not in mailer("status").out
    database = open_database(find_workspace().settings.database_url)
    with database.write() as connection:
        connection.execute(update(deliveries).values(state="uncertain"))
    database.close()
    said = mailer("status").out
    assert "hello.1.hello: see who, and decide: mailer resolve hello.1.hello" in said
    assert "hello.1.second" not in said
    assert mailer("pause", "hello.1.hello").code == 0
    told = "paused by staff. People wait before this step of hello. Go on: mailer resume hello.1.hello."
    assert (
        f"hello.1.hello: {told} Some are uncertain: see who, and decide: mailer resolve hello.1.hello"
        in mailer("status").out
    )
    (known,) = [one for one in json.loads(mailer("status", "--json").out) if one["kind"] == "step"]
    assert (known["slug"], known["parent"], known["people"]) == ("hello.1.hello", "hello", {"uncertain": 1})
    assert "ada@example.org" in mailer("resolve", "hello.1.hello").out
    assert mailer("resume", "hello.1.hello").code == 0
    assert mailer("resolve", "hello.1.hello", "--resend").out.startswith("1 uncertain delivery of hello.1.hello is")
    assert "hello.1" not in mailer("status").out
