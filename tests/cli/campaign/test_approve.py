"""Approval as a person with a terminal meets it: what is refused, how it is given, and what voids it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest

from mailer.cli import context
from tests.cli.campaign.test_send import sent
from tests.cli.conftest import Mailer, StartedOn

pytestmark = pytest.mark.usefixtures("own_day")
AT = "2026-12-01 09:00"


@pytest.fixture
def asked(campaign: str) -> str:
    """The newsletter, in a workspace that asks for one approval."""
    path = Path("mailer.toml")
    path.write_text(path.read_text(encoding="utf-8") + "\n[studio]\napprovals = 1\n", encoding="utf-8")
    return campaign


def edit(slug: str) -> None:
    path = Path("newsletters") / slug / "message.md"
    text = path.read_text(encoding="utf-8")
    assert "## A heading" in text
    path.write_text(text.replace("## A heading", "One more thing.\n\n## A heading"), encoding="utf-8")


def test_nothing_leaves_without_and_it_leaves_with(mailer: Mailer, asked: str) -> None:
    for command in (("send", asked, "--yes", "3"), ("schedule", asked, "--at", AT)):
        done = mailer(*command)
        assert (done.code, sent(Path.cwd())) == (1, 0)
        assert f"{asked} needs 1 approval as it is now, and has none" in done.err
        assert f"mailer approve {asked}" in done.err
    assert "0 of 1 approved" in mailer("send", asked, "--dry-run").out
    done = mailer("approve", asked, "--yes")
    assert done.code == 0, done.err
    assert f"You approved {asked} exactly as it is now." in done.out
    assert mailer("send", asked, "--yes", "3").code == 0
    assert sent(Path.cwd()) == 3
    assert "newsletter approved" in mailer("audit").out


def test_an_edit_voids_it_and_is_shown(mailer: Mailer, asked: str) -> None:
    mailer("approve", asked, "--yes")
    edit(asked)
    done = mailer("send", asked, "--yes", "3")
    assert (done.code, sent(Path.cwd())) == (1, 0)
    assert "was changed since it was approved" in done.err
    shown = mailer("approvals", asked)
    assert "One more thing." in shown.out
    told = json.loads(mailer("approvals", asked, "--json").out)
    assert (told["needed"], told["missing"], len(told["outdated"])) == (1, 1, 1)


def test_what_is_scheduled_and_then_changed_is_said_not_to_leave(mailer: Mailer, asked: str) -> None:
    mailer("approve", asked, "--yes", "--at", AT)
    done = mailer("schedule", asked, "--at", AT)
    assert done.code == 0, done.err
    edit(asked)
    assert "it will NOT leave" in mailer("status").out


class AtNine(StartedOn):
    """The clock of the planned time."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
        return datetime(2026, 12, 1, 9, 0, 30, tzinfo=UTC).astimezone(tz)


@pytest.mark.parametrize("edited", [False, True])
def test_a_run_sends_what_was_approved_and_nothing_else(
    mailer: Mailer, asked: str, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    mailer("approve", asked, "--yes", "--at", AT)
    assert mailer("schedule", asked, "--at", AT).code == 0
    if edited:
        edit(asked)
    monkeypatch.setattr(context, "datetime", AtNine)
    done = mailer("run")
    assert sent(Path.cwd()) == (0 if edited else 3), done.err
    if edited:
        assert "NOT SENT: it was changed after it was approved and scheduled" in done.err
        assert "One more thing." in done.err
        assert "overdue" in mailer("status").out


def test_an_approval_is_taken_back(mailer: Mailer, asked: str) -> None:
    mailer("approve", asked, "--yes")
    assert "no longer counts" in mailer("approve", asked, "--withdraw").out
    assert mailer("send", asked, "--yes", "3").code == 1
    assert mailer("approve", asked, "--withdraw").code == 1


@pytest.mark.parametrize("line", ["approvals = 3", 'hold = "soon"', 'hold = "2d"', "approver_may_be_writer = 2"])
def test_a_setting_that_cannot_work_is_refused_with_its_place(mailer: Mailer, campaign: str, line: str) -> None:
    path = Path("mailer.toml")
    path.write_text(path.read_text(encoding="utf-8") + f"\n[studio]\n{line}\n", encoding="utf-8")
    done = mailer("approvals", campaign)
    assert done.code == 1
    assert "mailer.toml:" in done.err


def test_asking_mails_those_who_may_approve_once(mailer: Mailer, asked: str) -> None:
    mailer("staff", "add", "amina@example.org", "--role", "approver")
    done = mailer("approve", asked, "--ask")
    assert "nobody gets a mail" in done.out
    settings = Path("mailer.toml")
    settings.write_text(settings.read_text().replace("[studio]", '[studio]\nurl = "https://studio.example.org"'))
    edit(asked)
    done = mailer("approve", asked, "--ask", "--at", AT)
    assert done.code == 0, done.err
    assert "mails it to: amina@example.org" in done.out
    assert "nobody gets a mail" in mailer("approve", asked, "--ask").out, "asked for already, for that time"
    assert mailer("audit").out.count("approval asked for") == 2
    assert "0 of 1 approved" in mailer("approvals", asked).out
