"""A weekly newsletter, three people on its list, and what `mailer run` does of it by a clock that is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.checking.preflight import check_issue
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.series import issues
from mailer.delivery.series.approval import why_issue_not_approved
from mailer.delivery.series.due import anything_due
from mailer.delivery.series.issues import SeriesIssue, all_series
from mailer.delivery.series.making import IssueMaker, SettledIssue
from mailer.settings import StudioSettings
from mailer.staff.actor import Actor
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.states import SeriesState
from mailer.workspace import Workspace
from tests.delivery.world import add_people
from tests.review.world import RHIANNON

SLUG = "river-news"
MESSAGE = """\
---
name: River news
subject: What the river did this week
preheader: Three stories from the bank, and one thing that you can do before Friday.
list: supporters
template: update
language: en
series:
  every: tuesday
  at: "10:00"
  zone: Europe/London
action:
  url: https://example.org/river
  label: See the figures
---

Dear {{ supporter.first_name | default("friend") }},

The river rose by a metre this week. The company says that it was rain.

::: ask
:::
"""


@dataclass
class Series:
    """The newsletter and its runs."""

    workspace: Workspace
    database: Database

    @property
    def path(self) -> Path:
        return self.workspace.newsletters / SLUG / "message.md"

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text(encoding="utf-8")
        assert old in text
        self.path.write_text(text.replace(old, new), encoding="utf-8")

    def studio(self, **values: object) -> None:
        settings = replace(self.workspace.settings, studio=replace(StudioSettings(), **values))  # type: ignore[arg-type]
        self.workspace = replace(self.workspace, settings=settings)

    def start(self, at: datetime, by: Actor = RHIANNON) -> datetime:
        plan = prepare(self.database, read_source(self.workspace.newsletter(SLUG))).plan
        with self.database.write() as connection:
            return issues.start(connection, plan, by, settings=self.workspace.settings.studio, now=at)

    def halt(self, at: datetime, to: SeriesState = SeriesState.STOPPED) -> Sequence[str]:
        with self.database.write() as connection:
            return issues.halt(connection, SLUG, RHIANNON, list_name="supporters", to=to, now=at)

    def send_after_all(self, at: datetime) -> SeriesIssue:
        hold = self.workspace.settings.studio.hold_for
        with self.database.write() as connection:
            return issues.send_after_all(connection, SLUG, RHIANNON, list_name="supporters", hold=hold, now=at)

    def run(self, at: datetime) -> list[SettledIssue]:
        """What `mailer run` does of it: nothing while nothing is due."""
        made: list[SettledIssue] = []
        if anything_due(self.database, self.workspace, now=at):
            made = self.maker().make_due(now=at)
        studio = self.workspace.settings.studio
        lifecycle.launch_due(
            self.database, now=at, why_not=lambda connection, row: why_issue_not_approved(connection, row, studio)
        )
        return made

    def maker(self) -> IssueMaker:
        check = lambda source, at: check_issue(self.database, source, now=at)  # noqa: E731
        return IssueMaker(self.workspace, self.database, check)

    @property
    def issues(self) -> list[SeriesIssue]:
        """The oldest first."""
        with self.database.read() as connection:
            return list(reversed(issues.issues_of(connection, SLUG)))

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Each issue: its day and hour in UTC, its state, and that of its campaign."""
        return [
            (f"{one.planned_at:%d %H:%M}", one.state.value, one.campaign.state if one.campaign else "")
            for one in self.issues
        ]

    @property
    def state(self) -> SeriesState:
        with self.database.read() as connection:
            return all_series(connection, SLUG)[0].state

    def people(self) -> list[tuple[str, int]]:
        """How many times each campaign has each person."""
        joined = select(campaigns.c.slug, deliveries.c.person_id).join(
            deliveries, deliveries.c.campaign_id == campaigns.c.id
        )
        with self.database.read() as connection:
            return [(row.slug, row.person_id) for row in connection.execute(joined)]


@pytest.fixture
def series(workspace: Workspace, database: Database, now: datetime) -> Series:
    add_people(database, 3, now=now)
    (workspace.newsletters / SLUG).mkdir()
    made = Series(workspace, database)
    made.path.write_text(MESSAGE, encoding="utf-8")
    return made


def at(text: str) -> datetime:
    """A moment of UTC, such as 12-01 10:00."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
