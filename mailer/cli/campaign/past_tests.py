"""`mailer tests` without a newsletter: the memory of tests, and what they say together."""

from __future__ import annotations

import click

from mailer.cli.context import print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table


def show_past_tests(*, as_json: bool) -> None:
    """Print every test there was, the newest first."""
    from zoneinfo import ZoneInfo

    from mailer.counting import printable
    from mailer.reports.tested.past import past_tests

    with workspace_and_database() as (workspace, database), database.read() as connection:
        found, zone = past_tests(connection), ZoneInfo(workspace.settings.zone)
    if as_json:
        print_json(found.as_json())
        return
    if not found.tests:
        click.echo("No versions were tried yet. How to: docs/tests.md")
        return
    table = new_table("Newsletter", "Tried", "Decided", "Result")
    for one in found.tests:
        when = f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}" if one.counts else one.state.value
        add_row(table, one.slug, one.tried, when, one.words)
    print_table(table)
    for sentence in found.told:
        click.echo(printable(sentence))
