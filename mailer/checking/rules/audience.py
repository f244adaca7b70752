"""Rules about everyone's mail, from what merging the whole audience told."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from mailer.checking.evidence.audience_stats import Trouble, Troubled
from mailer.checking.registry import Found, rule
from mailer.checking.remarks import Level
from mailer.checking.specimen import Specimen
from mailer.counting import counted
from mailer.errors import Place

PART = "audience"


@rule(
    "audience.greeting", Level.ERROR, "somebody would be greeted as “Dear ,”",
    why="A greeting without a name tells people that nobody checked the mail.",
)  # fmt: skip
def greeting(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.GREETING):
        todo = f'Say what to write instead: {{{{ {one.source} | default("friend") }}}}'
        yield Found(f"{_people(one)} would get nothing in place of {{{{ {one.source} }}}}", todo, _place(specimen, one))


@rule(
    "audience.empty", Level.WARNING, "a merge tag prints nothing for somebody",
    why="A hole in a sentence reads as a mistake.",
)  # fmt: skip
def empty(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.EMPTY):
        todo = 'Add | default("…"), or put the sentence into {% if %}.'
        yield Found(f"{{{{ {one.source} }}}} is empty for {_people(one)}", todo, _place(specimen, one))


@rule(
    "audience.long", Level.WARNING, "a merged value is longer than 60 characters",
    why="It breaks the line, the button or the subject it is in, and is usually a mistake in the import.",
)  # fmt: skip
def long(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.LONG):
        yield Found(
            f"{{{{ {one.source} }}}} is very long for {_people(one)}, such as “{one.value}…”",
            f"Look at person {one.person_id}: mailer people find TEXT", _place(specimen, one),
        )  # fmt: skip


@rule(
    "audience.capitals", Level.WARNING, "a name is in capitals",
    why="“Dear ANNA” reads as shouting and as a machine.",
)  # fmt: skip
def capitals(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.CAPITALS):
        verb = "has" if one.people == 1 else "have"
        todo = f"Write {{{{ {one.source} | title }}}}, or correct the list and import it again."
        yield Found(f"{_people(one)} {verb} a name in capitals, such as {one.value}", todo, _place(specimen, one))


@rule(
    "audience.markup", Level.WARNING, "a merged value holds markup, a web address or another program's merge tag",
    why="People would see the raw characters; it is a mistake in the import, or somebody's joke in a form.",
)  # fmt: skip
def markup(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.MARKUP):
        yield Found(
            f"{{{{ {one.source} }}}} looks wrong for {_people(one)}, such as “{one.value}”",
            "Correct it in the list and import it again.", _place(specimen, one),
        )  # fmt: skip


READABLE = "Dates are read as 2026-02-03 and numbers as 1234.50: correct the list and import it again."


@rule(
    "audience.unreadable", Level.WARNING, "a value is no date or number where one is read",
    why="`date` and `number` show such a value as it is, and a comparison holds for nobody who has one: 45325, "
    "03.02.2026, 1.234,50. People are left out, or get another text, without notice.",
)  # fmt: skip
def unreadable(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.UNREADABLE):
        message = f"{one.source} can't be read for {_people(one)}, such as “{one.value}”"
        yield Found(message, READABLE, _place(specimen, one))
    for unread in specimen.unread:
        message = f"the segment can't read {unread.value_of} as {unread.kind} for {counted(unread.people)}, "
        yield Found(f"{message}such as “{unread.example}”", READABLE, specimen.source.place("audience.segment"))


@rule(
    "audience.destination", Level.ERROR, "a link leads somebody nowhere",
    why="The address is made from what is known of a person, and for these people it is no web address.",
)  # fmt: skip
def destination(specimen: Specimen) -> Iterator[Found]:
    for one in _troubled(specimen, Trouble.DESTINATION):
        yield Found(
            f"the link “{one.source}” leads {_people(one)} to no web address, such as “{one.value}”",
            "Write the site out and only its end as a merge tag, or put the link into {% if %}.", part=PART,
        )  # fmt: skip


@rule(
    "audience.unmet", Level.NOTE, "a condition holds for nobody",
    why="Either nobody it is for is on the list, or it tests a value that is spelt differently.",
)  # fmt: skip
def unmet(specimen: Specimen) -> Iterator[Found]:
    for test in specimen.audience.unmet if specimen.audience else ():
        yield Found(
            f"nobody meets {{% if {test} %}}", "Look at how the list spells the value, or take the condition out.",
            specimen.place_of(test), PART,
        )  # fmt: skip


@rule(
    "audience.never-filled", Level.WARNING, "a field that the message uses is empty for everyone",
    why="The field is known to the list, yet nobody has it; usually its name is spelt in two ways.",
)  # fmt: skip
def never_filled(specimen: Specimen) -> Iterator[Found]:
    audience = specimen.audience
    if audience is None or audience.people == 0:
        return
    used = set(audience.never_filled)
    for name in audience.never_filled:
        near = get_close_matches(name, sorted(specimen.fields - used), n=1, cutoff=0.75)
        todo = f"Did you mean supporter.{near[0]}?" if near else "Look at the list's [columns], or leave it out."
        yield Found(
            f"supporter.{name} is empty for everyone ({counted(audience.people)})", todo, specimen.place_of(name), PART
        )


def _troubled(specimen: Specimen, kind: Trouble) -> Iterator[Troubled]:
    return (one for one in (specimen.audience.troubled if specimen.audience else ()) if one.trouble is kind)


def _people(one: Troubled) -> str:
    return counted(one.people)


def _place(specimen: Specimen, one: Troubled) -> Place:
    return specimen.place_of(one.source)
