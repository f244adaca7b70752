"""Tables for a terminal, plain columns when piped. What people wrote is shown as it is, never read as markup."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from mailer.cli.context import console

if TYPE_CHECKING:
    from rich.table import Table


def new_table(*columns: str, title: str = "", numbers: tuple[int, ...] = (), header: bool = True) -> Table:
    """An empty table; the columns at the positions `numbers` are set to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_header=header,
        header_style="bold",
        pad_edge=False,
    )
    for position, name in enumerate(columns):
        table.add_column(name, justify="right" if position in numbers else "left", overflow="fold")
    return table


def add_row(table: Table, *cells: str, style: str = "") -> None:
    """A row of plain texts."""
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells), style=style or None)


def print_table(table: Table) -> None:
    """Print it; when piped, without the blanks that fill it up, and as wide as its cells are."""
    from rich.text import Text

    screen = console()
    if screen.is_terminal:
        screen.print(table)
        return
    screen.width = 10_000
    with screen.capture() as captured:
        screen.print(table)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    screen.print(Text("\n".join(line for line in lines if line.strip(" ─"))), soft_wrap=True)


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Names, and beside each what it says, which goes on below itself. By click: rich takes 25 ms to load."""
    paper = click.HelpFormatter(width=shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000)
    paper.write_dl([(click.style(name, dim=True), said) for name, said in pairs])
    click.echo(paper.getvalue(), nl=False)


def print_columns(rows: Sequence[Sequence[str]], *, numbers: Collection[int]) -> None:
    """Short texts in columns below their names, which are the first row; those at the positions `numbers` to the
    right. Without rich, as above."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if position in numbers else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo(click.style("  ".join(cells).rstrip(), dim=row is rows[0] or None))
