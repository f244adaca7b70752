"""Sending as staff do it: the number typed, a script's number checked, schedules, pausing, and what is refused."""

from __future__ import annotations

import io
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer
from tests.conftest import NOW, REPOSITORY
from tests.servers.relay import Relay, Say, Step

pytestmark = pytest.mark.usefixtures("own_day")


def sent(root: Path) -> int:
    return len(list((root / "outbox" / "new").glob("*"))) if (root / "outbox").exists() else 0


def test_a_script_names_the_number_and_everybody_gets_it(mailer: Mailer, campaign: str) -> None:
    done = mailer("send", campaign, "--yes", "3")
    assert done.code == 0, done.err
    assert "Gets it    3 people" in done.out
    assert f"{campaign}: 3 sent; finished." in done.out
    assert sent(Path.cwd()) == 3
    report = json.loads(mailer("report", campaign, "--json").out)
    assert '"sent": 3' in json.dumps(report)


def test_it_says_how_long_it_takes_at_the_pace_that_is_set(mailer: Mailer, campaign: str) -> None:
    assert "Takes" not in mailer("send", campaign, "--dry-run").out
    with Path("mailer.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[pace]\nper_second = 0.01\n")
    assert "Takes      5 min" in mailer("send", campaign, "--dry-run").out


def test_a_report_is_drawn_too(mailer: Mailer, campaign: str, tmp_path: Path) -> None:
    mailer("send", campaign, "--yes", "3")
    drawn = mailer("report", campaign, "--plot", str(tmp_path / "course.svg"))
    assert (drawn.code, drawn.err) == (0, f"Drawn: {tmp_path}/course.svg\n")
    assert campaign in (tmp_path / "course.svg").read_text(encoding="utf-8")
    for arguments, words in ((("--json", "--csv"), "exclude each other"), (("--plot", "course.png"), "ends in .svg")):
        refused = mailer("report", campaign, *arguments)
        assert (refused.code, words in refused.err) == (2, True)
    ended = mailer("cancel", campaign, "--yes")
    assert (ended.code, "is finished, so there is nothing to cancel" in ended.err) == (1, True)


def test_another_number_sends_nothing(mailer: Mailer, campaign: str) -> None:
    done = mailer("send", campaign, "--yes", "4")
    assert done.code == 1
    assert "the audience is 3 people, not 4; nothing was sent" in done.err
    assert sent(Path.cwd()) == 0
    assert "Nothing was sent" in mailer("status").out


def test_without_a_terminal_it_does_not_ask(mailer: Mailer, campaign: str) -> None:
    done = mailer("send", campaign)
    assert done.code == 1
    assert "--yes 3" in done.err


