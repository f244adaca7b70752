"""Everyone is merged before anyone is mailed: troubles, variants, and whose mail is worth looking at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailer.checking.collect import Scope
from mailer.checking.evidence.audience_stats import AudienceStats, Which
from mailer.checking.evidence.simulate import Row, Simulation
from mailer.checking.preflight import Preflight, preflight
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.message import Choice, Context, Link, Message, Slot
from mailer.store.engine.database import Database
from mailer.store.tables.core import lists
from mailer.workspace import Workspace
from tests.audience.world import add_person, subscribe
from tests.conftest import NOW

MESSAGE = """\
---
subject: Keep the library open
preheader: "The council decides in three weeks, and has heard from nobody yet but its treasurer."
list: supporters
template: appeal
action:
  url: https://act.example.org/a
  label: Sign
---
"""
LONG_BODY = """
::: ask
:::

The council decides in three weeks.

::: ask
:::
"""
Check = Callable[..., Preflight]


@pytest.fixture
def check(workspace: Workspace, database: Database) -> Check:
    """`check(body, {"first_name": "Ada"}, …)`: these people are on the list; what the preflight says."""

    def run(
        body: str, *everyone: dict[str, str], attributes: list[dict[str, str]] | None = None, message: str = MESSAGE
    ) -> Preflight:
        folder = workspace.newsletters / "appeal"
        folder.mkdir(exist_ok=True)
        (folder / "message.md").write_text(message + body, encoding="utf-8")
        with database.write() as connection:
            connection.execute(lists.insert().values(id=1, name="supporters"))
            for number, fields in enumerate(everyone, 1):
                more = attributes[number - 1] if attributes else None
                add_person(connection, number, attributes=more, created_at=NOW, **fields)
                subscribe(connection, number, 1)
        return preflight(database, workspace.newsletter("appeal"), scope=Scope(), now=NOW)

    return run


def said(found: Preflight, rule: str) -> list[str]:
    return [remark.message for remark in found.remarks if remark.rule == rule]


def test_a_greeting_without_a_name_keeps_a_newsletter_from_being_mailed(check: Check) -> None:
    found = check(f"Dear {{{{ supporter.first_name }}}},\n{LONG_BODY}", {"first_name": "Ada"}, {}, {})
    assert said(found, "audience.greeting") == ["2 people would get nothing in place of {{ supporter.first_name }}"]
    assert found.errors
    (remark,) = found.remarks  # what the compiler was in doubt of is known now, and not said twice
    assert str(remark.place) == "newsletters/appeal/message.md:10"


def test_a_stand_in_fills_the_hole(check: Check) -> None:
    found = check('Dear {{ supporter.first_name | default("friend") }},\n', {"first_name": "Ada"}, {})
    assert not said(found, "audience.greeting")


def test_only_people_who_get_a_branch_count_for_what_stands_in_it(check: Check) -> None:
    body = "{% if supporter.first_name %}Dear {{ supporter.first_name }},{% else %}Hello,{% endif %}\n"
    found = check(body, {"first_name": "Ada"}, {})
    assert not said(found, "audience.greeting")
    assert not said(found, "audience.empty")


def test_values_that_are_empty_long_shouted_or_marked_up(check: Check) -> None:
    body = 'Hello {{ supporter.first_name | default("you") }} of {{ supporter.country }} and so on.\n'
    found = check(
        body, {"first_name": "ANNA", "country": "GB"}, {"first_name": "<b>Bo</b>", "country": "GB"},
        {"first_name": "x" * 80, "country": "GB"}, {"first_name": "Cy"}, {"first_name": "李", "country": "GB"},
        {"first_name": "O'Neil-Smith", "country": "GB"},
    )  # fmt: skip
    assert said(found, "audience.capitals") == ["1 person has a name in capitals, such as ANNA"]
    assert len(said(found, "audience.markup")) == 1
    assert "“<b>Bo</b>”" in said(found, "audience.markup")[0]
    assert len(said(found, "audience.long")) == 1
    assert said(found, "audience.empty") == ["{{ supporter.country }} is empty for 1 person"]


def test_plain_people_are_no_trouble(check: Check) -> None:
    body = 'Hello {{ supporter.first_name | default("you") }} of {{ supporter.country }} and so on.\n'
    found = check(body, {"first_name": "Ada", "country": "GB"}, {"country": "IE"})
    assert not [remark for remark in found.remarks if remark.rule.startswith("audience.")]


def test_conditions_that_nobody_meets(check: Check) -> None:
    body = 'A\n\n{% if supporter.country == "UK" %}\nB\n{% elif supporter.country == "IE" %}\nC\n{% endif %}\n'
    found = check(body, {"country": "IE"}, {"country": "GB"})
    assert said(found, "audience.unmet") == ['nobody meets {% if supporter.country == "UK" %}']
    assert found.figures is not None
    assert [(one.branches, one.people) for one in found.figures.variants] == [
        (("nothing",), 1),
        (('supporter.country == "IE"',), 1),
    ]


def test_a_field_that_nobody_has_and_one_that_is_spelt_like_it(check: Check) -> None:
    body = '{{ supporter.language | default("x") }} {{ supporter.town | default("x") }}\n'
    found = check(body, {"language": "en"}, attributes=[{"town": "", "towns": "York"}])
    assert said(found, "audience.never-filled") == ["supporter.town is empty for everyone (1 person)"]
    assert "supporter.towns" in next(one.remedy for one in found.remarks if one.rule == "audience.never-filled")


def test_nobody_is_no_trouble(check: Check) -> None:
    found = check('Dear {{ supporter.first_name }},\n\n{% if supporter.country == "GB" %}\nB\n{% endif %}\n')
    assert not [remark for remark in found.remarks if remark.rule.startswith("audience.")]
    assert found.figures == AudienceStats()


def test_whose_mail_stands_out(check: Check, database: Database) -> None:
    body = (
        'Hello {{ supporter.first_name | default("you") }} of {{ supporter.country | default("here") }}, '
        "{{ supporter.last_name }}.\n"
    )
    found = check(
        body, {"first_name": "Ada", "country": "GB", "last_name": "Lovelace"}, {"first_name": "", "last_name": ""},
        {"first_name": "Wolfeschlegelsteinhausenberger", "last_name": "Dorff"},
    )  # fmt: skip
    assert found.figures is not None
    stand = {one.which: one.person_id for one in found.figures.standouts}
    assert stand == {Which.BEST: 1, Which.WORST: 2, Which.LONGEST: 3}


@pytest.mark.parametrize(("more", "rows"), [("", 2), ("We write to {{ supporter.email }}.\n", 3)])
def test_people_whose_address_is_printed_are_counted_like_others(check: Check, more: str, rows: int) -> None:
    found = check(
        f"Dear {{{{ supporter.first_name }}}},\n\n{more}",
        {"first_name": "Ada"},
        {"first_name": "Ada"},
        {"first_name": ""},
    )
    assert found.figures is not None
    assert found.figures.rows == rows, "nobody is like another who has another address"
    assert (found.figures.people, [one.people for one in found.figures.troubled]) == (3, [1])


def message(html: tuple[str | int, ...], slots: tuple[Slot | Choice, ...], links: tuple[Link, ...] = ()) -> Message:
    return Message(
        slug="a", list="supporters", language="en", direction="ltr", from_="a@example.org", reply_to="",
        public_url="https://mail.example.org", subject=("S",), preheader=("P",), html=html, text=("T",), slots=slots,
        links=links,
    )  # fmt: skip


def test_the_bytes_reckoned_are_those_of_the_mail() -> None:
    slots = (
        Slot("supporter.first_name", Context.HTML),
        Choice((('supporter.country == "GB"', ("in ", 0, "’s country")), ("", ("elsewhere",)))),
    )
    mail = message(("Dear ", 0, ", you live ", 1, "."), slots)
    simulation = Simulation(mail)
    assert simulation.fields == ("country", "first_name")
    for values in (("GB", "Zoë"), ("FR", "Bo"), ("", "")):
        html = MergeProgram(mail).html(dict(zip(simulation.fields, values, strict=True)), Urls("", "", "", ""))
        figures = simulation.figures([Row(values, 1, 7)])
        assert figures.standouts[0].html_bytes == len(html.encode())


def test_a_link_whose_site_is_a_field_leads_some_people_nowhere() -> None:
    slots = (Slot("supporter.site", Context.URL),)
    own = ("https://", 0, "/plan")
    link = Link(1, "https://{{ supporter.site }}/plan", own, "Your page", "inline", is_action=False)
    fixed = Link(2, "https://a.org/{{ supporter.site }}", ("https://a.org/", 0), "The plan", "inline", is_action=False)
    simulation = Simulation(message(("x",), slots, (link, fixed)))
    figures = simulation.figures([Row(("a.org",), 3, 1), Row(("",), 2, 2)])
    assert [(one.source, one.people, one.value) for one in figures.troubled] == [("Your page", 2, "https:///plan")]


def test_a_condition_inside_another_counts_for_those_who_get_there() -> None:
    """It is what people see that is counted: nobody in Ireland meets what is written for Britain alone."""
    inner = Choice((('supporter.language == "cy"', ("bore da",)), ("", ("good morning",))))
    outer = Choice((('supporter.country == "GB"', (0,)),))
    simulation = Simulation(message((1,), (inner, outer)))
    figures = simulation.figures([Row(("GB", "en"), 3, 1), Row(("IE", "cy"), 2, 2)])
    assert {(one.branches, one.people) for one in figures.variants} == {
        (("else", 'supporter.country == "GB"'), 3),
        (("nothing", "nothing"), 2),
    }
    assert figures.unmet == ('supporter.language == "cy"',)


def test_ten_thousand_variants_take_no_more_room_than_a_thousand() -> None:
    slots = tuple(Choice(((f'supporter.f{n} == "1"', ("x",)),)) for n in range(14))
    simulation = Simulation(message(tuple(range(14)), slots))
    names = simulation.fields
    rows = (Row([str(number >> bit & 1) for bit in range(len(names))], 1, number) for number in range(10_000))
    figures = simulation.figures(rows)
    assert (figures.people, len(figures.variants), figures.more_variants) == (10_000, 1_000, 9_000)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("In {{ supporter.first_name }}, move. {{ supporter.first_name }}, help. Yes, {{ supporter.first_name }}!",
         "audience.greeting"),
        ("Of {{ supporter.first_name }} and {{ supporter.first_name }} and of {{ supporter.first_name }} we think",
         "audience.empty"),
        ('{% if supporter.country == "" %}A {{ supporter.first_name }} b {{ supporter.first_name }} c{% endif %}',
         "audience.empty"),
    ],
)  # fmt: skip
def test_people_are_counted_once_whatever_the_number_of_places(check: Check, body: str, rule: str) -> None:
    found = check(f"{body}\n{LONG_BODY}", {"first_name": "Ada"}, {}, {})
    assert found.figures is not None
    assert {one.people for one in found.figures.troubled} == {2}
    (words,) = said(found, rule)
    assert "2 people" in words


def test_a_name_in_capitals_everywhere_is_one_person(check: Check) -> None:
    name = "{{ supporter.first_name }}"
    found = check(f"Dear {name}, and {name}, and {name}: hello.\n{LONG_BODY}", {"first_name": "ANNA"})
    assert said(found, "audience.capitals") == ["1 person has a name in capitals, such as ANNA"]


UNREADABLE = [
    ("{{ supporter.since | date }}", "45325", "supporter.since | date"),
    ("{{ supporter.since | date('short') }}", "03.02.2026", "supporter.since | date('short')"),
    ('{{ supporter.since | default("soon") | date }}', "soon after", 'supporter.since | default("soon") | date'),
    ("{{ supporter.since | number }}", "1.234,50", "supporter.since | number"),
    ("{{ supporter.since | number(2) }}", "1,234", "supporter.since | number(2)"),
    ("{% if supporter.since > 5 %}a{% endif %}", "1.234,50", "supporter.since > 5"),
    (
        "{% if supporter.country == 'GB' and 5 != supporter.since %}a{% endif %}",
        "x",
        "supporter.country == 'GB' and 5 != supporter.since",
    ),
    ("{% if supporter.since in [1, 2] %}a{% endif %}", "one", "supporter.since in [1, 2]"),
    ('{% if supporter.since >= "2026-01-01" %}a{% endif %}', "03.02.2026", 'supporter.since >= "2026-01-01"'),
]


@pytest.mark.parametrize(("written", "value", "source"), UNREADABLE)
def test_a_value_that_can_not_be_read_is_counted_with_an_example(
    check: Check, written: str, value: str, source: str
) -> None:
    good = {"number": "7", "in [1": "7", "> 5": "7", "5 !=": "7"}
    readable = next((text for sign, text in good.items() if sign in written), "2026-02-03")
    attributes = [{"since": value}, {"since": value}, {"since": readable}, {"since": ""}, {}]
    found = check(f"Dear friend, {written}\n", *({"country": "GB"},) * 5, attributes=attributes)
    assert said(found, "audience.unreadable") == [f"{source} can't be read for 2 people, such as “{value}”"]


SEGMENTS = [
    ("supporter.age >= 18", "1.234,50", "age", "a number"),
    ("not (supporter.age < 18 or supporter.country == 'FR')", "eighteen", "age", "a number"),
    ("supporter.age > '2026-01-01'", "03.02.2026", "age", "a date"),
]


@pytest.mark.parametrize(("segment", "value", "field", "kind"), SEGMENTS)
def test_what_a_segment_can_not_read_is_counted_too(
    check: Check, segment: str, value: str, field: str, kind: str
) -> None:
    readable = "2026-02-03" if kind == "a date" else "19"
    attributes = [{"age": value}, {"age": value}, {"age": readable}, {"age": ""}, {}]
    message = MESSAGE.removesuffix("---\n") + f'audience:\n  segment: "{segment}"\n---\n'
    found = check("Dear friend.\n", *({"country": "GB"},) * 5, attributes=attributes, message=message)
    expected = f"the segment can't read {field} as {kind} for 2 people, such as “{value}”"
    assert said(found, "audience.unreadable") == [expected]
    (remark,) = [one for one in found.remarks if one.rule == "audience.unreadable"]
    assert str(remark.place) == "newsletters/appeal/message.md:10"


@pytest.mark.parametrize("name", ["Visit evil.example", "ｅｖｉｌ．ｅｘａｍｐｌｅ", "a.b/c"])
def test_an_address_in_an_imported_name_is_found(check: Check, name: str) -> None:
    found = check("Dear {{ supporter.first_name }},\n", {"first_name": name}, {"first_name": "J.R.R. Ada"})
    assert said(found, "audience.markup") == [
        f"{{{{ supporter.first_name }}}} looks wrong for 1 person, such as “{name}”"
    ]
