"""Whatever a command changes or gives out is in the audit log: each command is in one of the tables below."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import click
import pytest

from mailer.cli import COMMANDS, cli, context
from tests.automations.conftest import MESSAGE as FIRST
from tests.automations.conftest import WELCOME
from tests.cli.conftest import Mailer, StartedOn
from tests.delivery.series.conftest import MESSAGE

ADA = "ada@example.org"
SIGNED = "2026-11-ask-un-experts"  # has a sign page

# Commands that show, or write files for their user, or do by themselves what was decided before.
UNLOGGED = {
    "init", "new", "check", "render", "preview", "shots", "lists", "lists embed", "people find", "people show",
    "people why",
    "audience", "approvals", "status", "cron", "serve", "report", "doctor", "staff list", "audit", "studio",
    "bounces", "run",  # what comes back, and what was decided before: a launch by `run` is logged as cron's
    "db migrate", "db move",  # the database as a whole, for who has its password
    "db archive",  # tests/cli/system/test_archive.py, on PostgreSQL
    "people lift",  # tests/audience/consent/test_lift.py
    "data", "series", "series preview", "automations", "automations dry-run", "automations show",
    "moving from", "moving report", "moving verify",
    "series send",  # tests/cli/campaign/test_series.py, with an issue that didn't leave
    "moving files", "moving listmonk",  # tests/moving, with what they move
    "people undo-unsubscribes",  # tests/cli/people, with a leaving to take back
    "people bursts",  # tests/cli/people/test_undo.py, with a burst to take back
}  # fmt: skip

# Each: what it needs before, the command, and the entry it leaves.
Before = Callable[[Mailer, str], object]


def nothing(_mailer: Mailer, _slug: str) -> None: ...


def launched(mailer: Mailer, slug: str) -> None:
    assert mailer("send", slug, "--yes", "3", "--later").code == 0


def paused(mailer: Mailer, slug: str) -> None:
    launched(mailer, slug)
    assert mailer("pause", slug).code == 0


def scheduled(mailer: Mailer, slug: str) -> None:
    assert mailer("schedule", slug, "--at", "2026-12-24 09:00").code == 0


def a_file(_mailer: Mailer, _slug: str) -> None:
    Path("more.csv").write_text("email\ndan@example.org\n", encoding="utf-8")
    Path("done.csv").write_text("token,name\n", encoding="utf-8")


def an_admin(mailer: Mailer, _slug: str) -> None:
    for address in ("amina@example.org", "tom@example.org"):
        assert mailer("staff", "add", address, "--role", "admin").code == 0


def a_disabled(mailer: Mailer, slug: str) -> None:
    an_admin(mailer, slug)
    assert mailer("staff", "disable", "tom@example.org").code == 0


def a_series(_mailer: Mailer, _slug: str) -> None:
    folder = Path("newsletters/river-news")
    folder.mkdir()
    (folder / "message.md").write_text(MESSAGE, encoding="utf-8")


def a_started_series(mailer: Mailer, slug: str) -> None:
    a_series(mailer, slug)
    assert mailer("series", "start", "river-news").code == 0


def an_automation(_mailer: Mailer, _slug: str) -> None:
    folder = Path("newsletters/welcome")
    folder.mkdir()
    (folder / "automation.toml").write_text(WELCOME, encoding="utf-8")
    for name in ("hello.md", "second.md"):
        (folder / name).write_text(FIRST, encoding="utf-8")


def a_started_automation(mailer: Mailer, slug: str) -> None:
    an_automation(mailer, slug)
    done = mailer("automations", "start", "welcome", "--yes")
    assert done.code == 0, done.err


def to_be_decided(mailer: Mailer, slug: str) -> None:
    message = Path("newsletters") / slug / "message.md"
    words = message.read_text(encoding="utf-8")
    message.write_text(words.replace("\nlist:", "\ntest:\n  b:\n    subject: Another\nlist:", 1), encoding="utf-8")
    launched(mailer, slug)
    with closing(sqlite3.connect("mailer.db")) as database, database:
        database.execute("UPDATE campaign_tests SET decide_at = 0")


LOGGED: dict[str, tuple[Before, tuple[str, ...], str, str]] = {
    "import": (a_file, ("import", "supporters", "more.csv"), "people imported", "list supporters"),
    "imports": (nothing, ("imports", "--undo", "1"), "import taken back", "list supporters"),
    "people export": (nothing, ("people", "export", "supporters", "--out", "x.csv"), "people exported",
                      "list supporters"),
    "people unsubscribe": (nothing, ("people", "unsubscribe", ADA), "person unsubscribed", "person 1"),
    "people forget": (nothing, ("people", "forget", ADA, "--yes"), "person forgotten", "person 1"),
    "signatures": (nothing, ("signatures", SIGNED, "--csv", "s.csv"), "signatures exported", f"page {SIGNED}"),
    "test": (nothing, ("test", "SLUG", "--to", "tom@example.org"), "proof sent", "newsletter SLUG"),
    "approve": (nothing, ("approve", "SLUG", "--yes"), "newsletter approved", "newsletter SLUG"),
    "send": (nothing, ("send", "SLUG", "--yes", "3", "--later"), "newsletter launched", "newsletter SLUG"),
    "schedule": (nothing, ("schedule", "SLUG", "--at", "2026-12-24 09:00"), "newsletter scheduled", "newsletter SLUG"),
    "unschedule": (scheduled, ("unschedule", "SLUG"), "newsletter taken off the schedule", "newsletter SLUG"),
    "pause": (launched, ("pause", "SLUG", "--why", "a typo"), "newsletter paused", "newsletter SLUG"),
    "tests": (to_be_decided, ("tests", "SLUG", "--decide", "b"), "test decided", "newsletter SLUG"),
    "series start": (a_series, ("series", "start", "river-news"), "series started", "newsletter river-news"),
    "series pause": (a_started_series, ("series", "pause", "river-news"), "series paused", "newsletter river-news"),
    "series stop": (a_started_series, ("series", "stop", "river-news"), "series stopped", "newsletter river-news"),
    "automations start": (an_automation, ("automations", "start", "welcome", "--yes"), "automation started",
                          "newsletter welcome"),
    "automations close": (a_started_automation, ("automations", "close", "welcome"), "automation closed",
                          "newsletter welcome"),
    "automations stop": (a_started_automation, ("automations", "stop", "welcome", "--yes"), "automation stopped",
                         "newsletter welcome"),
    "resume": (paused, ("resume", "SLUG"), "newsletter resumed", "newsletter SLUG"),
    "cancel": (launched, ("cancel", "SLUG", "--yes"), "newsletter cancelled", "newsletter SLUG"),
    "resolve": (launched, ("resolve", "SLUG", "--resend"), "uncertain mails sent again", "newsletter SLUG"),
    "clicks recompute": (launched, ("clicks", "recompute", "SLUG"), "clicks judged again", "newsletter SLUG"),
    "conversions import": (a_file, ("conversions", "import", "done.csv"), "conversions imported", "conversions"),
    "db backup": (nothing, ("db", "backup", "copy.db"), "database backed up", "database backup"),
    "staff add": (nothing, ("staff", "add", "tom@example.org", "--role", "writer", "--mail"), "account added",
                  "account tom@example.org"),
    "staff role": (an_admin, ("staff", "role", "tom@example.org", "sender"), "account's rights changed",
                   "account tom@example.org"),
    "staff link": (an_admin, ("staff", "link", "tom@example.org"), "one-time link made", "account tom@example.org"),
    "staff disable": (an_admin, ("staff", "disable", "tom@example.org"), "account disabled", "account tom@example.org"),
    "staff enable": (a_disabled, ("staff", "enable", "tom@example.org"), "account enabled", "account tom@example.org"),
}  # fmt: skip


def every_command() -> set[str]:
    found: set[str] = set()
    root = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(root, name)
        if isinstance(command, click.Group):
            found |= {f"{name} {one}" for one in command.commands}
            found |= {name} if command.invoke_without_command else set()
        else:
            found.add(name)
    return found


def test_each_command_is_in_one_table() -> None:
    assert every_command() - UNLOGGED == set(LOGGED)


@pytest.mark.parametrize("name", LOGGED)
def test_what_a_command_does_is_logged_once(mailer: Mailer, campaign: str, name: str, own_day: None) -> None:
    before, arguments, action, subject = LOGGED[name]
    before(mailer, campaign)
    log = json.loads(mailer("audit", "--json").out)
    done = mailer(*(one.replace("SLUG", campaign) for one in arguments))
    assert done.code == 0, done.err
    (entry,) = json.loads(mailer("audit", "--json").out)[: -len(log) or None]
    assert (entry["action"], entry["subject"]) == (action, subject.replace("SLUG", campaign))
    assert entry["by"].startswith("terminal: ")
    assert "example.org" not in entry["detail"] + entry["reason"]
    if not action.startswith(("account", "one-time")):
        assert "@" not in str(entry)


class Later(StartedOn):
    """Six hours on, which no machine is late by between two commands."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
        return StartedOn.now(tz) + timedelta(hours=6, minutes=5)


def test_a_launch_by_run_is_crons(
    mailer: Mailer, campaign: str, own_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mailer("schedule", campaign, "--at", "2026-11-24 15:00").code == 0
    monkeypatch.setattr(context, "datetime", Later)
    assert mailer("run").code == 0
    entry = json.loads(mailer("audit", "--json").out)[0]
    assert (entry["by"], entry["action"], entry["subject"]) == ("cron", "newsletter launched", f"newsletter {campaign}")
