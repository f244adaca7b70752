"""What is too old goes, and a clock that is wrong once takes nothing with it that can't be made again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from mailer.audience.consent import confirmations
from mailer.delivery.feedback.webhook_events import keep_post
from mailer.delivery.notices.queue import Notice, NoticeKind, queue
from mailer.delivery.sending.cleanup import BELIEVED_AFTER, LEAP, tidy
from mailer.store.engine.database import Database
from mailer.store.jobs import NOTICE, PROVIDER_POST
from mailer.store.tables.core import hits
from mailer.store.tables.inbound import requests
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import RequestKind

YEARS = timedelta(days=3 * 365)
HOUR = timedelta(hours=1)


@pytest.fixture
def kept(database: Database, now: datetime) -> Database:
    """One of each thing that is cleared away by its age."""
    with database.write() as connection:
        confirmations.keep(
            connection, RequestKind.DATA, address="ana@example.org", person_id=None, source="form", at=now
        )
        queue(connection, Notice(NoticeKind.WELCOME, "ana@example.org"), at=now)
        keep_post(connection, b"[]", provider="sendgrid", at=now)
        connection.execute(update(jobs).values(state="done", done_at=now))
    return database


def left(database: Database) -> list[int]:
    with database.read() as connection:
        asked = connection.execute(select(func.count()).select_from(requests)).scalar_one()
        kinds = list(connection.execute(select(jobs.c.kind)).scalars())
        return [asked, kinds.count(NOTICE.name), kinds.count(PROVIDER_POST.name)]


def addresses(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(jobs.c.address).where(jobs.c.kind == NOTICE.name)).scalars())


def test_what_is_old_goes_by_an_ordinary_run(kept: Database, now: datetime) -> None:
    assert tidy(kept, now=now) is False
    assert tidy(kept, now=now + NOTICE.keep + HOUR) is True
    assert left(kept) == [0, 0, 0]


def test_one_run_with_a_clock_years_ahead_deletes_nothing(
    kept: Database, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    assert tidy(kept, now=now + YEARS) is False
    assert left(kept) == [1, 1, 1]
    assert addresses(kept) == ["ana@example.org"]
    assert "in case the clock is wrong" in caplog.text
    for minutes in range(1, 60, 7):  # cron goes on for an hour before somebody sees it
        assert tidy(kept, now=now + YEARS + timedelta(minutes=minutes)) is False
    assert left(kept) == [1, 1, 1]
    assert tidy(kept, now=now + HOUR) is False, "the clock is right again, and nothing is old yet"
    assert tidy(kept, now=now + timedelta(days=40)) is True
    assert left(kept) == [0, 1, 0]
    assert addresses(kept) == [""]


def test_what_such_a_run_writes_itself_makes_it_no_truer(kept: Database, now: datetime) -> None:
    tidy(kept, now=now + YEARS)
    with kept.write() as connection:
        connection.execute(
            insert(hits).values(
                campaign_id=1, n=1, at=now + YEARS, method="GET", headers={}, network=b"", verdict="human", rules=1
            )
        )
    assert tidy(kept, now=now + YEARS + HOUR) is False
    assert left(kept) == [1, 1, 1]


def test_after_a_long_sleep_it_takes_a_day(kept: Database, now: datetime) -> None:
    awake = now + LEAP + HOUR
    assert tidy(kept, now=awake) is False
    assert tidy(kept, now=awake + BELIEVED_AFTER - HOUR) is False
    assert tidy(kept, now=awake + BELIEVED_AFTER) is True
    assert left(kept) == [0, 0, 0]


def test_a_clock_that_leaps_again_is_not_believed_for_the_first_time(kept: Database, now: datetime) -> None:
    tidy(kept, now=now + YEARS)
    assert tidy(kept, now=now + 2 * YEARS) is False
    assert left(kept) == [1, 1, 1]
