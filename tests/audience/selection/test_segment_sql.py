"""Segments: the same people in SQL as by evaluating the expression for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, literal, select

from mailer.audience.consent.changes import list_id
from mailer.audience.people.people import supporter, supporters
from mailer.audience.selection.groups import subscribed_to
from mailer.audience.selection.segment_sql import condition, is_iso_date, parse_segment, truth, unread
from mailer.audience.tags import add_tags
from mailer.compose.expressions.ast import (
    And,
    Call,
    Compare,
    Concat,
    Conditional,
    Const,
    Constants,
    Expression,
    Field,
    Not,
    Or,
)
from mailer.compose.expressions.evaluator import Subject, text_of, truth_of
from mailer.compose.expressions.readings import Kind, Reading, readings
from mailer.errors import MailerError
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import people
from mailer.store.tables.states import DeliveryState, Verdict
from tests.audience.world import add_campaign, add_person, click, deliver, put_name, subscribe
from tests.conftest import NOW
from tests.databases import ENGINES, NewDatabase

TEXTS = (
    "", " ", "GB", "gb", "é", "e\u0301", "É", "10", "9", "010", "-1", "1.5", "1e5", "1.", ".5", "--1", "-", "1.2.3",
    "١٢", "0.1", "999999999999999", "9999999999999999", "12345.678901234", "0.30000000000001", "a'b", '"', "%", "_",
    "*[a]", "\U0001f600", "\uffff", "10 ", "\\", "GB-10", "null", "0", "-0", "123456789.12345",
)  # fmt: skip
FIELDS = (
    "email",
    "first_name",
    "last_name",
    "name",
    "country",
    "language",
    "age",
    "town",
    "tags",
    "größe",
    "nobody_has_it",
)
TAGGED_WITH = ("swim", "Swimmer", "GB", "\U0001f600", "\uffff", "10", "a'b \\ %")
NUMBERS = (0, 1, 10, 9, -1, 1.5, 0.1, 100000, 999999999999999, 12345.678901234, 0.30000000000001, 123456789.12345)


@pytest.fixture(scope="module", params=ENGINES)
def world(request: pytest.FixtureRequest, new_database: NewDatabase) -> Iterator[Database]:
    """Sixty people with odd texts everywhere, who were mailed, clicked and subscribed in different ways."""
    store = open_database(new_database(request.param))
    with store.write() as connection:
        a = list_id(connection, "a")
        first, second = add_campaign(connection, 1, "first"), add_campaign(connection, 2, "second")
        for n in range(1, 61):
            pick = TEXTS[n % len(TEXTS)]
            other, third = TEXTS[n * 7 % len(TEXTS)], TEXTS[n * 11 % len(TEXTS)]
            attributes = {"age": other, "größe": third} if n % 3 else {"town": pick, "age": pick}
            add_person(
                connection, n, first_name=pick, last_name=other, country=third, language=pick, attributes=attributes
            )
            for number, tag in enumerate(TAGGED_WITH, 2):
                if n % number == 0:
                    add_tags(connection, select(literal(n)), [tag], source="x", at=NOW)
            if n % 2:
                subscribe(connection, n, a)
            if n % 5 == 0:
                state = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN)[n % 3]
                verdict = (Verdict.HUMAN, Verdict.MACHINE, Verdict.UNSURE)[n // 5 % 3]
                click(connection, deliver(connection, first, n, number=n, state=state), n=n % 2 + 1, verdict=verdict)
        deliver(connection, second, None, number=1)
        for n in range(3, 61, 4):
            put_name(connection, "first", n)
        put_name(connection, "first", None)
    yield store
    store.close()


fields = st.sampled_from(FIELDS).map(lambda name: Field("supporter", name))
texts = st.sampled_from(TEXTS).map(Const)
numbers = st.sampled_from(NUMBERS).map(Const)
CALLS = ("mailed", "clicked", "signed")
calls = st.builds(lambda name, slug: Call(name, (slug,)), st.sampled_from(CALLS), st.sampled_from(["first", "second"]))

tagged = st.sampled_from([*TAGGED_WITH, "SWIMMER", "swi", "gb", "nobody"]).map(lambda tag: Call("tagged", (tag,)))


def text_expressions(truths: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    simple = fields | texts
    return simple | st.one_of(
        st.lists(simple, min_size=2, max_size=3).map(lambda parts: Concat(tuple(parts))),
        st.builds(Conditional, truths, simple, simple),
        st.builds(Or, simple, simple),
        st.builds(And, simple, simple),
    )


def truths(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    printed = text_expressions(inner)
    order = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    among = st.sampled_from(["in", "not in"])
    lists = st.lists(texts | numbers, min_size=1, max_size=4).map(lambda items: Constants(tuple(items)))
    return st.one_of(
        printed,
        st.builds(Compare, printed, order, printed | numbers),
        st.builds(Compare, numbers, order, printed | numbers),
        st.builds(Compare, printed, among, lists),
        st.builds(Compare, texts, among, printed),
        st.builds(And, inner, inner),
        st.builds(Or, inner, inner),
        st.builds(Not, inner),
        calls | st.just(Call("subscribed", ("a",))) | tagged,
    )


expressions = st.recursive(fields | texts | numbers, truths, max_leaves=6)


def by_evaluating(world: Database, expression: Expression, numbers_by_call: Mapping[str, Mapping[str, set[int]]]):
    test = truth_of(expression)
    found: set[int] = set()
    for number, mapping in everybody(world).items():
        questions = {
            name: (lambda argument, sets=sets, number=number: number in sets.get(argument, set()))
            for name, sets in numbers_by_call.items()
        }
        if test(Subject(mapping, calls=questions)):
            found.add(number)
    return found


@lru_cache(maxsize=2)  # the world of each engine, which nobody changes
def everybody(world: Database) -> Mapping[int, Mapping[str, str]]:
    with world.read() as connection:
        return supporters(connection, range(1, 100))


def expected_calls() -> dict[str, dict[str, set[int]]]:
    tens = [n for n in range(1, 61) if n % 5 == 0]
    return {
        "subscribed": {"a": {n for n in range(1, 61) if n % 2}},
        "mailed": {"first": {n for n in tens if n % 3 != 1}},
        "clicked": {"first": {n for n in tens if n % 2 == 0 and n // 5 % 3 != 1}},
        "signed": {"first": set(range(3, 61, 4))},
    }


@settings(max_examples=150, deadline=None)
@given(expression=expressions)
@example(expression=Call("tagged", ("SWIMMER",)))
@example(expression=Compare(Const("swim"), "in", Field("supporter", "tags")))
@example(expression=Compare(Field("supporter", "age"), "<", Const(10)))
@example(expression=Compare(Const(0.30000000000001), "==", Field("supporter", "age")))
@example(expression=Compare(Field("supporter", "age"), "in", Constants((Const(1.5), Const("")))))
@example(expression=Compare(Const(""), "in", Field("supporter", "town")))
def test_sql_finds_the_people_that_evaluating_finds(world: Database, expression: Expression) -> None:
    with world.read() as connection:
        in_sql = set(connection.execute(select(people.c.id).where(truth(expression, now=NOW))).scalars())
        left_out = set(connection.execute(select(people.c.id).where(~truth(expression, now=NOW))).scalars())
    assert in_sql == by_evaluating(world, expression, expected_calls())
    assert in_sql | left_out == set(range(1, 61)), "somebody is neither in nor out"
    assert not in_sql & left_out


def test_a_written_segment(world: Database) -> None:
    segment = 'supporter.country in ["GB", "10"] and not mailed("first") or supporter.nobody_has_it'
    expression = parse_segment(segment, fields=FIELDS)
    with world.read() as connection:
        found = set(connection.execute(select(people.c.id).where(condition(segment, now=NOW))).scalars())
    assert found == by_evaluating(world, expression, expected_calls())
    assert found


@pytest.mark.parametrize(
    ("segment", "words"),
    [
        ("supporter.contry == 'GB'", "contry"),
        ("supporter.country | lower == 'gb'", "filter"),
        ("country == 'GB'", "supporter.country"),
        ("bought('x')", "bought"),
        ("mailed(supporter.country)", "mailed"),
        ("supporter.country ==", "read"),
        ("1; drop table people", "read"),
        ("supporter.__class__", "__class__"),
    ],
)
def test_what_a_segment_can_not_say(segment: str, words: str) -> None:
    with pytest.raises(MailerError) as caught:
        parse_segment(segment, fields=FIELDS)
    assert words in str(caught.value)


def test_the_name_is_the_same_in_both(world: Database) -> None:
    assert supporter(("a@example.org", "", "Li", "", "", "", "", None))["name"] == "Li"
    assert supporter(("a@example.org", "Ana", "Li", "", "", "", "", {}))["name"] == "Ana Li"


@pytest.mark.parametrize("source", ["supporter.age > 5", "not supporter.first_name == 5", "supporter.town in [1, 2]"])
def test_sql_counts_the_values_that_can_not_be_read_as_python_does(world: Database, source: str) -> None:
    (reading,) = readings(parse_segment(source, fields=FIELDS))
    with world.read() as connection:
        on_list = connection.execute(subscribed_to(["a"])).scalars().all()
        values = [text_of(reading.operand)(Subject(one)) for one in supporters(connection, on_list).values()]
        bad = [value for value in values if not reading.can_read(value)]
        (found,) = unread(connection, source, lists=["a"], now=NOW)
    assert bad
    assert (found.people, found.kind, found.example in bad) == (len(bad), "a number", True)


def test_sql_reads_dates_as_python_does(world: Database) -> None:
    texts = (
        "2026-02-03",
        "2026-02-03T10:00",
        "2026-02-03 10",
        "2026-2-3",
        "03.02.2026",
        "2026-02-0300",
        "x2026-02-03",
        "45325",
    )
    with world.read() as connection:
        for text in texts:
            said = connection.execute(select(is_iso_date(literal(text, Text)))).scalar_one()
            assert bool(said) == Reading(Const(""), Kind.DATE).can_read(text), text
