"""What makes cron or systemd call Mailer, for one workspace: the lines of a crontab and the units, each with its name;
and `mailer cron`, which prints them.

docs/deploy has the same units for /srv/mailer, with everything closed off that they don't need; a test compares both.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

BACKUPS = "/var/backups/mailer"
MINUTE = "run --for 55s"  # ends before the next one, which launches what has come due meanwhile


def crontab(root: Path, program: Sequence[str], *, mail_to: str, bounces: bool) -> str:
    """The lines for `crontab -e`. `bounces`: mails come back to a mailbox that is read from here."""
    # A percent sign ends a command in a crontab (crontab(5)).
    there = f"cd {shlex.quote(str(root))} && {shlex.join(program)}".replace("%", r"\%")
    read = f"""
# mails that came back are read from a mailbox (docs/bounces.md):

*/5 * * * * {there} bounces --maildir /home/bounces/Maildir
"""
    return f"""\
# crontab -e, as the user who owns the workspace

# Who is mailed when a run says something, which it does only when somebody should look (needs a mail system here):
MAILTO={mail_to}

* * * * * {there} {MINUTE}

# every night a copy of the database, which goes to another machine from there (docs/databases.md):

17 3 * * * {there} db backup {BACKUPS}
{read if bounces else ""}"""


def units(root: Path, program: Sequence[str], *, user: str, mail_to: str) -> dict[str, str]:
    """The units of systemd by their names, for /etc/systemd/system."""
    # A percent sign begins a specifier in a unit (systemd.unit(5)).
    folder = str(root).replace("%", "%%")
    command = _quoted(program)
    service = (
        f"[Service]\nType=oneshot\nUser={user}\nWorkingDirectory={folder}\nEnvironmentFile=-/etc/mailer/environment\n"
    )
    told = "OnFailure=mailer-failed@%n.service\n"
    return {
        "mailer-run.service": f"[Unit]\nDescription=Mailer, what is due\n{told}\n{service}"
        f"ExecStart={command} {MINUTE}\n",
        "mailer-run.timer": _timer("Mailer, every minute", "OnCalendar=minutely\nAccuracySec=1s\n"),
        "mailer-backup.service": f"[Unit]\nDescription=Mailer, a copy of the database\n{told}\n{service}"
        f"ExecStart={command} db backup {BACKUPS}\n",
        "mailer-backup.timer": _timer("Mailer, every night", "OnCalendar=*-*-* 03:17\nPersistent=true\n"),
        "mailer-failed@.service": (
            "[Unit]\nDescription=Mailer, tell that %i failed\nStartLimitIntervalSec=1h\nStartLimitBurst=1\n\n"
            "[Service]\nType=oneshot\n"
            'ExecStart=/bin/sh -c \'journalctl --no-pager -n 30 -u "$$1" | mail -s "$$1 on %H" "$$2"\' '
            f"sh %i {_argument(mail_to)}\n"
        ),
    }


def _argument(word: str) -> str:
    """A word of a command line, in which % and $ have a meaning (systemd.service(5))."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'


def _quoted(command: Sequence[str]) -> str:
    """A command line; in the name of the program $ has no meaning."""
    program, *arguments = (_argument(word) for word in command)
    return " ".join((program.replace("$$", "$"), *arguments))


def _timer(description: str, when: str) -> str:
    return f"[Unit]\nDescription={description}\n\n[Timer]\n{when}\n[Install]\nWantedBy=timers.target\n"


@click.command()
def cron() -> None:
    """Print the crontab lines and systemd units that call `mailer run` every minute and copy the database nightly."""
    from email.utils import parseaddr

    from mailer.workspace import find_workspace

    workspace, program = find_workspace(), Path(sys.argv[0]).resolve()
    words = [sys.executable, "-m", "mailer"] if program.name == "__main__.py" else [str(program)]
    sender = workspace.settings.sender
    mail_to = parseaddr(sender.reply_to or sender.from_)[1] or "you@example.org"
    try:
        user = workspace.root.owner()
    except KeyError:  # an owner without a name, as in a container
        user = str(workspace.root.stat().st_uid)
    bounces = bool(workspace.settings.bounces.address)
    click.echo(crontab(workspace.root, words, mail_to=mail_to, bounces=bounces))
    click.echo("# or systemd; docs/deploy.md says where a password goes, and has these units closed off")
    for name, text in units(workspace.root, words, user=user, mail_to=mail_to).items():
        click.echo(f"\n# /etc/systemd/system/{name}\n\n{text}", nl=False)
    click.echo(f"\n# install -d -o {user} -m 700 {BACKUPS}; systemctl daemon-reload")
    click.echo("# systemctl enable --now mailer-run.timer mailer-backup.timer")
