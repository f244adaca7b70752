"""Applies the rules over several hits to what is stored: to what came since the last time, or to everything again.

Late evidence re-labels earlier hits, so each delivery that has a new hit is judged again as a whole. `judged_hits` says
how far that went; its row 0 is of all campaigns. Hits of people who are not tracked keep the verdict of first sight:
what else could be judged is not kept of them. The rules themselves are in `bot_patterns`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)

from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import given, in_part, those
from mailer.store.engine.database import Database
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.core import deliveries, events, hits
from mailer.store.tables.inbound import judged_hits
from mailer.store.tables.states import DeliveryState
from mailer.store.tables.types import to_microseconds
from mailer.tracking.bot_patterns import (
    CROWD_DELIVERIES,
    CROWD_SECONDS,
    MOST_KEPT,
    SECOND,
    Crowd,
    SeenHit,
    judge_together,
)
from mailer.tracking.bot_rules import RULES

EVERY_CAMPAIGN = 0  # the row of `judged_hits` that says how far everything was judged; no campaign has this number
DELIVERIES_AT_ONCE = 200  # a transaction of some 10 ms, so that clicks are stored meanwhile
# A link that was posted in public brings thousands of people under one delivery. They count as one person anyway, and
# nothing about them together suggests a machine.
MOST_TOGETHER = MOST_KEPT
MOST_NEW = 50_000  # hits beyond which a campaign is walked through as a whole, which takes no more memory with size

_HITS = hits.c
_STRETCH = (type_coerce(_HITS.at, BigInteger) // literal_column(str(CROWD_SECONDS * SECOND))).label("stretch")
_SET = PreparedStatement(
    update(hits)
    .where(_HITS.id == bindparam("hit"), in_part(_HITS.campaign_id, bindparam("campaign")))
    .values(verdict=bindparam("new_verdict"), reasons=bindparam("new_reasons"), rules=RULES)
)


@dataclass(slots=True)
class Recount:
    """What judging changed: how many hits it looked at, and how many went from one verdict to another."""

    hits: int = 0
    changed: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])  # (before, now) → hits
    reasoned: int = 0  # hits whose reasons changed and whose verdict did not

    def add(self, other: Recount) -> None:
        """Add another recount to this one."""
        self.hits += other.hits
        self.changed += other.changed
        self.reasoned += other.reasoned


def judge_new(database: Database) -> Recount:
    """Judge all campaigns' hits since the last time together. Cheap when nothing came; safe to overlap."""
    total = Recount()
    with database.read() as connection:
        low = _up_to(connection, EVERY_CAMPAIGN)
        if _last_hit(connection) <= low:
            return total
    high = _horizon(database)
    with database.read() as connection:
        fresh = (_HITS.id > low) & (_HITS.id <= high)
        campaign_ids = connection.execute(select(_HITS.campaign_id).where(fresh).distinct()).scalars().all()
    for campaign_id in campaign_ids:
        total.add(_judge_campaign(database, campaign_id, low=low, high=high))
    with database.write() as connection:
        _note(connection, EVERY_CAMPAIGN, high)
    return total


def recompute(database: Database, campaign_id: int, *, dry_run: bool = False) -> Recount:
    """Judge all hits of a campaign by the current rules; with `dry_run` only say what would change."""
    high = 0 if dry_run else _horizon(database)
    with database.read() as connection:
        crowds = _crowds(connection, campaign_id)
    total, last = Recount(), -1
    while True:
        with database.read() as connection:
            numbers = _next_deliveries(connection, campaign_id, after=last)
        if not numbers:
            break
        total.add(_judge(database, campaign_id, numbers, crowds, dry_run=dry_run))
        last = numbers[-1]
    if not dry_run:
        with database.write() as connection:
            _note(connection, campaign_id, high)
    return total


def _judge_campaign(database: Database, campaign_id: int, *, low: int, high: int) -> Recount:
    with database.read() as connection:
        low = max(low, _up_to(connection, campaign_id))
    if low >= high:
        return Recount()
    if high - low > MOST_NEW:
        return recompute(database, campaign_id)
    with database.read() as connection:
        crowds = _crowds(connection, campaign_id)
        # People who were in a network before it became a crowd are judged again too.
        grown = _crowds(connection, campaign_id, since=low)
    total = Recount()
    for numbers in _in_parts(_touched(database, campaign_id, low, high, grown)):
        total.add(_judge(database, campaign_id, numbers, crowds))
    with database.write() as connection:
        _note(connection, campaign_id, high)
    return total


def _touched(database: Database, campaign_id: int, low: int, high: int, grown: set[Crowd]) -> Iterable[int]:
    """Deliveries with hits between two numbers, and those of crowds that have grown."""
    numbers: set[int] = set()
    columns = select(_HITS.delivery_id, _HITS.network, _STRETCH)
    mine = (_HITS.campaign_id == campaign_id) & _HITS.delivery_id.is_not(None)
    with database.read() as connection:
        fresh = mine & (_HITS.id > low) & (_HITS.id <= high)
        numbers.update(connection.execute(columns.where(fresh)).scalars())
        if grown:
            rows = connection.execution_options(yield_per=2_000).execute(columns.where(mine & (_HITS.id <= high)))
            numbers.update(row.delivery_id for row in rows if (row.network, row.stretch) in grown)
    return sorted(numbers)


def _in_parts(numbers: Iterable[int]) -> Generator[list[int], None, None]:
    ordered = list(numbers)
    for start in range(0, len(ordered), DELIVERIES_AT_ONCE):
        yield ordered[start : start + DELIVERIES_AT_ONCE]


