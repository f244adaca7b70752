"""`mailer people undo-unsubscribes | bursts`: take back unsubscribes that a scanner pressed, after a look."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.counting import counted
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.delivery.subscriptions.bursts import Burst
    from mailer.delivery.subscriptions.undo import Leaving


@click.command("undo-unsubscribes")
@click.option("--newsletter", "slug", required=True, metavar="NEWSLETTER", help="Whose unsubscribe link they used.")
@click.option("--since", metavar="TIME", help="Only those who left at this time or later: 2026-12-01T09:00, in UTC.")
@click.option("--until", metavar="TIME", help="Only those who left before this time.")
@click.option("--how", type=click.Choice(["link", "one-click"]), help="Only those who left in this way.")
@click.option("--domain", help="Only addresses at this domain.")
@click.option("--yes", is_flag=True, help="Put them back; without it they are only listed.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def undo_unsubscribes(
    slug: str, since: str | None, until: str | None, how: str | None, domain: str | None, yes: bool, as_json: bool
) -> None:
    """List the people who unsubscribed from a newsletter; with --yes, put them back on their lists.

    People who decided something since, or left otherwise, are left alone.
    """
    from mailer.delivery.campaigns.lifecycle import require_campaign
    from mailer.delivery.subscriptions.undo import leavings, marked, undo
    from mailer.staff.actor import terminal
    from mailer.staff.audit import newsletter_subject, record

    begin, end = _moment(since), _moment(until)
    with workspace_and_database() as (_, database), database.write() as connection:
        found = marked(leavings(connection, require_campaign(connection, slug).id))
        chosen = [
            one
            for one in found
            if (begin is None or one.at >= begin)
            and (end is None or one.at < end)
            and how in (None, one.how)
            and (domain or one.domain).lower() == one.domain
        ]
        done = sum(undo(connection, one, by="staff", at=now()) for one in chosen) if yes else 0
        if yes:
            subject, detail = newsletter_subject(slug), counted(done)
            record(connection, terminal(), "unsubscribes taken back", at=now(), subject=subject, detail=detail)
    if as_json:
        print_json([_as_data(one) for one in chosen])
    else:
        _show(chosen, done=done if yes else None)


def _show(chosen: list[Leaving], *, done: int | None, option: str = "--yes") -> None:
    if not chosen:
        click.echo("Nobody left in this way, or all of them have decided something since.")
        return
    table = new_table("Address", "Left (UTC)", "How", "Signs of a machine")
    for one in chosen:
        add_row(table, one.address, f"{one.at:%Y-%m-%d %H:%M:%S}", one.how, "; ".join(one.marks))
    print_table(table)
    people = counted(len(chosen))
    if done is None:
        click.echo(f"{people}. Nothing was changed; to put them back on their lists: {option}")
    else:
        click.echo(f"{done:,} of {people} {'is' if done == 1 else 'are'} back on their lists.")


def _as_data(one: Leaving) -> dict[str, object]:
    return {"address": one.address, "at": one.at, "how": one.how, "marks": list(one.marks)}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MailerError(f"{text!r} is not a time", remedy="Write it as 2026-12-01T09:00 or 2026-12-01.") from None
    return moment.replace(tzinfo=now().tzinfo) if moment.utcoffset() is None else moment


@click.command("bursts")
@click.argument("number", type=int, required=False)
@click.option("--undo", "undoes", is_flag=True, help="A scanner pressed: put them back on their lists.")
@click.option("--leave", "leaves", is_flag=True, help="People pressed: it holds, and is no longer listed.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def bursts(number: int | None, undoes: bool, leaves: bool, as_json: bool) -> None:
    """List bursts of unsubscribes that a scanner probably pressed; with NUMBER, everybody in that one.

    Nothing is undone unless you say so with --undo. People who asked in another way, too, are left alone. A burst is
    known for a month.
    """
    from mailer.delivery.subscriptions.bursts import find_burst, find_bursts, leave_as_is, people_of, undo_burst
    from mailer.staff.actor import terminal

    if ((undoes or leaves) and number is None) or (undoes and leaves):
        raise MailerError("say which burst, and one thing to do", remedy="For example: mailer people bursts 12 --undo")
    with workspace_and_database() as (_, database):
        if number is None:
            with database.read() as connection:
                _show_bursts(find_bursts(connection, now=now()), as_json=as_json)
            return
        with database.write() as connection:
            burst = find_burst(connection, number, "", now=now())
            found = people_of(connection, burst)
            done = undo_burst(connection, terminal(), burst, at=now()) if undoes else None
            if leaves:
                leave_as_is(connection, terminal(), burst, at=now())
    if as_json:
        print_json([_as_data(one.leaving) | {"left_alone": one.why} for one in found])
        return
    _show([replace(one.leaving, marks=(one.why or "goes back",)) for one in found], done=done, option="--undo")


def _show_bursts(found: list[Burst], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"number": one.number, "newsletter": one.slug, "people": one.people, "began": one.began,
                 "ended": one.ended, "signs": list(one.signs)} for one in found
            ]
        )  # fmt: skip
        return
    if not found:
        click.echo("No unsubscribes of the last month look like a scanner's.")
        return
    table = new_table("Number", "Newsletter", "People", "Began (UTC)", "What speaks for a scanner")
    for one in found:
        add_row(
            table, str(one.number), one.slug, f"{one.people:,}", f"{one.began:%Y-%m-%d %H:%M:%S}", "; ".join(one.signs)
        )
    print_table(table)
    click.echo("Nothing was changed. To see who is in one: mailer people bursts NUMBER")
