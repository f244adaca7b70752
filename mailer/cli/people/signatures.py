"""`mailer signatures`: how a newsletter's sign page is doing, and its signatures as a file for the target."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import note, print_json, workspace_and_database
from mailer.cli.people.petition import (
    CommentNumbers,
    decide_comments,
    list_comments,
    mark_delivered,
    mark_not_delivered,
    write_petition,
)
from mailer.cli.tables import add_row, new_table, print_table
from mailer.errors import MailerError
from mailer.private_files import whole_private

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.audience.petition.signatures_csv import OwnColumns
    from mailer.compose.action_page.parse import ActionPage
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace

DAY = click.DateTime(["%Y-%m-%d"])
THANKED = {  # the words of each ThanksState that says something of a mail
    "sent": "sent", "queued": "waiting", "failed": "refused or given up",
    "uncertain": "uncertain (sent or not, nobody can tell, and not sent again)",
    "held": "not mailed (suppressed, or too many mails to one mailbox that day)",
}  # fmt: skip
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("page", metavar="NEWSLETTER")
@click.option("--csv", "out", type=FILE, help="Write the signatures to this CSV.")
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="Only those from this day (UTC) on.")
@click.option("--with-addresses", is_flag=True, help="Include email addresses, phones and every answer in the CSV.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Write what is handed in: to a folder, or one .zip.")
@click.option("--full-names", is_flag=True, help="In the bundle, whole names also of people who are not shown.")
@click.option("--comments", is_flag=True, help="List what people wrote, those that wait first.")
@click.option("--show", type=CommentNumbers(), metavar="NUMBERS", help="Show these comments, such as 12,15.")
@click.option("--hide", type=CommentNumbers(), metavar="NUMBERS", help="Hide these comments.")
@click.option("--hold", type=CommentNumbers(), metavar="NUMBERS", help="Let these comments wait again.")
@click.option("--delivered", type=DAY, metavar="YYYY-MM-DD", help="Note that the petition was delivered that day.")
@click.option("--note", "words", default="", help="What the page says of the delivery, in a sentence.")
@click.option("--not-delivered", is_flag=True, help="Take back that it was delivered.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts, or the comments, as JSON.")
def signatures(  # noqa: PLR0913 - one for each option
    page: str,
    *,
    out: Path | None,
    since: datetime | None,
    with_addresses: bool,
    bundle: Path | None,
    full_names: bool,
    comments: bool,
    show: frozenset[int] | None,
    hide: frozenset[int] | None,
    hold: frozenset[int] | None,
    delivered: datetime | None,
    words: str,
    not_delivered: bool,
    as_json: bool,
) -> None:
    """Show how many people signed a newsletter's sign page and what brought them; export them with --csv.

    Beside the CSV a file with the same name and .statement.txt holds the words that were signed. --bundle writes what
    you hand in: a PDF and a CSV of the names, cover letter, statement, how it was counted, and the SHA-256 of each.
    All are private to you; keep them out of git.
    """
    decided = any((show, hide, hold))
    if with_addresses and out is None:
        raise click.UsageError("--with-addresses goes with --csv")
    if full_names and bundle is None:
        raise click.UsageError("--full-names goes with --bundle")
    if words and delivered is None:
        raise click.UsageError("--note goes with --delivered")
    if sum(map(bool, (out, bundle, comments, decided, delivered, not_delivered))) > 1:
        raise click.UsageError("one thing at a time: --csv, --bundle, --comments, deciding on comments, or --delivered")
    with workspace_and_database() as (workspace, database):
        with database.read() as connection:
            shown = _page(connection, workspace, page)
        if decided:
            decide_comments(database, page, {"show": show, "hide": hide, "hold": hold})
        elif comments:
            list_comments(database, shown, page, as_json=as_json)
        elif bundle:
            if shown is None:
                raise MailerError(f"{page} has no sign page that can be read", remedy=f"mailer check {page}")
            _warn_of_git(bundle)
            write_petition(workspace, database, shown, bundle, full_names=full_names)
        elif delivered:
            mark_delivered(database, page, delivered, words)
        elif not_delivered:
            mark_not_delivered(database, page)
        else:
            counted = Counting(page, shown, out, since.replace(tzinfo=UTC) if since else None, with_addresses)
            _count(database, counted, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted, and where to it is written."""

    page: str
    shown: ActionPage | None
    out: Path | None
    since: datetime | None
    addresses: bool


