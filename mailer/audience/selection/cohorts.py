"""Groups by last action: how `audience: down_the_list:` asks for them, and who of those who were chosen is in which.

What such a group is, and when the next may have the newsletter, is in `experiments.cohorts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Integer, Subquery, and_, case, func, or_, select, type_coerce

from mailer.audience.selection.groups import clicked_since, signed_since
from mailer.audience.selection.select import drawn, places
from mailer.errors import MailerError, nearest
from mailer.experiments.cohorts import PlannedCohorts, stage_of
from mailer.settings.durations import seconds_of

KEY, USUAL = "down_the_list", PlannedCohorts()
KEYS = ("groups", "sample", "wait", "clicks", "complaints")
MOST_GROUPS, MOST_DAYS, MOST_WAIT_SECONDS = 8, 3650, 14 * 86400
AGE = re.compile(r"([1-9][0-9]{0,3}) (day|month|year)s?", re.ASCII)
DAYS = {"day": 1, "month": 30, "year": 365}
EXAMPLE = "For example: groups: [30 days, 90 days, 1 year]"

Fault = Callable[[str, str, str], object]  # the key below `audience`, what is wrong, and the remedy


def read_cohorts(raw: object, fault: Fault) -> PlannedCohorts | None:
    """What `down_the_list:` says: `true` for what is usual, or keys for some of it."""
    if raw is None or raw is False:
        return None
    if raw is True:
        return USUAL
    if not isinstance(raw, dict):
        fault(KEY, f"audience.{KEY} must be true or hold keys", f"{EXAMPLE} below it, indented.")
        return None
    said: Mapping[str, Any] = {str(key): value for key, value in cast("dict[Any, Any]", raw).items()}
    for key in said:
        if key not in KEYS:
            fault(f"{KEY}.{key}", f"unknown key audience.{KEY}.{key}", nearest(key, KEYS))
    return PlannedCohorts(
        days=_days(said["groups"], fault) if "groups" in said else USUAL.days,
        sample=int(_number(said, "sample", USUAL.sample, fault=fault, least=1, most=1_000_000)),
        wait_seconds=_wait(said["wait"], fault) if "wait" in said else USUAL.wait_seconds,
        clicks=_number(said, "clicks", USUAL.clicks, fault=fault, least=0, most=1000),
        complaints=_number(said, "complaints", USUAL.complaints, fault=fault, least=0, most=1000),
    )


def staged_places(plan: PlannedCohorts, *, seed: int, now: datetime) -> Subquery:
    """The people of `places` (`n`, `person_id`), each with the `stage` they wait for. Who is in a group's sample is
    drawn by `seed`."""
    person = places.c.person_id
    acted = [
        or_(*(person.in_(group(now - timedelta(days=days))) for group in (signed_since, clicked_since)))
        for days in plan.days
    ]
    cohort = case(*((one, n) for n, one in enumerate(acted)), else_=plan.last)
    grouped = select(places.c.n, person, cohort.label("cohort")).subquery()
    order = func.row_number().over(partition_by=grouped.c.cohort, order_by=drawn(grouped.c.person_id, seed))
    is_sample = and_(grouped.c.cohort > 0, order <= plan.sample)
    later = 2 * grouped.c.cohort  # as `stage_of` numbers them
    assert stage_of(1, is_sample=True) == stage_of(1, is_sample=False) - 1
    stage = case((is_sample, later - 1), else_=later)
    return select(grouped.c.n, grouped.c.person_id, type_coerce(stage, Integer).label("stage")).subquery()


def _days(value: object, fault: Fault) -> tuple[int, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    found: list[int] = []
    for item in items:
        age = AGE.fullmatch(item.strip()) if isinstance(item, str) else None
        days = int(age[1]) * DAYS[age[2]] if age else 0
        if not 0 < days <= MOST_DAYS:
            fault(f"{KEY}.groups", f"{item!r} is not how long ago somebody acted, up to 10 years", EXAMPLE)
            return USUAL.days
        found.append(days)
    if not found or len(found) > MOST_GROUPS or found != sorted(set(found)):
        fault(f"{KEY}.groups", f"groups must be 1 to {MOST_GROUPS} ages, the shortest first, each once", EXAMPLE)
        return USUAL.days
    return tuple(found)


def _wait(value: object, fault: Fault) -> int:
    try:
        seconds = seconds_of(str(value))
    except MailerError as error:
        fault(f"{KEY}.wait", f"audience.{KEY}.wait: {error.message}", error.remedy)
        return USUAL.wait_seconds
    if not 3600 <= seconds <= MOST_WAIT_SECONDS:
        fault(f"{KEY}.wait", f"audience.{KEY}.wait must be from 1 hour to 14 days", "Write wait: 24h.")
        return USUAL.wait_seconds
    return seconds


def _number(said: Mapping[str, Any], key: str, usual: float, *, fault: Fault, least: float, most: float) -> float:
    value = said.get(key, usual)
    whole = isinstance(usual, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not least <= value <= most:
        kind = "a whole number" if whole else "a number for each 1,000 people"
        fault(f"{KEY}.{key}", f"audience.{KEY}.{key} must be {kind} from {least:g} to {most:,.0f}, not {value!r}",
              f"Write {key}: {usual:g}, which is usual, or take the line out.")  # fmt: skip
        return usual
    return value
