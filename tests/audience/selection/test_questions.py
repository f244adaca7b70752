"""Questions of a segment about time and habit: the people that a calendar and a count by hand find, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from mailer.audience.consent.changes import list_id
from mailer.audience.selection.questions import QUESTIONS, QuestionTopic, before, is_sound, read_day
from mailer.audience.selection.segment_sql import condition, parse_segment
from mailer.errors import MailerError
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import consent_sources, consents, people
from mailer.store.tables.states import DeliveryState, Frequency, Membership, Verdict
from tests.audience.world import add_campaign, add_person, click, deliver, put_name
from tests.conftest import NOW
from tests.databases import ENGINES, NewDatabase

DAY = timedelta(days=1)
FREQUENCIES = tuple(Frequency)
ALL = set(range(1, 13))


def long_ago(n: int) -> datetime:
    """One thing happened 40 days ago to person 1, 80 days ago to person 2, and so on."""
    return NOW - n * 40 * DAY


@pytest.fixture(scope="module", params=ENGINES)
def world(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Database]:
    """Twelve people: each known, mailed, clicking and signing 40 days before the one ahead of them."""
    store = open_database(new_database(request.param))
    with store.write() as connection:
        a, old = list_id(connection, "a"), add_campaign(connection, 1, "old", finished_at=NOW)
        for n in sorted(ALL):
            add_person(connection, n, created_at=long_ago(n), frequency=FREQUENCIES[n % 3].value)
            delivery = deliver(
                connection, old, n, number=n, at=long_ago(n),
                state=DeliveryState.FAILED if n == 1 else DeliveryState.SENT,
            )  # fmt: skip
            click(connection, delivery, n=0 if n == 2 else n % 2 + 1, at=long_ago(n),
                  verdict=Verdict.MACHINE if n == 3 else Verdict.HUMAN)  # fmt: skip
            for page in range(n % 4):
                put_name(connection, f"page-{page}", n, at=long_ago(n))
        connection.execute(insert(consent_sources).values(id=1, how="import", source="a.csv", wording="Yes."))
        connection.execute(
            insert(consents),
            [
                # 1 came from another program in 2020, 2 agreed when they came here.
                {"person_id": 1, "list_id": a, "status": Membership.SUBSCRIBED, "at": NOW, "source_id": 1,
                 "given_at": datetime(2020, 3, 4, tzinfo=UTC)},
                {"person_id": 2, "list_id": a, "status": Membership.SUBSCRIBED, "at": NOW, "source_id": 1,
                 "given_at": None},
            ],
        )  # fmt: skip
        put_name(connection, "page-0", None)
    yield store
    store.close()


def found(world: Database, segment: str) -> set[int]:
    parse_segment(segment, fields=())
    with world.read() as connection:
        inside = set(connection.execute(select(people.c.id).where(condition(segment, now=NOW))).scalars())
        outside = set(connection.execute(select(people.c.id).where(condition(f"not {segment}", now=NOW))).scalars())
    assert inside | outside == ALL
    assert not inside & outside
    return inside


@pytest.mark.parametrize(
    ("segment", "who"),
    [
        ('joined_within("100 days")', {2}),  # 1 is older than this database knows
        ('joined_within("20 years")', ALL),
        ('joined_since("2020-03-04")', ALL),
        ('joined_since("2020-03-05")', ALL - {1}),
        ('joined_since("2999-01-01")', set[int]()),
        ('mailed_within("100 days")', {2}),  # 1 never got it
        ('mailed_within("1 year")', {2, 3, 4, 5, 6, 7, 8, 9}),
        ('clicked_within("100 days")', {1}),  # 2 only opened it
        ('clicked_within("17 weeks")', {1}),  # 3 was a machine
        ('clicked_within("6 months")', {1, 4}),
        ('signed_within("100 days")', {1, 2}),
        ('signed_within("6 months")', {1, 2, 3}),  # 4 never signed
        ('signed_times("1")', ALL - {4, 8, 12}),
        ('signed_times("3")', {3, 7, 11}),
        ('signed_times("4")', set[int]()),
        ('wants("every")', {3, 6, 9, 12}),
        ('wants("monthly")', {1, 4, 7, 10}),
        ('wants("urgent")', {2, 5, 8, 11}),
    ],
)  # fmt: skip
def test_who_is_meant(world: Database, segment: str, who: set[int]) -> None:
    assert found(world, segment) == who


@given(st.integers(1, 480))
def test_one_within_some_days_happened_no_longer_ago(world: Database, days: int) -> None:
    assert found(world, f'signed_within("{days} days")') == {n for n in ALL if n % 4 and 40 * n <= days}


def test_months_are_the_calendars() -> None:
    at = datetime(2026, 3, 31, 9, 30, tzinfo=UTC)
    assert before(at, "1 month") == datetime(2026, 2, 28, 9, 30, tzinfo=UTC)
    assert before(at, "12 months") == before(at, "1 year") == datetime(2025, 3, 31, 9, 30, tzinfo=UTC)
    assert before(at, "25 months") == datetime(2024, 2, 29, 9, 30, tzinfo=UTC)
    assert before(at, "2 weeks") == at - 14 * DAY


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)), st.integers(1, 1199))
def test_more_months_are_never_less_time(at: datetime, months: int) -> None:
    assert before(at, f"{months + 1} months") < before(at, f"{months} months") < at


BAD = {
    QuestionTopic.DAY: ("2026-02-30", "2026-2-3", "yesterday", "2026-02-03T10:00", ""),
    QuestionTopic.SPAN: ("0 days", "12", "days", "-3 days", "1.5 years", "101 years", "9999 weeks ", "2000 months", ""),
    QuestionTopic.TIMES: ("0", "-1", "1000", "two", "1.5", ""),
    QuestionTopic.FREQUENCY: ("weekly", "Every", ""),
}


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_what_a_question_can_not_be_about(name: str) -> None:
    question = QUESTIONS[name]
    for given_ in BAD.get(question.topic, ()):
        assert not is_sound(question, given_)
        if question.topic is not QuestionTopic.FREQUENCY:
            with pytest.raises(MailerError):
                question.holds(given_, NOW)


def test_a_day_begins_in_utc() -> None:
    assert read_day("2026-02-03") == datetime(2026, 2, 3, tzinfo=UTC)
