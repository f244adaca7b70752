"""Scheduling: at one moment for everybody, or at an hour of each person's own zone; and what became of those it was too
late for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from mailer.cli.campaign.send import campaign_of, order_of, show_plan
from mailer.cli.context import console, now, workspace_and_database
from mailer.cli.newsletter.check import fit_to_mail
from mailer.counting import counted
from mailer.staff.actor import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.table import Table

    from mailer.audience.selection.spec import Audience
    from mailer.delivery.schedule.local_hours import HourOfZone, Timing
    from mailer.delivery.schedule.schedule import Due
    from mailer.review.content import PlannedTime
    from mailer.settings import Pace
    from mailer.store.engine.database import Database
    from mailer.store.tables.states import DeliveryState

LOCAL = click.option(
    "--local", is_flag=True, help="When the clocks show it where each person is: “--at 09:00 --local”."
)  # fmt: skip
PAST = click.option(
    "--past", type=click.Choice(["at-once", "leave-out"]),
    help="With --local: what becomes of people where that is past already.",
)  # fmt: skip
SPREAD = click.option("--spread", metavar="3h", help="Let the mails leave evenly over this long.")
MOST_ZONES = 40  # shown


def planned(
    at: str, *, zone: str, moment: datetime, local: bool, past: str | None, spread: str | None
) -> tuple[PlannedTime, Due]:
    """What the options say: when a newsletter leaves, and how the time was read. Raises for what doesn't fit."""
    from mailer.delivery.schedule.schedule import read_due, read_local_due
    from mailer.review.content import PlannedTime
    from mailer.settings.durations import seconds_of
    from mailer.store.tables.states import PastHour

    if past and not local:
        raise click.UsageError("--past belongs to --local.")
    due = (read_local_due if local else read_due)(at, zone=zone, now=moment)
    over = timedelta(seconds=seconds_of(spread)) if spread else timedelta()
    return PlannedTime(due.instant, due.zone, local, PastHour(past or ""), over), due


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option(
    "--at", "at", required=True, metavar="TIME",
    help='When it is due: "2026-12-01 09:00", "1 December 2026 9am", "tomorrow 9:00". A day alone means 09:00.',
)  # fmt: skip
@click.option("--tz", "zone", metavar="ZONE", help="Such as Europe/London.  [default: timezone in mailer.toml, or UTC]")
@click.option("--late", default="2h", show_default=True, help="If this much too late, flag it instead of sending.")
@LOCAL
@PAST
@SPREAD
def schedule(
    slug: str, at: str, zone: str | None, late: str, local: bool, past: str | None, spread: str | None
) -> None:
    """Schedule a newsletter: its message is frozen now, and `mailer run`, started by cron, sends it when it is due.

    With --local everybody gets it at that hour of their own zone, as far as that is known or can be guessed.
    """
    from mailer.delivery.campaigns import orders
    from mailer.delivery.campaigns.timed import launches_at
    from mailer.delivery.schedule.schedule import in_words
    from mailer.settings.durations import seconds_of

    moment, allowed = now(), timedelta(seconds=seconds_of(late))
    with workspace_and_database() as (workspace, database):
        leaves, due = planned(
            at, zone=zone or workspace.settings.zone, moment=moment, local=local, past=past, spread=spread
        )
        workspace.secrets.require_signing()
        plan, selection, reached = fit_to_mail(database, workspace.newsletter(slug), at=max(leaves.at, moment))
        launch = launches_at(leaves, plan.message, earliest=moment)
        show_plan(workspace, database, plan=plan, selection=selection, reached=reached, at=launch)
        if local:
            _show_hours(database, plan.audience, leaves, due_at=launch, late=allowed, pace=workspace.settings.pace)
        orders.schedule(database, order_of(plan, leaves), late=allowed, now=moment)
    for remark in due.notes:
        click.echo(remark)
    if not (zone or workspace.settings.timezone):
        click.echo('No time zone is set, so UTC is meant. Set timezone = "Europe/London" in mailer.toml, or use --tz.')
    if local:
        click.echo(f"{slug} is due {leaves}; it is launched {in_words(launch, zone=leaves.zone, now=moment)}.")
    else:
        click.echo(f"{slug} is due {in_words(due.instant, zone=due.zone, now=moment)}.")
    click.echo("The message is frozen as it is now; who gets it is decided then. `mailer run` must run from cron.")


def _show_hours(database: Database, audience: Audience, leaves: PlannedTime, *, due_at: datetime, late: timedelta,
                pace: Pace) -> None:  # fmt: skip
    """The zones that people are in: how many, and when it leaves there in UTC."""
    from mailer.delivery.campaigns.timed import local_hours
    from mailer.delivery.schedule.local_hours import too_slow

    with database.read(of_everyone=True) as connection:
        timing, hours = local_hours(connection, audience, leaves, due_at=due_at, late=late)
    console().print(_table(hours, timing))
    if slow := too_slow(hours, timing, per_second=pace.per_second):
        named = ", ".join(one.zone for one in slow[:3])
        click.echo(
            f"At {pace.per_second:g} a second not everybody in {named} is reached within {late} of the hour; the others"
            " are held, and you decide. Allow more with --late, or spread the mails (--spread).", err=True,
        )  # fmt: skip


