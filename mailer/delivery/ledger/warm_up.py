"""The warm-up plan: how many people a transport may mail today while mailbox providers get to know the sender.

Providers judge by the mail they see, so the plan goes by days on which mail went out, not by the calendar: a day
without mail uses up no step, and neither does one on which less than half of its allowance went out, since the next
number would be too large a leap from what was really sent. After 30 days without mail an unfinished plan starts over,
as Twilio SendGrid asks of an address not used for so long (its docs, "Warming Up an IP Address"). A plan that was gone
through stays so. A day is a day of UTC: one meaning on all machines, and never an hour short or long.

The count is kept in the transaction that records the intents, so it is exact whatever dies. Pure but for the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, select, update

from mailer.counting import counted
from mailer.delivery.schedule.schedule import in_words
from mailer.settings import Pace
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import warm_up_days

COLD_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Today:
    """The progress of a plan: today's step, from 1; how many people it allows; how many were mailed already."""

    step: int
    allowed: int
    mailed: int
    begins_again: datetime  # when the next day begins

    @property
    def left(self) -> int:
        return max(0, self.allowed - self.mailed)

    def in_words(self, now: datetime) -> str:
        """For staff: what the plan lets through today."""
        day = f"day {self.step} of the warm-up plan"
        if self.left:
            verb = "is" if self.allowed == 1 else "are"
            return f"{day}: {self.mailed:,} of today's {counted(self.allowed)} {verb} mailed"
        when = in_words(self.begins_again, zone="UTC", now=now)
        return f"today's warm-up allowance of {self.allowed:,} is used up; the rest goes on tomorrow, {when} ({day})"


def step_today(plan: tuple[int, ...], mailed: Mapping[date, int], today: date) -> int:
    """Which step of a plan is due, from 0; `len(plan)` when it has been gone through. Pure.

    `mailed`: people by day. Days from `today` on are ignored.
    """
    step, before = 0, None
    for day in sorted(day for day, people in mailed.items() if people and day < today):
        if step == len(plan):
            break
        if before is not None and day - before > COLD_AFTER:
            step = 0
        step += 2 * mailed[day] >= plan[step]
        before = day
    if step < len(plan) and before is not None and today - before > COLD_AFTER:
        return 0
    return step


class WarmUp:
    """The plan of one transport. Without one, and once it has been gone through, nothing is read or written."""

    def __init__(self, pace: Pace, *, transport: str) -> None:
        self._plan = pace.warm_up
        self._since = pace.warm_up_since
        self._transport = transport
        self._done = not self._plan

    def today(self, connection: Connection, now: datetime) -> Today | None:
        """The progress of the plan; None when nothing is limited today."""
        if self._done:
            return None
        day = now.astimezone(UTC).date()
        days = connection.execute(
            select(warm_up_days.c.day, warm_up_days.c.people).where(warm_up_days.c.transport == self._transport)
        )
        mailed = {date.fromisoformat(row.day): row.people for row in days}
        counted = {one: people for one, people in mailed.items() if self._since is None or one >= self._since}
        step = step_today(self._plan, counted, day)
        if step == len(self._plan):
            self._done = True
            return None
        tomorrow = datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
        return Today(step + 1, self._plan[step], mailed.get(day, 0), tomorrow)

    def take(self, connection: Connection, wanted: int, *, now: datetime) -> int:
        """How many of `wanted` people may be mailed; they are counted, in the caller's write transaction."""
        if self._done or not wanted:
            return wanted
        self._lock(connection, now)
        today = self.today(connection, now)
        if today is None:
            return wanted
        granted = min(wanted, today.left)
        self._add(connection, granted, now)
        return granted

    def give_back(self, connection: Connection, people: int, *, now: datetime) -> None:
        """Uncount people who surely got nothing: skipped, put off, or never handed over."""
        if people and not self._done:
            self._add(connection, -people, now)

    def _lock(self, connection: Connection, now: datetime) -> None:
        """Lock today's row until the transaction ends; on SQLite a writer is alone anyway."""
        row = {"transport": self._transport, "day": _day(now), "people": 0}
        connection.execute(insert_for(connection, warm_up_days).values(row).on_conflict_do_nothing())
        connection.execute(select(warm_up_days.c.people).where(*self._row(now)).with_for_update())

    def _add(self, connection: Connection, people: int, now: datetime) -> None:
        # Who was counted before midnight and comes back after it stays counted there: today has nobody to give back.
        connection.execute(
            update(warm_up_days)
            .where(*self._row(now), warm_up_days.c.people + people >= 0)
            .values(people=warm_up_days.c.people + people)
        )

    def _row(self, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return (warm_up_days.c.transport == self._transport, warm_up_days.c.day == _day(now))


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()
