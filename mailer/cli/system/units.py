"""What makes cron or systemd call Mailer, for one workspace: the lines of a crontab and the units, each with its name.

docs/deploy has the same units for /srv/mailer, with everything closed off that they don't need; a test compares both.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

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