@pytest.mark.parametrize(("typed", "code"), [("3\n", 0), ("y\n", 1), ("\n", 1), ("2\n", 1)])
def test_the_number_is_typed(
    mailer: Mailer, campaign: str, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:

    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    done = mailer("send", campaign)
    assert done.code == code
    assert sent(Path.cwd()) == (3 if code == 0 else 0)


def test_who_leaves_while_the_question_stands_stops_the_send(
    mailer: Mailer, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed() -> str:
        with closing(sqlite3.connect("mailer.db")) as database, database:
            one = "SELECT person_id FROM subscriptions WHERE status = 'subscribed' LIMIT 1"
            database.execute(f"UPDATE subscriptions SET status = 'unsubscribed' WHERE person_id IN ({one})")
        return "3\n"

    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(terminal, "readline", lambda *_: typed(), raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    done = mailer("send", campaign)
    assert done.code == 1
    assert "the audience is 2 people, not 3" in done.err
    assert sent(Path.cwd()) == 0
    assert "Nothing was sent" in mailer("status").out


def test_a_dry_run_sends_nothing(mailer: Mailer, campaign: str) -> None:
    done = mailer("send", campaign, "--dry-run")
    assert done.code == 0
    assert "Nothing was sent (--dry-run)" in done.out
    assert "Nothing was sent or scheduled yet" in mailer("status").out


def test_a_newsletter_is_sent_once(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3")
    again = mailer("send", campaign, "--yes", "3")
    assert again.code == 1
    assert "launched before" in again.err
    assert "not_mailed_by" in again.err
    assert sent(Path.cwd()) == 3


def test_nobody_left_in_the_audience_is_said(mailer: Mailer, campaign: str) -> None:
    message = Path("newsletters") / campaign / "message.md"
    text = message.read_text(encoding="utf-8")
    message.write_text(
        text.replace("---\n", "---\naudience:\n  segment: supporter.country == 'FR'\n", 1), encoding="utf-8"
    )
    done = mailer("send", campaign, "--yes", "0")
    assert done.code == 1
    assert "nobody would get this mail" in done.err
    assert f"mailer audience {campaign}" in done.err


def test_launched_for_later_is_sent_by_run(mailer: Mailer, campaign: str) -> None:
    assert mailer("send", campaign, "--yes", "3", "--later").code == 0
    assert sent(Path.cwd()) == 0
    assert mailer("run").code == 0
    assert sent(Path.cwd()) == 3
    quiet = mailer("run")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_schedule_is_shown_and_taken_back(mailer: Mailer, campaign: str) -> None:
    done = mailer("schedule", campaign, "--at", "2036-12-01 09:00", "--tz", "Asia/Kolkata")
    assert done.code == 0, done.err
    assert "Mon 1 Dec 2036 09:00 Asia/Kolkata (03:30 UTC)" in done.out
    assert "scheduled" in mailer("status").out
    assert mailer("run").out == ""
    assert mailer("unschedule", campaign).code == 0
    assert mailer("send", campaign, "--yes", "3").code == 0


def set_timezone(name: str) -> None:
    settings = Path("mailer.toml")
    settings.write_text(f'timezone = "{name}"\n{settings.read_text(encoding="utf-8")}', encoding="utf-8")


def test_a_schedule_is_read_by_the_workspaces_clock_and_told_in_words(mailer: Mailer, campaign: str) -> None:
    plain = mailer("schedule", campaign, "--at", "1 December 2036").out
    assert "Taken: 09:00, since no time was named." in plain
    assert "No time zone is set, so UTC is meant." in plain
    assert f"{campaign} is due Mon 1 Dec 2036 09:00 UTC, in " in plain
    set_timezone("america/new york")
    told = mailer("schedule", campaign, "--at", "1 July 2036 9am").out
    assert f"{campaign} is due Tue 1 Jul 2036 09:00 America/New_York (13:00 UTC), in " in told
    assert "No time zone" not in told
    assert "09:00 America/New_York" in mailer("status").out
    assert (
        "due Tue 1 Jul 2036 18:30 Asia/Kolkata (13:00 UTC)"
        in mailer("schedule", campaign, "--at", "2036-07-01 18:30", "--tz", "Asia/Kolkata").out
    )
    assert "due Tue 1 Jul 2036 09:00 America/New_York" in mailer("report", campaign).out, "reports are in our own time"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "2036-12-01 09:00", "--tz", "PST"], "PST is the short name of a time"),
        (["--at", "01/12/2036 09:00"], "can be read in two ways"),
        (["--at", "2020-01-01 09:00"], "is past"),
        (["--at", "2037-03-29 01:30", "--tz", "Europe/London"], "does not exist"),
        (["--at", "2036-12-01 09:00", "--tz", "Mars/Olympus"], "no time zone"),
        (["--at", "soon"], "is not a time"),
        (["--at", "2036-12-01 09:00", "--late", "later"], "is not a duration"),
    ],
)
def test_a_schedule_that_can_not_be_is_refused(mailer: Mailer, campaign: str, arguments: list[str], words: str) -> None:
    done = mailer("schedule", campaign, *arguments)
    assert done.code == 1
    assert words in done.err
    assert "Nothing was sent or scheduled yet" in mailer("status").out


def test_a_schedule_is_looked_at_again_when_it_is_due(mailer: Mailer, campaign: str) -> None:
    assert mailer("schedule", campaign, "--at", "2036-01-01 09:00").code == 0
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute("UPDATE subscriptions SET status = 'unsubscribed'")
        database.execute("UPDATE campaigns SET due_at = ?", (int(NOW.timestamp() * 1e6),))
        database.commit()
    done = mailer("run")
    assert done.code == 3
    assert f"{campaign}: due, and NOT SENT: nobody would get it any more." in done.err
    assert sent(Path.cwd()) == 0
    assert mailer("run").code == 0, "it is said once by cron"
    told = mailer("status").out
    assert "overdue" in told
    assert f"{campaign}: nobody would get it any more. Fix that, then send it (mailer send {campaign})" in told
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute("UPDATE subscriptions SET status = 'subscribed'")
        database.commit()
    assert mailer("send", campaign, "--yes", "3").code == 0
    assert sent(Path.cwd()) == 3


