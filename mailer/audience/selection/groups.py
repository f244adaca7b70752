"""Groups of people as subqueries of their numbers: on a list, mailed, clicked, signed. What for is for callers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import campaigns, consents, deliveries, hits, links, lists, people, subscriptions
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import DeliveryState, Membership, Verdict

# A person counts as mailed when the mail left, may have left, or is leaving.
MAILED = (DeliveryState.SENT.value, DeliveryState.SENDING.value, DeliveryState.UNCERTAIN.value)
# A hit that nothing speaks against counts for a person; only what surely was a machine does not.
PEOPLE = (Verdict.HUMAN.value, Verdict.UNSURE.value)


def list_numbers(names: Iterable[str]) -> Select[int]:
    """The numbers of lists by name; a list nobody is on yet has none."""
    return select(lists.c.id).where(lists.c.name.in_(sorted(set(names))))


def subscribed_to(names: Iterable[str]) -> Select[int]:
    """People who are subscribed to one of these lists."""
    return select(subscriptions.c.person_id).where(
        subscriptions.c.list_id.in_(list_numbers(names)), subscriptions.c.status == Membership.SUBSCRIBED.value
    )


def mailed_by(slugs: Iterable[str]) -> Select[int | None]:
    """People who were mailed by one of these campaigns."""
    return _mailed().where(deliveries.c.campaign_id.in_(_campaigns(slugs)))


def mailed_since(moment: datetime) -> Select[int | None]:
    """People who were mailed by any campaign at `moment` or later."""
    # Campaigns that finished before can't hold a later delivery, so only a few campaigns' rows are read.
    live = select(campaigns.c.id).where(or_(campaigns.c.finished_at.is_(None), campaigns.c.finished_at >= moment))
    return _mailed().where(deliveries.c.campaign_id.in_(live), deliveries.c.changed_at >= moment)


def mailed_ordinary_since(person: ColumnElement[int], moment: datetime) -> ColumnElement[bool]:
    """Whether a campaign that wasn't urgent mailed this person at `moment` or later. For the few who are asked about:
    it looks at each one's own mails."""
    return exists().where(
        deliveries.c.person_id == person,
        deliveries.c.state.in_(MAILED),
        deliveries.c.changed_at >= moment,
        campaigns.c.id == deliveries.c.campaign_id,
        campaigns.c.is_urgent.is_(False),
    )


def clicked_in(slugs: Iterable[str]) -> Select[int | None]:
    """People who followed the action link of one of these campaigns, machines left out."""
    action = (links.c.campaign_id == hits.c.campaign_id) & (links.c.n == hits.c.n) & links.c.is_action
    return (
        select(deliveries.c.person_id)
        .select_from(hits.join(links, action).join(deliveries, about(hits)))
        .where(
            hits.c.campaign_id.in_(_campaigns(slugs)), hits.c.verdict.in_(PEOPLE), deliveries.c.person_id.is_not(None)
        )
    )


def clicked_since(moment: datetime) -> Select[int | None]:
    """People who followed any link of a mail at `moment` or later, machines left out."""
    return (
        select(deliveries.c.person_id)
        .select_from(hits.join(deliveries, about(hits)))
        .where(hits.c.at >= moment, hits.c.n > 0, hits.c.verdict.in_(PEOPLE), deliveries.c.person_id.is_not(None))
    )


def signed_on(pages: Iterable[str]) -> Select[int | None]:
    """People who signed on one of these sign pages."""
    return select(signatures.c.person_id).where(
        signatures.c.page.in_(sorted(set(pages))), signatures.c.person_id.is_not(None)
    )


def signed_since(moment: datetime) -> Select[int | None]:
    """People who signed anything at `moment` or later."""
    return select(signatures.c.person_id).where(signatures.c.signed_at >= moment, signatures.c.person_id.is_not(None))


def signed_at_least(times: int) -> Select[int | None]:
    """People who signed on so many sign pages, or more."""
    person = signatures.c.person_id
    return select(person).where(person.is_not(None)).group_by(person).having(func.count() >= times)


def joined_since(moment: datetime) -> ColumnElement[bool]:
    """Whether somebody came to us at `moment` or later: became known here, and hadn't agreed before, as the file says
    that they came by."""
    earlier = select(consents.c.person_id).where(consents.c.given_at < moment)
    return and_(people.c.created_at >= moment, people.c.id.not_in(earlier))


def campaigns_called(slugs: Iterable[str]) -> ColumnElement[bool]:
    """The campaigns of these newsletters: of one that repeats, all its issues."""
    named = sorted(set(slugs))
    return or_(campaigns.c.slug.in_(named), campaigns.c.parent.in_(named))


def _campaigns(slugs: Iterable[str]) -> Select[int]:
    return select(campaigns.c.id).where(campaigns_called(slugs))


def _mailed() -> Select[int | None]:
    # Forgotten people have no number; a null in the set would make every `in` unknown.
    return select(deliveries.c.person_id).where(deliveries.c.state.in_(MAILED), deliveries.c.person_id.is_not(None))
