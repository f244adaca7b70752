"""The dry run: where people would be today had an automation been running for some time, and who wouldn't be in it, and
why. It only reads: nobody comes in, and nothing is mailed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, func, select

from mailer.audience.consent.eligibility import BY_RANK, FREE, obstacle
from mailer.audience.consent.still_inside import LeavingRules
from mailer.audience.selection.segment_sql import condition
from mailer.automations.engine import feeds, passes
from mailer.automations.engine.entering import signed_goal
from mailer.automations.engine.versions import AutomationVersion
from mailer.automations.engine.zones import hour_of, may_leave, zone_or
from mailer.automations.steps import END, Automation, EndStep, IfStep, SendStep, UntilStep, WaitStep, following
from mailer.store.engine.arrays import among
from mailer.store.tables.core import lists, people, subscriptions

LOOK_BACK = timedelta(days=90)  # of those who joined or signed
AT_ONCE = 5_000
SIGNED_ALREADY = "signed already"
NOT_ON_LIST = "not on the list"


@dataclass(slots=True)
class DryRun:
    """Where people would be. `comes_in`: who would come in as soon as it is started; of those who join or sign, nobody
    does before they do."""

    since: datetime | None  # of those who joined or signed: since when; None: whenever it was
    people: int = 0  # that the trigger holds for
    comes_in: int = 0
    kept_out: Counter[str] = field(default_factory=Counter[str])
    waiting: Counter[str] = field(default_factory=Counter[str])  # by step
    mailed: Counter[str] = field(default_factory=Counter[str])  # by step
    ended: int = 0


def dry_run(connection: Connection, automation: Automation, *, now: datetime, zone: str) -> DryRun:
    """Where everybody would be by the automation as it is written. `zone`: of people whose own isn't known."""
    number = connection.execute(select(lists.c.id).where(lists.c.name == automation.list)).scalar() or -1
    version = AutomationVersion(0, 0, 0, automation, "", LeavingRules(number, automation.goals), {})
    by_event = automation.trigger.kind not in passes.AGAIN_AFTER
    found = DryRun(now - LOOK_BACK if by_event else None)
    if found.since is not None:
        happened = list(_since(connection, version, found.since).items())
    else:
        happened = list(_all(connection, version, now=now, zone=zone).items())
    for start in range(0, len(happened), AT_ONCE):
        _place(connection, version, dict(happened[start : start + AT_ONCE]), found, now=now, zone=zone)
    if not by_event:
        found.comes_in = found.people - found.kept_out.total()
    return found


def _since(connection: Connection, version: AutomationVersion, since: datetime) -> dict[int, datetime]:
    found: dict[int, datetime] = {}
    for feed in feeds.FEEDS:
        query = feeds.coming(feed, version)
        if query is not None:
            happened = query.subquery()
            rows = select(happened.c.person_id, func.max(happened.c.at)).where(happened.c.at >= since)
            found |= _read(connection, rows.group_by(happened.c.person_id))
    return found


def _all(connection: Connection, version: AutomationVersion, *, now: datetime, zone: str) -> dict[int, datetime]:
    found: dict[int, datetime] = {}
    after: int | None = 0
    while after is not None:
        piece = passes.next_piece(
            connection, version, after=after, since=passes.first_pass(now=now, zone=ZoneInfo(zone)), now=now,
            zone=ZoneInfo(zone),
        )  # fmt: skip
        if piece is None:
            break
        found |= _read(connection, piece.events)
        after = piece.until
    return found


def _read(connection: Connection, rows: Select[Any, Any]) -> dict[int, datetime]:
    return {person: at for person, at in connection.execute(rows) if person is not None}


def _place(
    connection: Connection, version: AutomationVersion, happened: Mapping[int, datetime], found: DryRun, *,
    now: datetime, zone: str,
) -> None:  # fmt: skip
    matching = {
        step.name: _matching(connection, step, happened, now=now)
        for step in version.automation.steps
        if isinstance(step, IfStep)
    }
    rank = (
        select(func.min(obstacle()))
        .where(subscriptions.c.person_id == people.c.id, subscriptions.c.list_id == version.rules.list_id)
        .correlate(people)
        .scalar_subquery()
    )
    query = select(people.c.id, people.c.timezone, rank, signed_goal(version.rules.goals))
    rows: Any = connection.execute(query.where(among(people.c.id, "numbers")), {"numbers": list(happened)})
    for person, own, against, signed in rows:
        found.people += 1
        if signed:
            found.kept_out[SIGNED_ALREADY] += 1
        elif against is None or against != FREE:
            found.kept_out[NOT_ON_LIST if against is None else BY_RANK[against].value] += 1
        else:
            ways = {name for name, those in matching.items() if person in those}
            here = _walk(version.automation, happened[person], own or zone, ways, found, now=now, zone=zone)
            if here == END:
                found.ended += 1
            else:
                found.waiting[here] += 1


def _matching(connection: Connection, step: IfStep, those: Iterable[int], *, now: datetime) -> set[int]:
    query = select(people.c.id).where(among(people.c.id, "numbers"), condition(step.expression, now=now))
    return set(connection.execute(query, {"numbers": list(those)}).scalars())


def _walk(
    automation: Automation, at: datetime, own: str, ways: set[str], found: DryRun, *, now: datetime, zone: str
) -> str:
    """Where somebody would be who came in `at` that moment; `END` when they would be through."""
    for name in _names(automation, ways):
        step = automation.step(name)
        match step:
            case WaitStep():
                at += step.lasts
            case UntilStep():
                at = hour_of(step, own, zone, at)
            case SendStep():
                leaves = may_leave(automation, zone_or(own, zone), now=at)
                if step.not_after is None or leaves - at <= step.not_after:
                    at = leaves
                    found.mailed[name] += at <= now
            case _:
                pass
        if at > now:
            return name
    return END


def _names(automation: Automation, ways: set[str]) -> Iterator[str]:
    """The steps of somebody who matches these conditions, one after the other; a circle has no end."""
    name = automation.steps[0].name
    while name != END:
        yield name
        step = automation.step(name)
        if isinstance(step, EndStep):
            return
        name = step.then if isinstance(step, IfStep) and name in ways else following(step)[-1]
