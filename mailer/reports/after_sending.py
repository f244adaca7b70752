"""What came of a campaign's mails after they were taken: arrivals, bounces, complaints, signatures, and their course.

Counted in the database, as `figures` counts the rest. Whether a mail arrived is known of those alone of which the
provider or the mailbox's server told us; by SMTP that is nobody but those whose mail came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, func, literal, select, type_coerce

from mailer.store.tables.core import campaigns, deliveries, events, hits, links
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import Feedback, Verdict
from mailer.store.tables.types import MICROSECOND, to_microseconds

UNKNOWN = "unknown"
DIRECTLY = "directly"  # no mail and no source brought them
# Steps of the course, the smallest that needs at most MOST_STEPS of them.
STEPS = (
    timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=3), timedelta(hours=6),
    timedelta(days=1), timedelta(days=7), timedelta(days=30), timedelta(days=365),
)  # fmt: skip
MOST_STEPS = 30


@dataclass(frozen=True, slots=True)
class CameBack:
    """What is known about the mails that were taken: something about `heard_of` of them, nothing about the others."""

    heard_of: int = 0
    delivered: int = 0  # taken by the mailbox's server, and neither bounced nor complained of since
    bounced: int = 0  # came back after they were taken
    bounced_by_class: Mapping[str, int] = field(default_factory=dict[str, int])
    bounced_per_sent: float | None = None
    complained: int = 0
    complained_per_sent: float | None = None


@dataclass(frozen=True, slots=True)
class SignaturesGained:
    """Signatures that this mail brought, on any page; and those on the newsletter's own page, by what brought them."""

    people: int = 0
    per_thousand_sent: float | None = None
    by_placement: Mapping[str, int] = field(default_factory=dict[str, int])
    by_link: Mapping[int, int] = field(default_factory=dict[int, int])  # the link's number in the mail → people
    on_page: int = 0  # everybody who signed on the newsletter's own page
    by_source: Mapping[str, int] = field(default_factory=dict[str, int])  # of those on the page, the most first


@dataclass(frozen=True, slots=True)
class TimeStep:
    """One stretch of time: hits of links that are no machine's, and signatures that this mail brought."""

    begins: datetime
    clicks: int
    signatures: int


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a campaign, from its launch to the last event. No events: no steps."""

    step_seconds: int = 0
    steps: tuple[TimeStep, ...] = ()


def came_back(connection: Connection, campaign_id: int, sent: int) -> CameBack:
    """What is known of a campaign's mails after they were taken."""
    told = {
        str(kind): int(people)
        for kind, people in connection.execute(
            select(deliveries.c.feedback, func.count())
            .where(deliveries.c.campaign_id == campaign_id, deliveries.c.feedback != Feedback.NONE.value)
            .group_by(deliveries.c.feedback)
        )
    }
    people = func.count(events.c.delivery_id.distinct())
    classes = connection.execute(
        select(events.c.reply_class, people)
        .where(events.c.campaign_id == campaign_id, events.c.kind == "bounced")
        .group_by(events.c.reply_class)
        .order_by(people.desc(), events.c.reply_class)
    )
    by_class = {str(name) or UNKNOWN: int(count) for name, count in classes}
    bounced, complained = _noted(connection, campaign_id, "bounced"), _noted(connection, campaign_id, "complained")
    return CameBack(
        heard_of=sum(told.values()),
        delivered=told.get(Feedback.DELIVERED.value, 0),
        bounced=bounced,
        bounced_by_class=by_class,
        bounced_per_sent=bounced / sent if sent else None,
        complained=complained,
        complained_per_sent=complained / sent if sent else None,
    )


def signed(connection: Connection, campaign_id: int, slug: str, sent: int) -> SignaturesGained:
    """Who signed by way of this mail, and on this newsletter's page."""
    mine = signatures.c.campaign_id == campaign_id
    people = connection.execute(select(func.count()).select_from(signatures).where(mine)).scalar_one()
    placed = connection.execute(
        select(links.c.n, links.c.placement, func.count())
        .select_from(
            signatures.join(links, (links.c.campaign_id == signatures.c.campaign_id) & (links.c.n == signatures.c.n))
        )
        .where(mine)
        .group_by(links.c.n, links.c.placement)
        .order_by(links.c.n)
    ).all()
    by_placement: dict[str, int] = {}
    for _, name, count in placed:
        by_placement[name] = by_placement.get(name, 0) + count
    mail = func.coalesce(campaigns.c.slug, "")
    brought = connection.execute(
        select(mail, signatures.c.source, func.count())
        .select_from(signatures.outerjoin(campaigns, campaigns.c.id == signatures.c.campaign_id))
        .where(signatures.c.page == slug)
        .group_by(mail, signatures.c.source)
    )
    by_source: dict[str, int] = {}
    for name, source, count in brought:
        key = f"mail {name}" if name else source or DIRECTLY
        by_source[key] = by_source.get(key, 0) + count
    return SignaturesGained(
        people=people,
        per_thousand_sent=1000 * people / sent if sent else None,
        by_placement=_most_first(by_placement),
        by_link={int(n): int(count) for n, _, count in placed},
        on_page=sum(by_source.values()),
        by_source=_most_first(by_source),
    )


def course(
    connection: Connection, campaign_id: int, launched_at: datetime | None, *, with_clicks: bool = True
) -> Course:
    """Clicks and signatures over time since the launch; signatures alone are counted much sooner."""
    if launched_at is None:
        return Course()
    clicked = (hits.c.campaign_id == campaign_id, hits.c.n > 0, hits.c.verdict != Verdict.MACHINE.value)
    acted = (signatures.c.campaign_id == campaign_id,)
    looked_at = [(signatures.c.signed_at, acted), *([(hits.c.at, clicked)] if with_clicks else [])]
    ends = [
        connection.execute(select(func.max(column)).where(*conditions)).scalar() for column, conditions in looked_at
    ]
    last = max((end for end in ends if end is not None), default=None)
    if last is None or last < launched_at:
        return Course()
    step = next((one for one in STEPS if (last - launched_at) // one < MOST_STEPS), STEPS[-1])
    clicks = _by_step(connection, hits.c.at, clicked, launched_at, step) if with_clicks else dict[int, int]()
    signs = _by_step(connection, signatures.c.signed_at, acted, launched_at, step)
    count = (last - launched_at) // step + 1
    steps = [TimeStep(launched_at + n * step, clicks.get(n, 0), signs.get(n, 0)) for n in range(count)]
    return Course(int(step.total_seconds()), tuple(steps))


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _by_step(
    connection: Connection,
    column: ColumnElement[Any],
    conditions: tuple[ColumnElement[bool], ...],
    start: datetime,
    step: timedelta,
) -> dict[int, int]:
    moment = type_coerce(column, BigInteger)
    number = (moment - literal(to_microseconds(start), BigInteger)) // literal(step // MICROSECOND, BigInteger)
    # By a subquery: PostgreSQL takes two sets of parameters for two expressions.
    found = select(number.label("step")).where(*conditions, column >= start).subquery()
    rows = connection.execute(select(found.c.step, func.count()).group_by(found.c.step))
    return {int(row[0]): int(row[1]) for row in rows}


def _noted(connection: Connection, campaign_id: int, kind: str) -> int:
    people = func.count(events.c.delivery_id.distinct())
    return connection.execute(
        select(people).where(events.c.campaign_id == campaign_id, events.c.kind == kind)
    ).scalar_one()
