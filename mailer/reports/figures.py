"""The figures of one campaign, counted in the database: who was asked, what became of each mail, who followed a link.

A *person* who followed a link is a delivery with at least one hit judged human; where all hits of a delivery are
doubtful the person is *unsure* and counted apart. A *click* is a hit that is not a machine's, each one counted. Rates
are per sent mail. How figures are shown is for `terminal` and `export`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from mailer.audience.consent.left import who_left
from mailer.delivery.experiments.cohorts import KeptCohort, cohorts_of
from mailer.errors import MailerError
from mailer.reports.after_sending import (
    CameBack,
    Course,
    SignaturesGained,
    came_back,
    course,
    signed,
)
from mailer.reports.by_language import LanguageFigures, by_language, by_version, on_page
from mailer.reports.tested.story import TestedStory, story_of
from mailer.store.tables.core import campaigns, deliveries, hits, links, more_hits
from mailer.store.tables.inbound import conversions, replies
from mailer.store.tables.states import CHOSEN, TOTAL, CampaignState, DeliveryState, ReplyKind, Verdict
from mailer.tracking.bot_rules import OPENING

NO_CLASS = "unknown"


@dataclass(frozen=True, slots=True)
class Clicks:
    """Who followed a link, or any of several."""

    people: int = 0
    people_per_sent: float | None = None  # None while nothing was sent
    unsure: int = 0  # people whose every hit is doubtful, beside `people`
    clicks: int = 0  # hits by people, doubtful ones and those by people who are not tracked among them
    untracked: int = 0  # those of the clicks that no delivery is kept with, so they are in nobody's count of people
    machine: int = 0  # hits by programs
    raw: int = 0  # every hit: `clicks` and `machine` together


@dataclass(frozen=True, slots=True)
class Openings:
    """What the picture in the mails tells. Most of it is fetched by programs, so no rate is made of it."""

    people: int = 0  # at least this many: their picture was fetched, and nothing suggests a machine
    unsure: int = 0  # people whose picture only proxies or mail programs fetched, read or not; beside `people`
    fetched: int = 0  # every request of the picture


@dataclass(frozen=True, slots=True)
class Conversion:
    """One thing that was done on another site."""

    name: str
    count: int
    people: int  # those known to have come by a certain mail


@dataclass(frozen=True, slots=True)
class Placement:
    """The action link in one place of the mail, such as all its buttons."""

    name: str
    clicks: Clicks


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One row of the link table."""

    n: int
    label: str
    url: str
    placement: str
    is_action: bool
    clicks: Clicks


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the mails. The numbers add up to `people`, the audience at launch."""

    people: int = 0
    queued: int = 0
    sending: int = 0
    sent: int = 0
    failed: int = 0
    uncertain: int = 0
    skipped: int = 0
    cancelled: int = 0
    held: int = 0  # their hour was past before it was their turn; staff decide


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """Everything a report says about one campaign."""

    slug: str
    state: CampaignState
    why: str
    transport: str
    due_at: datetime | None
    zone: str
    launched_at: datetime | None
    finished_at: datetime | None
    audience: int | None  # people on the lists asked for; None until the audience is frozen
    left_out: Mapping[str, int]  # reason → people, at the launch
    delivered: Delivered
    failed_by_class: Mapping[str, int]
    skipped_by_reason: Mapping[str, int]
    action: Clicks  # the action link, wherever it is
    placements: tuple[Placement, ...]
    links: tuple[LinkFigures, ...]
    openings: Openings | None  # None when no mail had the open pixel, as far as is known
    conversions: tuple[Conversion, ...]  # the most frequent first
    unsubscribed: int  # people who left by way of this mail
    unsubscribed_per_sent: float | None
    replied: int  # people who wrote back, as far as replies come to our mailbox for them; programs' answers don't count
    waived: Mapping[str, str]  # rules of the preflight that the author left unheeded, each with the reason
    came_back: CameBack
    signed: SignaturesGained
    course: Course
    by_language: tuple[LanguageFigures, ...]  # of the people, the most frequent first
    by_version: tuple[LanguageFigures, ...]  # of the mail they got, where it went out in several languages
    page_languages: Mapping[str, int]  # in which the newsletter's own page was signed → people, the most first
    test: TestedStory | None  # None where it tried one version alone
    groups: tuple[KeptCohort, ...]  # where it went down the list: those after the first


def figures(connection: Connection, slug: str) -> CampaignFigures:
    """The figures of the campaign `slug` now, whatever its state. Raises `MailerError` when there is none."""
    campaign = connection.execute(select(campaigns).where(campaigns.c.slug == slug)).first()
    if campaign is None:
        raise MailerError(f"{slug} was neither sent nor scheduled, so there is nothing to report")
    delivered, failed, skipped = _delivered(connection, campaign.id)
    sent = delivered.sent
    counts = dict(campaign.counts)
    unsubscribed = _unsubscribed(connection, campaign.id)
    original, has_several = campaign.message.get("language", ""), bool(campaign.message.get("translations"))
    return CampaignFigures(
        slug=slug,
        state=CampaignState(campaign.state),
        why=campaign.why,
        transport=campaign.transport,
        due_at=campaign.due_at,
        zone=campaign.zone,
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
        audience=counts.get(TOTAL),
        left_out={name: people for name, people in counts.items() if name not in (TOTAL, CHOSEN)},
        delivered=delivered,
        failed_by_class=failed,
        skipped_by_reason=skipped,
        action=_action(connection, campaign.id, sent),
        placements=_placements(connection, campaign.id, sent),
        links=_links(connection, campaign.id, sent),
        openings=_openings(connection, campaign.id),
        conversions=_conversions(connection, campaign.id),
        unsubscribed=unsubscribed,
        unsubscribed_per_sent=_per_sent(unsubscribed, sent),
        replied=_replied(connection, campaign.id),
        waived=dict(campaign.message.get("waived") or {}),
        came_back=came_back(connection, campaign.id, sent),
        signed=signed(connection, campaign.id, slug, sent),
        course=course(connection, campaign.id, campaign.launched_at),
        by_language=by_language(connection, campaign.id),
        by_version=by_version(connection, campaign.id, original=original) if has_several else (),
        page_languages=on_page(connection, slug),
        test=story_of(connection, campaign.id),
        groups=tuple(cohorts_of(connection, campaign.id)),
    )


def _delivered(connection: Connection, campaign_id: int) -> tuple[Delivered, dict[str, int], dict[str, int]]:
    """By state; and of the failed by class, of the skipped by reason, the most frequent first."""
    failed, skipped = DeliveryState.FAILED.value, DeliveryState.SKIPPED.value
    # The classes and reasons of other states would only make more groups.
    reason = case(
        (deliveries.c.state == failed, deliveries.c.reply_class), (deliveries.c.state == skipped, deliveries.c.code),
        else_="",
    ).label("reason")  # fmt: skip
    rows = connection.execute(
        select(deliveries.c.state, reason, func.count())
        .where(deliveries.c.campaign_id == campaign_id)
        .group_by(deliveries.c.state, "reason")  # by name: PostgreSQL takes two sets of parameters for two expressions
        .order_by(func.count().desc(), "reason")
    ).all()
    states: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {failed: {}, skipped: {}}
    for state, why, people in rows:
        states[state] = states.get(state, 0) + people
        if state in reasons:
            reasons[state][why or NO_CLASS] = people
    return Delivered(people=sum(states.values()), **states), reasons[failed], reasons[skipped]


def _action(connection: Connection, campaign_id: int, sent: int) -> Clicks:
    row = connection.execute(
        select(*_measures()).where(*_of(campaign_id), links.c.is_action).select_from(_JOINED)
    ).one()
    more = _more(connection, campaign_id, links.c.is_action, links.c.is_action)
    return _clicks(row, sent, next(iter(more.values()), NO_MORE))


def _placements(connection: Connection, campaign_id: int, sent: int) -> tuple[Placement, ...]:
    """Every placement of the action link in the order of the mail, those nobody followed too."""
    counted = _by(connection, campaign_id, links.c.placement, links.c.is_action)
    names = connection.execute(
        select(links.c.placement)
        .where(links.c.campaign_id == campaign_id, links.c.is_action)
        .group_by(links.c.placement)
        .order_by(func.min(links.c.n))
    ).scalars()
    more = _more(connection, campaign_id, links.c.placement, links.c.is_action)
    return tuple(Placement(name, _clicks(counted.get(name), sent, more.get(name, NO_MORE))) for name in names)


def _links(connection: Connection, campaign_id: int, sent: int) -> tuple[LinkFigures, ...]:
    """Every link in the order of the mail, those nobody followed too."""
    counted, more = _by(connection, campaign_id, links.c.n), _more(connection, campaign_id, more_hits.c.n)
    rows = connection.execute(select(links).where(links.c.campaign_id == campaign_id).order_by(links.c.n)).all()
    return tuple(
        LinkFigures(
            row.n,
            f"{row.label} ({row.arm.upper()})" if row.arm else row.label,  # each version of a test has its own
            row.url,
            row.placement,
            row.is_action,
            _clicks(counted.get(row.n), sent, more.get(row.n, NO_MORE)),
        )
        for row in rows
    )


def _openings(connection: Connection, campaign_id: int) -> Openings | None:
    human = case((hits.c.verdict == Verdict.HUMAN.value, hits.c.delivery_id)).distinct()
    maybe = case((hits.c.verdict != Verdict.MACHINE.value, hits.c.delivery_id)).distinct()
    query = select(func.count(human), func.count(maybe), func.count())
    people, all_, fetched = connection.execute(query.where(*_of(campaign_id), hits.c.n == OPENING)).one()
    more = _more(connection, campaign_id, more_hits.c.n, more_hits.c.n == OPENING).get(OPENING, NO_MORE)
    return Openings(people, all_ - people, fetched + sum(more)) if fetched else None


def _conversions(connection: Connection, campaign_id: int) -> tuple[Conversion, ...]:
    count, people = func.count(), func.count(conversions.c.delivery_id.distinct())
    query = select(conversions.c.name, count, people).where(conversions.c.campaign_id == campaign_id)
    rows = connection.execute(query.group_by(conversions.c.name).order_by(count.desc(), conversions.c.name))
    return tuple(Conversion(*row) for row in rows)


def _unsubscribed(connection: Connection, campaign_id: int) -> int:
    """People who left by way of this mail and did not take it back since."""
    return connection.execute(select(func.count()).select_from(who_left(campaign_id))).scalar_one()


def _replied(connection: Connection, campaign_id: int) -> int:
    """People who wrote back, each once."""
    mine = (replies.c.campaign_id == campaign_id, replies.c.kind != ReplyKind.AUTOMATIC.value)
    return connection.execute(select(func.count(replies.c.delivery_id.distinct())).where(*mine)).scalar_one()


More = tuple[int, int]
NO_MORE: More = (0, 0)
_JOINED = hits.join(links, (links.c.campaign_id == hits.c.campaign_id) & (links.c.n == hits.c.n))


def _of(campaign_id: int) -> tuple[ColumnElement[bool], ...]:
    return (hits.c.campaign_id == campaign_id,)


def _by(
    connection: Connection, campaign_id: int, key: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> dict[Any, Any]:
    query = select(*_measures(), key.label("key")).select_from(_JOINED).where(*_of(campaign_id), *conditions)
    return {row.key: row for row in connection.execute(query.group_by(key))}


def _measures() -> Sequence[ColumnElement[int]]:
    verdict, delivery = hits.c.verdict, hits.c.delivery_id
    no_machine = verdict != Verdict.MACHINE.value
    return (
        func.count(case((verdict == Verdict.HUMAN.value, delivery)).distinct()).label("people"),
        func.count(case((no_machine, delivery)).distinct()).label("maybe"),
        func.count(case((no_machine, hits.c.id))).label("clicks"),
        func.count(case((no_machine & delivery.is_(None), hits.c.id))).label("untracked"),
        func.count(case((verdict == Verdict.MACHINE.value, hits.c.id))).label("machine"),
    )


def _more(
    connection: Connection, campaign_id: int, key: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> dict[Any, More]:
    """Hits that were only counted, by `key`: those of no machine, and those of machines."""
    machine = more_hits.c.verdict == Verdict.MACHINE.value
    sums = [func.coalesce(func.sum(case((which, more_hits.c.count), else_=0)), 0) for which in (~machine, machine)]
    link = (links.c.campaign_id == more_hits.c.campaign_id) & (links.c.n == more_hits.c.n)
    query = select(key, *sums).select_from(more_hits.outerjoin(links, link)).group_by(key)
    rows = connection.execute(query.where(more_hits.c.campaign_id == campaign_id, *conditions))
    return {name: (int(clicks), int(machines)) for name, clicks, machines in map(tuple, rows)}


def _clicks(row: Any, sent: int, more: More = NO_MORE) -> Clicks:
    if row is None:
        return Clicks(people_per_sent=_per_sent(0, sent), clicks=more[0], machine=more[1], raw=sum(more))
    clicks, machine = row.clicks + more[0], row.machine + more[1]
    return Clicks(
        people=row.people,
        people_per_sent=_per_sent(row.people, sent),
        unsure=row.maybe - row.people,
        clicks=clicks,
        untracked=row.untracked,
        machine=machine,
        raw=clicks + machine,
    )


def _per_sent(people: int, sent: int) -> float | None:
    return people / sent if sent else None
