"""How an import's report and what is known of a person are shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.tables import add_row, new_table, print_table

if TYPE_CHECKING:
    from mailer.audience.importing import ImportReport
    from mailer.audience.people import Dossier

MEANINGS = {
    "added": "new on this list",
    "updated": "on it before, now with something new",
    "unchanged": "on it before, just so",
    "duplicate": "the address stands further up in the file",
    "rejected": "could not be taken",
    "suppressed": "left, bounced, complained or stopped by staff: not mailed",
}
LINES_SHOWN = 10


def show_import(report: ImportReport, *, list_name: str, file: Path, rejects: Path | None) -> None:
    """Print what became of each row."""
    for fault in report.warnings:
        click.echo(str(fault), err=True)
    title = f"{file.name} → {list_name}" + (" (dry run: nothing was changed)" if report.dry_run else "")
    table = new_table("", "", "", title=title, numbers=(1,), header=False)
    add_row(table, "read", f"{report.read:,}", "rows", style="bold")
    for name, meaning in MEANINGS.items():
        number = int(getattr(report, name))
        add_row(table, name, f"{number:,}", meaning, style="" if number else "dim")
    print_table(table)
    if report.rejected:
        click.echo("Rejected:")
        for reason, number in report.reasons.items():
            click.echo(f"  {number:,} × {reason}")
        lines = ", ".join(f"{one.line:,}" for one in report.rejects[:LINES_SHOWN])
        more = " …" if report.rejected > LINES_SHOWN else "."
        where = f"They are in {rejects}." if rejects else "--rejects FILE writes them to a file."
        click.echo(f"  on line {lines}{more} {where}")
    if report.attributes:
        click.echo(f"Kept as fields of their own: {', '.join(report.attributes)}.")


def show_dossier(dossier: Dossier) -> None:
    """Print everything known of an address."""
    from mailer.reports.showing import printable

    table = new_table("", "", title=dossier.address, header=False)
    for name, value in dossier.fields.items():
        if value and name != "email":
            add_row(table, name, value)
    if dossier.created_at:
        add_row(table, "known since", f"{dossier.created_at:%Y-%m-%d %H:%M} UTC")
        add_row(table, "clicks tracked", "yes" if dossier.tracking else "no")
        if dossier.frequency != "every":
            add_row(table, "wants", f"{dossier.frequency} mail only")
        mails = ", ".join(f"{number:,} {state}" for state, number in dossier.deliveries.items())
        add_row(table, "mails", mails or "none")
    else:
        add_row(table, "person", "not in the database; only that the address must not be mailed is remembered")
    print_table(table)
    if dossier.consents:
        table = new_table("When (UTC)", "List", "Became", "How", "Source", "Wording")
        for one in dossier.consents:
            add_row(table, f"{one.at:%Y-%m-%d %H:%M}", one.list, one.status, one.how, one.source, one.wording)
        print_table(table)
    if dossier.story:
        table = new_table("When (UTC)", "What", "Where", "")
        for moment in dossier.story:
            if moment.kind != "consent":  # these have their own table, with the wording
                add_row(table, f"{moment.at:%Y-%m-%d %H:%M}", moment.kind, moment.what, printable(moment.detail))
        print_table(table)
    _show_decisions(dossier)
    if dossier.suppressions:
        table = new_table("Not mailed since (UTC)", "List", "Because", "Source")
        for stop in dossier.suppressions:
            add_row(table, f"{stop.at:%Y-%m-%d %H:%M}", stop.list or "every list", stop.reason, stop.source)
        print_table(table)


def _show_decisions(dossier: Dossier) -> None:
    """What staff decided of the address."""
    if not dossier.decisions:
        return
    table = new_table("When (UTC)", "By", "Decided", "What", "Why")
    for one in dossier.decisions:
        add_row(table, f"{one.at:%Y-%m-%d %H:%M}", one.by, one.action, one.detail, one.reason)
    print_table(table)
