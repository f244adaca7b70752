"""Leaving, being suppressed, being forgotten: each once, each with its proof."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import func, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, leave, leave_everything, list_id, suppress
from mailer.audience.people.people import show
from mailer.store.engine.database import Database
from mailer.store.tables.core import consents, deliveries, people, subscriptions, suppressions
from mailer.store.tables.states import Membership, SuppressionReason
from tests.audience.world import KEY, add_campaign, add_person, deliver, subscribe


def test_leaving_changes_the_subscription_and_keeps_proof(database: Database, now: datetime) -> None:
    with database.write() as connection:
        a, b = list_id(connection, "a"), list_id(connection, "b")
        add_person(connection, 1)
        subscribe(connection, 1, a)
        subscribe(connection, 1, b)
        assert leave(connection, person_id=1, list_ids=[a], how="one-click", source="appeal", at=now)
        dossier = show(connection, "person1@example.org", address_key=KEY)
    assert dossier
    assert [(one.list, one.status) for one in dossier.lists] == [("a", "unsubscribed"), ("b", "subscribed")]
    (proof,) = dossier.consents
    assert (proof.list, proof.status, proof.how, proof.source, proof.at) == (
        "a", "unsubscribed", "one-click", "appeal", now,
    )  # fmt: skip
    assert [(one.list, one.reason) for one in dossier.suppressions] == [("a", "unsubscribed")]


def test_leaving_again_changes_nothing(database: Database, now: datetime) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        add_person(connection, 1)
        subscribe(connection, 1, a)
        assert leave(connection, person_id=1, list_ids=[a], how="link", source="x", at=now)
        for _ in range(2):
            assert not leave(connection, person_id=1, list_ids=[a], how="link", source="y", at=now)
        assert connection.execute(select(func.count()).select_from(consents)).scalar() == 1
        assert connection.execute(select(suppressions.c.source)).scalars().all() == ["x"]


@pytest.mark.parametrize(("person", "wanted"), [(99, ["a"]), (1, []), (1, ["b"])])
def test_leaving_what_one_is_not_on(database: Database, now: datetime, person: int, wanted: list[str]) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        add_person(connection, 1)
        subscribe(connection, 1, a)
        ids = [list_id(connection, name) for name in wanted]
        assert not leave(connection, person_id=person, list_ids=ids, how="link", source="x", at=now)
        assert connection.execute(select(subscriptions.c.status)).scalars().all() == ["subscribed"]


def test_somebody_pending_can_leave(database: Database, now: datetime) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        add_person(connection, 1)
        subscribe(connection, 1, a, Membership.PENDING)
        assert leave(connection, person_id=1, list_ids=[a], how="link", source="x", at=now)


def test_leaving_everything_holds_for_lists_to_come(database: Database, now: datetime) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        add_person(connection, 1)
        subscribe(connection, 1, a)
        assert leave_everything(connection, person_id=1, how="staff", source="x", at=now)
        assert not leave_everything(connection, person_id=1, how="staff", source="x", at=now)
        assert connection.execute(select(suppressions.c.list_id).order_by(suppressions.c.list_id)).scalars().all() == [
            0,
            a,
        ]


def test_nobody_leaves_everything_for_somebody_who_was_forgotten(database: Database, now: datetime) -> None:
    with database.write() as connection:
        assert not leave_everything(connection, person_id=1, how="staff", source="x", at=now)
        assert connection.execute(select(suppressions.c.list_id)).scalars().all() == []


def test_suppressing_twice_is_once(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for expected in (True, False):
            assert suppress(connection, address_hash=b"x" * 16, reason=SuppressionReason.BOUNCED, at=now) is expected


def test_forgetting_leaves_figures_and_the_suppression_only(database: Database, now: datetime) -> None:
    with database.write() as connection:
        a = list_id(connection, "a")
        add_person(connection, 1, first_name="Ada", attributes={"town": "Leeds"})
        subscribe(connection, 1, a)
        campaign = add_campaign(connection, 7, "appeal")
        deliver(connection, campaign, 1, number=1)
        leave(connection, person_id=1, list_ids=[a], how="link", source="appeal", at=now)
        assert forget(connection, address=" Person1@Example.org")
        assert not forget(connection, address="person1@example.org")
        for table in (people, subscriptions, consents):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
        assert connection.execute(select(deliveries.c.person_id)).scalars().all() == [None]
        kept = connection.execute(select(suppressions.c.address_hash)).scalars().all()
        assert kept == [address_hash("person1@example.org", KEY)]
