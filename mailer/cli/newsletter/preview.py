"""`mailer preview`, a page that shows a newsletter while it is written, and `mailer shots`, pictures of it."""

from __future__ import annotations

import logging
import webbrowser
from pathlib import Path

import click

from mailer.cli.context import now, workspace_and_database


@click.command()
@click.argument("slug")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-open", is_flag=True, help="Only print the address; open no browser.")
def preview(slug: str, port: int, no_open: bool) -> None:
    """Show a newsletter in the browser, and reload it whenever one of its files is saved.

    The page is this machine's own: its address holds a secret made for this run, and nothing leaves the machine but a
    proof that you send. Stops on Ctrl-C.
    """
    from mailer.web.server import address_of, listen, run
    from mailer.web.studio.live_compile import LiveNewsletter
    from mailer.web.studio.middleware import Keys
    from mailer.web.studio.preview_app import create_app

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with workspace_and_database() as (workspace, database), listen("127.0.0.1", port) as opened:
        desk, keys = LiveNewsletter(workspace, database, slug, clock=now), Keys()
        try:
            app = create_app(desk, clock=now, keys=keys)
            address = f"{address_of(opened)}{keys.base}/"
            click.echo(f"Preview of {slug}: {address}")
            click.echo("It reloads when you save. Stop with Ctrl-C.")
            if not no_open:
                webbrowser.open(address)
            run(app, opened, stopping=app.state.studio.stopping.set)
        finally:
            desk.close()
    click.echo("Stopped.")


@click.command()
@click.argument("slug")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder for them.")
@click.option("--as", "as_address", metavar="ADDRESS", help="Merge it for this person in the database.")
def shots(slug: str, out: Path, as_address: str | None) -> None:
    """Write pictures of a newsletter: on a phone and a desktop, light, dark and forced dark.

    Needs a headless browser on this machine and the extra `shots`; nothing is fetched while they are taken.
    """
    from mailer.audience.people.people import find_supporter
    from mailer.delivery.campaigns.plan import prepare
    from mailer.web.studio.preview.person_mail import Press
    from mailer.web.studio.preview.sample_readers import HARD_CASES
    from mailer.web.studio.preview.screenshots import take_shots

    with workspace_and_database() as (workspace, database):
        prepared = prepare(workspace, database, slug)
        supporter = HARD_CASES[0].supporter
        if as_address:
            with database.read() as connection:
                _, supporter = find_supporter(connection, as_address)
        for fault in prepared.warnings:
            click.echo(str(fault), err=True)
        for path in take_shots(Press(prepared.plan, workspace), supporter, folder=out):
            click.echo(str(path))
