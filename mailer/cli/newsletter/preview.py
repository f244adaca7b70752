"""`mailer preview`, the studio opened at a newsletter, and `mailer shots`, pictures of one."""

from __future__ import annotations

from pathlib import Path

import click

from mailer.cli.context import workspace_and_database


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-open", is_flag=True, help="Only print the address; open no browser.")
def preview(slug: str, port: int, no_open: bool) -> None:
    """Open a newsletter in the studio: its text, and beside it what people get, updated as you write.

    Changes saved in another editor show up by themselves. Stop it with Ctrl-C.
    """
    from mailer.cli.system.studio import serve_studio
    from mailer.workspace import find_workspace

    find_workspace().newsletter(slug)  # raises for a name that doesn't exist
    serve_studio("127.0.0.1", port, to=f"/newsletters/{slug}/", opens=not no_open)


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where to save them.")
@click.option("--as", "as_address", metavar="ADDRESS", help="Make it as this person gets it; their address.")
@click.option("--language", metavar="LANGUAGE", help="Make this translation; else the one that the person gets.")
def shots(slug: str, out: Path, as_address: str | None, language: str | None) -> None:
    """Save screenshots of a newsletter: on a phone and a desktop, light, dark and forced dark.

    Needs a headless browser on this machine and the extra `shots`; nothing is fetched while they are taken.
    """
    from mailer.audience.people.people import find_supporter
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.plan import prepare
    from mailer.web.studio.preview.person_mail import Press
    from mailer.web.studio.preview.sample_readers import HARD_CASES
    from mailer.web.studio.preview.screenshots import take_shots

    with workspace_and_database() as (workspace, database):
        prepared = prepare(database, read_source(workspace.newsletter(slug)))
        supporter = HARD_CASES[0].supporter
        if as_address:
            with database.read() as connection:
                _, supporter = find_supporter(connection, as_address)
        for fault in prepared.warnings:
            click.echo(str(fault), err=True)
        plan = prepared.plan.in_language(language) if language else prepared.plan.read_by(supporter)
        for path in take_shots(Press(plan, workspace), supporter, folder=out):
            click.echo(str(path))
