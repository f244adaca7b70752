"""`mailer studio`: the staff's door. It opens a browser here; elsewhere a web server in front gives it TLS."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import click

from mailer.cli.context import now, workspace_and_database
from mailer.errors import MailerError

RUN_FOR = "55s"  # as under cron: the one that a killed studio leaves behind ends by itself
LOOK_SECONDS = 0.2  # whether the studio stops
AFTER_A_FAILURE_SECONDS = 5.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8766, show_default=True, help="The port; 0 takes a free one."
)
@click.option("--no-open", is_flag=True, help="Only print the address; open no browser.")
@click.option("--run", "runs", is_flag=True, help="Also send what is due, as `mailer run` from cron does.")
def studio(host: str, port: int, no_open: bool, runs: bool) -> None:
    """Open the studio in the browser: write newsletters, choose who gets them, approve, send and follow them.

    On your own machine the address it prints lets you in, as long as nobody has an account. Once somebody has one
    (see: mailer staff add), everybody signs in. Stops on Ctrl-C or SIGTERM.
    """
    serve_studio(host, port, to="/", opens=not no_open, runs=runs)


def serve_studio(host: str, port: int, *, to: str, opens: bool, runs: bool = False) -> None:
    """Run the studio until it is stopped, opened at the path `to`. `runs`: and send what is due meanwhile."""
    from mailer.transports.loopback import on_this_machine
    from mailer.web.server import address_of, listen, run
    from mailer.web.studio.app import create_app, open_studio
    from mailer.web.studio.core.opening import address

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    with workspace_and_database() as (workspace, database), listen(host, port) as opened:
        url, is_here = workspace.settings.studio.url, on_this_machine(host)
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
        with running(partial(begin_run, workspace.root)) if runs else nullcontext():
            run(
                create_app(found),
                opened,
                proxies=workspace.settings.studio.proxies if url else (),
                stopping=found.stopping.set,
            )
    click.echo("Stopped.")


def begin_run(root: Path) -> subprocess.Popen[bytes]:
    """`mailer run` in the workspace, for a while."""
    words = [sys.executable, "-m", "mailer", "run", "--loop", "--for", RUN_FOR]
    # A session of its own: Ctrl-C is for the studio, and a run that is told twice drops what is on its way.
    return subprocess.Popen(words, cwd=root, start_new_session=True)  # noqa: S603 - our own words


@contextmanager
def running(begin: Callable[[], subprocess.Popen[bytes]]) -> Generator[None, None, None]:
    """One run after the other until the block ends, and the last has drained."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            process = begin()
            while process.poll() is None and not over.wait(LOOK_SECONDS):
                pass
            if process.poll() is None:
                process.terminate()
            if process.wait():
                over.wait(AFTER_A_FAILURE_SECONDS)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
