"""`mailer signatures`: how a newsletter's action page is doing, and its signatures as a file for the target."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import note, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.errors import MailerError
from mailer.private_files import whole_private

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.audience.petition.signatures_csv import OwnColumns
    from mailer.compose.action_page.parse import ActionPage
    from mailer.workspace import Workspace

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("page", metavar="NEWSLETTER")
@click.option("--csv", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write the signatures to this CSV.")
@click.option("--since", type=DAY, metavar="YYYY-MM-DD", help="Only those from this day (UTC) on.")
@click.option("--with-addresses", is_flag=True, help="Include email addresses, phones and every answer in the CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def signatures(page: str, out: Path | None, since: datetime | None, with_addresses: bool, as_json: bool) -> None:
    """Show how many people signed a newsletter's action page and what brought them; export them with --csv.

    Beside the CSV a file with the same name and .statement.txt holds the words that were signed. Both are private to
    you; keep them out of git.
    """
    from mailer.audience.petition.signatures import brought_by, count
    from mailer.audience.petition.signatures_csv import own_columns, wordings

    moment = since.replace(tzinfo=UTC) if since else None
    if with_addresses and out is None:
        raise click.UsageError("--with-addresses goes with --csv")
    with workspace_and_database() as (workspace, database):
        if out:
            note(database, "signatures exported", f"page {page}", "with addresses" if with_addresses else "")
        with database.read() as connection:
            shown = _page(connection, workspace, page)
            target = shown.target if shown else None
            total = count(connection, page)
            counted = count(connection, page, since=moment)
            sources = brought_by(connection, page, since=moment)
            texts = wordings(connection, page)
            asked = [one.field for one in shown.own] if shown else []
            own = own_columns(connection, page, asked, everything=with_addresses, since=moment)
            written = _export(connection, page, out, moment, addresses=with_addresses, own=own) if out else None
    if as_json:
        print_json({
            "page": page, "signatures": total, "target": target, "since": moment, "signatures_since": counted,
            "brought_by": [{"what": what or None, "signatures": number} for what, number in sources],
            "statements": [{"text": one.text, "signatures": one.signatures} for one in texts],
            "written": written,
        })  # fmt: skip
        return
    goal = f" of {target:,}" if target else ""
    word = "signature" if (target or total) == 1 else "signatures"
    click.echo(f"{page}: {total:,}{goal} {word}" + (f", {counted:,} since {moment:%Y-%m-%d}" if moment else ""))
    if len(texts) > 1:
        click.echo(f"The statement was changed: {len(texts)} wordings were signed.")
    if sources:
        table = new_table("Brought by", "Signatures", numbers=(1,))
        for what, number in sources:
            add_row(table, what or "(not known)", f"{number:,}")
        print_table(table)
    if out is not None:
        click.echo(f"{written:,} written to {out}; what they signed: {_statement_file(out)}")
        if written is not None and written < counted:
            have = "has" if counted - written == 1 else "have"
            click.echo(f"{counted - written:,} of those counted {have} no name any more: they were deleted since.")
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
        raise MailerError(f"there is no action page {page!r}", remedy=nearest(page, sorted({*known, *pages})))
    return None


def _export(
    connection: Connection, page: str, out: Path, since: datetime | None, *, addresses: bool, own: OwnColumns
) -> int:
    from mailer.audience.petition.signatures_csv import export_signatures, statement_text, wordings

    if repository := _repository(out):
        click.echo(
            f"{out} lies in the git repository {repository}. It names people: keep it out of every commit.", err=True
        )
    texts = wordings(connection, page)
    # A byte order mark, since Excel takes a CSV without one for its own old alphabet.
    with whole_private(out, encoding="utf-8-sig" if out.suffix.lower() == ".csv" else "utf-8") as file:
        number = export_signatures(connection, page, file, texts=texts, since=since, addresses=addresses, own=own)
    with whole_private(_statement_file(out)) as file:
        file.write(statement_text(page, texts))
    return number


def _statement_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.statement.txt")


def _repository(path: Path) -> Path | None:
    """The git repository that `path` lies in."""
    return next((folder for folder in path.resolve().parents if (folder / ".git").exists()), None)
