"""Who gets which version: everybody one, exactly as many as planned, and always worked out again from the seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from mailer.audience.selection.select import PRIME
from mailer.audience.selection.spec import Audience
from mailer.compose.message import REST, Message, PlannedTest
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import find_campaign, launch_due, schedule
from mailer.delivery.experiments.draw import Draw, _key, people_of_each
from mailer.delivery.experiments.kept import find_test
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from tests.delivery.experiments.conftest import Trial
from tests.delivery.world import NOWHERE, TESTED, TESTED_TRANSLATED, add_people, launch


@pytest.mark.parametrize(
    ("count", "message", "each"),
    [(100, TESTED, 15), (200, replace(TESTED, test=PlannedTest(share=0.1)), 10), (60, TESTED_TRANSLATED, 10),
     (3, TESTED, 1), (2, TESTED, 1), (1, TESTED, 0)],
)  # fmt: skip
def test_everybody_has_one_row_and_one_version(trial: Trial, count: int, message: Message, each: int) -> None:
    add_people(trial.database, count + count // 4, now=trial.clock.now)
    with trial.database.write() as connection:  # numbers with gaps, as they are after deletions
        connection.execute(delete(people).where(people.c.id % 5 == 0))
        connection.execute(update(people).where(people.c.id % 3 == 0).values(language="fr"))
        chosen = sorted(connection.execute(select(people.c.id)).scalars())
    trial.campaign_id = launch(trial.database, count=len(chosen), now=trial.clock.now, message=message)
    rows, test = trial.rows(), trial.test
    assert sorted(row.person_id for row in rows) == chosen, "nobody is missing and nobody is there twice"
    assert {row.person_id: row.arm for row in rows} == {person: test.arm_of(person) for person in chosen}
    sizes = Counter(row.arm for row in rows)
    assert {sizes[arm] for arm in test.plan.arms} == {test.plan.each} == {each}
    assert sizes[REST] == len(rows) - test.plan.tested
    assert all(row.stage == (row.arm == REST) for row in rows)
    mails = [(row.arm, row.language) for row in rows]
    assert len(list(groupby(mails))) == len(set(mails)), "those who get the same mail have neighbouring numbers"
    assert [row.arm for row in rows] == sorted(row.arm for row in rows), "those who are tried come first"


@given(seed=st.integers(0, 2**62), campaign=st.integers(1, 2**31), cuts=st.lists(st.integers(0, PRIME - 1), max_size=4))
def test_no_two_people_come_out_at_one_number(seed: int, campaign: int, cuts: list[int]) -> None:
    """So a version gets as many of all numbers as its part of them is long."""
    a, b, c, d = _key(seed, campaign)
    found = {(pow((person * a + b) % PRIME, 5, PRIME) * c + d) % PRIME for person in range(200)}
    assert len(found) == 200
    drawn = Draw(campaign, seed, tuple(sorted(cuts)))
    assert {drawn.arm_of(person) for person in range(200)} <= {*"abcd"[: len(cuts)], REST}


def test_neighbours_are_drawn_apart() -> None:
    """People who came in one import don't get one version."""
    for seed in range(50):
        drawn = Draw(1, seed, (PRIME // 2,))
        arms = [drawn.arm_of(person) for person in range(1, 2001)]
        assert 850 < arms.count("a") < 1150
        repeats = sum(one == other for one, other in pairwise(arms))
        assert 850 < repeats < 1150


@given(share=st.floats(0.1, 0.5), count=st.integers(1, 10_000), arms=st.integers(2, 4))
def test_sizes(share: float, count: int, arms: int) -> None:
    each = people_of_each(share, count, arms)
    assert 0 <= each * arms <= count
    if count >= 20:
        assert abs(each * arms - share * count) <= arms
    assert each >= 1 or count < arms


def test_a_schedule_draws_when_it_is_due(database: Database, now: datetime) -> None:
    plan = Plan(TESTED, Audience(include=("supporters",)), NOWHERE, transport="outbox")
    number = schedule(database, plan, due_at=now, zone="UTC", late=now - now, now=now)
    with database.read() as connection:
        assert find_test(connection, number) is None
    add_people(database, 40, now=now)
    assert [row.slug for row in launch_due(database, now=now)] == ["appeal"]
    with database.read() as connection:
        test = find_test(connection, number)
        assert find_campaign(connection, "appeal").stage == 0  # type: ignore[union-attr]
    assert test is not None
    assert (test.plan.people, test.plan.each, test.plan.share) == (40, 6, 0.3)
    assert test.decide_at == now + test.plan.wait
