"""`mailer import`: people from files onto a list, shown for what they are before anything is written."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.audience.imports import ImportReport, ReadFile
    from mailer.audience.imports.importer import Progress as Report

MEANINGS = {
    "added": "new on this list",
    "updated": "on it already, now with something new",
    "unchanged": "on it already, unchanged",
    "duplicate": "the address is further up in the files",
    "no_consent": "never agreed to newsletters: not put on the list",
    "rejected": "could not be taken",
    "suppressed": "left, bounced, complained or stopped by staff: not mailed",
}
LINES_SHOWN = 10
VALUES_SHOWN = 12


@click.command("import")
@click.argument("list_name", metavar="LIST")
@click.argument("files", metavar="FILE...", nargs=-1, required=True,
                type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Report what the import would do, and change nothing.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write rejected rows to this CSV.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", help="Which field a column is; - skips it.")
@click.option("--word", "words", multiple=True, metavar="VALUE=STATUS", help="Which status a word in the file means.")
@click.option(
    "--status", default="", metavar="STATUS", help="The status of everyone in the files, if no column says so."
)
@click.option("--from", "kind", default="", metavar="NAME", help="What exported it: ghost, mailchimp …; or none.")
@click.option("--delimiter", default="", metavar="SIGN", help="The character between the columns: , ; tab |")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_(  # noqa: PLR0913 - one for each option
    list_name: str,
    files: tuple[Path, ...],
    *,
    dry_run: bool,
    rejects: Path | None,
    mapping: tuple[str, ...],
    words: tuple[str, ...],
    status: str,
    kind: str,
    delimiter: str,
    as_json: bool,
) -> None:
    """Import people into LIST from files: CSV, TSV, JSON, JSON Lines, Excel, or a zip of these.

    Exports of other programs are recognised, and what their rows say of leaving is shown before anything is written.
    All of the files are taken, or nothing. Nobody who left, bounced or complained comes back by an import.
    """
    from mailer.audience.imports import ImportOptions, import_files
    from mailer.staff.actor import terminal

    asked = ImportOptions(
        mapping=pairs(mapping, "--map", "COLUMN=FIELD", "'E-Mail=email'"),
        words=pairs(words, "--word", "VALUE=STATUS", "'Paused=unsubscribed'"),
        status=status, kind=kind, delimiter=delimiter_sign(delimiter),
    )  # fmt: skip
    with workspace_and_database() as (workspace, database), progress_bar(files) as progress:
        report = import_files(
            database,
            definition=workspace.list_definition(list_name),
            paths=files,
            address_key=workspace.secrets.require_address_key(),
            by=terminal(),
            now=now(),
            asked=asked,
            dry_run=dry_run,
            rejects_path=rejects,
            progress=progress,
            show=None if as_json else show_read,
        )
    if as_json:
        print_json({**asdict(report), "warnings": [str(fault) for fault in report.warnings]})
    else:
        show_report(report, list_name=list_name, files=files, rejects=rejects)


def show_read(files: Sequence[ReadFile]) -> None:
    """Say what each file was taken for and what its rows say."""
    for one in files:
        if not one.kind and not one.columns and set(one.statuses) <= {"subscribed", "rejected"}:
            continue
        kind = (
            f"an export of {one.kind} (--from none reads it as any other file)"
            if one.kind
            else "no known program's export"
        )
        click.echo(f"{one.name}: {kind}")
        for column, values in one.columns.items():
            shown = [f"{value or '(empty)'}: {said}" for value, said in [*values.items()][:VALUES_SHOWN]]
            more = " …" if len(values) > VALUES_SHOWN else ""
            click.echo(f"  {column}: {', '.join(shown)}{more}")
        counts = ", ".join(f"{number:,} {status}" for status, number in one.statuses.items())
        click.echo(f"  {_rows(one.rows)}: {counts or 'nobody'}")


def show_report(report: ImportReport, *, list_name: str, files: Sequence[Path], rejects: Path | None) -> None:
    """Print the outcome of the rows."""
    for fault in report.warnings:
        click.echo(str(fault), err=True)
    names = ", ".join(file.name for file in files)
    title = f"{names} → {list_name}" + (" (dry run: nothing was changed)" if report.dry_run else "")
    table = new_table("", "", "", title=title, numbers=(1,), header=False)
    add_row(table, "read", f"{report.read:,}", "rows", style="bold")
    for name, meaning in MEANINGS.items():
        number = int(getattr(report, name))
        if number or name != "no_consent":
            add_row(table, name.replace("_", " "), f"{number:,}", meaning, style="" if number else "dim")
    print_table(table)
    parts = {"subscribed": report.subscribed, **report.suppressed_by, "pending": report.pending,
             "no consent": report.no_consent, "rejected": report.rejected}  # fmt: skip
    shown = " + ".join(f"{number:,} {name}" for name, number in parts.items() if number or name == "subscribed")
    click.echo(f"{shown} = {_rows(report.read)}.")
    if report.rejected:
        _show_rejected(report, rejects)
    if report.attributes:
        click.echo(f"Kept as fields of their own: {', '.join(report.attributes)}.")
    if report.id:
        click.echo(f"This is import {report.id}. Within a day it can be taken back: mailer imports --undo {report.id}")


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def _show_rejected(report: ImportReport, rejects: Path | None) -> None:
    click.echo("Rejected:")
    for reason, number in report.reasons.items():
        click.echo(f"  {number:,} × {reason}")
    several = len(report.files) > 1
    lines = ", ".join(
        f"{one.file}:{one.line:,}" if several else f"{one.line:,}" for one in report.rejects[:LINES_SHOWN]
    )
    more = " …" if report.rejected > LINES_SHOWN else "."
    where = f"They are in {rejects}." if rejects else "--rejects FILE writes them to a file."
    click.echo(f"  on line {lines}{more} {where}")
    if any(reason.startswith("unknown status") for reason in report.reasons):
        from mailer.audience.imports.meaning.statuses import RowStatus

        known = ", ".join(RowStatus)
        click.echo(f"  Say what a word means: --word 'VALUE=STATUS'. STATUS is one of: {known}.")


def delimiter_sign(text: str) -> str:
    """The sign that was named. Raises `MailerError`."""
    from mailer.audience.imports.files.delimited import DELIMITERS, NAMES

    sign = NAMES.get(text.lower(), text)
    if len(sign) > 1 or sign in ('"', "\n", "\r"):
        raise MailerError(f"--delimiter {text!r} is not one sign", remedy=f"Use one of {' '.join(DELIMITERS)} or tab.")
    return sign


def pairs(given: Sequence[str], option: str, form: str, example: str) -> dict[str, str]:
    """What options such as A=B say. Raises `MailerError` for one that isn't of that form."""
    found: dict[str, str] = {}
    for pair in given:
        left, equals, right = pair.rpartition("=")
        if not equals or not left.strip() or not right.strip():
            raise MailerError(f"{option} {pair!r} is not {form}", remedy=f"For example: {option} {example}")
        found[left.strip()] = right.strip()
    return found


@contextmanager
def progress_bar(files: Sequence[Path]) -> Generator[Report | None, None, None]:
    """A bar on a terminal, nothing under cron."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]:,} rows"))
    # What was recognised is printed above the bar where both are on the terminal, and else goes where it was sent.
    shown = (*columns, TimeElapsedColumn())
    console, above = Console(stderr=True), sys.stdout.isatty()
    with Progress(*shown, console=console, transient=True, redirect_stdout=above) as bar:
        task = bar.add_task(", ".join(file.name for file in files), total=1.0, rows=0)
        yield lambda rows, share: bar.update(task, completed=share, rows=rows)
