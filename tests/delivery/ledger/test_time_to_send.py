"""How long a newsletter takes: never less than each pace alone, and as many days as the warm-up plan needs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.selection.spec import Audience
from mailer.delivery.ledger.time_to_send import how_long, last_time, people_by_domain
from mailer.delivery.ledger.warm_up import Today
from mailer.settings import Pace
from mailer.store.engine.database import Database
from mailer.store.tables.core import EPOCH, campaigns
from tests.conftest import NOW
from tests.delivery.world import add_people, launch

RATES = st.floats(0.1, 500)


@given(
    number=st.integers(0, 2_000_000), total=st.one_of(st.just(0.0), RATES),
    domains=st.dictionaries(st.sampled_from(["gmail.com", "gmx.de", "x.org"]), st.tuples(RATES, st.integers(0, 10**6))),
)  # fmt: skip
def test_the_slowest_pace_decides(number: int, total: float, domains: dict[str, tuple[float, int]]) -> None:
    pace = Pace(per_second=total, domains={name: rate for name, (rate, _) in domains.items()})
    found = how_long(number, {name: people for name, (_, people) in domains.items()}, pace)
    alone = [people / rate for rate, people in domains.values()] + ([number / total] if total else [])
    assert (found.length or timedelta()) == timedelta(seconds=max(alone, default=0.0))
    if found.slowest:
        rate, people = domains[found.slowest]
        assert found.length == timedelta(seconds=people / rate)


@given(
    plan=st.lists(st.integers(1, 1000), min_size=1, max_size=8), step=st.integers(1, 8), mailed=st.integers(0, 2000),
    number=st.integers(0, 10_000),
)  # fmt: skip
def test_the_warm_up_plan_is_gone_through_day_by_day(plan: list[int], step: int, mailed: int, number: int) -> None:
    step = min(step, len(plan))
    today = Today(step, plan[step - 1], mailed, EPOCH)
    left, days = number - today.left, 0
    while left > 0:  # one day after the other; after the last there is no limit
        later = step + days
        left, days = left - (plan[later] if later < len(plan) else left), days + 1
    assert how_long(number, {}, Pace(warm_up=tuple(plan)), today).more_days == days


def test_people_are_counted_by_the_domains_that_have_a_pace(database: Database) -> None:
    add_people(database, 3, now=NOW)
    pace = Pace(domains={"example.org": 1.0, "xample.org": 1.0})
    with database.read() as connection:
        assert people_by_domain(connection, Audience(("supporters",)), Pace(), now=NOW) == {}
        found = people_by_domain(connection, Audience(("supporters",)), pace, now=NOW)
    assert found == {"example.org": 3, "xample.org": 0}


@pytest.mark.parametrize("people", [2, 60])
def test_the_last_newsletter_says_how_long_if_it_was_large(database: Database, people: int) -> None:
    add_people(database, people, now=NOW)
    launch(database, count=people, now=NOW)
    done = {"state": "finished", "finished_at": NOW + timedelta(minutes=9), "counts": {"chosen": people}}
    with database.write() as connection:
        connection.execute(campaigns.update().values(**done, launched_at=NOW))
        found = last_time(connection, "outbox")
        assert last_time(connection, "smtp") is None
    assert (found is not None and found.took) == (timedelta(minutes=9) if people > 50 else False)
