"""Local time in the terminal: what is shown, what is refused, and what is decided about those who were held."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import Mailer
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("own_day")


def change(sql: str, *values: object) -> None:
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute(sql, values)
        database.commit()


def test_a_local_hour_is_shown_zone_by_zone(mailer: Mailer, campaign: str) -> None:
    change("UPDATE people SET country = 'US', timezone = ''")
    change("UPDATE people SET timezone = 'Asia/Kolkata', timezone_source = 'own' WHERE id = 1")
    change("UPDATE people SET country = '' WHERE id = 2")
    done = mailer("schedule", campaign, "--at", "09:00", "--local", "--tz", "Europe/London", "--spread", "3 hours")
    assert done.code == 0, done.err
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "Asia/Kolkata 1 Wed 25 Nov 03:30" in lines
    assert "Europe/London 1 Wed 25 Nov 09:00 1 not known" in lines
    assert "America/New_York 1 Wed 25 Nov 14:00 1 guessed" in lines
    assert "Taken: 25 November 2026, the first day on which that is ahead everywhere." in done.out
    assert "09:00 where each person is (Europe/London where that isn't known), over 3 h" in done.out
    assert "launched Tue 24 Nov 2026 19:00 Europe/London" in done.out
    assert "time zones: 2, guessed for 1 person, not known of 1 person" in mailer("audience", campaign).out
    assert "cap: none ([caps] in mailer.toml)" in mailer("audience", campaign).out
    assert "due 2026-11-25 09:00 where each person is; launched Tue 24 Nov 2026 19:00" in mailer("status").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--at", "today 14:30", "--local"], 1, "past already in UTC (3 people)"),
        (["--at", "2026-11-23 09:00", "--local"], 1, "is past everywhere"),
        (["--at", "2026-11-25 09:00", "--past", "at-once"], 2, "--past belongs to --local"),
        (["--at", "2026-11-25 09:00", "--local", "--spread", "long"], 1, "is not a duration"),
    ],
)
def test_what_can_not_be_is_refused(
    mailer: Mailer, campaign: str, arguments: list[str], code: int, words: str
) -> None:  # fmt: skip
    change("UPDATE people SET country = ''")
    at = ["--at", "2026-11-24 08:00"] if arguments[1].startswith("today") else arguments[:2]
    done = mailer("schedule", campaign, *at, *arguments[2:])
    assert done.code == code
    assert words in done.err
    assert "Nothing was sent or scheduled yet" in mailer("status").out


def test_held_people_are_told_of_and_decided_about(mailer: Mailer, campaign: str) -> None:
    change("UPDATE people SET timezone = 'Asia/Kolkata', timezone_source = 'own'")
    assert mailer("schedule", campaign, "--at", "09:00", "--local").code == 0
    change("UPDATE campaigns SET local_at = '2026-11-24T09:00', due_at = ?", int(NOW.timestamp() * 1e6) - 1)
    done = mailer("run")
    assert done.code == 3
    assert f"{campaign}: the hour of 3 people was past when their turn came, so they are HELD." in done.err
    assert f"3 people held, since their hour was past: mailer resolve {campaign}" in mailer("status").out
    listed = mailer("resolve", campaign).out
    assert "The hour of 3 people was past when their turn came" in listed
    assert "No delivery" not in listed
    why = mailer("people", "why", "ada@example.org", campaign).out
    assert "09:00 where they are, time zone Asia/Kolkata, their own choice: Tue 24 Nov 2026 03:30 UTC" in why
    assert "the hour was past before the mail’s turn" in why
    told = mailer("resolve", campaign, "--held-next-day").out
    assert "3 people who were held: queued for the hour when their clocks show it next." in told
    assert mailer("run").code == 0
    assert "held" not in mailer("status").out
