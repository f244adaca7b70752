"""`mailer serve`: the supporters' door on this machine. A web server in front gives it TLS and its public name."""

from __future__ import annotations

import logging

import click

from mailer.cli.context import now, workspace_and_database


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="The port; 0 takes a free one."
)
def serve(host: str, port: int) -> None:
    """Serve the public pages: tracked links, unsubscribe, preferences, mails in the browser.

    Stops on Ctrl-C or SIGTERM, when the requests under way are answered and every click is on disk.
    """
    from mailer.web.public.app import create_app
    from mailer.web.server import address_of, listen, run

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with workspace_and_database() as (workspace, database):
        app = create_app(workspace, database, clock=now)
        with listen(host, port) as opened:
            click.echo(f"Serving on {address_of(opened)}")
            click.echo(f"Links in mails lead to {workspace.settings.public.url}. Stop with Ctrl-C.")
            run(app, opened, proxies=workspace.settings.public.proxies)
        lost = app.state.clicks_lost
        said = f" Clicks lost, since the database could not be written: {lost}." if lost else ""
        click.echo(f"Stopped. Clicks stored: {app.state.door.recorder.written}.{said}")
