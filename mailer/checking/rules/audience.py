"""Rules about everyone's mail, from what merging the whole audience told."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from mailer.audience.selection.front_matter import DOWN_THE_LIST, read_cohorts
from mailer.audience.selection.languages import language_name, told
from mailer.checking.evidence.audience_stats import Trouble, Troubled
from mailer.checking.registry import rule
from mailer.checking.specimen import Specimen
from mailer.counting import counted
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.experiments.cohorts import advice_on
from mailer.experiments.words import advice

PART = Place(part="audience")


@rule(
    "audience.greeting", Level.ERROR, "somebody would be greeted as “Dear ,”",
    why="A greeting without a name tells people that nobody checked the mail.",
)  # fmt: skip
def greeting(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.GREETING):
        remedy = f'Say what to write instead: {{{{ {one.source} | default("friend") }}}}'
        yield Diagnostic(
            f"{_people(one)} would get nothing in place of {{{{ {one.source} }}}}", _place(specimen, one), remedy
        )


@rule(
    "audience.empty", Level.WARNING, "a merge tag prints nothing for somebody",
    why="A hole in a sentence reads as a mistake.",
)  # fmt: skip
def empty(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.EMPTY):
        remedy = 'Add | default("…"), or put the sentence into {% if %}.'
        yield Diagnostic(f"{{{{ {one.source} }}}} is empty for {_people(one)}", _place(specimen, one), remedy)


@rule(
    "audience.long", Level.WARNING, "a merged value is longer than 60 characters",
    why="It breaks the line, the button or the subject it is in, and is usually a mistake in the import.",
)  # fmt: skip
def long(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.LONG):
        yield Diagnostic(
            f"{{{{ {one.source} }}}} is very long for {_people(one)}, such as “{one.value}…”",
            _place(specimen, one),
            f"Look at person {one.person_id}: mailer people find TEXT",
        )


@rule(
    "audience.capitals", Level.WARNING, "a name is in capitals",
    why="“Dear ANNA” reads as shouting and as a machine.",
)  # fmt: skip
def capitals(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.CAPITALS):
        verb = "has" if one.people == 1 else "have"
        remedy = f"Write {{{{ {one.source} | title }}}}, or correct the list and import it again."
        yield Diagnostic(
            f"{_people(one)} {verb} a name in capitals, such as {one.value}", _place(specimen, one), remedy
        )


@rule(
    "audience.markup", Level.WARNING, "a merged value holds markup, a web address or another program's merge tag",
    why="People would see the raw characters; it is a mistake in the import, or somebody's joke in a form.",
)  # fmt: skip
def markup(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.MARKUP):
        yield Diagnostic(f"{{{{ {one.source} }}}} looks wrong for {_people(one)}, such as “{one.value}”",
                         _place(specimen, one), "Correct it in the list and import it again.")  # fmt: skip


@rule(
    "audience.no-row", Level.WARNING, "somebody has no row in a table that the mail looks into, or an empty cell",
    why="They get the words after default(…), or a hole; often the table spells the value differently, or is old.",
)  # fmt: skip
def no_row(specimen: Specimen) -> Iterator[Diagnostic]:
    for kind, words in ((Trouble.NO_ROW, "no row in data/{}"), (Trouble.NO_CELL, "an empty cell in data/{}")):
        for one in _troubled(specimen, kind):
            table, _, column = one.source.partition(".")
            remedy = f'Say what they get instead: | default("…"), or {{% if %}}. One of them is person {one.person_id}.'
            told = f"{_people(one)} {'has' if one.people == 1 else 'have'} {words.format(table)}, so no {column}"
            yield Diagnostic(told, specimen.place_of(f'"{table}"'), remedy)


READABLE = "Dates are read as 2026-02-03 and numbers as 1234.50: correct the list and import it again."


@rule(
    "audience.unreadable", Level.WARNING, "a value is no date or number where one is read",
    why="`date` and `number` show such a value as it is, and a comparison holds for nobody who has one: 45325, "
    "03.02.2026, 1.234,50. People are left out, or get another text, without notice.",
)  # fmt: skip
def unreadable(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.UNREADABLE):
        message = f"{one.source} can't be read for {_people(one)}, such as “{one.value}”"
        yield Diagnostic(message, _place(specimen, one), READABLE)
    for unread in specimen.unread:
        message = f"the segment can't read {unread.value_of} as {unread.kind} for {counted(unread.people)}, "
        yield Diagnostic(f"{message}such as “{unread.example}”", specimen.source.place("audience.segment"), READABLE)


@rule(
    "audience.destination", Level.ERROR, "a link leads somebody nowhere",
    why="The address is made from what is known of a person, and for these people it is no web address.",
)  # fmt: skip
def destination(specimen: Specimen) -> Iterator[Diagnostic]:
    for one in _troubled(specimen, Trouble.DESTINATION):
        yield Diagnostic(
            f"the link “{one.source}” leads {_people(one)} to no web address, such as “{one.value}”",
            PART,
            "Write the site out and only its end as a merge tag, or put the link into {% if %}.",
        )


@rule(
    "audience.unmet", Level.NOTE, "a condition holds for nobody",
    why="Either nobody it is for is on the list, or it tests a value that is spelt differently.",
)  # fmt: skip
def unmet(specimen: Specimen) -> Iterator[Diagnostic]:
    for test in specimen.audience.unmet if specimen.audience else ():
        yield Diagnostic(f"nobody meets {{% if {test} %}}", specimen.place_of(test),
                         "Look at how the list spells the value, or take the condition out.")  # fmt: skip


@rule(
    "audience.never-filled", Level.WARNING, "a field that the message uses is empty for everyone",
    why="The field is known to the list, yet nobody has it; usually its name is spelt in two ways.",
)  # fmt: skip
def never_filled(specimen: Specimen) -> Iterator[Diagnostic]:
    audience = specimen.audience
    if audience is None or audience.people == 0:
        return
    used = set(audience.never_filled)
    for name in audience.never_filled:
        near = get_close_matches(name, sorted(specimen.fields - used), n=1, cutoff=0.75)
        remedy = f"Did you mean supporter.{near[0]}?" if near else "Look at the list's [columns], or leave it out."
        yield Diagnostic(
            f"supporter.{name} is empty for everyone ({counted(audience.people)})", specimen.place_of(name), remedy
        )


@rule(
    "audience.language", Level.NOTE, "people get a mail that isn't in their language, or nobody gets a translation",
    why="There is no version in their language, so they get the list's, or the original.",
)  # fmt: skip
def language(specimen: Specimen) -> Iterator[Diagnostic]:
    reach = specimen.reach
    if reach is None or not (specimen.original or specimen.source.translations):
        return
    for words in told([reach]):
        yield Diagnostic(words, Place(specimen.source.file), "Write it in their language as well: docs/languages.md.")
    if not reach.people:
        yield Diagnostic(f"nobody gets the {language_name(reach.language)} mail", Place(specimen.source.file),
                         "Nobody of the audience is known to read it.")  # fmt: skip


@rule(
    "audience.few", Level.WARNING, "too few people for what is tested on them",
    why="With few people in each version or group, chance decides: a larger test of fewer versions finds more.",
)  # fmt: skip
def few(specimen: Specimen) -> Iterator[Diagnostic]:
    source, selection = specimen.source, specimen.selection
    if selection is None or not selection.chosen or specimen.original:
        return
    if source.variants and (told_so := advice(selection.chosen, 1 + len(source.variants))):
        yield Diagnostic(told_so, source.place("test"), "Try two versions, and the next ones in the next newsletter.")
    plan = read_cohorts(source.audience.get(DOWN_THE_LIST), _told_elsewhere)
    for told_so in advice_on(selection.chosen, plan) if plan else ():
        yield Diagnostic(told_so, source.place(f"audience.{DOWN_THE_LIST}"), "It works all the same; it tells little.")


def _told_elsewhere(_key: str, _message: str, _remedy: str) -> None:
    """What is wrong with the audience is said where it is read."""


def _troubled(specimen: Specimen, kind: Trouble) -> Iterator[Troubled]:
    return (one for one in (specimen.audience.troubled if specimen.audience else ()) if one.trouble is kind)


def _people(one: Troubled) -> str:
    return counted(one.people)


def _place(specimen: Specimen, one: Troubled) -> Place:
    return specimen.place_of(one.source)
