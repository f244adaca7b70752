"""Leaving by way of a mail: from which lists, with what proof, noted once, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.delivery.ledger.mailed_message import NotKept
from mailer.delivery.subscriptions.undo import undo_last
from mailer.delivery.subscriptions.unsubscribe import (
    RecipientStatus,
    leave_campaign,
    leave_some,
    note_arrival,
    standing,
)
from mailer.store.engine.database import Database
from mailer.store.tables.core import (
    campaigns,
    consent_sources,
    consents,
    deliveries,
    events,
    people,
    subscriptions,
    suppressions,
)
from mailer.store.tables.states import DeliveryState, Membership
from tests.reports.builders import (
    ADDRESS_KEY,
    CAMPAIGN,
    SLUG,
    add_campaign,
    add_deliveries,
    add_people,
    delivery_id,
    make_message,
)

OTHER = CAMPAIGN + 1
PEOPLE = (1, 2, 3)
HOUR = timedelta(hours=1)


@pytest.fixture
def mailed(database: Database, now: datetime) -> Iterator[Connection]:
    """Three people on three lists, mailed by one campaign to two of these, and by another to all."""
    with database.write() as connection:
        add_people(connection, 3, now=now, lists=("updates", "supporters", "news"))
        add_campaign(connection, make_message(), now=now, include=("supporters", "updates"))
        add_deliveries(connection, PEOPLE, now=now)
        other = replace(make_message(), slug="other", language="fr")
        add_campaign(connection, other, now=now, campaign_id=OTHER, include=("supporters", "updates", "news"))
        add_deliveries(connection, PEOPLE, now=now, campaign_id=OTHER, state=DeliveryState.UNCERTAIN)
        yield connection


def statuses(connection: Connection, person: int) -> dict[str, str]:
    names = {list_id(connection, name): name for name in ("supporters", "updates", "news")}
    rows = connection.execute(select(subscriptions).where(subscriptions.c.person_id == person))
    return {names[row.list_id]: row.status for row in rows}


def noted(connection: Connection) -> list[tuple[Any, ...]]:
    query = select(events.c.campaign_id, events.c.delivery_id, events.c.kind, events.c.detail, events.c.at)
    return [tuple(row) for row in connection.execute(query.order_by(events.c.id))]


def set_state(connection: Connection, number: int, state: str, campaign: int = CAMPAIGN) -> None:
    one = deliveries.c.id == delivery_id(number, campaign)
    connection.execute(update(deliveries).where(one).values(state=state))


def test_how_somebody_stands(mailed: Connection) -> None:
    lists = tuple((list_id(mailed, name), name) for name in ("news", "supporters", "updates"))
    expected = RecipientStatus(2, "mary2@example.org", ("supporters", "updates"), "en", lists)
    assert standing(mailed, delivery_id(2)) == expected
    assert expected.on_asked == ("supporters", "updates")
    assert standing(mailed, delivery_id(2, OTHER)).language == "fr", "the campaign's, since theirs is not known"


def test_their_own_language_comes_before_the_campaigns(mailed: Connection) -> None:
    mailed.execute(update(people).where(people.c.id == 2).values(language="de"))
    assert standing(mailed, delivery_id(2)).language == "de"
    assert standing(mailed, delivery_id(1)).language == "en"


@pytest.mark.parametrize(("status", "counts"), [
    (Membership.SUBSCRIBED, True), (Membership.PENDING, True), (Membership.UNSUBSCRIBED, False),
])  # fmt: skip
def test_whoever_has_not_left_is_on_a_list(mailed: Connection, status: Membership, counts: bool) -> None:
    on = (subscriptions.c.person_id == 1) & (subscriptions.c.list_id == list_id(mailed, "updates"))
    mailed.execute(update(subscriptions).where(on).values(status=status))
    assert standing(mailed, delivery_id(1)).on_asked == (("supporters", "updates") if counts else ("supporters",))
    assert standing(mailed, delivery_id(2)).on_asked == ("supporters", "updates")


def forget(connection: Connection, number: int) -> None:
    connection.execute(delete(subscriptions).where(subscriptions.c.person_id == number))
    connection.execute(update(deliveries).where(deliveries.c.person_id == number).values(person_id=None))
    connection.execute(delete(people).where(people.c.id == number))


def test_somebody_forgotten_has_no_standing_and_leaves_nothing(mailed: Connection, now: datetime) -> None:
    forget(mailed, 1)
    gone = RecipientStatus(None, None, ("supporters", "updates"), "en", ())
    assert standing(mailed, delivery_id(1)) == gone
    assert leave_campaign(mailed, delivery_id=delivery_id(1), how="link", at=now) == gone
    assert noted(mailed) == []
    assert mailed.execute(select(suppressions)).all() == []


def test_a_mail_that_is_not_kept_is_refused(mailed: Connection, now: datetime) -> None:
    number = delivery_id(99)
    for ask in (
        lambda: standing(mailed, number),
        lambda: leave_campaign(mailed, delivery_id=number, how="link", at=now),
        lambda: leave_some(mailed, delivery_id=number, list_ids=[1], how="link", at=now),
    ):
        with pytest.raises(NotKept, match="this mail is no longer kept here"):
            ask()


@pytest.mark.parametrize("how", ["link", "one-click"])
def test_leaving_takes_them_off_the_campaigns_lists_with_the_proof(mailed: Connection, now: datetime, how: str) -> None:
    before = standing(mailed, delivery_id(2))
    at = now + HOUR
    assert leave_campaign(mailed, delivery_id=delivery_id(2), how=how, at=at) == before, "as it was before"
    left = {"supporters": "unsubscribed", "updates": "unsubscribed", "news": "subscribed"}
    assert statuses(mailed, 2) == left
    for other in (1, 3):
        assert set(statuses(mailed, other).values()) == {"subscribed"}
    assert noted(mailed) == [(CAMPAIGN, delivery_id(2), "unsubscribed", how, at)]
    proofs = mailed.execute(
        select(consents.c.person_id, consents.c.list_id, consents.c.status, consents.c.at,
               consent_sources.c.how, consent_sources.c.source)
        .join(consent_sources, consent_sources.c.id == consents.c.source_id)
        .order_by(consents.c.list_id)
    ).all()  # fmt: skip
    asked = sorted(list_id(mailed, name) for name in ("supporters", "updates"))
    assert proofs == [(2, number, "unsubscribed", at, how, SLUG) for number in asked]
    hashed = address_hash("mary2@example.org", ADDRESS_KEY)
    stops = mailed.execute(select(suppressions).order_by(suppressions.c.list_id)).all()
    assert stops == [(hashed, number, "unsubscribed", at, SLUG) for number in asked]
    assert standing(mailed, delivery_id(2)).on_asked == ()


def test_pressing_again_changes_nothing(mailed: Connection, now: datetime) -> None:
    leave_campaign(mailed, delivery_id=delivery_id(2), how="link", at=now)
    once = noted(mailed), mailed.execute(select(consents)).all(), mailed.execute(select(suppressions)).all()
    leave_campaign(mailed, delivery_id=delivery_id(2), how="one-click", at=now + HOUR)
    again = noted(mailed), mailed.execute(select(consents)).all(), mailed.execute(select(suppressions)).all()
    assert again == once


def test_it_is_noted_once_for_each_mail(mailed: Connection, now: datetime) -> None:
    numbers = [list_id(mailed, name) for name in ("supporters", "updates")]
    for number in numbers:
        leave_some(mailed, delivery_id=delivery_id(2), list_ids=[number], how="form", at=now)
    assert noted(mailed) == [(CAMPAIGN, delivery_id(2), "unsubscribed", "form", now)]
    leave_campaign(mailed, delivery_id=delivery_id(2, OTHER), how="link", at=now)  # who was on a third list still
    kinds = [(campaign, kind) for campaign, _, kind, _, _ in noted(mailed)]
    assert kinds == [(CAMPAIGN, "unsubscribed"), (OTHER, "arrived"), (OTHER, "unsubscribed")]
    leave_campaign(mailed, delivery_id=delivery_id(3), how="link", at=now)
    assert (CAMPAIGN, delivery_id(3), "unsubscribed", "link", now) in noted(mailed), "another person's is their own"


def test_what_else_happened_since_does_not_make_it_be_noted_again(mailed: Connection, now: datetime) -> None:
    first, second = (list_id(mailed, name) for name in ("supporters", "updates"))
    leave_some(mailed, delivery_id=delivery_id(2), list_ids=[first], how="form", at=now)
    bounced = {"campaign_id": CAMPAIGN, "delivery_id": delivery_id(2), "at": now, "kind": "bounced"}
    mailed.execute(events.insert().values(bounced))
    leave_some(mailed, delivery_id=delivery_id(2), list_ids=[second], how="form", at=now)
    assert [kind for _, _, kind, _, _ in noted(mailed)] == ["unsubscribed", "bounced"]


def test_leaving_after_it_was_undone_is_noted_again(mailed: Connection, now: datetime) -> None:
    for hour in range(2):
        leave_campaign(mailed, delivery_id=delivery_id(2), how="link", at=now + hour * 2 * HOUR)
        assert undo_last(mailed, delivery_id=delivery_id(2), at=now + (hour * 2 + 1) * HOUR)
    kinds = [kind for _, _, kind, _, _ in noted(mailed)]
    assert kinds == ["unsubscribed", "undone", "unsubscribed", "undone"]


def test_leaving_some_lists_leaves_the_others(mailed: Connection, now: datetime) -> None:
    before = standing(mailed, delivery_id(2))
    news = list_id(mailed, "news")
    assert leave_some(mailed, delivery_id=delivery_id(2), list_ids=[news], how="form", at=now) == before
    assert statuses(mailed, 2) == {"supporters": "subscribed", "updates": "subscribed", "news": "unsubscribed"}
    assert noted(mailed) == [(CAMPAIGN, delivery_id(2), "unsubscribed", "form", now)]


def test_leaving_no_list_is_nothing(mailed: Connection, now: datetime) -> None:
    leave_some(mailed, delivery_id=delivery_id(2, OTHER), list_ids=[], how="form", at=now)
    assert noted(mailed) == [], "not even that the mail arrived"
    assert set(statuses(mailed, 2).values()) == {"subscribed"}


def test_who_leaves_by_a_mail_that_was_uncertain_has_got_it(mailed: Connection, now: datetime) -> None:
    set_state(mailed, 2, "uncertain")
    leave_campaign(mailed, delivery_id=delivery_id(2), how="link", at=now)
    assert [kind for _, _, kind, _, _ in noted(mailed)] == ["arrived", "unsubscribed"]
    state = select(deliveries.c.state).where(deliveries.c.id == delivery_id(2))
    assert mailed.execute(state).scalar_one() == "sent"


def test_a_link_that_is_followed_settles_what_was_uncertain_and_nothing_else(mailed: Connection, now: datetime) -> None:
    at = now + HOUR
    everyone = {state: number for number, state in enumerate(DeliveryState, start=10)}
    for state, number in everyone.items():
        row = {"id": delivery_id(number), "campaign_id": CAMPAIGN, "not_before": now, "state": state.value}
        mailed.execute(deliveries.insert().values(row | {"attempt": 1, "changed_at": now}))
    followed = [delivery_id(number) for number in everyone.values()]
    assert note_arrival(mailed, followed, at=at) == 1
    after = mailed.execute(select(deliveries).where(deliveries.c.id.in_(followed))).all()
    for row in after:
        was = next(state for state, number in everyone.items() if delivery_id(number) == row.id)
        settled = was is DeliveryState.UNCERTAIN
        assert (row.state, row.changed_at) == (("sent", at) if settled else (was.value, now))
    one = delivery_id(everyone[DeliveryState.UNCERTAIN])
    assert noted(mailed) == [(CAMPAIGN, one, "arrived", "a link was followed", at)]
    assert note_arrival(mailed, followed, at=at) == 0, "once"
    assert note_arrival(mailed, [], at=at) == 0
    others = select(deliveries.c.state).where(deliveries.c.campaign_id == OTHER)
    assert set(mailed.execute(others).scalars()) == {"uncertain"}, "whose links nobody followed"


def test_several_at_once_are_settled_each_for_its_campaign(mailed: Connection, now: datetime) -> None:
    set_state(mailed, 1, "uncertain")
    both = [delivery_id(1), delivery_id(1, OTHER)]
    assert note_arrival(mailed, both, at=now) == 2
    assert sorted((campaign, delivery) for campaign, delivery, *_ in noted(mailed)) == [
        (CAMPAIGN, both[0]),
        (OTHER, both[1]),
    ]


def test_an_audience_without_lists_asks_for_none(mailed: Connection, now: datetime) -> None:
    mailed.execute(update(campaigns).where(campaigns.c.id == CAMPAIGN).values(audience={}))
    assert leave_campaign(mailed, delivery_id=delivery_id(1), how="link", at=now).asked == ()
    assert set(statuses(mailed, 1).values()) == {"subscribed"}
