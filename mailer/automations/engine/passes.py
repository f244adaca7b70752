"""What isn't an event: a tag, a newsletter that was mailed, a delivered petition, silence, a day that has come.

An automation goes through the people it may be true of by their numbers, some thousands at a time, and begins again
later. So each look is short however many there are, and nobody is missed: not who was mailed late, and not who joins
the list after they were tagged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, and_, exists, func, literal, select

from mailer.audience.selection.groups import MAILED, PEOPLE
from mailer.audience.selection.segment_sql import field_text
from mailer.automations.engine.versions import AutomationVersion
from mailer.automations.steps import AutomationTrigger, TriggerKind
from mailer.compose.expressions.tagged import tag_key
from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import Instant, campaigns, deliveries, hits, people, people_tags, subscriptions, tags
from mailer.store.tables.inbound import delivered_petitions, replies, signatures
from mailer.store.tables.states import Membership

THROUGH_PEOPLE = "people"  # the mark's name
PEOPLE_AT_ONCE = 10_000
FEWER_AT_ONCE = 2_000  # where each person's mails are looked at
AGAIN_AFTER = {
    TriggerKind.TAGGED: timedelta(minutes=1), TriggerKind.SENT: timedelta(minutes=10),
    TriggerKind.DELIVERED: timedelta(minutes=10), TriggerKind.SILENT: timedelta(days=1),
    TriggerKind.DATE: timedelta(days=1),
}  # fmt: skip
DAYS_MADE_UP = 3  # of a field's day: so many that no run was there for are still seen to


@dataclass(frozen=True, slots=True)
class PassPiece:
    """Some people of a pass: those with numbers beyond the mark, up to `until`. `until` None: the pass is over."""

    events: Select[Any, Any]
    until: int | None


def next_piece(
    connection: Connection, version: AutomationVersion, *, after: int, since: datetime | None, now: datetime,
    zone: ZoneInfo,
) -> PassPiece | None:  # fmt: skip
    """The next people to look at beyond the number `after`; None when this trigger goes through nobody. `since`: of a
    field's days, the first one that is still to be seen to."""
    trigger = version.automation.trigger
    if trigger.kind not in AGAIN_AFTER:
        return None
    events, person = _events(version, trigger, since=since, now=now, zone=zone)
    beyond = person > after
    size = FEWER_AT_ONCE if trigger.kind is TriggerKind.SILENT else PEOPLE_AT_ONCE
    last = select(person).where(beyond).where(*_base(version, trigger)).order_by(person).offset(size - 1).limit(1)
    until = connection.execute(last).scalar()
    return PassPiece(events.where(beyond if until is None else and_(beyond, person <= until)), until)


def next_pass(trigger: AutomationTrigger, *, now: datetime, zone: ZoneInfo) -> datetime:
    """When the next pass begins, and of days in a field, the first that it is about."""
    if trigger.kind is not TriggerKind.DATE:
        return now + AGAIN_AFTER[trigger.kind]
    return _midnight(now.astimezone(zone).date() + timedelta(days=1), zone)


