"""Tests and groups down a list on a terminal: tables of what was counted, and the sentences below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mailer.counting import printable
from mailer.delivery.experiments.cohorts import KeptCohort
from mailer.reports.tested.story import TestedStory
from mailer.store.tables.states import CohortState, DecisionState

When = Callable[[datetime], str]
DASH = "–"
GROUP_STATES = {CohortState.WAITING: "waits", CohortState.OPEN: "goes on", CohortState.HELD: "held"}


def tested(
    story: TestedStory | None, groups: Sequence[KeptCohort], *, when: When
) -> Iterator[tuple[str, RenderableType]]:
    """The sections of a report about what was tried, each with its title; none where nothing was."""
    if story:
        yield "Test", versions_told(story, when=when)
    if groups:
        yield "Down the list", _groups_told(groups, when=when)


def versions_told(story: TestedStory, *, when: When) -> RenderableType:
    """The versions of a test beside each other, what it says, and when it is decided."""
    table = _table("Version", "Sent", "Signed", "Clicked", "Left", "Spam", "Expect per 1,000")
    for one in story.versions:
        name = Text.assemble(
            (one.name, "bold green" if one.arm == story.winner else "bold"), f"  {printable(one.subject)}"
        )
        expected = DASH if one.expected_per_1000 is None else f"{one.expected_per_1000:,.1f}"
        numbers = (one.sent, one.signed, one.clicked, one.unsubscribed, one.complained)
        table.add_row(name, *(f"{number:,}" for number in numbers), expected)
    lines = [Text(printable(" ".join(story.sentences)))]
    if story.state is DecisionState.WAITING:
        lines.append(Text(f"Decided {when(story.decide_at)}.", style="dim"))
    elif story.decided_at:
        how = f"Decided {when(story.decided_at)}, {story.how}, by {story.by} (formula {story.formula})."
        lines.append(Text(printable(how), style="dim"))
    return Group(table, *lines)


def _groups_told(groups: Sequence[KeptCohort], *, when: When) -> RenderableType:
    """The groups that a newsletter goes down its list to."""
    table = _table("People", "In all", "Sample", "Sent", "Clicked", "Spam", "")
    for one in groups:
        told = GROUP_STATES[one.state]
        if one.state is CohortState.WAITING and one.decide_at:
            told = f"decided {when(one.decide_at)}"
        numbers = (one.people, one.sample, one.sent, one.clicked, one.complained)
        table.add_row(one.words, *(f"{number:,}" for number in numbers), told)
    return Group(table, *(Text(printable(one.why), style="dim") for one in groups if one.why))


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table
