"""Lists and the people on them: `lists [embed]`, and everything below `people`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from mailer.cli.context import note, now, print_json, workspace_and_database
from mailer.cli.people.people_view import show_dossier, show_why
from mailer.cli.people.undo import bursts, undo_unsubscribes
from mailer.cli.tables import add_row, new_table, print_table
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.private_files import whole_private


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def lists(context: click.Context, as_json: bool) -> None:
    """Show the lists and how many people are on them."""
    if context.invoked_subcommand is None:
        _show_lists(as_json=as_json)


@lists.command()
@click.argument("name", metavar="LIST")
@click.option("--styled", is_flag=True, help="In the list's colours, for sites without a style for forms.")
def embed(name: str, styled: bool) -> None:
    """Print a sign-up form for LIST as HTML, to paste into a website."""
    from mailer.web.pages.join_form import embedded
    from mailer.workspace import find_workspace

    workspace = find_workspace()
    click.echo(embedded(workspace.settings, workspace.list_definition(name), styled=styled), nl=False)


def _show_lists(*, as_json: bool) -> None:
    from mailer.audience.people.people import ListCount, list_counts

    with workspace_and_database() as (workspace, database):
        definitions = [workspace.list_definition(name) for name in workspace.list_names()]
        with database.read() as connection:
            counts = list_counts(connection)
    rows = [(one, counts.get(one.name, ListCount())) for one in definitions]
    if as_json:
        print_json([{"name": one.name, "title": one.title, **asdict(count)} for one, count in rows])
        return
    if not rows:
        click.echo("There are no lists yet: define one in lists/<name>.toml.")
        return
    table = new_table("List", "Title", "Subscribed", "Pending", "Unsubscribed", numbers=(2, 3, 4))
    for one, count in rows:
        numbers = (count.subscribed, count.pending, count.unsubscribed)
        add_row(table, one.name, one.title, *(f"{number:,}" for number in numbers))
    print_table(table)


@click.group()
def people() -> None:
    """Find, show, export, unsubscribe, reinstate or forget people."""


people.add_command(undo_unsubscribes)
people.add_command(bursts)


@people.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--limit", default=50, show_default=True, help="Show at most this many.")
@click.option("--json", "as_json", is_flag=True, help="Print the people as JSON.")
def find(text: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find people by parts of their address, name, fields or tags."""
    from mailer.audience.people.search import ensure_search
    from mailer.audience.people.search import find as find_people
    from mailer.store.engine.database import DatabaseTrouble

    with workspace_and_database() as (_, database):
        # The index only makes it better: a search works beside a running import, and on a database only read.
        with suppress(DatabaseTrouble):
            ensure_search(database)
        with database.read() as connection:
            found = find_people(connection, " ".join(text), limit=limit + 1)
    if as_json:
        print_json(found[:limit])
        return
    if not found:
        click.echo("Nobody was found.")
        return
    table = new_table("Address", "Name", "Country", "Language")
    for one in found[:limit]:
        add_row(table, one["email"], one["name"], one["country"], one["language"])
    print_table(table)
    if len(found) > limit:
        click.echo(f"There are more than {limit}: add words, or raise --limit.")


@people.command()
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(address: str, as_json: bool) -> None:
    """Show everything known about an address, to answer an access request (GDPR, Article 15)."""
    from mailer.audience.people.people import show as look_up

    with workspace_and_database() as (workspace, database), database.read() as connection:
        dossier = look_up(connection, address, address_key=workspace.secrets.require_address_key())
    if dossier is None:
        raise MailerError(f"nothing is known of {address}", remedy="Look for them: mailer people find TEXT")
    if as_json:
        print_json(asdict(dossier))
    else:
        show_dossier(dossier)


