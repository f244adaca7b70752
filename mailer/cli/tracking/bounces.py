"""`mailer bounces`: reads the mailbox that mails come back to. For cron, for a pipe alias, and for staff who look."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.delivery.feedback.bounce_mailbox import Judged
    from mailer.delivery.feedback.mailbox_readers import Mailbox
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: a mail server keeps the mail and comes back with it
MOST_LISTED = 200
SHORT = 12  # characters of a mail's digest that call it
WHERE = "One of --maildir, --imap, --stdin, --list and --decide; or set bounces.imap in mailer.toml."


@click.command()
@click.option("--maildir", type=click.Path(path_type=Path), metavar="DIR", help="Read the new mail in a Maildir.")
@click.option("--imap", metavar="URL", help="Read the unseen mail at imaps://name@host/folder.")
@click.option("--stdin", is_flag=True, help="Read one mail from standard input, for a pipe alias.")
@click.option("--recipient", metavar="ADDRESS", default="", help="With --stdin: the address the mail came to.")
@click.option("--list", "list_", is_flag=True, help="Show the mail that waits for a decision.")
@click.option(
    "--decide",
    type=(str, click.Choice(["gone", "away", "nothing"])),
    metavar="ID MEANING",
    help="Say what a listed mail means: gone (nobody lives there), away (full, or for now) or nothing.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, without storing or marking anything.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def bounces(
    maildir: Path | None,
    imap: str | None,
    stdin: bool,
    recipient: str,
    list_: bool,
    decide: tuple[str, str] | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Process returned mail: bounces, complaints, unsubscribe requests and replies.

    Without --maildir, --imap or --stdin it reads the mailbox that bounces.imap in mailer.toml names.
    Only a mail that carries our own signed token does anything. Nothing is deleted from a mailbox, and a mail is
    marked as read when it is kept here. With --stdin the exit code is 0 when the mail is kept and 75 when it must be
    delivered again.
    """
    if sum(map(bool, (maildir, imap, stdin, list_, decide))) > 1:
        raise MailerError("say where to read", remedy=WHERE)
    if stdin:
        _one(recipient, dry_run=dry_run, as_json=as_json)
        return
    with workspace_and_database() as (workspace, database):
        if list_:
            _list(database, as_json=as_json)
            return
        if decide is not None:
            _decide(workspace, database, *decide)
            return
        mailbox = _open(workspace, maildir, imap, dry_run=dry_run)
        try:
            judged = _read(workspace, database, mailbox, dry_run=dry_run)
        finally:
            mailbox.close()
    _tell(judged, dry_run=dry_run, as_json=as_json)


def _open(workspace: Workspace, maildir: Path | None, imap: str | None, *, dry_run: bool) -> Mailbox:
    from mailer.delivery.feedback.mailbox_readers import Imap, Maildir
    from mailer.transports.loopback import on_this_machine

    if maildir is not None:
        return Maildir(maildir)
    if not (imap := imap or workspace.settings.bounces.imap):
        raise MailerError("say where to read", remedy=WHERE)
    password = workspace.secrets.imap_password
    return Imap(imap, password=password, may_be_plain=on_this_machine, only_look=dry_run)


def _read(workspace: Workspace, database: Database, mailbox: Mailbox, *, dry_run: bool) -> list[Judged]:
    from mailer.delivery.feedback.bounce_mailbox import look, take
    from mailer.tracking.tokens import Signer

    signer, replies = Signer(workspace.secrets.require_signing()), workspace.settings.replies.address
    judged: list[Judged] = []
    for mails in mailbox.unread():
        if dry_run:
            judged += [look(mail.raw, signer=signer, replies=replies, now=now()) for mail in mails]
            continue
        with database.write() as connection:
            soft = workspace.settings.bounces
            raw = [mail.raw for mail in mails]
            judged += take(connection, raw, signer=signer, soft=soft, replies=replies, now=now())
        mailbox.done(mails)  # what is kept is committed
    return judged


