"""Newsletters that repeat: `series` lists them; `series start | pause | stop | send | preview | show` one of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table

if TYPE_CHECKING:
    from mailer.delivery.campaigns.freeze import Plan
    from mailer.delivery.series.issues import SeriesIssue, SeriesStatus
    from mailer.store.engine.database import Database
    from mailer.store.tables.states import SeriesState
    from mailer.workspace import Workspace

SHOWN = 5  # past issues of each series


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_context
def series(context: click.Context, *, as_json: bool) -> None:
    """Newsletters that repeat: when the next issue leaves, and what became of the last ones.

    A newsletter repeats when its front matter has `series:`, and someone started it.
    """
    if context.invoked_subcommand is not None:
        return
    from mailer.delivery.series.issues import all_series

    with workspace_and_database() as (_, database), database.read() as connection:
        found = all_series(connection, most=SHOWN)
    if as_json:
        print_json([_as_data(one) for one in found])
        return
    if not found:
        click.echo("No series was started. Write `series:` above a newsletter’s text: docs/series.md")
        return
    table = new_table("Newsletter", "State", "Next", "Last")
    for one in found:
        last = next(iter(one.past), None)
        told = f"{_day(last, one)} {told_of(last)}" if last else "–"
        add_row(table, one.slug, one.state.value, _next(one), told)
    print_table(table)
    for one in found:
        if one.next and one.next.why:
            click.echo(f"{one.slug}: waits, and is tried again: {one.next.why}")
        for issue in one.past[:SHOWN]:
            if issue.trouble:
                click.echo(f"{one.slug}, {_day(issue, one)}: NOT SENT: {issue.trouble}")
        if one.why:
            click.echo(f"{one.slug}: {one.why}")


@series.command()
@click.argument("slug", metavar="NEWSLETTER")
def start(slug: str) -> None:
    """Start it, or go on after a pause: its issues leave by themselves from now on."""
    from mailer.cli.newsletter.check import fit_to_prove
    from mailer.delivery.schedule.schedule import in_words
    from mailer.delivery.series import issues
    from mailer.staff.actor import terminal

    with workspace_and_database() as (workspace, database):
        workspace.secrets.require_signing()
        newsletter, settings = workspace.newsletter(slug), workspace.settings.studio
        rule = issues.rule_of(_plan(database, workspace, slug))
        plan = fit_to_prove(database, newsletter)
        with database.write() as connection:
            found = issues.start(connection, plan, terminal(), settings=settings, now=now())
    click.echo(f"{slug} leaves {rule.in_words}.")
    click.echo(f"The next issue is due {in_words(found, zone=rule.zone, now=now())}. `mailer run` must run from cron.")
    if settings.approvals:
        how = "by a standing approval" if issues.approval_of(rule, settings) == "standing" else "each"
        click.echo(f"Its issues are approved {how}: docs/series.md")


@series.command()
@click.argument("slug", metavar="NEWSLETTER")
def pause(slug: str) -> None:
    """Make no more issues until it is started again. One that is made and didn't leave is taken off the schedule."""
    from mailer.store.tables.states import SeriesState

    _halt(slug, SeriesState.PAUSED)


@series.command()
@click.argument("slug", metavar="NEWSLETTER")
def stop(slug: str) -> None:
    """End it. One that is made and didn't leave is taken off the schedule; what is leaving goes on."""
    from mailer.store.tables.states import SeriesState

    _halt(slug, SeriesState.STOPPED)


def _halt(slug: str, to: SeriesState) -> None:
    from mailer.delivery.series.issues import halt
    from mailer.staff.actor import terminal

    with workspace_and_database() as (workspace, database):
        list_name = _list_of(workspace, slug)
        with database.write() as connection:
            taken = halt(connection, slug, terminal(), list_name=list_name, to=to, now=now())
    click.echo(f"{slug} is {to.value}: no more issues are made.")
    for one in taken:
        click.echo(f"{one} is off the schedule; nobody was mailed.")