def _table(hours: Sequence[HourOfZone], timing: Timing) -> Table:
    from rich.table import Table

    from mailer.store.tables.states import PastHour

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("Zone", "People", "UTC", ""):
        table.add_column(name, justify="right" if name == "People" else "left")
    then = {PastHour.AT_ONCE: "past: at once", PastHour.LEAVE_OUT: "past: left out"}.get(timing.past, "past")
    for one in hours[:MOST_ZONES]:
        said = [f"{one.guessed:,} guessed"] * bool(one.guessed) + [f"{one.unknown:,} not known"] * bool(one.unknown)
        said += [then] * one.is_past
        table.add_row(one.zone, f"{one.people:,}", f"{one.hour:%a %-d %b %H:%M}", ", ".join(said))
    if len(hours) > MOST_ZONES:
        more = hours[MOST_ZONES:]
        table.add_row(f"{len(more)} more zones", f"{sum(one.people for one in more):,}", "", "")
    return table


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
def unschedule(slug: str) -> None:
    """Take a newsletter off the schedule."""
    from mailer.delivery.campaigns import orders

    with workspace_and_database() as (_, database):
        orders.stop(database, slug, terminal(), now=now())
    click.echo(f"{slug} is off the schedule; nobody was mailed.")


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--resend", "choice", flag_value="resend", help="Send it to them again; some may get it twice.")
@click.option("--count-as-sent", "choice", flag_value="count", help="Count them as sent; some may never have got it.")
@click.option(
    "--retry-failed", "choice", flag_value="retry", help="Queue everyone again who missed it through our own fault."
)
@click.option("--held-now", "choice", flag_value="now", help="Mail those whose hour was past at once.")
@click.option("--held-next-day", "choice", flag_value="next day", help="Mail them when their clocks show it next.")
@click.option("--held-leave-out", "choice", flag_value="left out", help="Leave them out.")
def resolve(slug: str, choice: str | None) -> None:
    """Decide what happens to uncertain deliveries: people who may or may not have got the email.

    Without an option, lists them. --retry-failed is for other people: those who certainly got nothing because our
    sender, host or login was refused. Use it once that is fixed. The options that begin with --held are for people
    whose hour was past when their turn came, of a newsletter by local time.
    """
    from mailer.delivery.campaigns import orders
    from mailer.delivery.campaigns.held import HeldChoice

    with workspace_and_database() as (_, database):
        if choice == "retry":
            again = orders.retry(database, slug, terminal(), now=now())
            people = f"{counted(again)} who missed {slug} by our own fault"
            click.echo(f"{people} {'is' if again == 1 else 'are'} queued again; `mailer run` sends.")
            return
        if choice is None:
            _list(database, slug)
            return
        if choice in list(HeldChoice):
            number = orders.decide_held(database, slug, terminal(), HeldChoice(choice), now=now())
            click.echo(f"{counted(number)} who {'was' if number == 1 else 'were'} held: {_DECIDED[choice]}.")
            return
        count = orders.resolve(database, slug, terminal(), resend=choice == "resend", now=now())
    done = f"{'is' if count == 1 else 'are'} queued again; `mailer run` sends"
    if choice != "resend":
        done = f"now {'counts' if count == 1 else 'count'} as sent"
    click.echo(f"{counted(count, 'uncertain delivery', 'uncertain deliveries')} of {slug} {done}.")


_DECIDED = {
    "now": "queued; `mailer run` sends at once",
    "next day": "queued for the hour when their clocks show it next",
    "left out": "left out, with the reason",
}


def _list(database: Database, slug: str) -> None:
    """The people that staff decide about."""
    from mailer.store.tables.states import DeliveryState

    campaign_id, _ = campaign_of(database, slug)
    held = _print(database, campaign_id, DeliveryState.HELD)
    if held:
        choices = "--held-now, --held-next-day or --held-leave-out"
        click.echo(f"The hour of {counted(held)} was past when their turn came. Decide: {choices}")
    if found := _print(database, campaign_id, DeliveryState.UNCERTAIN):
        click.echo(f"{counted(found)} may have got {slug} or not. Decide: --resend or --count-as-sent")
    elif not held:
        click.echo(f"No delivery of {slug} is uncertain.")


def _print(database: Database, campaign_id: int, state: DeliveryState) -> int:
    from mailer.delivery.campaigns.status import people_apart

    with database.read() as connection:
        found = people_apart(connection, campaign_id, state)
    for one in found:
        click.echo(f"{one.address or '(forgotten since)'}  {one.since:%Y-%m-%d %H:%M} UTC  {one.why}")
    return len(found)
