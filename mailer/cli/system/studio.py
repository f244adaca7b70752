"""`mailer studio`: the staff's door. It opens a browser here; elsewhere a web server in front gives it TLS."""

from __future__ import annotations

import logging
import webbrowser
from ipaddress import ip_address

import click

from mailer.cli.context import now, workspace_and_database
from mailer.errors import MailerError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8766, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-open", is_flag=True, help="Only print the address; open no browser.")
def studio(host: str, port: int, no_open: bool) -> None:
    """Open the studio in the browser: write newsletters, choose who gets them, approve, send and follow them.

    On your own machine the address it prints lets you in, as long as nobody has an account. Once somebody has one
    (see: mailer staff add), everybody signs in. Stops on Ctrl-C or SIGTERM.
    """
    serve_studio(host, port, to="/", opens=not no_open)


def serve_studio(host: str, port: int, *, to: str, opens: bool) -> None:
    """Run the studio until it is stopped, opened at the path `to`."""
    from mailer.web.server import address_of, listen, run
    from mailer.web.studio.app import create_app, open_studio
    from mailer.web.studio.core.opening import address

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with workspace_and_database() as (workspace, database), listen(host, port) as opened:
        url, is_here = workspace.settings.studio.url, _is_loopback(host)
        if not url and not is_here:
            raise MailerError(
                f"others can reach {host}, and the studio doesn't know by what name",
                remedy='Name it in mailer.toml: [studio] url = "https://studio.example.org". See docs/studio.md.',
            )
        here = address_of(opened)
        names = [here, here.replace("127.0.0.1", "localhost")] if is_here else []
        origins = [url] if url else list(dict.fromkeys(names))
        found = open_studio(workspace, database, clock=now, origins=origins, is_private=not url)
        click.echo(f"The studio: {address(found, to)}")
        if url:
            click.echo(f"It listens on {here} for the web server in front.")
        click.echo("Stop with Ctrl-C.")
        if opens and is_here and not url:
            webbrowser.open(address(found, to))
        run(
            create_app(found),
            opened,
            proxies=workspace.settings.studio.proxies if url else (),
            stopping=found.stopping.set,
        )
    click.echo("Stopped.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
