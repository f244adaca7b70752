"""Who may use the studio: `staff add | list | role | link | disable | enable`; and `audit`, what everybody did."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.settings.schema import ROLES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.staff.accounts import Account
    from mailer.workspace import Workspace

A_ROLE = click.Choice(ROLES)
MAIL = click.option("--mail", "by_mail", is_flag=True, help="Mail them the link instead of printing it.")
SHOWN = 50  # entries of the log, unless asked for more


@click.group()
def staff() -> None:
    """Manage who may use the studio, and what they may do there."""


@staff.command()
@click.argument("address")
@click.option("--role", type=A_ROLE, required=True, help="What they may do.")
@click.option("--name", default="", help="What colleagues call them.")
@click.option("--list", "lists", multiple=True, metavar="LIST", help="Limit them to this list; can be repeated.")
@MAIL
def add(address: str, role: str, name: str, lists: tuple[str, ...], by_mail: bool) -> None:
    """Give ADDRESS an account, and print a link for setting up how they sign in.

    The link works once, within a day. From the first account on, everybody signs in to the studio.
    """
    from mailer.audience.addresses import normalise
    from mailer.staff.accounts import add_account
    from mailer.staff.actor import terminal
    from mailer.staff.rights import Role

    with workspace_and_database() as (workspace, database):
        known = _defined(workspace, lists)
        with database.write() as connection:
            made = add_account(
                connection, terminal(), normalise(address), Role(role), name=name, lists=known or None, at=now()
            )
            told = _way_in(connection, workspace, made, by_mail=by_mail)
    click.echo(f"{made.address} is {_a(made.role)} now.")
    click.echo(told)


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def list_(as_json: bool) -> None:
    """Show who has an account, and how they sign in."""
    from mailer.staff.accounts import accounts
    from mailer.staff.credentials.setting_up import ways_in
    from mailer.staff.sessions import sessions_of

    with workspace_and_database() as (_, database), database.read() as connection:
        found = [
            (one, ways_in(connection, one.id), sessions_of(connection, one.id, now=now()))
            for one in accounts(connection)
        ]
    if as_json:
        print_json(
            [
                {
                    "address": one.address, "name": one.name, "role": one.role.value,
                    "lists": None if one.lists is None else sorted(one.lists), "created_at": one.created_at.isoformat(),
                    "disabled_at": one.disabled_at and one.disabled_at.isoformat(), "passkeys": ways.passkeys,
                    "password": ways.has_password, "single_sign_on": ways.has_sso, "sessions": len(sessions),
                }
                for one, ways, sessions in found
            ]
        )  # fmt: skip
        return
    if not found:
        click.echo("Nobody has an account. Anybody who can open a terminal here may do everything: mailer staff add")
        return
    table = new_table("Address", "Name", "Role", "Lists", "Signs in by", "Signed in")
    for one, ways, sessions in found:
        lists = "all" if one.lists is None else ", ".join(sorted(one.lists)) or "none"
        kinds = (ways.passkeys, "passkey"), (ways.has_password, "password and code"), (ways.has_sso, "single sign-on")
        by = ", ".join(words for has, words in kinds if has) or "nothing yet"
        seen = f"{sessions[0].seen_at:%Y-%m-%d %H:%M} UTC" if sessions else ""
        state = "disabled" if one.disabled_at else one.role.value
        add_row(table, one.address, one.name, state, lists, by, seen)
    print_table(table)


@staff.command()
@click.argument("address")
@click.argument("role", type=A_ROLE)
@click.option("--list", "lists", multiple=True, metavar="LIST", help="Limit them to this list; can be repeated.")
@click.option("--all-lists", is_flag=True, help="Lift the limit to certain lists.")
def role(address: str, role: str, lists: tuple[str, ...], all_lists: bool) -> None:
    """Change the role of ADDRESS, and their lists if you name any. They are signed out."""
    from mailer.audience.addresses import normalise
    from mailer.staff.accounts import account_at, change_rights
    from mailer.staff.actor import terminal
    from mailer.staff.rights import Role

    if lists and all_lists:
        raise click.UsageError("--list and --all-lists exclude each other.")
    with workspace_and_database() as (workspace, database):
        known = _defined(workspace, lists)
        with database.write() as connection:
            account = account_at(connection, normalise(address))
            wanted = None if all_lists else known or account.lists
            changed = change_rights(connection, terminal(), account, role=Role(role), lists=wanted, at=now())
    limited = "" if changed.lists is None else f", for {', '.join(sorted(changed.lists))}"
    click.echo(f"{changed.address} is {_a(changed.role)} now{limited}.")


@staff.command()
@click.argument("address")
@MAIL
def link(address: str, by_mail: bool) -> None:
    """Print a new link for somebody who can't sign in any more. It works once, within a day."""
    from mailer.audience.addresses import normalise
    from mailer.errors import MailerError
    from mailer.staff.accounts import account_at

    with workspace_and_database() as (workspace, database), database.write() as connection:
        account = account_at(connection, normalise(address))
        if account.disabled_at is not None:
            raise MailerError(
                f"{account.address} is disabled", remedy=f"To let them in again: mailer staff enable {account.address}"
            )
        told = _way_in(connection, workspace, account, by_mail=by_mail)
    click.echo(told)


