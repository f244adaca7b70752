"""`mailer automations`: what they do in numbers; start one, let nobody in any more, stop it, try it out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.store.tables.states import DeliveryState

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.automations.control.figures import AutomationFigures, EntryTold, VersionInNumbers


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def automations(context: click.Context, as_json: bool) -> None:
    """Show every automation in numbers: who is inside, and what became of the others."""
    if context.invoked_subcommand is not None:
        return
    from mailer.automations.control.figures import automation_figures, automation_states

    with workspace_and_database() as (workspace, database), database.read() as connection:
        slugs = sorted({*workspace.automations(), *automation_states(connection)})
        found = {slug: automation_figures(connection, slug) for slug in slugs}
    if as_json:
        print_json({slug: one and asdict(one) for slug, one in found.items()})
        return
    if not found:
        click.echo("There is no automation yet. Begin with a ready-made one: mailer new welcome --automation welcome")
        return
    table = new_table("automation", "state", "inside", "mailed", "through", "left", "", numbers=(2, 3, 4, 5))
    for slug, one in found.items():
        if one is None:
            add_row(table, slug, "draft", "", "", "", "", f"Start it: mailer automations start {slug}")
        else:
            numbers = (one.inside, one.mailed, one.ended, one.left.total())
            add_row(table, slug, one.state.value, *(f"{number:,}" for number in numbers), _told(one))
    print_table(table)


@automations.command()
@click.argument("slug", metavar="AUTOMATION")
@click.option("--person", "address", metavar="ADDRESS", help="The way of one person through it.")
@click.option("--take-out", is_flag=True, help="Take that person out of it.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(slug: str, address: str | None, take_out: bool, as_json: bool) -> None:
    """Show one automation step by step, or one person's way through it."""
    from mailer.audience.people.people import find_supporter
    from mailer.automations.control import orders
    from mailer.automations.control.figures import automation_figures, way_of
    from mailer.staff.actor import terminal

    if take_out and not address:
        raise click.UsageError("--take-out needs --person ADDRESS")
    with workspace_and_database() as (_, database):
        if address:
            with database.read() as connection:
                person_id, _ = find_supporter(connection, address)
            if take_out:
                gone = orders.take_out(database, slug, person_id, terminal(), now=now())
                click.echo(f"{address} is out of {slug}." if gone else f"{address} wasn’t inside {slug}.")
                return
            with database.read() as connection:
                ways = way_of(connection, slug, person_id)
            if as_json:
                print_json([asdict(one) for one in ways])
            else:
                _show_ways(ways, address, slug)
            return
        with database.read() as connection:
            found = automation_figures(connection, slug)
    if found is None:
        raise MailerError(f"{slug} was never started", remedy=f"Try it out: mailer automations dry-run {slug}")
    if as_json:
        print_json(asdict(found))
        return
    click.echo(f"{slug} is {found.state}, started {_moment(found.started_at)}.")
    for version in found.versions:
        _show_version(version)


@automations.command()
@click.argument("slug", metavar="AUTOMATION")
@click.option("--yes", is_flag=True, help="Don't ask.")
def start(slug: str, yes: bool) -> None:
    """Start an automation: people come in from now on.

    After an edit, start it again: people inside stay in the version that they came into, and new people come into the
    new one.
    """
    from mailer.automations.control import orders
    from mailer.automations.control.planned import plan_automation
    from mailer.automations.control.rehearsal import dry_run
    from mailer.staff.actor import terminal

    with workspace_and_database() as (workspace, database):
        workspace.secrets.require_signing()
        planned = plan_automation(database, workspace.newsletter(slug), now=now())
        if not yes:
            with database.read() as connection:
                found = dry_run(connection, planned.automation, now=now(), zone=workspace.settings.zone)
            click.confirm(f"{_comes_in(found.comes_in)} Start it?", abort=True)
        number = orders.start(database, planned, terminal(), settings=workspace.settings.studio, now=now())
    click.echo(f"{slug} is active, in version {number}. `mailer run` must run from cron.")


