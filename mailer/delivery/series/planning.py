"""Keeps what is planned of a series true to the rule in its message: read again whenever that file was changed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, update

from mailer.compose.source.message_file import read_source
from mailer.delivery.schedule.recurring import SeriesRule, from_json, to_json
from mailer.delivery.schedule.series_keys import read_series
from mailer.delivery.series.due import file_digest
from mailer.delivery.series.issues import ahead_of, next_free, plan_issue
from mailer.errors import MailerError
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import cron
from mailer.store.engine.database import Database
from mailer.store.tables.series import PLANNED, issues, series
from mailer.store.tables.states import SeriesState
from mailer.workspace import Newsletter, Workspace

NO_RULE = "its message has no series any more"


def running(database: Database) -> Sequence[Row[Any]]:
    """The series that make issues."""
    with database.read() as connection:
        return connection.execute(select(series).where(series.c.state == SeriesState.RUNNING)).all()


def read_rules(workspace: Workspace, database: Database, *, now: datetime) -> None:
    """Take each rule from its file if that was changed. While it can't be read, the rule of before holds."""
    for row in running(database):
        newsletter = Newsletter(workspace, row.slug)
        digest = file_digest(newsletter)
        if digest == row.file_digest:
            continue
        rule = _rule_now(newsletter, from_json(row.rule))
        with database.write() as connection:
            mine = update(series).where(series.c.slug == row.slug, series.c.file_digest == row.file_digest)
            kept = {"file_digest": digest} | ({"rule": to_json(rule)} if rule else {})
            if not connection.execute(mine.values(kept)).rowcount:
                continue  # somebody else read it
            if rule is None:
                _end(connection, row.slug, SeriesState.STOPPED, NO_RULE, now=now)
            elif to_json(rule) != row.rule:
                _plan_again(connection, row.slug, rule, settings=workspace.settings.studio, now=now)


def plan_next(connection: Connection, slug: str, rule: SeriesRule, *, settings: StudioSettings, now: datetime) -> None:
    """Plan the next moment, unless one is; without another the series has ended."""
    if connection.execute(select(exists().where(PLANNED, issues.c.slug == slug))).scalar():
        return
    found = next_free(connection, slug, rule, now=now)
    if found is None:
        _end(connection, slug, SeriesState.ENDED, "", now=now)
    else:
        plan_issue(connection, slug, found, ahead=ahead_of(rule, settings))


def _rule_now(newsletter: Newsletter, before: SeriesRule) -> SeriesRule | None:
    """The rule that the file says; None when it says none."""
    with suppress(MailerError):
        source = read_source(newsletter)
        found, faults = read_series(source, zone=newsletter.workspace.settings.zone)
        return before if faults else found
    return before


def _plan_again(
    connection: Connection, slug: str, rule: SeriesRule, *, settings: StudioSettings, now: datetime
) -> None:
    """Move what is planned to the moments of another rule. One that has come stays, if that rule has it as well."""
    for row in connection.execute(select(issues).where(PLANNED, issues.c.slug == slug)).all():
        if not (row.planned_at <= now and rule.has(row.planned_at)):
            connection.execute(delete(issues).where(issues.c.id == row.id))
    plan_next(connection, slug, rule, settings=settings, now=now)


def _end(connection: Connection, slug: str, state: SeriesState, why: str, *, now: datetime) -> None:
    connection.execute(delete(issues).where(PLANNED, issues.c.slug == slug))
    connection.execute(update(series).where(series.c.slug == slug).values(state=state, why=why, changed_at=now))
    audit.record(connection, cron(), f"series {state}", at=now, subject=audit.newsletter_subject(slug), detail=why)
