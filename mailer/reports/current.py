"""The figures of a campaign as they are at this moment, for `mailer report` and the studio alike."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mailer.reports.figures import CampaignFigures, figures
from mailer.settings import Settings
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.tracking.classify import judge_new


def current_figures(database: Database, slug: str, settings: Settings) -> CampaignFigures:
    """Judge the clicks that came, then count; times are in the workspace's `timezone`, else in that of the schedule.

    A replica counts, if it has all that is there by now within a second. Raises `MailerError` when the newsletter was
    neither sent nor scheduled.
    """
    with suppress(DatabaseTrouble):  # a copy that can't be written is reported as it was judged last
        judge_new(database)
    found = database.look(lambda connection: figures(connection, slug), up_to_now=True).figures
    # Also what was scheduled by another zone's clocks is told by those that staff read.
    return replace(found, zone=settings.zone) if settings.timezone else found
