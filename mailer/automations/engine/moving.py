"""Does the steps that are due: some hundred people at the same step at a time, a few statements in one transaction.

People who are due and may no longer be inside leave first. A mail is a row of the ledger, written in the transaction
that moves its person on, so nobody is mailed twice and nobody is lost, wherever it breaks off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    func,
    literal,
    select,
    type_coerce,
    update,
)

from mailer.audience.consent.changes import suppress
from mailer.audience.consent.eligibility import BY_RANK, FREE, Reason, obstacle
from mailer.audience.consent.still_inside import why_out
from mailer.audience.selection.segment_sql import condition
from mailer.audience.tags import add_tags, remove_tags
from mailer.automations.engine.entering import ARRIVED
from mailer.automations.engine.mailing import Arrived, mail
from mailer.automations.engine.versions import AutomationVersion
from mailer.automations.engine.zones import hour_of
from mailer.automations.steps import (
    END,
    AutomationStep,
    EndStep,
    IfStep,
    SendStep,
    TagStep,
    UntilStep,
    WaitStep,
    following,
)
from mailer.store.engine.arrays import among
from mailer.store.tables.automations import INSIDE, automation_entries
from mailer.store.tables.core import MICROSECOND, Instant, deliveries, people, subscriptions
from mailer.store.tables.states import DeliveryState, EntryState, SuppressionReason, WhyLeft

PEOPLE_AT_ONCE = 1_000
LOOK_AGAIN = timedelta(minutes=1)
entries = automation_entries.c


def first_due(connection: Connection, version: AutomationVersion, steps: Sequence[str]) -> list[tuple[datetime, str]]:
    """When the first person at each of these steps is due, the earliest first; one look at an index each."""
    found: list[tuple[datetime, str]] = []
    for step in steps:
        query = select(entries.due_at).where(INSIDE, entries.version_id == version.id, entries.step == step)
        due = connection.execute(query.order_by(entries.due_at).limit(1)).scalar()
        if due is not None:
            found.append((due, step))
    return sorted(found)


def steps_of(version: AutomationVersion) -> list[str]:
    """Every place where somebody can be."""
    return [ARRIVED, *(step.name for step in version.automation.steps)]


def move(
    connection: Connection, version: AutomationVersion, step: str, *, zone: str, now: datetime,
    most: int = PEOPLE_AT_ONCE,
) -> int:  # fmt: skip
    """Do one step for at most so many people who are due there; returns how many. `zone`: of those whose own isn't
    known."""
    due = _due(connection, version, step, now=now, most=most)
    gone = _leave(connection, version, [row.id for row in due], now=now)
    here = [
        Arrived(row.id, row.person_id, row.timezone or "", row.language or "", row.due_at)
        for row in due
        if row.id not in gone
    ]
    if here:
        _do(connection, version, step, here, zone=zone, now=now)
    return len(due)


def _due(
    connection: Connection, version: AutomationVersion, step: str, *, now: datetime, most: int
) -> Sequence[Row[int, int | None, datetime, str, str]]:
    # Locked, so that somebody who is being forgotten is either seen or waits until the row of the ledger is there.
    first = (
        select(entries.id)
        .where(INSIDE, entries.version_id == version.id, entries.step == step, entries.due_at <= now)
        .order_by(entries.due_at, entries.id)
        .limit(most)
        .with_for_update()
    )
    ids = list(connection.execute(first).scalars())
    query = (
        select(entries.id, entries.person_id, entries.due_at, people.c.timezone, people.c.language)
        .select_from(automation_entries.outerjoin(people, people.c.id == entries.person_id))
        .where(among(entries.id, "ids"), entries.due_at.is_not(None))
        .order_by(entries.id)
    )
    return connection.execute(query, {"ids": ids}).all()


def _leave(connection: Connection, version: AutomationVersion, ids: Sequence[int], *, now: datetime) -> set[int]:
    """Take those out who may no longer be inside; returns their entries."""
    mildest = (
        select(func.min(obstacle()))
        .where(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == version.rules.list_id)
        .correlate(people)
        .scalar_subquery()
    )
    query = (
        select(entries.id, people.c.id, mildest, why_out(version.rules))
        .select_from(automation_entries.outerjoin(people, people.c.id == entries.person_id))
        .where(among(entries.id, "ids"))
    )
    by_reason: dict[str, list[int]] = {}
    for number, person, rank, why in connection.execute(query, {"ids": ids}):
        if reason := _reason(person, rank, why):
            by_reason.setdefault(reason, []).append(number)
    for reason, numbers in by_reason.items():
        _end(connection, numbers, state=EntryState.LEFT, reason=reason, now=now)
    return {number for numbers in by_reason.values() for number in numbers}


def _reason(person: int | None, rank: int | None, why: str | None) -> str:
    if person is None:
        return WhyLeft.FORGOTTEN.value
    if why:
        return why
    if rank is None or (rank != FREE and BY_RANK[rank] is Reason.UNSUBSCRIBED):
        return WhyLeft.UNSUBSCRIBED.value
    return "" if rank == FREE else WhyLeft.SUPPRESSED.value


def _do(
    connection: Connection, version: AutomationVersion, name: str, here: Sequence[Arrived], *, zone: str, now: datetime
) -> None:
    automation = version.automation
    step = None if name == ARRIVED else automation.step(name)
    then = automation.steps[0].name if step is None else following(step)[0]
    match step:
        case SendStep():
            here = _mailed_by_now(connection, here, now=now)
            mailed, here = mail(connection, version, step, here, zone=zone, now=now)
            # However late a mail left, the wait behind it begins with it.
            arrive(connection, version, then, mailed, at=now, zone=zone, now=now)
        case IfStep():
            matching = _matching(connection, step, here, now=now)
            other = [one for one in here if one.person not in matching]
            arrive(connection, version, step.otherwise, other, zone=zone, now=now)
            here = [one for one in here if one.person in matching]
        case TagStep():
            _tag(connection, version, step, here, now=now)
        case EndStep():
            if step.inactive:
                here = _mailed_by_now(connection, here, now=now)
                _set_inactive(connection, version, here, now=now)
        case _:
            pass
    arrive(connection, version, then, here, zone=zone, now=now)


def arrive(
    connection: Connection, version: AutomationVersion, name: str, here: Sequence[Arrived], *,
    zone: str, now: datetime, at: datetime | None = None,
) -> None:  # fmt: skip
    """Move people on to a step, or to the end, as of a moment; None: of the one at which each was due."""
    ids = [one.entry for one in here]
    if not ids:
        return
    if name == END:
        _end(connection, ids, state=EntryState.ENDED, reason="", now=now)
        return
    step: AutomationStep = version.automation.step(name)
    if isinstance(step, UntilStep):  # the next such hour from now on: none that is over
        groups: dict[datetime, list[int]] = {}
        for one in here:
            groups.setdefault(hour_of(step, one.zone, zone, now), []).append(one.entry)
        for moment, some in groups.items():
            _put(connection, some, step=name, due_at=literal(moment, Instant()), now=now)
        return
    lasts = step.lasts if isinstance(step, WaitStep) else timedelta()
    if at is None:
        theirs = type_coerce(entries.due_at, BigInteger) + literal(lasts // MICROSECOND, BigInteger)
        due_at = type_coerce(theirs, Instant())
    else:
        due_at = literal(at + lasts, Instant())
    _put(connection, ids, step=name, due_at=due_at, now=now)


def _put(
    connection: Connection, ids: Sequence[int], *, step: str, due_at: ColumnElement[datetime], now: datetime
) -> None:
    moved = update(automation_entries).where(among(entries.id, "ids"))
    connection.execute(moved.values(step=step, due_at=due_at, changed_at=now), {"ids": ids})


def _end(connection: Connection, ids: Sequence[int], *, state: EntryState, reason: str, now: datetime) -> None:
    out = update(automation_entries).where(among(entries.id, "ids"), INSIDE)
    connection.execute(out.values(state=state, reason=reason, due_at=None, changed_at=now), {"ids": ids})


def _matching(connection: Connection, step: IfStep, here: Sequence[Arrived], *, now: datetime) -> set[int]:
    matching = select(people.c.id).where(among(people.c.id, "numbers"), condition(step.expression, now=now))
    return set(connection.execute(matching, {"numbers": [one.person for one in here]}).scalars())


def _tag(
    connection: Connection, version: AutomationVersion, step: TagStep, here: Sequence[Arrived], *, now: datetime
) -> None:
    who = select(people.c.id).where(people.c.id.in_(bindparam("those", [one.person for one in here], expanding=True)))
    add_tags(connection, who, step.add, source=f"automation {version.automation.slug}", at=now)
    if step.remove:
        remove_tags(connection, who, step.remove)


def _mailed_by_now(connection: Connection, here: Sequence[Arrived], *, now: datetime) -> list[Arrived]:
    """Those whose mails so far have all left. The others come back later: nobody gets two mails at once since the first
    was held up, and "inactive" bars none that waits."""
    waits = deliveries.c.state.in_([DeliveryState.QUEUED.value, DeliveryState.SENDING.value])
    query = select(deliveries.c.entry).where(among(deliveries.c.person_id, "numbers"), deliveries.c.entry > 0, waits)
    waiting = set(connection.execute(query, {"numbers": [one.person for one in here]}).scalars())
    later = update(automation_entries).where(among(entries.id, "ids"))
    ids = [one.entry for one in here if one.entry in waiting]
    connection.execute(later.values(due_at=now + LOOK_AGAIN), {"ids": ids})
    return [one for one in here if one.entry not in waiting]


def _set_inactive(
    connection: Connection, version: AutomationVersion, here: Sequence[Arrived], *, now: datetime
) -> None:
    """No more mail through the list, until they act or somebody lifts it."""
    hashes = select(people.c.address_hash).where(among(people.c.id, "numbers"))
    for hashed in connection.execute(hashes, {"numbers": [one.person for one in here]}).scalars():
        suppress(
            connection, address_hash=hashed, reason=SuppressionReason.INACTIVE, list_id=version.rules.list_id, at=now,
            source=f"automation {version.automation.slug}",
        )  # fmt: skip
