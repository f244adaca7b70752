"""`mailer status`: what it says of a campaign that paused itself, and of one under a warm-up plan."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mailer.store.engine.database import open_database
from mailer.web.studio.preview.findings import findings_of
from mailer.workspace import find_workspace
from tests.cli.conftest import Mailer
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("own_day")

MESSAGE = "newsletters/{}/message.md"


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
    assert f"{campaign}: the outbox transport failed in the last 2 runs, so everyone queued" in mailer("status").out
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


def edit(slug: str, old: str, new: str) -> None:
    file = Path("newsletters") / slug / "message.md"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_drafts_are_listed_below_what_was_sent(mailer: Mailer, campaign: str) -> None:
    drafts = f"2026-11-ask-un-experts, 2026-12-year-in-review, {campaign}"
    assert mailer("status").out == f"Nothing was sent or scheduled yet. Drafts: {drafts}\n"
    mailer("send", campaign, "--yes", "3")
    found = json.loads(mailer("status", "--json").out)
    assert [(one["slug"], one["state"]) for one in found] == [
        (campaign, "finished"), ("2026-11-ask-un-experts", "draft"), ("2026-12-year-in-review", "draft"),
    ]  # fmt: skip
    assert "2026-12-year-in-review  draft" in " ".join(mailer("status").out.split(" "))


def test_what_was_edited_after_it_was_scheduled_is_said_wherever_it_is_looked_at(mailer: Mailer, campaign: str) -> None:
    assert mailer("schedule", campaign, "--at", "2099-01-01 09:00").code == 0
    assert "edited since" not in mailer("status").out + mailer("check", campaign).out
    front = (Path("newsletters") / campaign / "message.md").read_text(encoding="utf-8")
    subject = next(line for line in front.splitlines() if line.startswith("subject:"))
    edit(campaign, subject, 'subject: "Another subject altogether"')
    difference = "“Another subject altogether” is in the files"
    status = mailer("status")
    assert f"{campaign}: due Thu 1 Jan 2099 09:00 UTC" in status.out
    assert "edited since it was scheduled, so an older version goes out: subject: " in status.out
    assert difference in status.out
    check = mailer("check", campaign)
    assert "edited since it was scheduled: subject: " in check.out
    assert difference in check.out
    assert f"mailer schedule {campaign} --at" in check.out
    data = json.loads(mailer("check", campaign, "--json").out)[campaign]
    assert any(difference in line for line in data["edited"]["differences"])
    workspace = find_workspace()
    with closing(open_database(workspace.settings.database_url)) as database:  # what the page of `mailer preview` lists
        found = findings_of(workspace, database, campaign, now=NOW)
    assert any(difference in one.message for one in found)
    with closing(sqlite3.connect("mailer.db")) as database:
        database.execute("UPDATE campaigns SET due_at = created_at, late_seconds = 86400")
        database.commit()
    ran = mailer("run")
    assert f"{campaign}: edited since it was scheduled; the older version went out: subject: " in ran.err
    assert difference in ran.err
    assert ran.code == 0
    mails = [file.read_text(encoding="utf-8") for file in (Path("outbox") / "new").iterdir()]
    assert len(mails) == 3
    assert not any("Another subject" in mail for mail in mails)
    assert "edited since" not in mailer("status").out  # it is finished: nothing older goes out any more


def test_scheduling_again_mails_the_files_as_they_are(mailer: Mailer, campaign: str) -> None:
    mailer("schedule", campaign, "--at", "2099-01-01 09:00")
    edit(campaign, "template:", "# a note for ourselves\ntemplate:")
    assert "edited since" not in mailer("status").out  # a note changes no mail
    edit(campaign, "list: supporters", "list: supporters\nurgent: true")
    assert "urgent: no goes out, yes is in the files" in mailer("status").out
    again = mailer("schedule", campaign, "--at", "2099-01-02 09:00")
    assert again.code == 0
    assert "edited since" not in again.out + again.err + mailer("status").out


def test_a_scheduled_newsletter_whose_files_are_broken_or_gone_still_goes_out_and_that_is_said(
    mailer: Mailer, campaign: str
) -> None:
    mailer("schedule", campaign, "--at", "2099-01-01 09:00")
    edit(campaign, "list: supporters", "list: nowhere")
    assert "the files can't be read as a newsletter now: " in mailer("status").out
    assert "edited since it was scheduled" in mailer("check", campaign).out
    (Path("newsletters") / campaign / "message.md").unlink()
    assert "the files can't be read as a newsletter now: " in mailer("status").out


def test_a_dry_run_of_a_finished_newsletter_says_that_it_is_finished(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3")
    done = mailer("send", campaign, "--dry-run")
    assert done.code == 1
    assert f"{campaign} was launched before and is finished" in done.err
    assert "Gets it" not in done.out


EDITS = {
    "words": (MESSAGE, "Dear", "Hello", "text: “Hello"),
    "link": (MESSAGE, "url: ", "url: https://act.example.org/other # ", "https://act.example.org/other"),
    "segment": (MESSAGE, "list: supporters", 'list: supporters\naudience: {segment: "supporter.country == \'GB\'"}',
                "audience: segment is nothing in what goes out, and “supporter.country == 'GB'” in the files"),
    "template": ("templates/appeal/layout.mjml", "</mj-body>", "<mj-section></mj-section></mj-body>", "the look of"),
    "sender": ("mailer.toml", "Example Campaigns <appeals@", "Someone Else <appeals@", "sender: “Example Campaigns"),
    "list": ("lists/supporters.toml", "# description = ", "description = ", "because you signed our petition"),
}  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "words"), EDITS.values(), ids=EDITS)
def test_each_kind_of_edit_is_told(mailer: Mailer, campaign: str, file: str, old: str, new: str, words: str) -> None:
    assert mailer("schedule", campaign, "--at", "2099-01-01 09:00").code == 0
    path = Path(file.format(campaign))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert words in mailer("check", campaign).out
    assert "an older version goes out" in mailer("status").out
