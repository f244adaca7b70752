"""`mailer report`: the figures of one campaign, for people, for programs, for spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import console, print_json, workspace_and_database

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.reports.figures import CampaignFigures
    from mailer.workspace import Workspace


@click.command()
@click.argument("slug", metavar="[NEWSLETTER]", required=False, default="")
@click.option("--all", "everything", is_flag=True, help="Compare all newsletters that left, the newest first.")
@click.option("--by", type=click.Choice(["list", "month"]), help="With --all: put them together by list or month.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the figures as CSV, one measure a row.")
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.svg", help="Draw its course as an SVG."
)
def report(slug: str, everything: bool, by: str | None, as_json: bool, as_csv: bool, plot: Path | None) -> None:
    """Show how a newsletter did: who got it, who followed its action link, who left. Works while it is being sent.

    With --all newsletters are beside each other: signatures, people who left and complaints, for each 1,000 people.
    """
    if bool(slug) == everything or (everything and plot) or (by and not everything):
        raise click.UsageError("name one newsletter, or ask for --all, which can be put together --by list or month")
    from mailer.reports import export
    from mailer.reports.current import current_figures
    from mailer.reports.terminal import show

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if plot and plot.suffix.lower() != ".svg":
        raise click.UsageError("--plot writes SVG: name a file that ends in .svg")
    if everything:
        _compare(by or "", as_json=as_json, as_csv=as_csv)
        return
    with workspace_and_database() as (workspace, database):
        with database.read() as connection:
            _require(connection, workspace, slug)
        found = current_figures(database, slug, workspace.settings)
    if plot:
        _draw(found, plot)
    if as_json:
        print_json(export.as_json(found))
    elif as_csv:
        click.echo(export.as_csv(found), nl=False)
    else:
        show(found, console())


def _compare(by: str, *, as_json: bool, as_csv: bool) -> None:
    from dataclasses import asdict
    from zoneinfo import ZoneInfo

    from mailer.delivery.campaigns.status import sent_counts
    from mailer.reports.compared import compared, named_rows
    from mailer.reports.export import compared_as_csv
    from mailer.reports.terminal import compared_table

    with workspace_and_database() as (workspace, database):
        looked = database.look(lambda it: compared(it, sent_counts(it)), of_everyone=True)
        zone = ZoneInfo(workspace.settings.zone)
        keys, rows = named_rows(looked.figures, by, zone)
    as_of = looked.as_of.astimezone(zone) if looked.as_of else None
    if as_json:
        moment = {"as_of": as_of.isoformat() if as_of else None}
        print_json([dict(zip(keys, named, strict=True)) | asdict(counts) | moment for named, counts in rows])
        return
    if as_csv:
        click.echo(compared_as_csv(keys, rows), nl=False)
    elif rows:
        console().print(compared_table(keys, rows))
    else:
        click.echo("No newsletter has left yet.")
    if as_of:
        said = f"These figures are as of {as_of:%a %-d %b %Y %H:%M:%S} {zone.key}; what came since isn't in them yet."
        click.echo(said, err=as_csv)


def _draw(found: CampaignFigures, file: Path) -> None:
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from mailer.reports import svg

    zone = ZoneInfo(found.zone) if found.zone else UTC
    file.write_text(svg.plot(found.course, title=found.slug, zone=zone), encoding="utf-8")
    click.echo(f"Drawn: {file}", err=True)


def _require(connection: Connection, workspace: Workspace, slug: str) -> None:
    """Say what is missing: the campaign of a newsletter that exists, or the newsletter itself."""
    from difflib import get_close_matches

    from sqlalchemy import select

    from mailer.errors import MailerError
    from mailer.store.tables.core import campaigns

    known = list(connection.execute(select(campaigns.c.slug).order_by(campaigns.c.created_at.desc())).scalars())
    if slug in known:
        return
    if slug in workspace.slugs():
        raise MailerError(f"{slug} was neither sent nor scheduled yet", remedy=f"Send it: mailer send {slug}")
    near = get_close_matches(slug, [*known, *workspace.slugs()], n=1)
    remedy = f"Did you mean {near[0]}?" if near else "`mailer status` shows what was sent."
    raise MailerError(f"there is no newsletter {slug!r}", remedy=remedy)