@people.command()
@click.argument("address")
@click.argument("newsletter", metavar="NEWSLETTER")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def why(address: str, newsletter: str, as_json: bool) -> None:
    """Say why somebody got NEWSLETTER or not: each rule of its audience, consent then and now, and the mail's life."""
    from mailer.audience.people.people import find_supporter
    from mailer.audience.supporter_care.why import why as explain

    with workspace_and_database() as (workspace, database), database.read() as connection:
        person_id, supporter = find_supporter(connection, address)
        found = explain(connection, workspace, person_id=person_id, slug=newsletter, now=now())
    if as_json:
        print_json(asdict(found))
    else:
        show_why(found, supporter["name"] or supporter["email"])


@people.command()
@click.argument("list_name", metavar="LIST")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, not the screen.")
def export(list_name: str, out: Path | None) -> None:
    """Export everyone on LIST as CSV with their status, including people who left."""
    from mailer.audience.people.csv_export import export_list

    with workspace_and_database() as (workspace, database):
        workspace.list_definition(list_name)
        note(database, "people exported", f"list {list_name}")
        with database.read() as connection:
            if out is None:
                export_list(connection, list_name, sys.stdout)
                return
            with whole_private(out, encoding="utf-8-sig") as file:  # the mark tells Excel that it is UTF-8
                number = export_list(connection, list_name, file)
    click.echo(f"{counted(number)} of {list_name} {'is' if number == 1 else 'are'} in {out}.")


@people.command()
@click.argument("address")
@click.option("--list", "list_name", metavar="LIST", help="Only this list; without it, all lists, now and in future.")
def unsubscribe(address: str, list_name: str | None) -> None:
    """Unsubscribe a person from one list, or from all lists, at their request."""
    from mailer.audience.people.people import find_supporter
    from mailer.audience.supporter_care.edit import unsubscribe_person
    from mailer.staff.actor import terminal

    with workspace_and_database() as (workspace, database), database.write() as connection:
        person_id, supporter = find_supporter(connection, address)
        name = workspace.list_definition(list_name).name if list_name else None
        changed = unsubscribe_person(connection, terminal(), person_id, name, source="mailer people", at=now())
    where = list_name or "every list"
    click.echo(f"{supporter['email']} {'is off' if changed else 'was off already or never on'} {where}.")


@people.command()
@click.argument("address")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept in the audit log.")
@click.option("--complaint", is_flag=True, help="Even if the address reported our mail as spam.")
def lift(address: str, reason: str, complaint: bool) -> None:
    """Allow mail again to an address that bounced or that staff stopped.

    People who unsubscribed themselves come back only by signing up again.
    """
    from mailer.audience.consent.lift import lift as lift_suppressions
    from mailer.staff.actor import terminal

    with workspace_and_database() as (workspace, database):
        key = workspace.secrets.require_address_key()
        with database.write() as connection:
            done = lift_suppressions(
                connection, address, address_key=key, reason=reason, by=terminal(), complaint=complaint, at=now()
            )
    for stop in done.lifted:
        click.echo(f"{done.address} is no longer stopped as {stop.reason} (since {stop.at:%Y-%m-%d}, {stop.source}).")
    if done.kept:
        where = ", ".join(stop.list or "every list" for stop in done.kept)
        click.echo(f"They left {where} by their own decision: that stays.")


@people.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Don't ask.")
def forget(address: str, yes: bool) -> None:
    """Delete a person and everything that names them (GDPR, Article 17).

    If they had unsubscribed, a keyed hash of the address is kept, so that it's never mailed again.
    """
    from mailer.audience.people.people import find_supporter
    from mailer.audience.supporter_care.edit import forget_person
    from mailer.staff.actor import terminal

    with workspace_and_database() as (_, database):
        with database.read() as connection:
            _, supporter = find_supporter(connection, address)
        if not yes:
            click.confirm(f"Delete {supporter['email']} for good?", abort=True)
        with database.write() as connection:
            forget_person(connection, terminal(), supporter["email"], typed=supporter["email"], at=now())
    click.echo(f"{supporter['email']} is deleted. Deliveries are kept as figures, without a person.")
