"""The command line: one module for each group of commands, imported only when its command runs."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module

import click

# Command → the module and function behind it. Imported when asked for, so that `mailer --help` stays quick.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("newsletter.init:init", "create a workspace"),
    "new": ("newsletter.init:new", "start a newsletter"),
    "check": ("newsletter.check:check", "check a newsletter for problems before sending"),
    "data": ("newsletter.data:data", "where newsletters take data from, and how fresh it is"),
    "render": ("newsletter.render:render", "write the HTML, plain text and email as files"),
    "studio": ("system.studio:studio", "open the studio: write, target, approve and send in a browser"),
    "preview": ("newsletter.preview:preview", "live preview in the browser while you write"),
    "shots": ("newsletter.preview:shots", "screenshots on phone and desktop, light and dark"),
    "lists": ("people.people:lists", "show the lists and their sizes"),
    "import": ("people.import_files:import_", "import people from files"),
    "imports": ("people.imports:imports", "list imports, take one back"),
    "moving": ("people.moving:moving", "move house from another program"),
    "people": ("people.people:people", "find, show, export, unsubscribe or forget people"),
    "signatures": ("people.signatures:signatures", "who signed a sign page, and their export"),
    "audience": ("campaign.audience:audience", "who gets a newsletter, who doesn't, and why"),
    "test": ("campaign.send:test", "send a proof to a colleague"),
    "approve": ("campaign.approve:approve", "say that a newsletter may leave exactly as it is"),
    "approvals": ("campaign.approve:approvals_", "who approved a newsletter, and what changed since"),
    "send": ("campaign.send:send", "send a newsletter to its audience"),
    "schedule": ("campaign.schedule:schedule", "schedule a newsletter for later"),
    "unschedule": ("campaign.schedule:unschedule", "take it off the schedule"),
    "series": ("campaign.series:series", "newsletters that repeat: start, preview, pause, stop"),
    "pause": ("campaign.send:pause", "pause a newsletter while it is being sent"),
    "resume": ("campaign.send:resume", "resume a paused newsletter"),
    "cancel": ("campaign.send:cancel", "stop a newsletter for good"),
    "resolve": ("campaign.schedule:resolve", "decide what happens to uncertain deliveries"),
    "automations": ("campaign.automations:automations", "mail that follows what each person does"),
    "tests": ("campaign.tests:tests", "tests of versions: how far they are, what came out, decide"),
    "status": ("campaign.status:status", "status of every newsletter"),
    "run": ("campaign.run:run", "send what is due (cron runs it every minute)"),
    "cron": ("system.units:cron", "print a crontab line and a systemd timer"),
    "serve": ("system.serve:serve", "run the web server for clicks, unsubscribes and forms"),
    "bounces": ("tracking.bounces:bounces", "process bounces and complaints from a mailbox"),
    "report": ("campaign.report:report", "deliveries, clicks, bounces and unsubscribes"),
    "clicks": ("tracking.clicks:clicks", "re-classify clicks (human or bot)"),
    "conversions": ("tracking.conversions:conversions", "import conversions from other sites"),
    "staff": ("system.staff:staff", "who may use the studio, and what they may do there"),
    "audit": ("system.staff:audit", "who did what, when and from where"),
    "db": ("system.db:db", "manage the database: migrate, back up, move"),
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
    """Email campaigns for advocacy groups: write, preview, send, and see who took action."""


def main() -> None:
    """Run the command line; what goes wrong is one clear message and exit code 1, never a traceback."""
    # Cycles of garbage are looked for rarely: a start makes a hundred thousand objects that stay, and hardly any are
    # made while sending. Nor is the end the time to look at all of them once more, a fifth of what `status` takes.
    gc.set_threshold(150_000, 20, 100)
    atexit.register(gc.freeze)
    try:
        cli(prog_name="mailer", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"error: {where}{error.strerror or error}", err=True)
        sys.exit(1)
    except Exception as error:
        from mailer.errors import MailerError  # here, since `mailer --help` makes no mistake

        if isinstance(error, MailerError):
            click.echo(f"error: {error}", err=True)
            sys.exit(1)
        if "MAILER_DEBUG" in os.environ:
            raise
        click.echo(f"error: this is a fault of Mailer itself: {type(error).__name__}", err=True)
        click.echo("    Run it again with MAILER_DEBUG=1 to see where, and please report that.", err=True)
        sys.exit(1)
