"""`mailer status`: what it says of a campaign that paused itself, and of one under a warm-up plan."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("own_day")


def test_a_campaign_that_paused_itself_says_why(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3", "--later")
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute(
            "UPDATE campaigns SET state = 'paused', why = '21 of the last 200 people were refused for good'"
        )
        database.commit()
    assert f"{campaign}: 21 of the last 200 people were refused" in mailer("status").out
    assert json.loads(mailer("status", "--json").out)[0]["remark"].startswith("21 of the last 200")
    assert mailer("resume", campaign).code == 0
    assert "refused" not in mailer("status").out
    with closing(sqlite3.connect("mailer.db")) as database:
        assert database.execute("SELECT since > 0 FROM guard_evidence").fetchall() == [(1,)]


def test_a_transport_that_failed_is_told_of_until_it_works(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3", "--later")
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute("INSERT INTO guard_evidence (campaign_id, since, troubles) SELECT id, 0, 2 FROM campaigns")
        database.commit()
    assert f"{campaign}: the outbox transport failed in the last 2 runs, so whoever is queued" in mailer("status").out
    assert mailer("run").code == 0
    assert json.loads(mailer("status", "--json").out)[0]["remark"] == ""


def test_a_warm_up_plan_says_how_far_today_went(mailer: Mailer, campaign: str) -> None:
    settings = Path("mailer.toml").read_text(encoding="utf-8")
    Path("mailer.toml").write_text(f"{settings}\n[pace]\nwarm_up = [2, 400]\n", encoding="utf-8")
    mailer("send", campaign, "--yes", "3", "--later")
    assert f"{campaign}: day 1 of the warm-up plan: 0 of today's 2 people are mailed" in mailer("status").out
    with closing(sqlite3.connect("mailer.db")) as database:
        today = NOW.date().isoformat()
        database.execute("INSERT INTO warm_up_days VALUES ('outbox', ?, 2)", (today,))
        database.commit()
    told = mailer("status").out
    assert f"{campaign}: today's warm-up allowance of 2 is used up; the rest goes on tomorrow, " in told
    assert "00:00 UTC, in " in told


def test_a_used_up_allowance_is_said_once_and_is_no_trouble(mailer: Mailer, campaign: str) -> None:
    settings = Path("mailer.toml").read_text(encoding="utf-8")
    Path("mailer.toml").write_text(f"{settings}\n[pace]\nwarm_up = [2, 400]\n", encoding="utf-8")
    done = mailer("send", campaign, "--yes", "3")
    assert done.code == 0
    assert f"{campaign}: 2 sent; today's warm-up allowance of 2 is used up; the rest goes on tomorrow" in done.out
    assert json.loads(mailer("status", "--json").out)[0]["people"] == {"sent": 2, "queued": 1}
    again = mailer("run")
    assert (again.code, again.out, again.err) == (0, "", "")