def _count(database: Database, wanted: Counting, *, as_json: bool) -> None:
    from mailer.audience.petition.signatures import brought_by, count
    from mailer.audience.petition.signatures_csv import own_columns, wordings
    from mailer.delivery.thanks.queue import count_thanks

    page, out, since = wanted.page, wanted.out, wanted.since
    target = wanted.shown.target if wanted.shown else None
    if out:
        note(database, "signatures exported", f"page {page}", "with addresses" if wanted.addresses else "")
    with database.read() as connection:
        total = count(connection, page)
        counted = count(connection, page, since=since)
        sources = brought_by(connection, page, since=since)
        texts = wordings(connection, page)
        thanks = count_thanks(connection, page)
        asked = [one.field for one in wanted.shown.own] if wanted.shown else []
        own = own_columns(connection, page, asked, everything=wanted.addresses, since=since)
        written = _export(connection, page, out, since, addresses=wanted.addresses, own=own) if out else None
    if as_json:
        print_json({
            "page": page, "signatures": total, "target": target, "since": since, "signatures_since": counted,
            "brought_by": [{"what": what or None, "signatures": number} for what, number in sources],
            "statements": [{"text": one.text, "signatures": one.signatures} for one in texts],
            "thanks": thanks,
            "written": written,
        })  # fmt: skip
        return
    goal = f" of {target:,}" if target else ""
    word = "signature" if (target or total) == 1 else "signatures"
    click.echo(f"{page}: {total:,}{goal} {word}" + (f", {counted:,} since {since:%Y-%m-%d}" if since else ""))
    if len(texts) > 1:
        click.echo(f"The statement was changed: {len(texts)} wordings were signed.")
    if sources:
        table = new_table("Brought by", "Signatures", numbers=(1,))
        for what, number in sources:
            add_row(table, what or "(not known)", f"{number:,}")
        print_table(table)
    if said := ", ".join(f"{thanks[state]:,} {words}" for state, words in THANKED.items() if thanks.get(state)):
        click.echo(f"Thanked by mail: {said}.")
    if out is not None and written is not None:
        _say_written(out, written, counted - written, own)


def _say_written(out: Path, written: int, deleted: int, own: OwnColumns) -> None:
    click.echo(f"{written:,} written to {out}; what they signed: {_statement_file(out)}")
    if deleted > 0:
        have = "has" if deleted == 1 else "have"
        click.echo(f"{deleted:,} of those counted {have} no name any more: they were deleted since.")
    if own.left_out:
        left_out = ", ".join(own.left_out)
        click.echo(f"Not passed on, so only with --with-addresses: {left_out}. See docs/action-pages.md.")


def _page(connection: Connection, workspace: Workspace, page: str) -> ActionPage | None:
    """The page, if it can be read. Raises when there is no such page and nobody ever signed one of this name."""
    from mailer.audience.petition.signatures import signed_pages
    from mailer.compose.action_page.parse import read_action_page
    from mailer.errors import nearest

    pages = workspace.action_pages()
    if page in pages:
        with suppress(MailerError):  # a fault in its text is no reason to keep its signatures back
            return read_action_page(workspace.newsletter(page))[0]
        return None
    known = signed_pages(connection)
    if page not in known:
        raise MailerError(f"there is no sign page {page!r}", remedy=nearest(page, sorted({*known, *pages})))
    return None


def _export(
    connection: Connection, page: str, out: Path, since: datetime | None, *, addresses: bool, own: OwnColumns
) -> int:
    from mailer.audience.petition.signatures_csv import export_signatures, statement_text, wordings

    _warn_of_git(out)
    texts = wordings(connection, page)
    # A byte order mark, since Excel takes a CSV without one for its own old alphabet.
    with whole_private(out, encoding="utf-8-sig" if out.suffix.lower() == ".csv" else "utf-8") as file:
        number = export_signatures(connection, page, file, texts=texts, since=since, addresses=addresses, own=own)
    with whole_private(_statement_file(out)) as file:
        file.write(statement_text(page, texts))
    return number


def _statement_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.statement.txt")


def _warn_of_git(out: Path) -> None:
    if repository := _repository(out):
        click.echo(
            f"{out} lies in the git repository {repository}. It names people: keep it out of every commit.", err=True
        )


def _repository(path: Path) -> Path | None:
    """The git repository that `path` lies in."""
    return next((folder for folder in path.resolve().parents if (folder / ".git").exists()), None)