@series.command()
@click.argument("slug", metavar="NEWSLETTER")
def send(slug: str) -> None:
    """Send the newest issue that should have left and didn't: unapproved in time, missed, or with a fault."""
    from mailer.delivery.series.issues import send_after_all
    from mailer.staff.actor import terminal

    with workspace_and_database() as (workspace, database):
        hold = workspace.settings.studio.hold_for
        list_name = _list_of(workspace, slug)
        with database.write() as connection:
            found = send_after_all(connection, slug, terminal(), list_name=list_name, hold=hold, now=now())
    made = found.campaign is not None
    click.echo(
        f"{found.campaign_slug} leaves in {workspace.settings.studio.hold}; to stop it: mailer unschedule "
        f"{found.campaign_slug}"
        if made
        else f"The next `mailer run` makes an issue of {slug} as it is now, and sends it."
    )


@series.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def preview(slug: str, *, as_json: bool) -> None:
    """Show the next three issues: when each is made and leaves, and what would be in it as things are."""
    from mailer.compose.message import as_written
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.schedule.schedule import in_words
    from mailer.delivery.series.issues import rule_of
    from mailer.delivery.series.preview import new_items, next_issues

    with workspace_and_database() as (workspace, database):
        plan = _plan(database, workspace, slug)
        rule = rule_of(plan)
        new = new_items(database, read_source(plan.newsletter), now=now())
        with database.read() as connection:
            found = next_issues(connection, slug, rule, settings=workspace.settings.studio, now=now())
    subject = " ".join(as_written(plan.message, plan.message.subject).split())
    if as_json:
        print_json(
            {
                "rule": rule.in_words,
                "subject": subject,
                "new": new and asdict(new),
                "issues": [asdict(one) for one in found],
            }
        )
        return
    click.echo(f"{slug} leaves {rule.in_words}.")
    for one in found:
        remark = f" ({one.remark})" if one.remark else ""
        click.echo(f"  {in_words(one.planned_at, zone=rule.zone, now=now())}{remark}: {subject}")
    if new is not None and found:
        click.echo(f"In the next one: {new.in_words}.")
    if not found:
        click.echo("  No issue is left: its last day is past.")


def _plan(database: Database, workspace: Workspace, slug: str) -> Plan:
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.plan import prepare

    return prepare(database, read_source(workspace.newsletter(slug))).plan


def _list_of(workspace: Workspace, slug: str) -> str:
    """The list in whose name it goes out; "" where the file is gone, which must keep nobody from stopping it."""
    from mailer.compose.source.message_file import read_source
    from mailer.errors import MailerError

    try:
        return read_source(workspace.newsletter(slug)).list
    except MailerError:
        return ""


def told_of(issue: SeriesIssue) -> str:
    """What became of an issue, in a word or two."""
    from mailer.store.tables.states import IssueState

    if issue.campaign is not None:
        return "not sent" if issue.trouble else issue.campaign.state
    if issue.was_taken_off:
        return "taken off the schedule"
    return {IssueState.SKIPPED: "nothing new", IssueState.MISSED: "missed", IssueState.FAILED: "not sent"}.get(
        issue.state, issue.state.value
    )


def _day(issue: SeriesIssue, of: SeriesStatus) -> str:
    from zoneinfo import ZoneInfo

    return f"{issue.planned_at.astimezone(ZoneInfo(of.rule.zone)):%Y-%m-%d}"


def _next(one: SeriesStatus) -> str:
    from mailer.delivery.schedule.schedule import in_words

    return in_words(one.next.planned_at, zone=one.rule.zone, now=now()) if one.next else "–"


def _as_data(one: SeriesStatus) -> dict[str, Any]:
    return {
        "newsletter": one.slug, "state": one.state.value, "why": one.why or None, "rule": one.rule.in_words,
        "next": one.next and one.next.planned_at,
        "issues": [
            {
                "planned_at": issue.planned_at, "state": issue.state.value, "campaign": issue.campaign_slug or None,
                "campaign_state": issue.campaign.state if issue.campaign is not None else None,
                "why": issue.trouble or issue.why or None,
            }
            for issue in one.issues
        ],
    }  # fmt: skip
