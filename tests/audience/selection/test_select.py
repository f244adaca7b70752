"""Selections: everyone once, one reason each, the same people counted and chosen, always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id, suppress
from mailer.audience.consent.eligibility import Reason
from mailer.audience.selection.select import chosen, decided, places, select_audience
from mailer.audience.selection.spec import Audience, from_json, to_json
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.states import DeliveryState, Membership, SuppressionReason
from tests.audience.world import KEY, add_campaign, add_person, deliver, subscribe
from tests.conftest import NOW
from tests.databases import ENGINES, NewDatabase


def pick(connection: Connection, audience: Audience, now: datetime) -> list[int]:
    return [number for (number,) in connection.execute(chosen(audience, now=now))]


def stop(connection: Connection, number: int, reason: SuppressionReason, list_number: int = 0) -> None:
    hashed = address_hash(f"person{number}@example.org", KEY)
    suppress(connection, address_hash=hashed, reason=reason, at=NOW, list_id=list_number)


@pytest.fixture
def crowd(store: Database) -> Database:
    """Twenty people on list a, each odd in one way."""
    with store.write() as connection:
        a, b = list_id(connection, "a"), list_id(connection, "b")
        for number in range(1, 21):
            add_person(connection, number, country="FR" if number == 9 else "GB")
            status = {2: Membership.UNSUBSCRIBED, 3: Membership.PENDING}.get(number, Membership.SUBSCRIBED)
            subscribe(connection, number, a, status)
        for number in (4, 5, 6, 7):
            stop(connection, number, list(SuppressionReason)[number - 4])
        subscribe(connection, 8, b)
        subscribe(connection, 14, b, Membership.UNSUBSCRIBED)
        campaign = add_campaign(connection, 1, "earlier")
        deliver(connection, campaign, 10, number=1, at=NOW - timedelta(hours=1))
        deliver(connection, campaign, 11, number=2, at=NOW - timedelta(days=9))
        deliver(connection, campaign, 12, number=3, state=DeliveryState.FAILED)
        deliver(connection, campaign, 13, number=4, state=DeliveryState.UNCERTAIN, at=NOW - timedelta(hours=1))
        deliver(connection, campaign, None, number=5)
    return store


EVERYTHING = Audience(
    ("a",),
    exclude=("b",),
    segment='supporter.country == "GB"',
    not_mailed_within_hours=2,
    not_mailed_by=("earlier",),
    limit=4,
    seed=7,
)


def test_every_reason_is_counted_once_and_adds_up(crowd: Database, now: datetime) -> None:
    with crowd.read() as connection:
        found = select_audience(connection, EVERYTHING, now=now)
        who = pick(connection, EVERYTHING, now)
    assert found.excluded == {
        Reason.UNSUBSCRIBED: 2,  # 2, and 4 on every list
        Reason.PENDING: 1,
        Reason.COMPLAINED: 1,
        Reason.BOUNCED: 1,
        Reason.STAFF: 1,
        Reason.EXCLUDED: 1,
        Reason.OUTSIDE: 1,
        Reason.MAILED_RECENTLY: 2,  # 10 and 13
        Reason.MAILED_BEFORE: 1,  # 11
        Reason.LIMIT: 5,
    }
    assert list(found.excluded) == [reason for reason in Reason if reason in found.excluded]
    assert found.total == 20 == found.chosen + sum(found.excluded.values())
    assert found.chosen == 4 == len(who)
    assert set(who) <= {1, 12, *range(14, 21)}
    assert found.counts()["chosen"] == 4


def test_without_conditions_everyone_who_may_be_mailed_is_chosen_in_order(crowd: Database, now: datetime) -> None:
    with crowd.read() as connection:
        assert pick(connection, Audience(("a",)), now) == [1, *range(8, 21)]


def test_of_several_lists_one_that_may_be_used_is_enough(store: Database, now: datetime) -> None:
    with store.write() as connection:
        a, b = list_id(connection, "a"), list_id(connection, "b")
        for number in range(1, 6):
            add_person(connection, number)
        subscribe(connection, 1, a)
        subscribe(connection, 1, b)
        subscribe(connection, 2, a, Membership.UNSUBSCRIBED)
        subscribe(connection, 2, b)
        subscribe(connection, 3, a, Membership.UNSUBSCRIBED)
        subscribe(connection, 3, b, Membership.PENDING)
        subscribe(connection, 4, a)
        stop(connection, 4, SuppressionReason.COMPLAINED, a)
        subscribe(connection, 5, b)
        stop(connection, 5, SuppressionReason.COMPLAINED, a)
        both = Audience(("a", "b"))
        assert pick(connection, both, now) == [1, 2, 5]
        found = select_audience(connection, both, now=now)
    assert (found.total, found.excluded) == (5, {Reason.PENDING: 1, Reason.COMPLAINED: 1})


def test_lists_nobody_is_on_and_campaigns_nobody_sent(store: Database, now: datetime) -> None:
    with store.read() as connection:
        found = select_audience(connection, Audience(("nobody",), exclude=("none",), not_mailed_by=("x",)), now=now)
    assert (found.total, found.chosen, found.excluded) == (0, 0, {})


def test_a_draw_is_the_same_for_a_seed_and_another_for_another(store: Database, now: datetime) -> None:
    with store.write() as connection:
        a = list_id(connection, "a")
        for number in range(1, 301):
            subscribe(connection, add_person(connection, number), a)
        draws = [pick(connection, Audience(("a",), limit=100, seed=seed), now) for seed in (1, 1, 2, 3)]
        everyone = pick(connection, Audience(("a",), limit=1000, seed=1), now)
    assert draws[0] == draws[1]
    assert len({frozenset(draw) for draw in draws}) == 3
    assert everyone[:100] == draws[0], "a larger limit keeps those drawn before"
    for draw in draws:
        assert len(set(draw)) == 100
        assert 20 <= sum(number <= 100 for number in draw) <= 47, "a third or so comes from each third"
        assert 35 <= sum(number % 2 for number in draw) <= 65


def test_campaigns_that_ended_before_are_not_recent(crowd: Database, now: datetime) -> None:
    with crowd.write() as connection:
        add_campaign(connection, 2, "old", finished_at=NOW - timedelta(days=3))
        deliver(connection, 2, 20, number=1, at=NOW - timedelta(days=4))
        recent = Audience(("a",), not_mailed_within_hours=24 * 3.5)
        assert 20 in pick(connection, recent, now)
        assert 20 not in pick(connection, Audience(("a",), not_mailed_within_hours=24 * 5), now)


Names = tuple[str, ...]
STATUSES = st.sampled_from([*Membership, None])
STOPS = st.sampled_from([*SuppressionReason, None, None])
PEOPLE = st.lists(st.tuples(STATUSES, STATUSES, STATUSES, STOPS, STOPS, st.booleans(), st.booleans()), max_size=8)
RANK = [Reason.INACTIVE, Reason.STAFF, Reason.BOUNCED, Reason.COMPLAINED, Reason.PENDING, Reason.UNSUBSCRIBED]
BY_STOP = {
    SuppressionReason.INACTIVE: Reason.INACTIVE,
    SuppressionReason.STAFF: Reason.STAFF,
    SuppressionReason.BOUNCED: Reason.BOUNCED,
    SuppressionReason.COMPLAINED: Reason.COMPLAINED,
    SuppressionReason.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}


def rule(person: tuple[Any, ...], audience: Audience) -> str | None:
    """Why this person gets nothing: the rules once more, in Python; "" is chosen, None is on no included list."""
    statuses, everywhere, on_a, mailed, british = dict(zip("abc", person[:3], strict=True)), *person[3:]
    standings: list[int] = []
    for name in audience.include:
        if statuses[name] is None:
            continue
        ranks = [0]
        if statuses[name] != Membership.SUBSCRIBED:
            pending = statuses[name] == Membership.PENDING
            ranks = [RANK.index(Reason.PENDING if pending else Reason.UNSUBSCRIBED) + 1]
        if name == "a" and on_a:
            ranks.append(RANK.index(BY_STOP[on_a]) + 1)
        standings.append(max(ranks))
    if not standings:
        return None
    worst = max(min(standings), RANK.index(BY_STOP[everywhere]) + 1 if everywhere else 0)
    if worst:
        return RANK[worst - 1]
    if any(statuses[name] == Membership.SUBSCRIBED for name in audience.exclude):
        return Reason.EXCLUDED
    if audience.segment and not british:
        return Reason.OUTSIDE
    return Reason.MAILED_BEFORE if audience.not_mailed_by and mailed else ""


@pytest.fixture(scope="module", params=ENGINES)
def lasting(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Database]:
    """A database that every example undoes its work in."""
    store = open_database(new_database(request.param))
    yield store
    store.close()


@settings(max_examples=50, deadline=None)
@given(
    crowd=PEOPLE,
    include=st.sampled_from([("a",), ("b",), ("a", "b"), ("b", "a", "c")]),
    exclude=st.sampled_from([(), ("c",)]),
    segment=st.sampled_from(["", 'supporter.country == "GB"']),
    not_mailed_by=st.sampled_from([(), ("earlier",)]),
    limit=st.sampled_from([None, 1, 3]),
)
def test_a_selection_is_what_the_rules_say(
    lasting: Database,
    crowd: list[tuple[Any, ...]],
    include: Names,
    exclude: Names,
    segment: str,
    not_mailed_by: Names,
    limit: int | None,
) -> None:
    audience = Audience(include, exclude, segment, 0.0, not_mailed_by, limit, 5)
    assert from_json(to_json(audience)) == audience
    with lasting.connect() as connection, connection.begin() as undone:
        numbers = {name: list_id(connection, name) for name in "abc"}
        campaign = add_campaign(connection, 1, "earlier")
        for number, (*statuses, everywhere, on_a, mailed, british) in enumerate(crowd, start=1):
            add_person(connection, number, country="GB" if british else "FR")
            for name, status in zip("abc", statuses, strict=True):
                if status:
                    subscribe(connection, number, numbers[name], status)
            if everywhere:
                stop(connection, number, everywhere)
            if on_a:
                stop(connection, number, on_a, numbers["a"])
            if mailed:
                deliver(connection, campaign, number, number=number)
        found = select_audience(connection, audience, now=NOW)
        who = pick(connection, audience, NOW)
        with decided(connection, audience, now=NOW) as at_once:
            query = select(places.c.n, places.c.person_id).order_by(places.c.n)
            numbered = [tuple(row) for row in connection.execute(query)]
        undone.rollback()
    assert at_once == found
    assert numbered == list(enumerate(sorted(who), start=1))
    expected = Counter(verdict for person in crowd if (verdict := rule(person, audience)) is not None)
    free = {number for number, person in enumerate(crowd, start=1) if rule(person, audience) == ""}
    assert found.total == expected.total() == found.chosen + sum(found.excluded.values())
    assert found.chosen == len(who) == min(len(free), limit if limit is not None else len(free))
    assert set(who) <= free
    assert {reason: number for reason, number in found.excluded.items() if reason != Reason.LIMIT} == {
        reason: number for reason, number in expected.items() if reason
    }