def _next_deliveries(connection: Connection, campaign_id: int, *, after: int) -> list[int]:
    query = select(_HITS.delivery_id).where(_HITS.campaign_id == campaign_id, _HITS.delivery_id > after).distinct()
    rows = connection.execute(query.order_by(_HITS.delivery_id).limit(DELIVERIES_AT_ONCE)).scalars()
    return [number for number in rows if number is not None]


def _crowds(connection: Connection, campaign_id: int, *, since: int = 0) -> set[Crowd]:
    """Networks that asked for links of many deliveries within minutes; only those with a hit after `since`."""
    query = (
        select(_HITS.network, _STRETCH)
        .where(_HITS.campaign_id == campaign_id, _HITS.delivery_id.is_not(None), _HITS.network != b"", _HITS.n > 0)
        .group_by(_HITS.network, "stretch")
        .having(func.count(_HITS.delivery_id.distinct()) >= CROWD_DELIVERIES, func.max(_HITS.id) > since)
    )
    return {(bytes(row.network), row.stretch) for row in connection.execute(query)}


def _judge(
    database: Database, campaign_id: int, numbers: Sequence[int], crowds: set[Crowd], *, dry_run: bool = False
) -> Recount:
    """Judge the hits of some deliveries, all there are by now, so that the last of two runs knows the most."""
    found = Recount()
    with _in_turn(database, dry_run=dry_run) as connection:
        taken = _taken(connection, numbers)
        changes: list[dict[str, Any]] = []
        for number, rows in _stored(connection, campaign_id, numbers):
            seen = [
                SeenHit(row.n, to_microseconds(row.at), row.method, row.headers, bytes(row.network)) for row in rows
            ]
            judged = judge_together(seen, handed_over_at=taken.get(number), crowds=crowds)
            for row, (verdict, reasons) in zip(rows, judged, strict=True):
                words = " ".join(reasons)
                found.hits += 1
                if row.verdict != verdict:
                    found.changed[row.verdict, verdict.value] += 1
                elif row.reasons != words:
                    found.reasoned += 1
                if (row.verdict, row.reasons, row.rules) != (verdict.value, words, RULES):
                    changes.append(
                        {"hit": row.id, "campaign": campaign_id, "new_verdict": verdict.value, "new_reasons": words}
                    )
        if changes and not dry_run:
            _SET.each(connection, changes)
    return found


@contextmanager
def _in_turn(database: Database, *, dry_run: bool) -> Generator[Connection, None, None]:
    """A transaction in which nobody else judges: what it reads is then not older than what it overwrites."""
    if dry_run:
        with database.read() as connection:
            yield connection
        return
    with database.write() as connection:
        if not database.is_sqlite:  # which has one writer at a time anyway
            connection.execute(text("LOCK TABLE judged_hits IN SHARE ROW EXCLUSIVE MODE"))
        yield connection


def _stored(
    connection: Connection, campaign_id: int, numbers: Sequence[int]
) -> Generator[tuple[int, list[Any]], None, None]:
    """The hits of each of some deliveries; those with far too many are left out."""
    mine = (_HITS.campaign_id == campaign_id) & among(_HITS.delivery_id, "numbers")
    counts = select(_HITS.delivery_id).where(mine).group_by(_HITS.delivery_id).having(func.count() >= MOST_TOGETHER)
    huge = set(connection.execute(counts, {"numbers": numbers}).scalars())
    rows = connection.execute(
        select(hits).where(mine).order_by(_HITS.delivery_id), {"numbers": [n for n in numbers if n not in huge]}
    )
    key: Callable[[Any], int] = lambda row: row.delivery_id  # noqa: E731 - only to say its type
    for number, group in groupby(rows, key=key):
        yield number, list(group)


def _taken(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """When each mail was taken, in microseconds. Unknown where only a click told so: the row has that click's time."""
    arrived = select(events.c.delivery_id).where(those("numbers", events), events.c.kind == "arrived")
    told = set(connection.execute(arrived, given("numbers", numbers)).scalars())
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.changed_at).where(
            those("numbers"),
            deliveries.c.state == DeliveryState.SENT.value,
            deliveries.c.changed_at.is_not(None),
        ),
        given("numbers", numbers),
    )
    return {row.id: to_microseconds(row.changed_at) for row in rows if row.id not in told}


def _last_hit(connection: Connection) -> int:
    return connection.execute(select(func.max(_HITS.id))).scalar() or 0


def _horizon(database: Database) -> int:
    """A number up to which all hits are committed. PostgreSQL gives numbers out before the commit, so this
    waits for open writes; a moment, since a batch of clicks takes milliseconds."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("LOCK TABLE hits IN SHARE MODE"))
        return _last_hit(connection)


def _up_to(connection: Connection, campaign_id: int) -> int:
    return connection.execute(select(judged_hits.c.up_to).where(judged_hits.c.campaign_id == campaign_id)).scalar() or 0


def _note(connection: Connection, campaign_id: int, up_to: int) -> None:
    """Store how far judging went; it never goes back."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE judged_hits IN SHARE ROW EXCLUSIVE MODE"))
    known = judged_hits.c.campaign_id == campaign_id
    if connection.execute(select(judged_hits.c.up_to).where(known)).scalar() is None:
        connection.execute(insert(judged_hits).values(campaign_id=campaign_id, up_to=up_to, rules=RULES))
    else:
        connection.execute(
            update(judged_hits).where(known, judged_hits.c.up_to < up_to).values(up_to=up_to, rules=RULES)
        )
