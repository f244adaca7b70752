"""`mailer moving`: moving house from another program, with a signed report in which everybody is accounted for."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.people.import_files import delimiter_sign, pairs, progress_bar, show_read, show_report
from mailer.cli.tables import add_row, new_table, print_table
from mailer.counting import counted
from mailer.errors import MailerError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.audience.imports import ImportOptions, ImportReport
    from mailer.moving.listmonk.folder import MoveFolder, MoveFolders
    from mailer.moving.listmonk.theirs import Theirs
    from mailer.moving.report import Move
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace

VARIABLE = "LISTMONK_TOKEN"
UNKNOWN = "nobody knows the words any more"
agreed_option = click.option("--agreed", default="", metavar="TEXT", help="Where and how they agreed: kept as proof.")
wording_option = click.option(
    "--wording", metavar="TEXT", help="The words they agreed to; without it, nobody knows them."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Report what the move would do, and change nothing here.")
report_option = click.option(
    "--report", "report_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the signed report here."
)
left_out_option = click.option(
    "--left-out", type=click.Path(dir_okay=False, path_type=Path), help="Write who was left out, and why, to this CSV."
)


@click.group()
def moving() -> None:
    """Move house: bring people, lists and texts from another program, and account for everybody."""


@moving.command("from")
@click.argument("name", metavar="[PROGRAM]", default="")
def guide(name: str) -> None:
    """Say which files to fetch from a program, and where in its menus."""
    from mailer.moving.origins import ORIGINS

    for one in _origins(name) if name else ORIGINS:
        click.echo(f"{one.title} ({one.name})")
        for file in one.files:
            click.echo(f"  {file.what}: {file.where}")
        if one.mind:
            click.echo(f"  {one.mind}")


@moving.command()
@click.argument("program", metavar="PROGRAM")
@click.argument("list_name", metavar="LIST")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True,
                type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@agreed_option
@wording_option
@dry_run_option
@report_option
@left_out_option
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write unreadable rows to this CSV.")
@click.option("--status", "by_file", multiple=True, metavar="FILE=STATUS", help="What everyone in a file is.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Which field a column is; - skips it.")
@click.option("--word", "words", multiple=True, metavar="VALUE=STATUS", help="Which status a word in a file means.")
@click.option("--delimiter", default="", metavar="SIGN", help="The character between the columns: , ; tab |")
def files(  # noqa: PLR0913 - one for each option
    program: str, list_name: str, paths: tuple[Path, ...], *, agreed: str, wording: str | None, dry_run: bool,
    report_path: Path | None, left_out: Path | None, rejects: Path | None, by_file: tuple[str, ...],
    mapping: tuple[str, ...], words: tuple[str, ...], delimiter: str,
) -> None:  # fmt: skip
    """Move the people in a program's files onto LIST: `mailer moving from` says which files to fetch.

    All files go in together, those who left first. The report of both sides is signed, and can be verified later.
    """
    from mailer.audience.imports import ImportOptions

    (origin,) = _origins(program)
    asked = ImportOptions(
        mapping=pairs(mapping, "--map", "COLUMN=FIELD", "'E-Mail=email'"),
        words=pairs(words, "--word", "VALUE=STATUS", "'Paused=unsubscribed'"),
        by_file=pairs(by_file, "--status", "FILE=STATUS", "'bounced.csv=bounced'"),
        delimiter=delimiter_sign(delimiter), agreed=agreed, wording=wording or "",
    )  # fmt: skip
    _agreed(agreed, dry_run=dry_run)
    with workspace_and_database() as (workspace, database):
        report, move = _move_files(
            workspace, database, origin.name, list_name, paths, asked, dry_run=dry_run, rejects=rejects,
            left_out=left_out,
        )  # fmt: skip
    show_report(report, list_name=list_name, files=paths, rejects=rejects)
    if move:
        _show_move(move, report_path)


def _move_files(  # noqa: PLR0913 - what the command was told
    workspace: Workspace, database: Database, origin: str, list_name: str, paths: Sequence[Path], asked: ImportOptions,
    *, dry_run: bool, rejects: Path | None, left_out: Path | None,
) -> tuple[ImportReport, Move | None]:  # fmt: skip
    from secrets import token_hex

    from mailer.audience.imports import import_files
    from mailer.moving.report import close_files
    from mailer.staff.actor import terminal

    done: list[Move] = []

    def settle(connection: Connection, report: ImportReport) -> None:
        done.append(
            close_files(
                connection, workspace, report, token=token_hex(16), origin=origin, by=terminal(), at=now(),
                left_out=left_out,
            )
        )  # fmt: skip

    with progress_bar(paths) as progress:
        report = import_files(
            database, definition=workspace.list_definition(list_name), paths=paths, by=terminal(), now=now(),
            address_key=workspace.secrets.require_address_key(), asked=asked, dry_run=dry_run, rejects_path=rejects,
            progress=progress, show=show_read, settle=settle,
        )  # fmt: skip
    return report, next(iter(done), None)


@moving.command()
@click.argument("url")
@click.option("--user", required=True, help="The name of an API user of listmonk.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Where its token is.")
@click.option("--onto", multiple=True, metavar="THEIRS=OURS", help="Move a list of theirs onto this list of ours.")
@click.option("--only", is_flag=True, help="Move only the lists that --onto names; the others are left out.")
@click.option("--without-drafts", is_flag=True, help="Leave campaigns and templates behind.")
@agreed_option
@wording_option
@dry_run_option
@report_option
@left_out_option
def listmonk(  # noqa: PLR0913 - one for each option
    url: str, *, user: str, token_file: Path | None, onto: tuple[str, ...], only: bool, without_drafts: bool,
    agreed: str, wording: str | None, dry_run: bool, report_path: Path | None, left_out: Path | None,
) -> None:  # fmt: skip
    """Move from the listmonk at URL, which is asked by its API: lists, people, bounces, and texts as drafts.

    The token comes from --token-file, from LISTMONK_TOKEN, or is asked for; it is deleted once listmonk was
    read. A move that broke off goes on when the command is given again on the same day.
    """
    from mailer.moving.listmonk.folder import MoveFolders

    _agreed(agreed, dry_run=dry_run)
    with workspace_and_database() as (workspace, database):
        folders = MoveFolders(workspace.root)
        folders.sweep(now())
        move = _read_listmonk(folders, url, user, token_file)
        theirs = folders.theirs(move)
        try:
            targets = _targets(workspace, theirs, pairs(onto, "--onto", "THEIRS=OURS", "'River news=river'"), only=only)
            _show_theirs(theirs, targets)
        finally:
            theirs.close()
        move = folders.save(
            replace(move, onto=targets, agreed=agreed, wording=wording or "", drafts=not without_drafts)
        )
        _bring_listmonk(workspace, database, move, dry_run=dry_run, report_path=report_path, left_out=left_out)


def _read_listmonk(folders: MoveFolders, url: str, user: str, token_file: Path | None) -> MoveFolder:
    """What was read today of this listmonk and not brought yet, or what is read now."""
    from mailer.moving.listmonk.api import Listmonk, base_url

    address = base_url(url)
    for known in folders.all():
        if known.read_at and known.host == address.partition("://")[2] and folders.is_whole(known):
            click.echo("Going on with what was read before; --dry-run and the move itself read it once.")
            return known
    token = token_file.read_text(encoding="utf-8").strip() if token_file else os.environ.get(VARIABLE, "")
    token = token or click.prompt("Token", hide_input=True)
    api = Listmonk(address, user, token, wait=time.sleep)
    move = folders.begin(address, user, token, by="terminal", now=now())
    theirs = folders.theirs(move)
    try:
        theirs.read(api, lambda _done, _of, _what: None)
    except BaseException:
        theirs.close()
        folders.remove(move)
        raise
    finally:
        api.close()
    theirs.close()
    return folders.was_read(move, now())


def _targets(workspace: Workspace, theirs: Theirs, onto: Mapping[str, str], *, only: bool) -> dict[str, str]:
    """Number of their list → ours."""
    from mailer.moving.listmonk.bring import suggested

    lists = theirs.lists()
    unknown = [name for name in onto if name not in {one.name for one in lists}]
    if unknown:
        known = ", ".join(repr(one.name) for one in lists)
        raise MailerError(f"listmonk has no list {unknown[0]!r}", remedy=f"It has {known}.")
    found = {} if only else dict(suggested(workspace, lists))
    found |= {one.id: onto[one.name] for one in lists if one.name in onto}
    return {str(number): name for number, name in found.items() if name != "-"}


def _show_theirs(theirs: Theirs, targets: Mapping[str, str]) -> None:
    table = new_table("their list", "subscribed", "pending", "unsubscribed", "goes onto", numbers=(1, 2, 3))
    for one in theirs.lists():
        counts = [f"{one.counts.get(name, 0):,}" for name in ("subscribed", "pending", "unsubscribed")]
        add_row(table, one.name, *counts, targets.get(str(one.id), "left out"))
    print_table(table)
    click.echo(f"{counted(theirs.people)} in all.")


def _bring_listmonk(
    workspace: Workspace, database: Database, move: MoveFolder, *, dry_run: bool, report_path: Path | None,
    left_out: Path | None,
) -> None:  # fmt: skip
    from mailer.moving.listmonk.bring import Bringing, bring, rehearse
    from mailer.moving.listmonk.folder import MoveFolders
    from mailer.private_files import whole_private
    from mailer.staff.actor import terminal

    work = Bringing(workspace, database, move, terminal(), now)
    if dry_run:
        for name, report in rehearse(work).reports.items():
            show_report(report, list_name=name, files=[Path(one.name) for one in report.files], rejects=None)
        return
    done = bring(work)
    if left_out is not None:
        with whole_private(left_out) as file:
            file.write(MoveFolders(workspace.root).left_out(move).read_text(encoding="utf-8"))
    _show_move(done, report_path)


@moving.command()
@click.argument("number", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the signed report, for `mailer moving verify`.")
def report(number: int | None, as_json: bool) -> None:
    """Show the report of a move, by its number; without one, list the moves."""
    from mailer.moving.report import find_move, list_moves

    with workspace_and_database() as (_, database), database.read() as connection:
        if number is None:
            table = new_table("number", "when", "from", "people there", "came", numbers=(0, 3, 4))
            for one in list_moves(connection):
                people: Mapping[str, Any] = one.told.get("people", {})
                came = [f"{people[name]:,}" if people else "not over" for name in ("theirs", "in")]
                add_row(table, str(one.id), f"{one.at:%Y-%m-%d %H:%M} UTC", one.told.get("from", one.origin), *came)
            print_table(table)
            return
        found = find_move(connection, number)
    if found is None or found.report is None:
        raise MailerError(f"there is no report of a move {number}", remedy="See them all: mailer moving report")
    if as_json:
        print_json(found.report)
    else:
        _show_move(found, None)


@moving.command()
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(path: Path) -> None:
    """Verify that this workspace signed a migration report, and that nothing in it was changed."""
    from mailer.moving.report import verified

    with workspace_and_database() as (workspace, _):
        told = verified(path.read_text(encoding="utf-8", errors="replace"), workspace.secrets.require_signing())
    people = told["people"]
    click.echo(f"Signed by this workspace: move {told['move']} from {told['from']}, {told['at'][:16]}.")
    click.echo(_sum(people))


def _origins(name: str) -> Sequence[Any]:
    from mailer.errors import nearest
    from mailer.moving.origins import BY_NAME

    if name.lower() not in BY_NAME:
        raise MailerError(f"{name!r} is no program to move from here", remedy=nearest(name, set(BY_NAME)))
    return [BY_NAME[name.lower()]]


def _agreed(agreed: str, *, dry_run: bool) -> None:
    if not agreed.strip() and not dry_run:
        raise MailerError(
            "nothing says how they agreed to get your mail",
            remedy="Say where and how: --agreed 'Sign-up form of our website'. It is kept as proof with each of them.",
        )


def _sum(people: Mapping[str, Any]) -> str:
    left_out = sum(people["left_out"].values())
    return f"{people['theirs']:,} there = {people['in']:,} in + {left_out:,} left out + {people['merged']:,} merged"


def _show_move(move: Move, path: Path | None) -> None:
    """Print both sides of a move; the signed report goes to a file if one is wanted."""
    told = move.told
    table = new_table("", "there", "here", title=f"From {told['from']}: {told['source']}", numbers=(1, 2))
    people = told["people"]
    for name in dict.fromkeys([*people["there"], *people["here"]]):
        counts = [f"{people[side].get(name, 0):,}" for side in ("there", "here")]
        add_row(table, name, *counts)
    print_table(table)
    click.echo(f"{_sum(people)}.")
    for draft in told.get("drafts", ()):
        left = f": {counted(len(draft['to_fill_in']), 'gap')} to fill in" if draft["to_fill_in"] else ""
        click.echo(f"Draft made: newsletters/{draft['newsletter']}{left}")
    if path is not None:
        from mailer.private_files import whole_private

        with whole_private(path) as file:
            json.dump(move.report, file, ensure_ascii=False, indent=2)
        click.echo(f"The signed report is in {path}. Verify it: mailer moving verify {path}")
    else:
        click.echo(f"The signed report: mailer moving report {move.id} --json")
