"""An event: what a template's `starts` says, in every language and zone, and what isn't a day and a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram
from mailer.compose.source.event import event_of, moment, without_tags
from mailer.compose.source.message_file import read_source
from mailer.errors import MailerError
from mailer.workspace import Workspace
from tests.compose.conftest import URLS

FRONT = """\
---
subject: '{{{{ supporter.first_name | default("Friend") }}}}, come on {{{{ event.date }}}}'
preheader: "Come to the Town Hall and say what you think of it."
headline: "Come to the Town Hall"
list: supporters
template: event
language: {language}
{more}action:
  {action}
  label: Count me in
---

At {{{{ event.time }}}}.

::: ask
:::
"""
USUAL = 'starts: "2026-07-04 19:30"\nends: "2026-07-04 21:00"\nplace: Town Hall\naddress: "1 Market Street, Leeds"\n'


def written(
    workspace: Workspace, more: str = USUAL, *, language: str = "en", action: str = "url: https://act.example.org/come"
) -> Workspace:
    folder = workspace.newsletters / "hall"
    folder.mkdir(exist_ok=True)
    text = FRONT.format(language=language, more=more, action=action)
    (folder / "message.md").write_text(text, encoding="utf-8")
    return workspace


def facts(workspace: Workspace, *, zone: str = "Europe/London", language: str = "en") -> dict[str, str]:
    settings = replace(workspace.settings, timezone=zone)
    return event_of(read_source(workspace.newsletter("hall")), language=language, settings=settings)


def test_day_and_time_are_those_of_the_workspace_and_the_language(workspace: Workspace) -> None:
    found = facts(written(workspace))
    assert (found["title"], found["date"]) == ("Come to the Town Hall", "Saturday, 4 July 2026")
    assert (found["day"], found["month"], found["time"]) == ("4", "Jul", "19:30–21:00")
    assert (found["begin"], found["end"]) == ("2026-07-04T18:30:00+00:00", "2026-07-04T20:00:00+00:00")
    assert found["url"] == "https://act.example.org/come"
    german = facts(written(workspace), zone="Europe/Berlin", language="de")
    assert (german["date"], german["begin"]) == ("Samstag, 4. Juli 2026", "2026-07-04T17:30:00+00:00")
    assert facts(written(workspace), zone="")["time"] == "19:30–21:00 UTC"


def test_it_may_end_on_another_day_or_have_no_end(workspace: Workspace) -> None:
    assert facts(written(workspace, USUAL.replace("04 21:00", "06 12:00")))["time"] == "19:30 – 6 July 2026, 12:00"
    alone = facts(written(workspace, 'starts: "2026-07-04 19:30"\nplace: Online\n'))
    assert (alone["time"], alone["end"], alone["address"]) == ("19:30", "", "")


def test_the_mail_says_it_and_its_text_does(workspace: Workspace) -> None:
    source = read_source(written(workspace).newsletter("hall"))
    compiled = compile_message(source, definition=workspace.list_definition("supporters"), known_fields=())
    assert compiled.faults == ()
    program = MergeProgram(compiled.message)
    person = {"first_name": "Zoë", "email": "z@example.org"}
    assert program.subject(person) == "Zoë, come on Saturday, 4 July 2026"
    html, text = program.html(person, URLS), program.text(person, URLS)
    assert f'href="{URLS.view}/event.ics"' in html
    assert "1 Market Street, Leeds" in html
    assert f"Town Hall\n1 Market Street, Leeds\nAdd to your calendar: {URLS.view}/event.ics\n\nAt 19:30" in text
    assert compiled.message.constants["event"]["begin"] == "2026-07-04T19:30:00+00:00"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("place: Here\n", "starts is missing: the template needs it"),
        ('starts: "2026-07-04 19:30"\n', "place is missing: the template needs it"),
        ('starts: "next Saturday"\nplace: Here\n', "starts must be a day and a time"),
        ('starts: "2026-02-30 19:30"\nplace: Here\n', "starts must be a day and a time"),
        (USUAL.replace('"2026-07-04 21:00"', '"21:00"'), "ends must be a day and a time"),
    ],
)
def test_what_is_not_a_time_is_a_fault_with_an_example(workspace: Workspace, more: str, words: str) -> None:
    source = read_source(written(workspace, more).newsletter("hall"))
    with pytest.raises(MailerError) as caught:
        compile_message(source, definition=workspace.list_definition("supporters"), known_fields=())
    assert words in str(caught.value)


def test_an_example_stays_in_its_brackets_until_it_is_replaced(workspace: Workspace) -> None:
    assert facts(written(workspace, 'starts: "[[2027-01-30 14:00]]"\nplace: Here\n'))["date"].startswith(
        "[[Saturday, 30"
    )


@pytest.mark.parametrize(
    "text", ["", "2026-07-04", "2026-07-04 19:30:00+02:00", "20260704T1930", "[[x]]", "0000-00-00 00:00"]
)
def test_only_a_day_and_a_time_is_one(text: str) -> None:
    assert moment(text) is None


def test_where_there_is_no_person_there_are_no_tags() -> None:
    assert (
        without_tags('{{ supporter.first_name | default("Friend") }}, this {% if a %}is{% endif %} it') == "this is it"
    )


def test_other_templates_have_no_event(workspace: Workspace) -> None:
    written(workspace)
    path = workspace.newsletters / "hall" / "message.md"
    plain = path.read_text(encoding="utf-8").replace("template: event", "template: appeal")
    path.write_text(plain, encoding="utf-8")
    assert facts(workspace) == {}
