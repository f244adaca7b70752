"""The report as it is shown: for people, as JSON, as CSV; and what is said when there is none."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import update

from mailer.cli import cli
from mailer.errors import MailerError
from mailer.reports.by_language import LanguageFigures
from mailer.reports.export import as_csv
from mailer.reports.figures import CampaignFigures, figures
from mailer.reports.terminal import BAR_CELLS, bar, show
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns
from mailer.store.tables.inbound import conversions
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.tracking.hits import make_hit, record_hits
from mailer.workspace import Workspace
from tests.reports.builders import (
    CAMPAIGN,
    SLUG,
    add_campaign,
    add_deliveries,
    add_event,
    add_hit,
    add_people,
    delivery_id,
    make_links,
    make_message,
)


@pytest.fixture
def sent(workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    links = list(make_links())
    links[2] = replace(links[2], label='=HYPERLINK("http://evil.example")\x1b[31m')
    with database.write() as connection:
        add_people(connection, 8, now=now)
        add_campaign(
            connection, make_message(links=links), now=now, counts={"total": 9, "chosen": 8, "on an excluded list": 1},
            launched_at=now, finished_at=now + timedelta(minutes=5), zone="Europe/London",
        )  # fmt: skip
        add_deliveries(connection, range(1, 7), now=now)
        add_deliveries(connection, [7], now=now, state=DeliveryState.FAILED, reply_class="hard")
        add_deliveries(connection, [8], now=now, state=DeliveryState.UNCERTAIN)
        for number in (1, 2, 3):
            add_hit(connection, number, 1, now=now)
        add_event(connection, 4, "unsubscribed", now=now)
    return database


# CVE-2022-25772: what a stranger's program said of itself ran as a script in the staff's browser.
HOSTILE = '=cmd|"/c calc"!A1<script>alert(1)</script>\x1b]0;owned\x07\u202e'


def test_what_strangers_say_of_themselves_is_shown_nowhere_as_it_came(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        record_hits(
            connection,
            [
                make_hit(
                    campaign_id=CAMPAIGN, delivery_id=delivery_id(5), n=n, at=now + timedelta(hours=1), method="GET",
                    headers={"user-agent": HOSTILE, "accept": HOSTILE}, address=HOSTILE, key=b"key",
                )
                for n in (0, 1)
            ],
        )  # fmt: skip
        connection.execute(
            conversions.insert().values(
                campaign_id=CAMPAIGN, name=HOSTILE, reference=HOSTILE, at=now, source=HOSTILE, n=1
            )
        )
    outputs = [run(SLUG).output, run(SLUG, "--csv").output]
    outputs.append(CliRunner().invoke(cli, ["clicks", "recompute"]).output)
    for output in outputs:
        assert "\x1b" not in output
        assert "\x07" not in output
        assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(output)) for cell in row)
    assert json.loads(run(SLUG, "--json").output)["openings"] == {"people": 1, "unsure": 0, "fetched": 1}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["report", *arguments], catch_exceptions=True)


def test_the_report_names_its_denominators(sent: Database) -> None:
    said = run(SLUG).output
    words = " ".join(said.split())
    assert "Finished" in words
    assert "begun Tue 24 Nov 2026 09:00 Europe/London" in words
    assert "chosen 8 88.9% of the lists" in words
    assert "left out: on an excluded list 1" in words
    assert "sent 6 75.0% of the chosen" in words
    assert "hard: no such address 1" in words
    assert "people 3 50.0% of sent" in words
    assert "people 1 16.7% of sent" in words
    assert "per sent mail (6)" in words
    assert "█" not in said, "no bars when piped"
    assert "\x1b" not in said, "no colours, and none that a label brought along"
    assert not [line for line in said.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_on_a_terminal_there_are_bars(sent: Database, width: int) -> None:
    with sent.read() as connection:
        found = figures(connection, SLUG)
    console = Console(force_terminal=True, width=width, file=io.StringIO(), color_system=None, legacy_windows=False)
    show(found, console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "█" in said
    assert all(len(line) <= width for line in said.splitlines())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"placements": ()}, "This message has no action link."),
        ({"waived": {"links.vague": "They know\x1b[31m it"}}, "Waived before it was sent links.vague They know"),
        ({"skipped_by_reason": {"unsubscribed": 3}}, "unsubscribed 3"),
        ({"by_version": (LanguageFigures("cy", 4, 2, 1),)}, "By language of the mail"),
        ({"audience": None}, "there is nothing to count yet"),
    ],
)
def test_every_part_that_a_report_may_have_is_shown(sent: Database, changed: dict[str, Any], words: str) -> None:
    with sent.read() as connection:
        found = replace(figures(connection, SLUG), **changed)
    assert words in " ".join(printed(found).split())


def test_reports_of_what_came_back_and_clicks_that_are_not_tracked_are_shown(sent: Database) -> None:
    with sent.read() as connection:
        found = figures(connection, SLUG)
    back = replace(found.came_back, bounced=2, bounced_by_class={"hard": 1, "odd": 1}, heard_of=4)
    said = " ".join(printed(replace(found, came_back=back, action=replace(found.action, untracked=2))).split())
    assert "hard: no such address 1" in said
    assert "odd: odd 1" in said
    assert "For 2 sent mails no report came back" in said
    assert "2 of them by people who are not tracked" in said


def test_in_which_languages_a_page_was_signed_is_shown(sent: Database) -> None:
    with sent.read() as connection:
        found = figures(connection, SLUG)
    signed = replace(found.signed, on_page=3, by_source={"a poster": 3})
    said = " ".join(printed(replace(found, signed=signed, page_languages={"fr": 2, "": 1})).split())
    assert "in fr 2" in said
    assert "in unknown 1" in said


def printed(found: CampaignFigures) -> str:
    console = Console(width=100, file=io.StringIO(), color_system=None, legacy_windows=False)
    show(found, console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "\x1b" not in said
    return said


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (CampaignState.SENDING, "Still sending"),
        (CampaignState.PAUSED, "Paused"),
        (CampaignState.OVERDUE, "Overdue"),
        (CampaignState.CANCELLED, "Cancelled"),
    ],
)
def test_every_state_is_said(sent: Database, state: CampaignState, words: str) -> None:
    with sent.write() as connection:
        connection.execute(update(campaigns).values(state=state, why="too many refusals"))
    said = run(SLUG).output
    assert words in said
    assert "(too many refusals)" in said


def test_a_scheduled_campaign_says_when(
    workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILER_WORKSPACE", str(workspace.root))
    with database.write() as connection:
        add_campaign(
            connection, make_message(), now=now, state=CampaignState.SCHEDULED, due_at=now, zone="Asia/Kolkata"
        )
    result = run(SLUG)
    assert result.exit_code == 0
    assert "due Tue 24 Nov 2026 14:30 Asia/Kolkata" in result.output
    assert "nothing to count yet" in result.output
    assert json.loads(run(SLUG, "--json").output)["action"]["people_per_sent"] is None


def test_json_holds_every_figure(sent: Database) -> None:
    data = json.loads(run(SLUG, "--json").output)
    assert data["slug"] == SLUG
    assert data["launched_at"] == "2026-11-24T09:00:00+00:00"
    assert data["delivered"]["sent"] == 6
    assert data["failed_by_class"] == {"hard": 1}
    assert data["action"]["people_per_sent"] == 0.5
    assert [placement["name"] for placement in data["placements"]] == ["button", "inline"]
    assert len(data["links"]) == 4
    assert data["unsubscribed"] == 1


def test_csv_is_fit_for_a_spreadsheet(sent: Database) -> None:
    rows = list(csv.reader(io.StringIO(run(SLUG, "--csv").output)))
    assert rows[0] == ["section", "item", "measure", "value"]
    assert {len(row) for row in rows} == {4}
    assert ["mails", "sent", "people", "6"] in rows
    assert ["action link", "all placements", "people_per_sent", "0.5"] in rows
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_a_formula_in_a_cell_becomes_text(sent: Database) -> None:
    with sent.read() as connection:
        found = figures(connection, SLUG)
    for start in ("=", "+", "-", "@", "\t", "\r"):
        evil = replace(found, left_out={f"{start}cmd|' /C calc'!A0": 1})
        rows = list(csv.reader(io.StringIO(as_csv(evil), newline="")))
        assert ["left out", f"'{start}cmd|' /C calc'!A0", "people", "1"] in rows


def test_an_unknown_newsletter_is_named_with_its_nearest(sent: Database, workspace: Workspace) -> None:
    (workspace.newsletters / "2026-12-review").mkdir()
    for slug, remedy in [("2026-11-asks", f"Did you mean {SLUG}?"), ("zzz", "mailer status")]:
        result = run(slug)
        assert isinstance(result.exception, MailerError)
        assert remedy in str(result.exception)
    result = run("2026-12-review")
    assert isinstance(result.exception, MailerError)
    assert "neither sent nor scheduled" in str(result.exception)
    assert "mailer send 2026-12-review" in str(result.exception)


def test_json_and_csv_exclude_each_other(sent: Database) -> None:
    assert run(SLUG, "--json", "--csv").exit_code == 2


@given(st.floats(0, 1))
def test_bars_are_as_long_as_what_they_show(share: float) -> None:
    drawn = bar(share)
    assert abs(len(drawn) - share * BAR_CELLS) <= 1.01
    assert bool(drawn) == (share > 0)


def test_bars_have_ends() -> None:
    assert (bar(0.0), bar(1.0), bar(0.5)) == ("", "█" * BAR_CELLS, "█" * (BAR_CELLS // 2))
    assert bar(2.0) == bar(1.0)
    assert bar(0.0001) == "▏"
