"""`mailer approve` and `mailer approvals`: who says that a newsletter may leave exactly as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mailer.cli.campaign.schedule import LOCAL, PAST, SPREAD, planned
from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.newsletter.check import fit_to_mail

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mailer.review.approvals import Approval, ReviewState
    from mailer.review.content import NewsletterContent
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--at", "at", metavar="TIME", help="Approve it for this time only; “now”: whenever it is sent.")
@click.option("--tz", "zone", metavar="ZONE", help="Such as Europe/London.  [default: timezone in mailer.toml, or UTC]")
@LOCAL
@PAST
@SPREAD
@click.option("--ask", "only_ask", is_flag=True, help="Ask the colleagues who may approve it, by mail.")
@click.option("--withdraw", "taken_back", is_flag=True, help="Take your own approval back.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def approve(
    slug: str, at: str | None, zone: str | None, only_ask: bool, taken_back: bool, yes: bool, **timing: Any
) -> None:
    """Approve a newsletter exactly as it is: mail, sign page, thanks, pictures, audience and time.

    Any change voids the approval. [studio] in mailer.toml says how many are needed.
    """
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.approved import content_of
    from mailer.delivery.campaigns.orders import leaving_time
    from mailer.delivery.campaigns.plan import prepare
    from mailer.delivery.schedule.schedule import in_words
    from mailer.review import approvals
    from mailer.review.content import leaves_at
    from mailer.review.planned import plan_time
    from mailer.staff.actor import terminal

    moment, who = now(), terminal()
    with workspace_and_database() as (workspace, database):
        settings = workspace.settings.studio
        if (whole := _whole(workspace, database, slug)) is not None:
            _approve_whole(workspace, database, whole, only_ask=only_ask, withdraw=taken_back, yes=yes)
            return
        newsletter = workspace.newsletter(slug)
        with database.read() as connection:
            leaves = leaving_time(connection, slug)
        if at is not None:
            leaves = None
            if at.strip().lower() != "now":
                leaves, _ = planned(at, zone=zone or workspace.settings.zone, moment=moment, **timing)
        if taken_back:
            content = content_of(prepare(database, read_source(newsletter)).plan, leaves=leaves)
            with database.write() as connection:
                approvals.withdraw(connection, who, content, at=moment)
            click.echo(f"Your approval of {slug} no longer counts.")
            return
        plan, selection, _ = fit_to_mail(database, newsletter, at=leaves.at if leaves else None)
        content = content_of(plan, leaves=leaves)
        when = "as soon as it is sent"
        if leaves:
            when = str(leaves) if leaves.local or leaves.spread else in_words(leaves.at, zone=leaves.zone, now=moment)
        click.echo(f"{slug}, to {selection.chosen:,} people, {when}")
        with database.read() as connection:
            _show(approvals.review_state(connection, content, settings))
        if only_ask:
            with database.write() as connection:
                plan_time(connection, who, slug, leaves, list_name=content.list_name, at=moment)
                click.echo(_asked(connection, workspace, content))
            return
        if not yes:
            click.confirm("Approve exactly this?", abort=True)
        with database.write() as connection:
            plan_time(connection, who, slug, leaves, list_name=content.list_name, at=moment)
            approvals.approve(connection, who, content, seen=content.digest, settings=settings, at=moment)
            state = approvals.review_state(connection, content, settings)
    left = f"; {state.missing} more must approve it" if state.missing else ""
    click.echo(f"You approved {slug} exactly as it is now{left}.")
    if state.needed and not state.missing and (time := leaves_at(content)):
        click.echo(f"Schedule it for {time}: mailer schedule {slug} --at …")


def _whole(workspace: Workspace, database: Database, slug: str) -> NewsletterContent | None:
    """What is approved of an automation with all its mails, or of an issue of a series, which is made already; None for
    a newsletter."""
    from mailer.delivery.series.approval import issue_content
    from mailer.workspace import Newsletter

    if Newsletter(workspace, slug).is_automation:
        from mailer.automations.control.planned import plan_automation

        return plan_automation(database, workspace.newsletter(slug), now=now()).content
    with database.read() as connection:
        return issue_content(connection, slug)


def _approve_whole(
    workspace: Workspace, database: Database, content: NewsletterContent, *, only_ask: bool, withdraw: bool, yes: bool
) -> None:
    from mailer.review import approvals
    from mailer.review.content import leaves_at
    from mailer.staff.actor import terminal

    settings, leaves = workspace.settings.studio, leaves_at(content)
    click.echo(f"{content.slug}, for {leaves}" if leaves else content.slug)
    if only_ask:
        with database.write() as connection:
            click.echo(_asked(connection, workspace, content))
        return
    if not (yes or withdraw):
        with database.read() as connection:
            _show(approvals.review_state(connection, content, settings))
        click.confirm("Approve exactly this?", abort=True)
    with database.write() as connection:
        if withdraw:
            approvals.withdraw(connection, terminal(), content, at=now())
        else:
            approvals.approve(connection, terminal(), content, seen=content.digest, settings=settings, at=now())
        state = approvals.review_state(connection, content, settings)
    _show(state)


def _asked(connection: Connection, workspace: Workspace, content: NewsletterContent) -> str:
    """Ask for approval; what became of it in words."""
    from mailer.delivery.notices.approvers import ask_for_approval
    from mailer.staff.actor import terminal

    mailed = ask_for_approval(connection, terminal(), content, settings=workspace.settings, at=now())
    if mailed:
        return f"Approval is asked for. The next `mailer run` mails it to: {', '.join(mailed)}"
    return (
        "Approval is asked for; nobody gets a mail. Either it was asked for already, or nobody else may approve it, or "
        "[studio] url in mailer.toml doesn't say where they find the studio."
    )


@click.command("approvals")
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def approvals_(slug: str, as_json: bool) -> None:
    """Show who approved a newsletter, and what changed since."""
    from mailer.compose.source.message_file import read_source
    from mailer.delivery.campaigns.approved import content_of
    from mailer.delivery.campaigns.orders import leaving_time
    from mailer.delivery.campaigns.plan import prepare
    from mailer.review.approvals import review_state

    with workspace_and_database() as (workspace, database):
        content = _whole(workspace, database, slug)
        if content is None:
            newsletter = workspace.newsletter(slug)
            with database.read() as connection:
                leaves = leaving_time(connection, slug)
            content = content_of(prepare(database, read_source(newsletter)).plan, leaves=leaves)
        with database.read() as connection:
            state = review_state(connection, content, workspace.settings.studio)
    if as_json:
        print_json(_as_data(state, content))
        return
    _show(state)
    if not state.needed:
        click.echo("To ask for approval before anything leaves: approvals = 1 in [studio] of mailer.toml")


def _show(state: ReviewState) -> None:
    for one in state.counting:
        click.echo(f"  {one.by} approved exactly this on {one.at:%Y-%m-%d %H:%M} UTC")
    for old in state.outdated:
        one = old.approval
        click.echo(f"  {one.by} approved it on {one.at:%Y-%m-%d %H:%M} UTC, and that no longer counts. Changed since:")
        for change in old.since:
            click.echo(f"    {change}")
    click.echo(f"  {state.in_words}")


def _as_data(state: ReviewState, content: NewsletterContent) -> dict[str, Any]:
    from dataclasses import asdict

    def told(one: Approval) -> dict[str, Any]:
        return {"by": one.by, "at": one.at.isoformat(), "digest": one.digest}

    return {
        "digest": content.digest,
        "needed": state.needed,
        "missing": state.missing,
        "counting": [told(one) for one in state.counting],
        "outdated": [
            told(one.approval) | {"changes": [asdict(change) for change in one.since]} for one in state.outdated
        ],
    }