def first_pass(*, now: datetime, zone: ZoneInfo) -> datetime:
    """When the first pass of an automation begins that is started now: with what is true today."""
    return _midnight(now.astimezone(zone).date(), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _base(version: AutomationVersion, trigger: AutomationTrigger) -> tuple[Any, ...]:
    """Which rows a pass goes through, as an index has them."""
    match trigger.kind:
        case TriggerKind.TAGGED:
            tag = select(tags.c.id).where(tags.c.key == tag_key(trigger.subject)).scalar_subquery()
            return (people_tags.c.tag_id == tag,)
        case TriggerKind.SENT:
            campaign = select(campaigns.c.id).where(campaigns.c.slug == trigger.subject).scalar_subquery()
            return (deliveries.c.campaign_id == campaign, deliveries.c.person_id.is_not(None))
        case TriggerKind.DELIVERED:
            return (signatures.c.page == trigger.subject, signatures.c.person_id.is_not(None))
        case _:
            return (subscriptions.c.list_id == version.rules.list_id,)


def _events(
    version: AutomationVersion, trigger: AutomationTrigger, *, since: datetime | None, now: datetime, zone: ZoneInfo
) -> tuple[Select[Any, Any], Any]:
    base = _base(version, trigger)
    match trigger.kind:
        case TriggerKind.TAGGED:
            return select(people_tags.c.person_id, people_tags.c.at.label("at")).where(*base), people_tags.c.person_id
        case TriggerKind.SENT:
            mailed = select(deliveries.c.person_id, deliveries.c.changed_at.label("at")).where(*base)
            return mailed.where(deliveries.c.state.in_(MAILED)), deliveries.c.person_id
        case TriggerKind.DELIVERED:
            noted = select(delivered_petitions.c.noted_at).where(delivered_petitions.c.page == trigger.subject)
            moment = noted.scalar_subquery()
            signed = select(signatures.c.person_id, moment.label("at")).where(*base, moment.is_not(None))
            return signed, signatures.c.person_id
        case TriggerKind.SILENT:
            return _silent(base, trigger.days, now=now), subscriptions.c.person_id
        case _:
            return _days(base, trigger, since=since, now=now, zone=zone), subscriptions.c.person_id


def _silent(base: tuple[Any, ...], days: int, *, now: datetime) -> Select[Any, Any]:
    """Those who were mailed since, and neither clicked, signed nor replied. Of somebody who isn't to be tracked nobody
    can say whether they clicked, so they are not silent."""
    since = now - timedelta(days=days)
    person = subscriptions.c.person_id
    theirs = deliveries.c.person_id == person
    mailed = exists().where(theirs, deliveries.c.state.in_(MAILED), deliveries.c.changed_at >= since)
    clicked = exists().where(
        theirs, hits.c.campaign_id == deliveries.c.campaign_id, hits.c.delivery_id == deliveries.c.id, hits.c.n > 0,
        hits.c.at >= since, hits.c.verdict.in_(PEOPLE),
    )  # fmt: skip
    signed = exists().where(signatures.c.person_id == person, signatures.c.signed_at >= since)
    replied = exists().where(theirs, about(replies), replies.c.at >= since)
    tracked = exists().where(people.c.id == person, people.c.tracking)
    quiet = (mailed, tracked, ~signed, ~clicked, ~replied)
    moment = literal(now, Instant()).label("at")
    here = (subscriptions.c.status == Membership.SUBSCRIBED.value, subscriptions.c.changed_at <= since)
    return select(person, moment).where(*base, *here, *quiet)


def _days(
    base: tuple[Any, ...], trigger: AutomationTrigger, *, since: datetime | None, now: datetime, zone: ZoneInfo
) -> Select[Any, Any]:
    """Those in whose field there is a day that has come since, with the offset in days."""
    today = now.astimezone(zone).date()
    first = max(since.astimezone(zone).date() if since else today, today - timedelta(days=DAYS_MADE_UP))
    come = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    meant = [day - timedelta(days=trigger.days) for day in come]
    written = func.substr(func.trim(field_text(trigger.subject)), 1, 10)
    if trigger.yearly:
        ends = {f"{day:%m-%d}" for day in meant}
        if any(f"{day:%m-%d}" == "02-28" and (day + timedelta(days=1)).month == 3 for day in meant):
            ends.add("02-29")  # in a year without that day
        holds = and_(func.length(written) == 10, written.like("____-__-__"), func.substr(written, 6, 5).in_(ends))
    else:
        holds = written.in_([day.isoformat() for day in meant])
    moment = literal(_midnight(today, zone), Instant()).label("at")
    rows = subscriptions.join(people, people.c.id == subscriptions.c.person_id)
    return select(subscriptions.c.person_id, moment).select_from(rows).where(*base, holds)
