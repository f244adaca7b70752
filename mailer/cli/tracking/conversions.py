"""`mailer conversions import`: what supporters did on another site, from the file that it exports."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailer.cli.context import note, now, print_json, workspace_and_database

if TYPE_CHECKING:
    from mailer.delivery.feedback.conversions import ConversionResult

COLUMNS = ("token", "name", "reference", "at")
AT_ONCE = 500
MOST_SHOWN = 20  # rejected lines


@click.group()
def conversions() -> None:
    """What supporters did on other sites after following a link."""


@conversions.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="What was done, such as donated, where the file has no column `name`.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts and the rejected lines as JSON.")
def import_(file: Path, name: str, as_json: bool) -> None:
    """Import FILE, a CSV with the columns token, name, reference and at.

    `token` is the value of the parameter `mailer` that the supporter came with. `name` may be given by --name instead;
    `reference` (the other site's own number) and `at` may be missing. The same row again changes nothing.
    """
    from mailer.delivery.feedback.conversions import ConversionFate, record_conversions
    from mailer.errors import MailerError
    from mailer.tracking.tokens import Signer

    counts: Counter[str] = Counter()
    rejected: list[tuple[int, str]] = []
    with (
        workspace_and_database() as (workspace, database),
        file.open(encoding="utf-8-sig", newline="", errors="replace") as opened,
    ):
        signer = Signer(workspace.secrets.require_signing())
        reader = csv.DictReader(opened)
        if "token" not in (reader.fieldnames or ()):
            raise MailerError(
                f"{file.name} has no column `token`",
                remedy=f"Its first line must name columns of: {', '.join(COLUMNS)}",
            )
        rows = _rows(reader, name)
        while part := list(islice(rows, AT_ONCE)):
            with database.write() as connection:
                answers: list[ConversionResult] = record_conversions(
                    connection, [row for _, row in part], signer=signer, source=file.name, now=now()
                )
            for (line, _), answer in zip(part, answers, strict=True):
                counts[answer.fate.value] += 1
                if answer.fate is ConversionFate.REJECTED:
                    rejected.append((line, answer.why))
        note(database, "conversions imported", "conversions", f"{counts.total():,} rows")
    _tell(counts, rejected, as_json=as_json)


def _rows(reader: csv.DictReader[str], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with the line it ends on; a column that isn't ours is left out."""
    from mailer.errors import MailerError

    try:
        for row in reader:
            found = {column: row.get(column) or "" for column in COLUMNS}
            found["name"] = found["name"] or name
            yield reader.line_num, found
    except csv.Error:
        raise MailerError(
            f"line {reader.line_num} can't be read as CSV", remedy="Save the file as CSV again."
        ) from None


def _tell(counts: Counter[str], rejected: list[tuple[int, str]], *, as_json: bool) -> None:
    read = counts.total()
    if as_json:
        lines = [{"line": line, "why": why} for line, why in rejected]
        print_json({"read": read, **{fate: counts[fate] for fate in ("stored", "known", "rejected")}, "lines": lines})
        return
    click.echo(
        f"{read:,} row{'s' * (read != 1)} read: {counts['stored']:,} stored, {counts['known']:,} known already, "
        f"{counts['rejected']:,} rejected."
    )
    for line, why in rejected[:MOST_SHOWN]:
        click.echo(f"  line {line}: {why}", err=True)
    if len(rejected) > MOST_SHOWN:
        click.echo(f"  … and {len(rejected) - MOST_SHOWN:,} more; --json shows all", err=True)
