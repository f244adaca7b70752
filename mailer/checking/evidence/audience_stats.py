"""What merging everyone told: how many people, which variants, which troubles, and whose mail is worth looking at.

Plain values; `simulate` makes them, `audience_rows` asks the database for the people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Trouble(StrEnum):
    """What is wrong with a merged value."""

    GREETING = "greeting"  # nothing is before a comma: "Dear ,"
    EMPTY = "empty"
    LONG = "long"
    CAPITALS = "capitals"
    MARKUP = "markup"
    UNREADABLE = "unreadable"  # no date or number where one is read
    NO_ROW = "no row"  # of a table
    NO_CELL = "no cell"  # in their row
    DESTINATION = "destination"  # a link that leads to no web address


class Which(StrEnum):
    """Whose mail it is."""

    BEST = "best"  # everything is known of them
    WORST = "worst"  # the most troubles, or the least known
    LONGEST = "longest"


@dataclass(frozen=True, slots=True)
class Troubled:
    """How many people get this problem in this place."""

    trouble: Trouble
    source: str  # the expression, or the link's label
    people: int
    value: str  # one of them, cut short
    person_id: int  # whose that is


@dataclass(frozen=True, slots=True)
class MessageVariant:
    """A combination of branches, and how many people see it."""

    branches: tuple[str, ...]  # the tests that hold, as written; "else" or "nothing" where none does
    people: int
    person_id: int  # one of them


@dataclass(frozen=True, slots=True)
class Standout:
    """A person whose mail is worth looking at."""

    which: Which
    person_id: int
    html_bytes: int  # about: of the HTML after merging


@dataclass(frozen=True, slots=True)
class AudienceStats:
    """Statistics of everyone who would be mailed."""

    people: int = 0
    rows: int = 0  # different people, by the fields the message uses
    variants: tuple[MessageVariant, ...] = ()  # the most frequent first
    more_variants: int = 0  # those that are not listed
    troubled: tuple[Troubled, ...] = ()
    unmet: tuple[str, ...] = ()  # tests of conditions that hold for nobody
    never_filled: tuple[str, ...] = ()  # fields that the message uses and nobody has
    standouts: tuple[Standout, ...] = ()

    def within(self, language: str) -> AudienceStats:
        """The same with the language of the mail before each variant's conditions."""
        return replace(self, variants=tuple(replace(one, branches=(language, *one.branches)) for one in self.variants))

    def standout(self, which: Which) -> Standout | None:
        return next((one for one in self.standouts if one.which is which), None)


def together(several: Sequence[AudienceStats]) -> AudienceStats:
    """The figures of all versions of a mail as one; whose mail is worth looking at are those of the first that has
    any."""
    first, *others = several
    if not others:
        return first
    variants = sorted((one for each in several for one in each.variants), key=lambda one: -one.people)
    return AudienceStats(
        people=sum(one.people for one in several),
        rows=sum(one.rows for one in several),
        variants=tuple(variants),
        more_variants=sum(one.more_variants for one in several),
        troubled=tuple(one for each in several for one in each.troubled),
        standouts=next((one.standouts for one in several if one.standouts), ()),
    )
