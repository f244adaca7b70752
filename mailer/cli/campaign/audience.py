"""`mailer audience`: who would get a newsletter now, and for everyone else on its lists the one reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table

if TYPE_CHECKING:
    from mailer.audience.selection.select import Selection
    from mailer.audience.selection.spec import Audience


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def audience(slug: str, as_json: bool) -> None:
    """Show how many people get a newsletter, and how many on its lists don't, and why."""
    from mailer.audience.fields import known_fields
    from mailer.audience.people.zones import people_by_key, zones_in_words
    from mailer.audience.selection.front_matter import read_audience
    from mailer.audience.selection.languages import in_words, languages_of, reach
    from mailer.audience.selection.select import decided, places
    from mailer.audience.selection.spec import to_json
    from mailer.compose.source.message_file import read_source, spoken_in
    from mailer.errors import raise_errors

    with workspace_and_database() as (workspace, database):
        source = read_source(workspace.newsletter(slug))
        raise_errors(f"The newsletter {slug} has faults:", source.faults)
        definitions = [workspace.list_definition(name) for name in workspace.list_names()]
        with database.read(of_everyone=True) as connection:
            asked = read_audience(connection, source, fields=known_fields(connection, definitions))
            with decided(connection, asked, now=now()) as selection:
                reached = list(reach(languages_of(connection), spoken_in(source)).values())
                zones = zones_in_words(people_by_key(connection, places))
    if as_json:
        reasons = {reason.value: number for reason, number in selection.excluded.items()}
        figures = {"total": selection.total, "chosen": selection.chosen, "excluded": reasons}
        languages = {one.language: {"people": one.people, "instead": one.instead} for one in reached}
        print_json({"slug": slug, "audience": to_json(asked), **figures, "languages": languages})
        return
    _show(slug, asked, selection)
    for line in in_words(reached):
        click.echo(line)
    if zones:
        click.echo(f"time zones: {zones}")


def _show(slug: str, asked: Audience, selection: Selection) -> None:
    table = new_table("", "People", "", title=slug, numbers=(1,))
    add_row(table, "on " + ", ".join(asked.include), f"{selection.total:,}", "")
    for reason, number in selection.excluded.items():
        add_row(table, f"– {reason.value}", f"{number:,}", _share(number, selection.total), style="dim")
    add_row(table, "get it", f"{selection.chosen:,}", _share(selection.chosen, selection.total), style="bold green")
    print_table(table)
    if not asked.urgent:
        click.echo(f"cap: {asked.cap.in_words}" + ("" if asked.cap else " ([caps] in mailer.toml)"))
    for name, value in to_words(asked).items():
        click.echo(f"{name}: {value}")


def to_words(asked: Audience) -> dict[str, str]:
    """What was asked for beside the lists, as its front matter says it."""
    words = {
        "exclude": ", ".join(asked.exclude),
        "segment": asked.segment,
        "not_mailed_within_hours": f"{asked.not_mailed_within_hours:g}" if asked.not_mailed_within_hours else "",
        "not_mailed_by": ", ".join(asked.not_mailed_by),
        "limit": "" if asked.limit is None else f"{asked.limit:,} (seed {asked.seed})",
        "down_the_list": asked.down_the_list.in_words if asked.down_the_list else "",
    }
    return {name: value for name, value in words.items() if value}


def _share(number: int, total: int) -> str:
    return f"{number / total:.1%} of the lists" if total else ""
