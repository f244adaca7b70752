"""A year of a group: sixty newsletters, three automations and two series, and what must hold of every mail in it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from mailer.settings.sending import Caps
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.workspace import Workspace
from tests.automations.engine.conftest import PETITION
from tests.year.group import PAGE, Year, fast_clock

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)
PEOPLE = 40  # on the first day; with --year so many, and 60 newsletters
NEWSLETTERS = 16
CAP = Caps(newsletters=2, days=7)
WELCOME = """\
title = "Welcome"
list = "supporters"

[trigger]
joined = "supporters"

[steps.hello]
send = "hello.md"

[steps.three-days]
wait = "3 days"

[steps.second]
send = "second.md"
"""
THANKS = """\
title = "Thanks"
list = "supporters"

[trigger]
signed = "library"

[steps.a-day]
wait = "1 day"

[steps.share]
send = "hello.md"
"""
SILENT = """\
title = "Are you still there?"
list = "supporters"
again_after = "180 days"

[trigger]
silent = "60 days"

[steps.ask]
send = "hello.md"

[steps.two-weeks]
wait = "14 days"

[steps.once-more]
send = "second.md"
"""


@pytest.fixture
def year(workspace: Workspace, database: Database) -> Iterator[Year]:
    settings = workspace.root / "mailer.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8") + f"\n[caps]\nnewsletters = {CAP.newsletters}\ndays = {CAP.days}\n",
        encoding="utf-8",
    )
    year = Year(replace(workspace, settings=replace(workspace.settings, caps=CAP)), database, BEGIN)
    with fast_clock(year):
        yield year


def plan(year: Year, newsletters: int) -> None:
    """What staff set up on the first day, and order in the course of the year."""
    folder = year.workspace.newsletters / PAGE
    folder.mkdir()
    (folder / "action.md").write_text(PETITION, encoding="utf-8")
    for slug, text in (("welcome", WELCOME), ("thanks", THANKS), ("silent", SILENT)):
        for name in ("hello.md", "second.md") if "second" in text else ("hello.md",):
            year.write(slug, name=name)
        (year.workspace.newsletters / slug / "automation.toml").write_text(text, encoding="utf-8")
        year.mailer("automations", "start", slug, "--yes")
    for slug, rule in (("weekly", "every: tuesday"), ("monthly", "every: last day")):
        year.write(slug, front=f'series:\n  {rule}\n  at: "10:00"\n  zone: Europe/London\n')
        year.mailer("series", "start", slug)
    for number in range(newsletters):
        slug = f"news-{number:02}"
        day = BEGIN + timedelta(days=3 + number * 350 // newsletters)
        front = "urgent: true\n" if number % 10 == 5 else ""
        if number % 4 == 1:
            front += "test:\n  share: 50%\n  wait: 4h\n  b:\n    subject: What happened\n"
        year.write(slug, front=front)
        more = ["--local"] if number % 4 == 2 else []
        year.at(day, lambda slug=slug, day=day, more=more: _order(year, slug, day, more))


def _order(year: Year, slug: str, day: datetime, more: list[str]) -> None:
    year.mailer("schedule", slug, "--at", f"{day + timedelta(days=2):%Y-%m-%d} 09:00", *more)


@pytest.mark.sqlite  # what differs between the engines is tried where it does
def test_a_year_of_a_group(year: Year, request: pytest.FixtureRequest) -> None:
    asked = request.config.getoption("--year")
    number_of_people = asked or PEOPLE
    for number in range(number_of_people):
        year.join(number, how="import")
    plan(year, 60 if asked else NEWSLETTERS)
    for number in range(number_of_people, 5 * number_of_people // 4):  # and these join in the course of the year
        year.at(BEGIN + timedelta(days=year.dice.uniform(0, 360)), lambda number=number: year.join(number))
    year.run_until(END)
    judge(year)


def judge(year: Year) -> None:
    """All that must hold, of every mail that was taken and every number that is reported."""
    rows = _rows(year)
    kinds = {one["id"]: one for one in rows["campaigns"]}
    assert {one["state"] for one in rows["campaigns"] if one["kind"] != "step"} <= {"finished"}
    reasons = {reason for one in rows["campaigns"] for reason in one["counts"]} | {
        one["code"] for one in rows["deliveries"] if one["state"] == "skipped"
    }
    assert "had as many mails as the cap allows" in reasons, f"the cap held nobody back: {reasons}"
    nobody_twice(year)
    nobody_after_leaving(year)
    nobody_over_the_cap(year, kinds)
    nobody_at_night(year, kinds)
    everybody_has_a_row(year, rows)
    reports_say_the_same(year, rows)


def _rows(year: Year) -> dict[str, list[dict[str, Any]]]:
    with year.database.read() as connection:
        wanted = {"campaigns": campaigns, "deliveries": deliveries, "people": people}
        return {
            name: [dict(row._mapping) for row in connection.execute(select(table))] for name, table in wanted.items()
        }


def nobody_twice(year: Year) -> None:
    assert not [one for one, times in Counter(mail.delivery_id for mail in year.mails).items() if times > 1]


def nobody_after_leaving(year: Year) -> None:
    late = [mail for mail in year.mails if mail.address in year.gone and mail.at > year.gone[mail.address]]
    assert not late


def nobody_over_the_cap(year: Year, kinds: dict[int, dict[str, Any]]) -> None:
    """Urgent ones and mails to those who signed don't count."""
    by_person: dict[str, list[datetime]] = defaultdict(list)
    for mail in year.mails:
        if not kinds[mail.campaign_id]["is_urgent"]:
            by_person[mail.address].append(mail.at)
    for address, moments in by_person.items():
        for first, third in zip(moments, moments[CAP.newsletters :], strict=False):
            assert third - first >= CAP.length, (address, moments)


