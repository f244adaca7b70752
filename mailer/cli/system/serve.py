"""`mailer serve`: the supporters' door on this machine. A web server in front gives it TLS and its public name."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable

import click

from mailer.cli.context import now, workspace_and_database
from mailer.errors import MailerError

AUTO = "auto"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--workers", default="", metavar="auto|N", help="Answer by several processes; auto is one a processor.")
@click.option("--beside", type=int, hidden=True)  # the number of the socket that the process before us opened
def serve(host: str, port: int, workers: str, beside: int | None) -> None:
    """Serve the public pages: tracked links, unsubscribe, preferences, mails in the browser.

    Stops on Ctrl-C or SIGTERM, when the requests under way are answered and every click is on disk. With --workers,
    SIGHUP puts new processes in the place of those that answer, without refusing anybody.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    if beside is not None:
        _answer_beside(beside)
    elif workers:
        _watch(host, port, _number(workers))
    else:
        from mailer.web.server import listen

        with listen(host, port) as opened:
            _answer(opened, said=lambda url: _introduce(opened, url))


def _answer(
    opened: socket.socket, *, said: Callable[[str], None] = lambda url: None, started: Callable[[], None] = lambda: None
) -> None:
    """Answer in this process. `said` gets the public address before anything else is done."""
    from mailer.web.public.app import create_app
    from mailer.web.server import run

    with workspace_and_database() as (workspace, database):
        app = create_app(workspace, database, clock=now)
        said(workspace.settings.public.url)
        run(app, opened, proxies=workspace.settings.public.proxies, started=started)
        lost = app.state.clicks_lost
        told = f" Clicks lost, since the database could not be written: {lost}." if lost else ""
        click.echo(f"Stopped. Clicks stored: {app.state.door.recorder.written}.{told}")


def _answer_beside(number: int) -> None:
    """What each of several processes does: answer on the socket it was given, until the one that watches it ends."""
    from mailer.child_processes import say, when_starter_ends
    from mailer.web.serving_processes import READY

    with socket.socket(fileno=number) as opened:
        when_starter_ends(lambda: os.kill(os.getpid(), signal.SIGTERM))
        _answer(opened, started=lambda: say(READY))


def _watch(host: str, port: int, number: int) -> None:
    """Open the port, and watch so many processes that answer."""
    from mailer.web.server import listen
    from mailer.web.serving_processes import ServingProcesses
    from mailer.workspace import find_workspace

    workspace = find_workspace()
    with listen(host, port) as opened:
        processes = ServingProcesses(workspace.root, opened, number=number, say=_tell)
        processes.run(ready=lambda: _introduce(opened, workspace.settings.public.url, say=_tell))


def _introduce(opened: socket.socket, url: str, *, say: Callable[[str], None] = click.echo) -> None:
    from mailer.web.server import address_of

    say(f"Serving on {address_of(opened)}")
    say(f"Links in mails lead to {url}. Stop with Ctrl-C.")


def _tell(line: str) -> None:
    """Say it to those who read our output. When nobody does any more, that is no reason to stop answering."""
    try:
        click.echo(line)
    except BrokenPipeError:
        # Also what is kept back of this line would be said at the end, with a traceback.
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdout.fileno())


def _number(workers: str) -> int:
    from mailer.settings.sending import processors

    if workers == AUTO:
        return min(8, processors())
    if workers.isascii() and workers.isdigit() and 1 <= int(workers) <= 64:
        return int(workers)
    raise MailerError(f"--workers must be auto or a number from 1 to 64, not {workers!r}")
