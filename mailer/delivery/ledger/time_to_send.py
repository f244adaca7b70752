"""How long a newsletter takes at the pace that is set: said before it leaves. Pure but for one look at the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.audience.selection.select import chosen
from mailer.audience.selection.spec import Audience
from mailer.counting import counted
from mailer.delivery.ledger.warm_up import Today, WarmUp
from mailer.delivery.schedule.schedule import length_in_words
from mailer.settings import Pace
from mailer.store.tables.core import campaigns, people
from mailer.store.tables.states import CHOSEN, CampaignState

ONE_MINUTE = timedelta(minutes=1)
TELLS = 50  # people that a newsletter went to before its time says something about the next one's


@dataclass(frozen=True, slots=True)
class SendDuration:
    """How long it takes until the last person's turn, answers and retries aside.

    `length`: None where no pace is set. `slowest`: the recipient domain whose own pace decides, or "".
    `more_days`: after the first, because of the warm-up plan.
    """

    length: timedelta | None
    slowest: str = ""
    more_days: int = 0

    @property
    def in_words(self) -> str:
        """Such as "1 h 5 min, since gmail.com takes so long"; "" where nothing limits it."""
        found: list[str] = []
        if self.length:
            found.append(length_in_words(self.length) if self.length >= ONE_MINUTE else "less than a minute")
        if self.slowest:
            found.append(f"since {self.slowest} takes so long")
        if self.more_days:
            found.append(f"the last ones {counted(self.more_days, 'day')} later by the warm-up plan")
        return ", ".join(found)


def how_long(number: int, by_domain: Mapping[str, int], pace: Pace, today: Today | None = None) -> SendDuration:
    """For so many people, of which `by_domain` are at domains that have a pace of their own. `today`: the progress of
    the warm-up plan, if it limits anything."""
    times = {domain: by_domain.get(domain, 0) / per_second for domain, per_second in pace.domains.items()}
    if pace.per_second:
        times[""] = number / pace.per_second
    slowest = max(times, key=lambda domain: (times[domain], not domain), default="")
    seconds = times.get(slowest, 0.0)
    length = timedelta(seconds=seconds) if seconds else None
    return SendDuration(length, slowest if length else "", _more_days(number, pace, today))


def duration_of(
    connection: Connection, audience: Audience, number: int, pace: Pace, *, transport: str, at: datetime
) -> SendDuration:
    """How long a newsletter to `number` people of this audience takes if it leaves `at` this time."""
    today = WarmUp(pace, transport=transport).today(connection, at)
    return how_long(number, people_by_domain(connection, audience, pace, now=at), pace, today)


def _more_days(number: int, pace: Pace, today: Today | None) -> int:
    if today is None or number <= today.left:
        return 0
    left, days = number - today.left, 1
    for allowed in pace.warm_up[today.step :]:
        if left <= allowed:
            return days
        left, days = left - allowed, days + 1
    return days


def people_by_domain(connection: Connection, audience: Audience, pace: Pace, *, now: datetime) -> Mapping[str, int]:
    """How many of an audience are at each domain with a pace of its own. With such a domain it decides on everybody."""
    if not pace.domains:
        return {}
    there = chosen(audience, now=now).subquery()
    at = [func.count().filter(people.c.address.endswith(f"@{domain}", autoescape=True)) for domain in pace.domains]
    row = connection.execute(select(*at).select_from(people.join(there, there.c.person_id == people.c.id))).one()
    return dict(zip(pace.domains, row, strict=True))


@dataclass(frozen=True, slots=True)
class Before:
    """How long the last newsletter by the same transport took."""

    people: int
    took: timedelta


def last_time(connection: Connection, transport: str) -> Before | None:
    """What the last newsletter that is finished says; None when none says anything."""
    mine = campaigns.c
    rows = connection.execute(
        select(mine.counts, mine.launched_at, mine.finished_at)
        .where(mine.state == CampaignState.FINISHED, mine.transport == transport, mine.finished_at.is_not(None))
        .order_by(mine.finished_at.desc())
        .limit(5)
    )
    for row in rows:
        if (number := row.counts.get(CHOSEN, 0)) >= TELLS:
            return Before(number, row.finished_at - row.launched_at)
    return None