def nobody_at_night(year: Year, kinds: dict[int, dict[str, Any]]) -> None:
    with year.database.read() as connection:
        zones = {row.address: row.timezone for row in connection.execute(select(people))}
    local = [mail for mail in year.mails if kinds[mail.campaign_id]["local_at"] and zones.get(mail.address)]
    assert local
    for mail in local:
        assert 9 <= mail.at.astimezone(ZoneInfo(zones[mail.address])).hour < 11, mail


def everybody_has_a_row(year: Year, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Each person who was chosen has one row, and each row came to an end."""
    assert not Counter(one["state"] for one in rows["deliveries"]).keys() - {"sent", "skipped"}
    sent = {one["id"] for one in rows["deliveries"] if one["state"] == "sent"}
    assert sent == {mail.delivery_id for mail in year.mails}
    of = Counter(one["campaign_id"] for one in rows["deliveries"])
    for one in rows["campaigns"]:
        if one["kind"] != "step":
            assert of[one["id"]] == one["counts"]["chosen"], one["slug"]


def reports_say_the_same(year: Year, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Every newsletter's line of `mailer report --all`, and the states of its own report."""
    mailed = Counter(mail.campaign_id for mail in year.mails)
    said = {one["newsletter"]: one for one in json.loads(year.mailer("report", "--all", "--json"))}
    states = Counter((one["campaign_id"], one["state"]) for one in rows["deliveries"])
    newsletters = [one for one in rows["campaigns"] if one["kind"] != "step"]
    assert said.keys() >= {one["slug"] for one in newsletters}
    for one in newsletters:
        line, number = said[one["slug"]], one["id"]
        assert line["sent"] == mailed[number], line
        assert line["unsubscribed"] == year.left_by.get(number, 0), line
        assert line["signed"] == year.signed_by[number], line
    one = newsletters[-1]
    delivered = json.loads(year.mailer("report", one["slug"], "--json"))["delivered"]
    assert delivered["skipped"] == states[one["id"], "skipped"]
