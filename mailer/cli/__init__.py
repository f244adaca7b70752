"""The command line: one module for each group of commands, imported only when its command runs."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import click

# Command → the module and function behind it. Imported when asked for, so that `mailer --help` stays quick.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("newsletter.init:init", "make a workspace"),
    "new": ("newsletter.init:new", "begin a newsletter"),
    "check": ("newsletter.check:check", "look for faults before anyone is mailed"),
    "render": ("newsletter.render:render", "write the HTML, text and mail as files"),
    "preview": ("newsletter.preview:preview", "show it in the browser while you write"),
    "shots": ("newsletter.preview:shots", "pictures of it on phone and desktop, light and dark"),
    "lists": ("people.people:lists", "the lists and how many are on them"),
    "import": ("people.import_files:import_", "bring people in from files"),
    "people": ("people.people:people", "find, show, export, unsubscribe or forget people"),
    "signatures": ("people.signatures:signatures", "who signed on a newsletter's action page, and their export"),
    "audience": ("campaign.audience:audience", "who gets a newsletter, and who does not and why"),
    "test": ("campaign.send:test", "mail a proof to a colleague"),
    "send": ("campaign.send:send", "send a newsletter to its audience"),
    "schedule": ("campaign.send:schedule", "send it later"),
    "unschedule": ("campaign.send:unschedule", "take it off the schedule"),
    "pause": ("campaign.send:pause", "stop handing mails over"),
    "resume": ("campaign.send:resume", "go on with a paused newsletter"),
    "cancel": ("campaign.send:cancel", "end a newsletter for good"),
    "resolve": ("campaign.send:resolve", "decide on people whose delivery is uncertain"),
    "status": ("campaign.status:status", "how every newsletter stands"),
    "run": ("campaign.run:run", "do what is due; cron calls it every minute"),
    "cron": ("campaign.run:cron", "print the crontab line and the systemd timer"),
    "serve": ("system.serve:serve", "the web server for clicks and unsubscribes"),
    "bounces": ("tracking.bounces:bounces", "read mails that came back"),
    "report": ("campaign.report:report", "who got it, who followed the link, who left"),
    "clicks": ("tracking.clicks:clicks", "judge stored clicks anew: person or machine"),
    "conversions": ("tracking.conversions:conversions", "what supporters did on other sites, from a file"),
    "db": ("system.db:db", "look after the database: migrate, backup, move"),
    "doctor": ("system.doctor:doctor", "check everything a send depends on"),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(f"mailer.cli.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, summary) for name, (_, summary) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="advocacy-mailer", prog_name="mailer")
def cli() -> None:
    """Email campaigns for advocacy groups: compose, preview, send, and see who followed."""


def main() -> None:
    """Run the command line; what goes wrong is one clear message and exit code 1, never a traceback."""
    from mailer.errors import MailerError

    # Cycles of garbage are looked for rarely: a start makes a hundred thousand objects that stay, and hardly any are
    # made while sending.
    gc.set_threshold(50_000, 20, 100)
    try:
        cli(prog_name="mailer", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except MailerError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        sys.exit(1)
    except Exception as error:
        if "MAILER_DEBUG" in os.environ:
            raise
        click.echo(f"error: this is a fault of Mailer itself: {type(error).__name__}", err=True)
        click.echo("    Run it again with MAILER_DEBUG=1 to see where, and please report that.", err=True)
        sys.exit(1)
