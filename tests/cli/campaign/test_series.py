"""`mailer series`, and `mailer run` by a clock that is set: a series starts, makes an issue, is paused and stopped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from mailer.cli import context
from tests.cli.conftest import PEOPLE, Mailer
from tests.conftest import NOW
from tests.delivery.series.conftest import MESSAGE, SLUG


class Clock:
    """What commands take for the time."""

    def __init__(self) -> None:
        self.now = NOW

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = self

        class Set(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
                return clock.now.astimezone(tz)

        monkeypatch.setattr(context, "datetime", Set)


@pytest.fixture
def clock(mailer: Mailer, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The workspace's newsletter and people, and its clock: a Tuesday, nine o'clock."""
    (Path("newsletters") / SLUG).mkdir()
    (Path("newsletters") / SLUG / "message.md").write_text(MESSAGE, encoding="utf-8")
    Path("people.csv").write_text(PEOPLE)
    made = Clock()
    made.install(monkeypatch)
    assert mailer("import", "supporters", "people.csv").code == 0
    return made


def test_from_start_to_stop(mailer: Mailer, clock: Clock) -> None:
    assert "No series was started" in mailer("series").out
    preview = mailer("series", "preview", SLUG)
    assert preview.out.splitlines()[1] == (
        "  Tue 24 Nov 2026 10:00 Europe/London (10:00 UTC), in 1 h 0 min: What the river did this week"
    )
    assert len(json.loads(mailer("series", "preview", SLUG, "--json").out)["issues"]) == 3
    told = mailer("send", SLUG, "--yes", "3")
    assert told.code == 1
    assert "mailer series start river-news" in told.err
    assert "every Tuesday at 10:00, Europe/London" in mailer("series", "start", SLUG).out
    clock.now += timedelta(hours=1)
    run = mailer("run")
    assert (run.code, run.out) == (0, (
        "river-news: the issue of 2026-11-24 10:00 UTC is made: river-news-2026-11-24\n"
        "river-news-2026-11-24: 3 sent; finished.\n"
    ))  # fmt: skip
    assert mailer("run").out == ""
    assert "river-news-2026-11-24" in mailer("status").out
    assert "3 " in mailer("report", "river-news-2026-11-24").out
    clock.now += timedelta(days=7, hours=3)
    late = mailer("run")
    assert late.code == 3
    assert "was NOT SENT: no `mailer run` came within 2 h of its time." in late.err
    listed = mailer("series").out
    assert "running" in listed
    assert "NOT SENT: no `mailer run` came" in listed
    assert "makes an issue of river-news as it is now" in mailer("series", "send", SLUG).out
    (issue,) = json.loads(mailer("run", "--json").out)["issues"]
    assert (issue["campaign"], issue["state"]) == ("river-news-2026-12-01", "composed")
    assert mailer("series", "pause", SLUG).out == "river-news is paused: no more issues are made.\n"
    assert mailer("series", "stop", SLUG).out == "river-news is stopped: no more issues are made.\n"
    states = [one["campaign_state"] for one in json.loads(mailer("series", "--json").out)[0]["issues"]]
    assert states == ["finished", "finished"]


def test_an_issue_is_approved_at_a_terminal(mailer: Mailer, clock: Clock) -> None:
    settings = Path("mailer.toml")
    settings.write_text(settings.read_text() + "\n[studio]\napprovals = 1\n")
    assert "approved each" in mailer("series", "start", SLUG).out
    mailer("run")
    slug = "river-news-2026-11-24"
    assert "0 of 1 approved" in mailer("approvals", slug).out
    assert "1 of 1 approved" in mailer("approve", slug, "--yes").out
    clock.now += timedelta(hours=1)
    assert f"{slug}: 3 sent; finished." in mailer("run").out
    assert mailer("report", slug).code == 0