def test_a_date_that_will_be_past_when_it_is_due_is_told_while_scheduling(mailer: Mailer, campaign: str) -> None:
    message = Path("newsletters") / campaign / "message.md"
    text = message.read_text(encoding="utf-8").replace("::: ps", "Sign before 5 December 2035.\n\n::: ps", 1)
    message.write_text(text, encoding="utf-8")
    in_time = mailer("schedule", campaign, "--at", "2035-12-05 09:00")
    assert in_time.code == 0
    assert "2035-12-05 was" not in in_time.err
    assert "2035-12-05 was 27 days ago" in mailer("schedule", campaign, "--at", "2036-01-01 09:00").err


def test_pause_resume_and_cancel(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3", "--later")
    assert mailer("pause", campaign, "--why", "a typo in the subject").code == 0
    assert mailer("run").out == ""
    assert "a typo in the subject" in mailer("status").out
    assert mailer("resume", campaign).code == 0
    assert mailer("cancel", campaign, "--yes").out.startswith(f"{campaign} is cancelled; 3 people")
    assert mailer("run").out == ""
    assert sent(Path.cwd()) == 0
    for command in ("pause", "resume", "unschedule"):
        refused = mailer(command, campaign)
        assert refused.code == 1, command
        assert "cancelled" in refused.err


def test_a_guard_rail_that_is_passed_with_nobody_left_ends_the_campaign_and_is_told(
    mailer: Mailer, campaign: str
) -> None:
    with Relay() as relay:
        settings = Path("mailer.toml").read_text(encoding="utf-8").replace('transport = "outbox"', 'transport = "smtp"')
        smtp = f'[smtp]\nhost = "{relay.host}"\nport = {relay.port}\nsecurity = "none"\nconnections = 1\n'
        rails = "[guard]\nrefused_of = 20\n"
        Path("mailer.toml").write_text(f"{settings}\n{smtp}\n{rails}", encoding="utf-8")
        relay.on(Step.RCPT, Say("554 blocked"))
        done = mailer("send", campaign, "--yes", "3")
    assert done.code == 3
    assert f"{campaign}: 3 failed; finished. 3 of the last 3 people were refused for good, most recently" in done.err
    assert (
        "; it would have paused, had anybody been left to mail. A blocklist, a refused sender or an old list causes"
        " this: fix what the replies say.\n"
    ) in done.err
    told = mailer("status").out
    assert "finished" in told
    assert f"{campaign}: 3 of the last 3 people were refused for good" in told
    assert "mailer resume" not in told
    assert f"{campaign} is finished, not paused" in mailer("resume", campaign).err


def test_resuming_or_pausing_with_nobody_left_finishes(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3")
    for command, state in (("pause", "sending"), ("resume", "paused")):
        with closing(sqlite3.connect("mailer.db")) as database:
            database.execute("UPDATE campaigns SET state = ?, finished_at = NULL", (state,))
            database.commit()
        assert mailer(command, campaign).out == f"{campaign} is finished: nobody was left to mail.\n"
        assert json.loads(mailer("status", "--json").out)[0]["state"] == "finished"


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "unschedule", "resolve", "report"])
def test_what_was_never_sent_is_said_to_be_so(mailer: Mailer, campaign: str, command: str) -> None:
    options = {"cancel": ["--yes"], "resolve": ["--resend"]}.get(command, [])
    done = mailer(command, campaign, *options)
    assert done.code == 1
    assert campaign in done.err


def test_a_proof_is_marked_and_leaves_no_trace_in_the_figures(mailer: Mailer, campaign: str) -> None:
    done = mailer("test", campaign, "--to", "colleague@example.org", "--as", "ada@example.org")
    assert done.code == 0, done.err
    (mail,) = (Path.cwd() / "outbox" / "new").glob("*")
    text = mail.read_bytes()
    assert b"Subject: [Proof] " in text
    assert b"colleague@example.org" in text
    assert b"Ada" in text
    assert "Nothing was sent or scheduled yet" in mailer("status").out


def test_sending_without_a_signing_key_is_refused(mailer: Mailer, campaign: str) -> None:
    Path("secrets.toml").write_text('address_key = "an-address-key-that-is-long-enough-for-this"\n', encoding="utf-8")
    done = mailer("send", campaign, "--yes", "3")
    assert done.code == 1
    assert "no signing key" in done.err


