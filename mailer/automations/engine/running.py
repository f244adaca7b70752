"""What a run does for an automation: look for people who come in or leave, move on those who are due, tidy up.

Each piece of work is a transaction that begins by locking the automation's row, so runs may overlap and be killed
anywhere. A run does a bounded amount, so that newsletters have their turn; the rest is due at the next.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select, update

from mailer.automations.engine import feeds, passes
from mailer.automations.engine.entering import enter
from mailer.automations.engine.inactive import lift_of_active
from mailer.automations.engine.moving import first_due, move, steps_of
from mailer.automations.engine.versions import (
    AutomationVersion,
    living_versions,
    locked,
    may_set_inactive,
    paused_steps,
    retire,
)
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import cron
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.automations import INSIDE, automation_entries, automation_marks, automations
from mailer.store.tables.states import AutomationState, EntryState, WhyLeft

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=55)  # for those who come in and leave: at each minute's run
PIECES = 20  # transactions of one kind a run, for one automation
OUT_AT_ONCE = 5_000


@dataclass(slots=True)
class AutomationCounts:
    """What a run did for an automation, in people."""

    entered: int = 0
    moved: int = 0


class AutomationRunner:
    """Does what is due of a workspace's automations. `zone`: of people whose zone isn't known. `due`: why to stop."""

    def __init__(
        self, database: Database, *, clock: Callable[[], datetime], zone: str, due: Callable[[], object] = lambda: None
    ) -> None:
        self.database = database
        self.clock = clock
        self.zone = zone
        self.due = due

    def run(self, numbers: Iterable[int]) -> dict[int, AutomationCounts]:
        """A bounded amount of work for each of these automations. One that can't go on is logged, and keeps neither
        the others nor newsletters from theirs."""
        found: dict[int, AutomationCounts] = {}
        for number in numbers:
            try:
                found[number] = self._run(number)
            except DatabaseTrouble:
                raise
            except MailerError as error:
                log.warning("automation %d can't go on: %s", number, error)
        return found

    def _run(self, automation_id: int) -> AutomationCounts:
        counts = AutomationCounts()
        self._look(automation_id, counts)
        for _ in range(PIECES):
            if self.due() or not (moved := self._piece(automation_id, self._move)):
                break
            counts.moved += moved
        self._piece(automation_id, self._settle)
        return counts

    def _piece(self, automation_id: int, work: Callable[[Connection, Row[Any]], int]) -> int:
        with self.database.write() as connection:
            row = locked(connection, automation_id)
            return 0 if row is None else work(connection, row)

    # Who comes in, and who leaves

    def _look(self, automation_id: int, counts: AutomationCounts) -> None:
        now = self.clock()
        with self.database.read() as connection:
            row = connection.execute(select(automations).where(automations.c.id == automation_id)).one()
            if row.looked_at is not None and timedelta() <= now - row.looked_at < LOOK_EVERY:
                return
            until = {feed: feeds.newest(connection, feed) for feed in feeds.FEEDS}
        done = min([self._look_at(automation_id, feed, last, counts) for feed, last in until.items()])
        done = self._pass(automation_id, counts) and done
        if done:
            with self.database.write(lasting=False) as connection:
                mine = automations.c.id == automation_id
                connection.execute(update(automations).where(mine).values(looked_at=now))

    def _look_at(self, automation_id: int, feed: str, last: int, counts: AutomationCounts) -> bool:
        """Look at a table's new rows; False when some are left for the next run."""
        after: int | None = None
        for _ in range(PIECES):
            if self.due():
                return False
            with self.database.write() as connection:
                row = locked(connection, automation_id)
                if row is None:
                    return False
                settled = feeds.all_is_settled(connection, feed)  # before the look at the rows
                after = feeds.mark_of(connection, automation_id, feed) if after is None else after
                if after >= last:
                    return True
                until = min(last, after + feeds.ROWS_AT_ONCE)
                versions = living_versions(connection, automation_id)
                counts.entered += feeds.look_at(
                    connection, feed, _open(row, versions), versions, after=after, until=until, now=self.clock()
                )
                lift_of_active(connection, feed, after=after, until=until)
                if settled and feeds.mark_of(connection, automation_id, feed) == after:
                    feeds.set_mark(connection, automation_id, feed, until)
                after = until
        return after is not None and after >= last

    def _pass(self, automation_id: int, counts: AutomationCounts) -> bool:
        """Go on through the people that the trigger may be true of; False when some are left for the next run."""
        for _ in range(PIECES):
            if self.due():
                return False
            with self.database.write() as connection:
                row = locked(connection, automation_id)
                if row is None:
                    return False
                if not self._pass_piece(connection, row, counts):
                    return True
        return False

    def _pass_piece(self, connection: Connection, row: Row[Any], counts: AutomationCounts) -> bool:
        """One piece of a pass. False when there is nothing more to do for now."""
        now, zone = self.clock(), ZoneInfo(self.zone)
        version = _open(row, living_versions(connection, row.id))
        if version is None:
            return False
        marks = automation_marks.c
        query = select(marks.up_to, marks.at).where(marks.automation_id == row.id, marks.feed == passes.THROUGH_PEOPLE)
        found = connection.execute(query).first()
        after, since = (found.up_to, found.at) if found else (0, passes.first_pass(now=now, zone=zone))
        if since is not None and since > now:
            return False
        piece = passes.next_piece(connection, version, after=after, since=since, now=now, zone=zone)
        if piece is None:
            return False
        counts.entered += enter(connection, version, piece.events, now=now)
        if piece.until is None:
            then = passes.next_pass(version.automation.trigger, now=now, zone=zone)
            feeds.set_mark(connection, row.id, passes.THROUGH_PEOPLE, 0, at=then)
            return False
        feeds.set_mark(connection, row.id, passes.THROUGH_PEOPLE, piece.until, at=since)
        return True

    # Who moves on

    def _move(self, connection: Connection, row: Row[Any]) -> int:
        now = self.clock()
        if row.state == AutomationState.STOPPED:
            return expel(connection, row.id, now=now)
        for version in living_versions(connection, row.id):
            paused = paused_steps(connection, version)
            for due, step in first_due(connection, version, steps_of(version)):
                if due <= now and step not in paused:
                    return move(connection, version, step, zone=self.zone, now=now)
        return 0

    # What is left to do

    def _settle(self, connection: Connection, row: Row[Any]) -> int:
        """Retire versions that are through, end an automation that closes, and say when there is more to do."""
        now = self.clock()
        open_ = row.state == AutomationState.ACTIVE
        dues: list[datetime] = []
        living = 0
        for version in living_versions(connection, row.id):
            found = first_due(connection, version, steps_of(version))
            if not found and not (open_ and version.id == row.version_id) and retire(connection, version, now=now):
                continue
            living += 1
            paused = paused_steps(connection, version)
            dues += [due for due, step in found if step not in paused]
        values: dict[str, Any] = {"due_at": None}
        if row.state == AutomationState.CLOSING and not living:
            values["state"] = AutomationState.STOPPED
            audit.record(
                connection, cron(), "automation ended", at=now, subject=audit.newsletter_subject(row.slug),
                detail="everybody is through",
            )  # fmt: skip
        elif living or may_set_inactive(connection, row.id):
            values["due_at"] = min([*dues, row.looked_at + LOOK_EVERY if row.looked_at else now])
        connection.execute(update(automations).where(automations.c.id == row.id).values(values))
        return 0


def expel(connection: Connection, automation_id: int, *, now: datetime) -> int:
    """Take some of those who are still inside a stopped automation out of it; returns how many, 0 when nobody is."""
    ids = (
        select(automation_entries.c.id)
        .where(INSIDE, automation_entries.c.automation_id == automation_id)
        .limit(OUT_AT_ONCE)
    )
    out = update(automation_entries).where(automation_entries.c.id.in_(ids))
    values = {"state": EntryState.LEFT, "reason": WhyLeft.STOPPED, "due_at": None, "changed_at": now}
    return connection.execute(out.values(values)).rowcount


def _open(row: Row[Any], versions: list[AutomationVersion]) -> AutomationVersion | None:
    """The version that people come into; None while nobody does."""
    if row.state != AutomationState.ACTIVE:
        return None
    return next((version for version in versions if version.id == row.version_id), None)