@automations.command()
@click.argument("slug", metavar="AUTOMATION")
def close(slug: str) -> None:
    """Let nobody in any more. People inside go on to the end."""
    from mailer.automations.control import orders
    from mailer.staff.actor import terminal

    with workspace_and_database() as (_, database):
        orders.close(database, slug, terminal(), now=now())
    click.echo(f"{slug} closes: nobody comes in, and those inside go on to the end.")


@automations.command()
@click.argument("slug", metavar="AUTOMATION")
@click.option("--yes", is_flag=True, help="Don't ask.")
def stop(slug: str, yes: bool) -> None:
    """Stop an automation: everybody is out at once, and nobody gets another mail of it."""
    from mailer.automations.control import orders
    from mailer.staff.actor import terminal

    with workspace_and_database() as (_, database):
        if not yes:
            click.confirm("Everybody leaves it at once, and can't be put back where they were. Stop it?", abort=True)
        queued = orders.stop(database, slug, terminal(), now=now())
    waited = f" {counted(queued, 'mail')} that waited won’t leave." if queued else ""
    click.echo(f"{slug} is stopped.{waited}")


@automations.command("dry-run")
@click.argument("slug", metavar="AUTOMATION")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def dry_run_(slug: str, as_json: bool) -> None:
    """Show who would be where today, had it been running, and who wouldn't be in it. Mails nobody."""
    from mailer.automations.control.planned import plan_automation
    from mailer.automations.control.rehearsal import dry_run

    with workspace_and_database() as (workspace, database):
        planned = plan_automation(database, workspace.newsletter(slug), now=now(), everyone=False)
        with database.read() as connection:
            found = dry_run(connection, planned.automation, now=now(), zone=workspace.settings.zone)
    if as_json:
        print_json(asdict(found))
        return
    since = f" since {found.since:%Y-%m-%d}" if found.since else ""
    click.echo(f"It would be about {counted(found.people)}{since}. Where they would be today:")
    table = new_table("step", "waiting", "mailed", numbers=(1, 2))
    for step in planned.automation.steps:
        add_row(table, step.name, f"{found.waiting[step.name]:,}", f"{found.mailed[step.name]:,}")
    add_row(table, "through", f"{found.ended:,}", "")
    print_table(table)
    for reason, number in found.kept_out.most_common():
        click.echo(f"  {counted(number)} wouldn’t come in: {reason}")
    click.echo(_comes_in(found.comes_in))


def _comes_in(number: int) -> str:
    if not number:
        return "Nobody comes in at once: those do who join, sign or are tagged from now on."
    return f"{counted(number)} {'comes' if number == 1 else 'come'} in as soon as it is started."


def _told(found: AutomationFigures) -> str:
    """What staff should look at, and how."""
    steps = [step for version in found.versions for step in version.steps]
    told = [f"paused: {step.why or step.step} Go on: mailer resume {step.campaign}" for step in steps if step.is_paused]
    for step in steps:
        if uncertain := step.mails.get(DeliveryState.UNCERTAIN, 0):
            told.append(f"{uncertain:,} may have got {step.step} or not: mailer resolve {step.campaign}")
    return "; ".join(told)


def _show_version(version: VersionInNumbers) -> None:
    gone = "".join(f"; {number:,} left: {reason}" for reason, number in version.left.items())
    click.echo(f"\nVersion {version.number}, since {_moment(version.since)}: {version.ended:,} through{gone}")
    table = new_table("step", "there now", "mails", "", numbers=(1,))
    for step in version.steps:
        mails = ", ".join(f"{number:,} {state}" for state, number in step.mails.items())
        add_row(table, step.step, f"{step.inside:,}", mails, f"paused: {step.why}" if step.is_paused else "")
    print_table(table)


def _show_ways(ways: list[EntryTold], address: str, slug: str) -> None:
    if not ways:
        click.echo(f"{address} was never in {slug}.")
    for one in ways:
        click.echo(f"Came in {_moment(one.entered_at)}, version {one.version}")
        for step, state, at in one.mails:
            click.echo(f"  {step}: {state}, {_moment(at)}")
        if one.due_at is not None:
            click.echo(f"  is at {one.step or 'the beginning'}, until {_moment(one.due_at)}")
        else:
            click.echo(f"  {one.reason or 'came to the end'}, {_moment(one.changed_at)}")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
