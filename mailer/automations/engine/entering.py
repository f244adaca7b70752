"""Puts people into an automation: those of a SELECT who may be mailed on its list and may come in (again).

An entry is a row, numbered for each person; what brought somebody in is told by when it happened. So the same event,
however often it is looked at, makes one entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
    update,
)

from mailer.audience.consent.eligibility import no_obstacle
from mailer.automations.engine.versions import AutomationVersion
from mailer.automations.steps import TriggerKind
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.automations import automation_entries
from mailer.store.tables.core import Instant, people, subscriptions
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import EntryState, WhyLeft

A_YEAR_APART = timedelta(days=300)  # what comes each year, on a day that staff may have moved a little
ARRIVED = ""  # the step of somebody who has just come in
before = automation_entries.alias("before")


def enter(connection: Connection, version: AutomationVersion, events: Select[Any, Any], *, now: datetime) -> int:
    """Put everybody of `events` in, a SELECT of `person_id` and `at`, the moment that counts; returns how many."""
    found = events.subquery("happened")
    last = (
        select(found.c.person_id, func.max(found.c.at).label("at"))
        .where(found.c.person_id.is_not(None))
        .group_by(found.c.person_id)
        .subquery("event")
    )
    number = (
        select(func.coalesce(func.max(before.c.number), 0) + 1)
        .where(before.c.automation_id == version.automation_id, before.c.person_id == last.c.person_id)
        .correlate(last)
        .scalar_subquery()
    )
    rows = (
        select(
            literal(version.automation_id), literal(version.id), last.c.person_id, number, literal(ARRIVED),
            last.c.at, literal(EntryState.INSIDE.value), last.c.at, bindparam("entered_now", now, Instant()),
        )
        .select_from(
            last.join(people, people.c.id == last.c.person_id).join(
                subscriptions,
                and_(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == version.rules.list_id),
            )
        )
        .where(no_obstacle(), ~_kept_out(version, last), ~signed_goal(version.rules.goals))
        .order_by(last.c.person_id)
    )  # fmt: skip
    columns = [
        "automation_id", "version_id", "person_id", "number", "step", "due_at", "state", "entered_at", "changed_at",
    ]  # fmt: skip
    statement = insert_for(connection, automation_entries).from_select(columns, rows).on_conflict_do_nothing()
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def _kept_out(version: AutomationVersion, event: Any) -> Any:
    """Whether the person of an event was in the automation already, and may not come in again for it."""
    again, trigger = version.automation.again_after, version.automation.trigger
    if again is None and trigger.kind is TriggerKind.DATE and trigger.yearly:
        again = A_YEAR_APART
    theirs = and_(before.c.automation_id == version.automation_id, before.c.person_id == event.c.person_id)
    if again is None:
        return exists().where(theirs).correlate(event)
    microseconds = literal(again // timedelta(microseconds=1), BigInteger)
    too_soon = type_coerce(event.c.at, BigInteger) < type_coerce(before.c.entered_at, BigInteger) + microseconds
    return exists().where(theirs, or_(before.c.due_at.is_not(None), too_soon)).correlate(event)


def signed_goal(goals: Sequence[str]) -> ColumnElement[bool]:
    """Whether somebody has signed one of these pages already."""
    pages = or_(false(), *[signatures.c.page == page for page in goals])
    return exists().where(signatures.c.person_id == people.c.id, pages).correlate(people)


def leave_now(
    connection: Connection, version: AutomationVersion, who: Select[Any], why: WhyLeft, *, now: datetime
) -> int:
    """Take everybody of `who`, a SELECT of people's numbers, out of a version; returns how many were inside."""
    mine = (
        automation_entries.c.version_id == version.id,
        automation_entries.c.automation_id == version.automation_id,
        automation_entries.c.due_at.is_not(None),
        automation_entries.c.person_id.in_(who),
    )
    out = update(automation_entries).where(*mine)
    return connection.execute(out.values(state=EntryState.LEFT, reason=why, due_at=None, changed_at=now)).rowcount
