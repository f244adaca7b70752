"""The expression language: what it lets through, what it means, what it refuses with a line and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.expressions.ast import (
    Call,
    Compare,
    Const,
    Constants,
    Expression,
    Field,
    Filter,
    Not,
    Vocabulary,
    is_text,
)
from mailer.compose.expressions.evaluator import Subject, as_number, text_of, truth_of
from mailer.compose.expressions.filters import FILTERS
from mailer.compose.expressions.parser import parse_expression
from mailer.diagnostics import Place
from mailer.errors import MailerError

VOCABULARY = Vocabulary(
    scopes={"supporter": {"first_name", "country", "age", "email", "Member since"}, "list": {"title"}},
    names={"view_url"},
    calls={"mailed", "clicked"},
)
PLACE = Place("newsletters/x/message.md", 7)


def parse(source: str) -> Expression:
    return parse_expression(source, vocabulary=VOCABULARY, place=PLACE)


def holds(source: str, supporter: Mapping[str, object], **calls: bool) -> bool:
    answers = {name: (lambda slug, answer=answer: answer and slug == "x") for name, answer in calls.items()}
    return truth_of(parse(source), {"list": {"title": "News"}})(Subject(supporter, {}, answers))


def text(source: str, supporter: Mapping[str, object]) -> str:
    return text_of(parse(source), {"list": {"title": "News"}})(Subject(supporter, {"view_url": "V"}))


def test_the_tree_is_what_was_written() -> None:
    assert parse('supporter.country in ["GB", 5]') == Compare(
        Field("supporter", "country"), "in", Constants((Const("GB"), Const(5)))
    )
    assert parse('not mailed("x")') == Not(Call("mailed", ("x",)))
    assert parse('supporter["Member since"] | default("?")') == Filter(
        "default", Field("supporter", "Member since"), (Const("?"),)
    )
    assert parse("supporter.age >= -1.5") == Compare(Field("supporter", "age"), ">=", Const(-1.5))


@pytest.mark.parametrize(
    ("source", "supporter", "expected"),
    [
        ("supporter.country", {"country": "GB"}, True),
        ("supporter.country", {"country": ""}, False),
        ("supporter.country", {"country": " "}, True),
        ("supporter.country", {}, False),
        ("supporter.country", {"country": None}, False),
        ('supporter.country == "GB"', {"country": "GB"}, True),
        ('supporter.country == "GB"', {"country": "gb"}, False),
        ('supporter.country != "GB"', {}, True),
        ('supporter.country < "H"', {"country": "GB"}, True),
        ('supporter.country < "a"', {"country": "Z"}, True),
        ("supporter.age > 9", {"age": "10"}, True),
        ('supporter.age > "9"', {"age": "10"}, False),
        ("supporter.age == 10", {"age": "10.0"}, True),
        ("supporter.age == 10", {"age": 10}, True),
        ("supporter.age < 10", {"age": ""}, False),
        ("supporter.age >= 10", {"age": "ten"}, False),
        ("supporter.age != 10", {"age": "ten"}, True),
        ("supporter.age < 10", {"age": "1e0"}, False),
        ("supporter.age < 10", {"age": " 1"}, False),
        ("supporter.age < 10", {"age": "١"}, False),
        ("supporter.age > 10", {"age": "1234567890123456"}, False),
        ("1 < supporter.age < 3", {"age": "2"}, True),
        ("1 < supporter.age < 3", {"age": "3"}, False),
        ('supporter.country in ["GB", "IE"]', {"country": "IE"}, True),
        ('supporter.country not in ["GB", "IE"]', {}, True),
        ("supporter.age in [1, 2]", {"age": "2.0"}, True),
        ('supporter.age in ["2"]', {"age": "2.0"}, False),
        ('"@example" in supporter.email', {"email": "a@example.org"}, True),
        ('"@Example" not in supporter.email', {"email": "a@example.org"}, True),
        ('supporter.country and supporter.age or supporter.email == "e"', {"email": "e"}, True),
        ('not (supporter.country == "GB")', {"country": "GB"}, False),
        ('list.title == "News"', {}, True),
        ("supporter.country == supporter.email", {"country": "a", "email": "a"}, True),
        ("supporter.first_name | default(supporter.email) == supporter.email", {"email": "e"}, True),
    ],
)
def test_what_it_means(source: str, supporter: dict[str, object], expected: bool) -> None:
    assert holds(source, supporter) is expected


def test_calls_are_answered_by_the_caller() -> None:
    assert holds('mailed("x") and not clicked("x")', {}, mailed=True, clicked=False)
    assert not holds('mailed("other")', {}, mailed=True)


@pytest.mark.parametrize(
    ("source", "supporter", "expected"),
    [
        ('supporter.first_name | default("friend")', {"first_name": "Zoë"}, "Zoë"),
        ('supporter.first_name | default("friend")', {"first_name": ""}, "friend"),
        ('supporter.first_name | default("friend")', {"first_name": "  "}, "friend"),
        ('supporter.first_name | default("friend", true)', {}, "friend"),
        ('supporter.first_name or "friend"', {}, "friend"),
        ('supporter.country and ("in " ~ supporter.country)', {"country": "GB"}, "in GB"),
        ('supporter.country and "in it"', {}, ""),
        ('"Hi " ~ supporter.first_name ~ 5', {"first_name": "A"}, "Hi A5"),
        ('"a" if supporter.age > 5 else "b"', {"age": "6"}, "a"),
        ('"a" if supporter.age > 5', {"age": "4"}, ""),
        ("supporter.first_name | upper | lower", {"first_name": "Ä"}, "ä"),
        ("supporter.first_name | title", {"first_name": "mary-ann o'neil"}, "Mary-Ann O'neil"),
        ('supporter["Member since"] | date', {"Member since": "2026-02-03"}, "3 February 2026"),
        (
            'supporter["Member since"] | date("%d.%m.%y %%")',
            {"Member since": "2026-02-03T10:00:00+00:00"},
            "03.02.26 %",
        ),
        ('supporter["Member since"] | date("short")', {"Member since": "long ago"}, "long ago"),
        ("supporter.age | number", {"age": "1234567.5"}, "1,234,567.5"),
        ("supporter.age | number(2)", {"age": "1234"}, "1,234.00"),
        ("supporter.age | number", {"age": "many"}, "many"),
        ("supporter.email | urlencode", {"email": "a+b@x.org"}, "a%2Bb%40x.org"),
        ("view_url", {}, "V"),
        ("list.title", {}, "News"),
    ],
)
def test_what_it_prints(source: str, supporter: dict[str, object], expected: str) -> None:
    assert is_text(parse(source))
    assert text(source, supporter) == expected


@pytest.mark.parametrize(
    ("source", "message", "remedy"),
    [
        ("supporter.frist_name", "unknown field supporter.frist_name", "'first_name'"),
        ("suporter.country", "unknown name 'suporter'", "'supporter'"),
        ('country == "GB"', "unknown name 'country'", "supporter.country"),
        ("supporter.country == GB", "unknown name 'GB'", "quotes"),
        ("supporter.first_name | uper", "unknown filter 'uper'", "'upper'"),
        ("supporter.first_name | default", "takes 1 to 2 arguments, not 0", None),
        ("supporter.first_name | upper(1)", "takes 0 arguments, not 1", None),
        ('supporter.age | date("%Q")', "unknown date format", "long"),
        ("supporter", "group of fields", "supporter."),
        ("supporter.first_name.upper", "one step", None),
        ("supporter.first_name.upper()", "can't be called", None),
        ("supporter.__class__", "unknown field", None),
        ("supporter.age + 1", "+ is not part", "~"),
        ("supporter.age * 1", "not part of the language", None),
        ("supporter.age is defined", "`is` tests", "not empty"),
        ("supporter.age == true", "true, false and none", None),
        ('supporter.country in "GB IE"', "`in` needs a list", '["GB", "IE"]'),
        ("supporter.country in [supporter.age]", "constants only", None),
        ('["GB"]', "a list is allowed only", None),
        ("(supporter.age > 1) == (supporter.age > 2)", "can't be compared again", None),
        ("mailed(supporter.country)", "one text in quotes", None),
        ('mailed("a", "b")', "one text in quotes", None),
        ('signed("x")', "signed can't be called", None),
        ("range(10)", "can't be called", None),
        ("supporter.country ==", "can't be read", None),
        ("1 }} {{ 2", "can't be read", None),
        ("supporter.age > 1e300", "too large", None),
        ("not " * 200 + "supporter.age", "nested", None),
        ("(" * 1500 + "1", "nested", None),
        ('"' + "a" * 5000 + '"', "longer than", None),
    ],
)
def test_what_it_refuses(source: str, message: str, remedy: str | None) -> None:
    with pytest.raises(MailerError) as found:
        parse(source)
    fault = found.value.diagnostics[0]
    assert message in fault.message
    assert fault.place is not None
    assert fault.place.line is not None
    assert 7 <= fault.place.line <= 8
    if remedy:
        assert remedy in (fault.remedy or "")


def test_all_faults_at_once_each_on_its_line() -> None:
    with pytest.raises(MailerError) as found:
        parse('supporter.frist_name == "a"\n and supporter.contry == "b"')
    assert [fault.place.line for fault in found.value.diagnostics if fault.place] == [7, 8]


def test_a_comparison_is_no_text() -> None:
    assert not is_text(parse("supporter.age > 5"))
    assert not is_text(parse('supporter.first_name or mailed("x")'))


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_parsed_or_refused(source: str) -> None:
    try:
        found = parse(source)
    except MailerError as error:
        assert error.diagnostics
    else:
        truth_of(found)(Subject({}, {"view_url": ""}, {"mailed": lambda _: True, "clicked": lambda _: True}))


@given(st.text(), st.text())
def test_equality_is_of_code_points(value: str, other: str) -> None:
    escaped = other.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    if "\\u" in repr(other) or "\\x" in repr(other) or "\\N" in other:
        return
    assert holds(f'supporter.country == "{escaped}"', {"country": value}) == (value == other)


@given(st.integers(-(10**14), 10**14), st.integers(-(10**14), 10**14))
def test_numbers_compare_as_numbers(value: int, constant: int) -> None:
    assert holds(f"supporter.age < {constant}", {"age": str(value)}) == (value < constant)


@pytest.mark.parametrize("written", ["", "-", ".", "1.", ".5", "+1", "1,000", "0x1", "1_0", "nan", "inf", "1\n", "--1"])
def test_what_is_no_number(written: str) -> None:
    assert as_number(written) is None


SPOKEN = [
    (
        "supporter.x | date",
        "2026-02-03",
        {
            "en": "3 February 2026",
            "en-US": "February 3, 2026",
            "de": "3. Februar 2026",
            "fr": "3 février 2026",
            "pt-BR": "3 de fevereiro de 2026",
            "ar": "3 فبراير 2026",
            "xx": "3 February 2026",
        },
    ),
    (
        'supporter.x | date("month")',
        "2026-02-03",
        {"en": "February 2026", "de": "Februar 2026", "es": "febrero de 2026"},
    ),
    ('supporter.x | date("%-d %B")', "2026-03-08", {"en": "8 March", "de": "8 März", "pl": "8 marca"}),
    ('supporter.x | date("%B")', "2026-03-08", {"pl": "marzec", "fr": "mars"}),
    ('supporter.x | date("%A")', "2026-02-03", {"en": "Tuesday", "fr": "mardi", "de": "Dienstag"}),
    ('supporter.x | date("iso")', "2026-02-03T10:30", {"de": "2026-02-03"}),
    ('supporter.x | date("time")', "2026-02-03T14:30", {"en": "14:30", "de": "14:30", "fr": "14:30"}),
    ('supporter.x | date("year")', "2026-02-03T14:30", {"en": "2026", "de": "2026"}),
    (
        "supporter.x | number",
        "1234567.50",
        {
            "en": "1,234,567.50",
            "de": "1.234.567,50",
            "fr": "1\u202f234\u202f567,50",
            "hi": "12,34,567.50",
            "de-CH": "1’234’567.50",
        },
    ),
    ("supporter.x | number", "-1234567", {"en": "-1,234,567", "de": "-1.234.567"}),
    ("supporter.x | number(2)", "0.125", {"en": "0.12", "de": "0,12"}),
    ("supporter.x | number(0)", "1234.5", {"en": "1,234", "it": "1.234"}),
    ("supporter.x | number", "123456789012345678901234567890", {"de": "123,456,789,012,345,678,901,234,567,890"}),
    ("supporter.x | date", "03.02.2026", {"de": "03.02.2026"}),
    ("supporter.x | number", "1.234,50", {"de": "1.234,50"}),
]


@pytest.mark.parametrize(("source", "value", "said"), SPOKEN)
def test_dates_and_numbers_speak_the_messages_language(source: str, value: str, said: dict[str, str]) -> None:
    for language, words in said.items():
        known = Vocabulary(scopes={"supporter": {"x"}}, language=language)
        expression = parse_expression(source, vocabulary=known)
        assert text_of(expression)(Subject({"x": value})) == words, language


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_english_numbers_are_as_python_writes_them(value: Decimal) -> None:
    assert FILTERS["number"].apply(str(value)) == f"{value:,}"


@given(st.dates())
def test_every_day_has_a_long_form_in_every_language(day: date) -> None:
    for language in ("en", "fr", "ar", "hi", "ja"):
        assert str(day.day) in FILTERS["date"].apply(day.isoformat(), language=language)