def test_another_transport_than_agreed_sends_nothing(
    mailer: Mailer, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer("send", campaign, "--yes", "3", "--later")
    monkeypatch.setenv("MAILER_TRANSPORT", "smtp")
    done = mailer("run")
    assert done.code == 3
    assert "launched for the outbox transport" in done.err


def test_a_relay_that_is_away_leaves_everybody_queued(
    mailer: Mailer, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_TRANSPORT", "smtp")
    monkeypatch.setenv("MAILER_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("MAILER_SMTP_PORT", "1")
    monkeypatch.setenv("MAILER_SMTP_SECURITY", "none")
    monkeypatch.setattr("mailer.delivery.ledger.guard.TROUBLES_IN_A_ROW", 1)
    done = mailer("send", campaign, "--yes", "3")
    assert done.code == 3
    assert "can't be reached" in done.err
    assert json.loads(mailer("status", "--json").out)[0]["people"] == {"queued": 3}


def test_the_uncertain_are_listed_and_decided_on(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3")
    assert "No delivery" in mailer("resolve", campaign).out
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute("UPDATE deliveries SET state = 'uncertain', detail = 'the program died' WHERE id % 2 = 1")
        database.commit()
    listed = mailer("resolve", campaign).out
    assert "ada@example.org" in listed
    assert "2 people may have got" in listed
    assert "decide: mailer resolve" in mailer("status").out
    assert mailer("resolve", campaign, "--resend").out.startswith("2 uncertain deliveries")
    assert "2 sent; finished" in mailer("run").out
    assert mailer("resolve", campaign, "--count-as-sent").out.startswith("0 uncertain deliveries")


def test_cron_prints_lines_that_name_this_workspace(mailer: Mailer) -> None:
    done = mailer("cron")
    assert f"cd {Path.cwd()} && " in done.out
    assert "run --for 55s" in done.out


def test_cron_prints_lines_that_hold_for_an_odd_folder(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "our 100% campaigns"
    assert mailer("init", str(odd)).code == 0
    monkeypatch.chdir(odd)
    lines = mailer("cron").out.splitlines()
    (line,) = [line for line in lines if line.endswith("run --for 55s") and line.startswith("* * * * * ")]
    command = line.removeprefix("* * * * * ").replace("\\%", "%")  # as cron(8) hands it to the shell
    assert shlex.split(command)[:5] == ["cd", str(odd), "&&", f"{odd}/mailer", "run"]
    assert f"WorkingDirectory={odd}".replace("%", "%%") in lines
    assert f'ExecStart="{odd}/mailer" run --for 55s'.replace("%", "%%") in lines


def test_cron_names_the_interpreter_when_the_program_is_a_module(campaign: str) -> None:
    command = [sys.executable, "-m", "mailer", "cron"]
    environ = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    said = subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout
    assert f"&& {sys.executable} -m mailer run --for 55s" in said
    assert f'ExecStart="{sys.executable}" "-m" "mailer" run --for 55s' in said


def test_outside_a_workspace_there_is_one_clear_message(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    done = mailer("status")
    assert done.code == 1
    assert "there is no mailer.toml" in done.err
    assert "mailer init" in done.err


def test_a_fault_of_the_program_itself_shows_no_traceback(mailer: Mailer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.cli.context.find_workspace", lambda: 1 / 0)
    done = mailer("status")
    assert done.code == 1
    assert "a fault of Mailer itself: ZeroDivisionError" in done.err
    assert "Traceback" not in done.err


def test_variants_name_an_address_that_as_takes(mailer: Mailer, campaign: str) -> None:
    file = Path("newsletters") / campaign / "message.md"
    text = file.read_text(encoding="utf-8")
    assert text.count("Dear ") == 1
    british = '{% if supporter.country == "GB" %}Only in Britain.{% endif %}\n\nDear '
    file.write_text(text.replace("Dear ", british), encoding="utf-8")
    told = mailer("check", campaign, "--variants").out
    rows = [line.split() for line in told.splitlines() if "@example.org" in line]
    assert {row[-1] for row in rows} <= {"ada@example.org", "bo@example.org", "cai@example.org"}
    assert len(rows) >= 4  # two variants, and the best and the longest mail at least
    data = json.loads(mailer("check", campaign, "--json").out)[campaign]
    addresses = [one["address"] for one in data["variants"]] + list(data["addresses"].values())
    for address in set(addresses):
        assert mailer("test", campaign, "--to", "me@example.org", "--as", address).code == 0
