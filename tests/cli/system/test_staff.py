"""`mailer staff` and `mailer audit`: accounts from the terminal, their links, and what the log says of them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from mailer.staff.one_time_links import holder
from mailer.store.engine.database import open_database
from tests.cli.conftest import Mailer
from tests.conftest import NOW

AMINA = "amina@example.org"


def held(workspace: Path, token: str, now: datetime = NOW) -> str | None:
    database = open_database(f"sqlite:///{workspace / 'mailer.db'}")
    try:
        with database.read() as connection:
            found = holder(connection, token, now=now)
        return found.address if found else None
    finally:
        database.close()


def token_of(out: str) -> str:
    (found,) = re.findall(r"^http://localhost:8766/join/([\w-]{43})\s*$", out, re.MULTILINE)
    return found


def test_an_account_is_added_with_a_link_that_works_once(mailer: Mailer, own_day: None) -> None:
    done = mailer("staff", "add", " Amina@Example.ORG ", "--role", "writer", "--name", "Amina", "--list", "supporters")
    assert done.code == 0, done.err
    assert "amina@example.org is a writer now." in done.out
    assert held(Path.cwd(), token_of(done.out)) == AMINA
    (one,) = json.loads(mailer("staff", "list", "--json").out)
    assert (one["address"], one["name"], one["role"], one["lists"]) == (AMINA, "Amina", "writer", ["supporters"])
    assert "nothing yet" in mailer("staff", "list").out
    again = mailer("staff", "add", AMINA, "--role", "admin")
    assert again.code == 1
    assert "has an account already" in again.err
    assert "mailer staff link" in again.err


def test_a_new_link_voids_the_one_before(mailer: Mailer, own_day: None) -> None:
    first = token_of(mailer("staff", "add", AMINA, "--role", "admin").out)
    second = token_of(mailer("staff", "link", AMINA).out)
    assert held(Path.cwd(), first) is None
    assert held(Path.cwd(), second) == AMINA


def test_what_is_wrong_is_said_and_changes_nothing(mailer: Mailer, own_day: None) -> None:
    for arguments, words in (
        (("add", "amina", "--role", "admin"), "name@example.org"),
        (("add", AMINA, "--role", "admin", "--list", "suporters"), "supporters"),
        (("add", AMINA, "--role", "owner"), "viewer"),
        (("link", AMINA), "nobody has an account"),
        (("role", AMINA, "admin"), "nobody has an account"),
        (("disable", AMINA), "nobody has an account"),
    ):
        done = mailer("staff", *arguments)
        assert done.code != 0
        assert words in done.err
    assert "Nobody has an account" in mailer("staff", "list").out
    assert "Nothing was done yet." in mailer("audit").out


def test_roles_change_and_accounts_are_disabled_on_the_record(mailer: Mailer, own_day: None) -> None:
    mailer("staff", "add", AMINA, "--role", "admin")
    assert "only admin" in mailer("staff", "disable", AMINA).err
    mailer("staff", "add", "tom@example.org", "--role", "admin")
    assert (
        "is an approver now, for supporters." in mailer("staff", "role", AMINA, "approver", "--list", "supporters").out
    )
    assert "is a sender now, for supporters." in mailer("staff", "role", AMINA, "sender").out
    assert "is a sender now." in mailer("staff", "role", AMINA, "sender", "--all-lists").out
    assert mailer("staff", "disable", AMINA).code == 0
    assert "is disabled" in mailer("staff", "link", AMINA).err
    assert mailer("staff", "enable", AMINA).code == 0
    log = json.loads(mailer("audit", "--json").out)
    assert [one["action"] for one in log] == [
        "account enabled", "account disabled", *["account's rights changed"] * 3,
        "one-time link made", "account added", "one-time link made", "account added",
    ]  # fmt: skip
    assert all(one["by"].startswith("terminal: ") and one["via"].startswith("terminal on ") for one in log)
    assert len(json.loads(mailer("audit", "--json", "--about", "rights").out)) == 3
    assert json.loads(mailer("audit", "--json", "--since", "2026-11-25").out) == []
    assert len(json.loads(mailer("audit", "--json", "--limit", "2").out)) == 2
    assert "account disabled" in mailer("audit").out


def test_a_link_is_mailed_and_kept_nowhere(mailer: Mailer, own_day: None) -> None:
    done = mailer("staff", "add", AMINA, "--role", "sender", "--mail")
    assert "http" not in done.out
    assert mailer("run").code == 0
    (mail,) = Path("outbox", "new").glob("*")
    body = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
    assert body is not None
    text = body.get_content()
    token = token_of(text)
    assert held(Path.cwd(), token) == AMINA
    assert token.encode() not in Path("mailer.db").read_bytes()
