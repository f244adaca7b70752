"""`mailer new --automation`, and what the other commands make of an automation's folder."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Mailer


def test_an_automation_is_made_and_checked_and_sent_by_no_command(mailer: Mailer) -> None:
    made = mailer("new", "welcome", "--automation", "welcome")
    assert (made.code, "Made newsletters/welcome/automation.toml" in made.out) == (0, True)
    checked = mailer("check", "welcome")
    assert checked.code == 1
    assert "welcome/how-we-win.md" in checked.out
    assert "was to be filled in" in checked.out
    file = Path("newsletters/welcome/automation.toml")
    file.write_text(file.read_text(encoding="utf-8").replace("3 days", "soon"), encoding="utf-8")
    assert "automation.toml:18: wait must be a length of time" in mailer("check").out
    assert "welcome is an automation" in mailer("send", "welcome", "--yes", "3").err
    assert "welcome" not in mailer("status").out


def test_what_it_is_about_must_be_there(mailer: Mailer) -> None:
    assert "there is no sign page 'none'" in mailer("new", "x", "--automation", "non-signers", "--petition", "none").err
    assert "there is no ready-made automation 'welcme'" in mailer("new", "x", "--automation", "welcme").err
    assert mailer("new", "x", "--petition", "library").code == 2