def _one(recipient: str, *, dry_run: bool, as_json: bool) -> None:
    """A mail from a pipe. Whatever goes wrong on our side, the mail server must not lose it."""
    from mailer.delivery.feedback.bounce_mailbox import look, take
    from mailer.delivery.feedback.dsn import LOOKED_AT_BYTES
    from mailer.tracking.tokens import Signer

    try:
        raw = sys.stdin.buffer.read(LOOKED_AT_BYTES)
        while sys.stdin.buffer.read(LOOKED_AT_BYTES):
            pass  # a server may treat a pipe that nobody empties as a failure
        if recipient:
            raw = b"Delivered-To: " + " ".join(recipient.split()).encode("utf-8", "replace") + b"\n" + raw
        with workspace_and_database() as (workspace, database):
            signer, replies = Signer(workspace.secrets.require_signing()), workspace.settings.replies.address
            if dry_run:
                judged = [look(raw, signer=signer, replies=replies, now=now())]
            else:
                soft = workspace.settings.bounces
                with database.write() as connection:
                    judged = take(connection, [raw], signer=signer, soft=soft, replies=replies, now=now())
    except (MailerError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(TRY_AGAIN)
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail must not be lost
        click.echo(f"error: this is a fault of Mailer itself: {type(error).__name__}", err=True)
        sys.exit(TRY_AGAIN)
    if as_json or dry_run:
        _tell(judged, dry_run=dry_run, as_json=as_json)


def _tell(judged: list[Judged], *, dry_run: bool, as_json: bool) -> None:
    from mailer.transports.base import ReplyClass

    fresh = [one for one in judged if not one.again]
    kinds = Counter(one.kind.value for one in fresh)
    if as_json:
        print_json(
            {
                "read": len(judged),
                "before": len(judged) - len(fresh),
                "acted": sum(one.acts for one in fresh),
                "kinds": dict(sorted(kinds.items())),
                "mails": [{"kind": one.kind.value, "acts": one.acts, "why": one.why} for one in fresh],
            }
        )
        return
    if dry_run:
        for one in fresh:
            click.echo(f"{one.kind.value}: {one.why or 'acts' if one.acts else one.why}")
    if not judged:
        return  # silent when there was nothing, as cron likes it
    words = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())) or "nothing new"
    acted = sum(one.acts for one in fresh)
    click.echo(f"{len(judged):,} read: {words}; {acted:,} {'would act' if dry_run else 'acted'}.")
    refused = sum(one.acts and one.why.startswith(f"{ReplyClass.OURS}: ") for one in fresh)
    if refused:
        click.echo(f"{refused:,} refused our sender or host, which is ours to put right: mailer doctor")
    if kinds["unknown"] and not dry_run:
        click.echo("What acted on nobody: mailer bounces --list")


def _decide(workspace: Workspace, database: Database, digest: str, meaning: str) -> None:
    from mailer.delivery.feedback.unclear_mails import WORDS, decide_mails
    from mailer.staff.actor import terminal
    from mailer.store.tables.states import MailDecision

    decision, soft = MailDecision(meaning), workspace.settings.bounces
    with database.write() as connection:
        if not decide_mails(connection, terminal(), [digest], decision, soft=soft, now=now()):
            raise MailerError(f"no mail that waits is called {digest}", remedy="See: mailer bounces --list")
    click.echo(f"Noted: {WORDS[decision]}.")


def _list(database: Database, *, as_json: bool) -> None:
    from mailer.cli.tables import add_row, new_table, print_table
    from mailer.delivery.feedback.unclear_mails import unclear_mails

    with database.read() as connection:
        found = unclear_mails(connection, most=MOST_LISTED)
    if as_json:
        shown = ("kind", "why", "sender", "subject")
        print_json(
            [
                {"id": one.digest[:SHORT], "at": one.at.isoformat()} | {name: getattr(one, name) for name in shown}
                for one in found
            ]
        )
        return
    if not found:
        click.echo("Every mail that came back was clear.")
        return
    table = new_table("id", "read", "what", "from", "subject", "why")
    for one in found:
        add_row(table, one.digest[:SHORT], f"{one.at:%Y-%m-%d %H:%M}", one.kind, one.sender, one.subject, one.why)
    print_table(table)
    click.echo("To say what one means: mailer bounces --decide ID gone, or away, or nothing")
