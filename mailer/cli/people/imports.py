"""`mailer imports`: the imports that were done, and one of them taken back."""

from __future__ import annotations

from dataclasses import asdict

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.counting import counted

NAMED = 50  # imports that are listed
BACK = {  # of `Undone`
    "deleted": "added by it and not used since: deleted again",
    "taken_off": "taken off the list; what else is known of them stays",
    "restored": "with names and fields as they were",
    "back_on": "on their lists as before",
    "freed": "no longer suppressed by it",
    "stayed": "did something since, were mailed or are in a later import: kept, with what came after",
}


@click.command()
@click.option("--undo", "number", type=int, metavar="NUMBER", help="Take this import back, within a day.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def imports(number: int | None, as_json: bool) -> None:
    """List the last imports; with --undo, take one back within a day.

    Exactly what it changed is put back. What anybody did since stays, and nobody who left comes back by this.
    """
    from mailer.audience.imports.past import list_imports
    from mailer.audience.imports.undo import undo_import
    from mailer.staff.actor import terminal

    with workspace_and_database() as (_, database):
        if number is not None:
            with database.write() as connection:
                undone = asdict(undo_import(connection, number, by=terminal(), at=now()))
            if as_json:
                print_json(undone)
                return
            for name, words in BACK.items():
                if undone[name] or name == "deleted":
                    click.echo(f"{counted(undone[name])} {words}.")
            return
        with database.read() as connection:
            found = list_imports(connection, limit=NAMED)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    table = new_table("number", "when", "list", "files", "rows", "new", "", numbers=(0, 4, 5))
    for one in found:
        state = "taken back" if one.undone_at else "can be taken back" if one.can_be_undone(now()) else ""
        rows, new = (f"{one.report.get(name, 0):,}" for name in ("read", "added"))
        add_row(table, str(one.id), f"{one.at:%Y-%m-%d %H:%M} UTC", one.list, ", ".join(one.files), rows, new, state)
    print_table(table)
