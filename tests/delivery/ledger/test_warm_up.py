"""The warm-up plan: which step is due, and that no worker ever goes beyond a day's allowance."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.ledger.warm_up import COLD_AFTER, WarmUp, step_today
from mailer.settings import Pace
from mailer.store.engine.database import Database, open_database
from mailer.workspace import Workspace

PLAN = (200, 400, 800)
FIRST = date(2026, 11, 2)
MORNING = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def after(*mailed: int, gap: timedelta = DAY, idle: timedelta = DAY) -> int:
    """The step that is due when so many were mailed on days `gap` apart, and none for `idle` since."""
    days = {FIRST + n * gap: people for n, people in enumerate(mailed)}
    return step_today(PLAN, days, (max(days) if days else FIRST) + idle)


def test_each_day_of_mailing_is_a_step() -> None:
    assert [after(), after(200), after(200, 400), after(200, 400, 800)] == [0, 1, 2, 3]


def test_a_day_without_mail_uses_no_step_up() -> None:
    assert after(200, gap=3 * DAY, idle=9 * DAY) == 1
    assert after(200, 0, 400, gap=2 * DAY) == 2


def test_less_than_half_of_the_allowance_repeats_the_step() -> None:
    assert (after(200, 199), after(200, 200)) == (1, 2)
    assert after(200, 3, 3, 3) == 1


def test_an_unfinished_plan_begins_anew_after_a_month_of_silence() -> None:
    assert after(200, 400, idle=COLD_AFTER) == 2
    assert after(200, 400, idle=COLD_AFTER + DAY) == 0
    assert after(200, 400, gap=COLD_AFTER + DAY) == 1  # the second day was a first day again


def test_a_finished_plan_stays_finished() -> None:
    assert after(200, 400, 800, idle=400 * DAY) == len(PLAN)


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=8).map(sorted).map(tuple),
    st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 5000), max_size=40),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
)
def test_the_step_is_never_beyond_the_days_mailed(plan: tuple[int, ...], mailed: dict[date, int], today: date) -> None:
    step = step_today(plan, mailed, today)
    earlier = [people for day, people in mailed.items() if day < today and people]
    assert 0 <= step <= min(len(plan), len(earlier))
    # The largest day so far is at least half of what the last step allowed: no step was made for a handful of mails.
    assert step == 0 or 2 * max(earlier) >= plan[step - 1]


def take(database: Database, warm_up: WarmUp, wanted: int, now: datetime) -> int:
    with database.write() as connection:
        return warm_up.take(connection, wanted, now=now)


def test_a_plan_is_kept_day_by_day(database: Database) -> None:
    plan = Pace(warm_up=PLAN)
    for n, allowed in enumerate(PLAN):
        now = MORNING + n * DAY
        before, restarted = WarmUp(plan, transport="smtp"), WarmUp(plan, transport="smtp")
        assert take(database, before, 150, now) == 150
        assert take(database, restarted, 5000, now + timedelta(hours=14, minutes=59)) == allowed - 150
        assert take(database, restarted, 1, now) == 0
        with database.read() as connection:
            today = restarted.today(connection, now)
        assert today is not None
        assert (today.step, today.left) == (n + 1, 0)
        assert f"allowance of {allowed:,} is used up; the rest goes on tomorrow," in today.in_words(now)
        assert "00:00 UTC, in 15 h 0 min" in today.in_words(now)
    done = WarmUp(plan, transport="smtp")
    assert take(database, done, 5000, MORNING + 3 * DAY) == 5000
    with database.read() as connection:
        assert done.today(connection, MORNING + 3 * DAY) is None


def test_many_workers_at_once_never_go_beyond(workspace: Workspace, database: Database) -> None:
    granted: list[int] = []

    def work() -> None:
        own = open_database(workspace.settings.database_url)
        warm_up = WarmUp(Pace(warm_up=PLAN), transport="smtp")
        granted.extend(take(own, warm_up, 7, MORNING) for _ in range(15))
        own.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 200


def test_who_got_nothing_is_given_back(database: Database) -> None:
    warm_up = WarmUp(Pace(warm_up=PLAN), transport="smtp")
    assert take(database, warm_up, 200, MORNING) == 200
    with database.write() as connection:
        warm_up.give_back(connection, 30, now=MORNING)
    assert take(database, warm_up, 200, MORNING) == 30
    with database.write() as connection:
        warm_up.give_back(connection, 30, now=MORNING + DAY)  # of yesterday: nothing to give back today
    assert take(database, warm_up, 5000, MORNING + DAY) == 400


def test_each_transport_has_its_own_count(database: Database) -> None:
    for transport in ("smtp", "sendgrid"):
        assert take(database, WarmUp(Pace(warm_up=PLAN), transport=transport), 500, MORNING) == 200


def test_days_before_the_plan_s_beginning_do_not_count(database: Database) -> None:
    take(database, WarmUp(Pace(warm_up=PLAN), transport="smtp"), 500, MORNING)
    again = WarmUp(Pace(warm_up=PLAN, warm_up_since=date(2026, 11, 3)), transport="smtp")
    assert take(database, again, 500, MORNING + DAY) == 200


def test_without_a_plan_the_database_is_not_asked(database: Database) -> None:
    warm_up = WarmUp(Pace(), transport="smtp")
    with database.write() as connection:
        connection.close()
        assert warm_up.take(connection, 7, now=MORNING) == 7
        warm_up.give_back(connection, 7, now=MORNING)
        assert warm_up.today(connection, MORNING) is None