@staff.command()
@click.argument("address")
def disable(address: str) -> None:
    """Stop ADDRESS from signing in, and sign them out. What they did stays in the log."""
    from mailer.audience.addresses import normalise
    from mailer.staff.accounts import account_at, disable_account
    from mailer.staff.actor import terminal

    with workspace_and_database() as (_, database), database.write() as connection:
        account = disable_account(connection, terminal(), account_at(connection, normalise(address)), at=now())
    click.echo(f"{account.address} can't sign in any more.")


@staff.command()
@click.argument("address")
def enable(address: str) -> None:
    """Let a disabled ADDRESS sign in again, as they did before."""
    from mailer.audience.addresses import normalise
    from mailer.staff.accounts import account_at, enable_account
    from mailer.staff.actor import terminal

    with workspace_and_database() as (_, database), database.write() as connection:
        account = enable_account(connection, terminal(), account_at(connection, normalise(address)), at=now())
    click.echo(f"{account.address} can sign in again.")


@click.command()
@click.option("--about", default="", metavar="TEXT", help="Only entries with these words.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on (UTC).")
@click.option("--limit", type=click.IntRange(1), default=SHOWN, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def audit(about: str, since: datetime | None, limit: int, as_json: bool) -> None:
    """Show who did what, when and from where, the newest first."""
    from dataclasses import asdict
    from datetime import UTC

    from mailer.staff.audit import AuditFilter, entries

    wanted = AuditFilter(text=about, since=since.replace(tzinfo=UTC) if since else None)
    with workspace_and_database() as (_, database), database.read() as connection:
        found = entries(connection, wanted, limit=limit)
    if as_json:
        print_json([{**asdict(one), "at": one.at.isoformat()} for one in found])
        return
    if not found:
        click.echo("Nothing was done yet." if wanted == AuditFilter() else "There is no such entry.")
        return
    table = new_table("When (UTC)", "Who", "What", "About", "More", "Why", "From")
    for one in found:
        add_row(table, f"{one.at:%Y-%m-%d %H:%M:%S}", one.by, one.action, one.subject, one.detail, one.reason, one.via)
    print_table(table)


def _defined(workspace: Workspace, lists: tuple[str, ...]) -> list[str]:
    return [workspace.list_definition(name).name for name in lists]


def _way_in(connection: Connection, workspace: Workspace, account: Account, *, by_mail: bool) -> str:
    """A new link for the account, mailed or in words to print."""
    from mailer.staff.actor import terminal
    from mailer.staff.one_time_links import link_address, make_link

    if by_mail:
        from mailer.delivery.notices.queue import Notice, NoticeKind, queue

        queue(connection, Notice(NoticeKind.STAFF_LINK, account.address, account=account.id), at=now())
        return "A link is mailed to them by the next `mailer run`. It works once, within a day."
    token = make_link(connection, terminal(), account, at=now())
    where = "" if workspace.settings.studio.url else " while `mailer studio` runs on this machine"
    return (
        f"Send them this link by a way that others can't read. It works once, within a day{where}:\n"
        f"{link_address(workspace.settings, token)}"
    )


def _a(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"
