"""Sending: a proof, the campaign itself, and stopping it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mailer.cli.context import note, now, workspace_and_database
from mailer.cli.newsletter.check import fit_to_mail, fit_to_prove, thanks_to_prove
from mailer.cli.tables import print_pairs
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.staff.actor import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mailer.audience.selection.languages import VersionReach
    from mailer.audience.selection.select import Selection
    from mailer.delivery.campaigns.freeze import Plan
    from mailer.delivery.campaigns.orders import Order
    from mailer.delivery.experiments.announced import AnnouncedTest
    from mailer.review.content import PlannedTime
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--to", "to", required=True, metavar="ADDRESS", help="Who gets the proof.")
@click.option("--as", "as_address", metavar="ADDRESS", help="Make it as this person gets it; their address.")
@click.option("--language", metavar="LANGUAGE", help="Send this translation; else the one that the person gets.")
@click.option("--version", "arm", metavar="a|b|c|d", help="Send this version of its test; else all of them.")
@click.option("--thanks", is_flag=True, help="Send the mail that thanks those who sign instead.")
def test(slug: str, to: str, as_address: str | None, language: str | None, arm: str | None, thanks: bool) -> None:
    """Send a proof of a newsletter to one address. It is marked as a proof, and clicks in it never count."""
    from mailer.audience.addresses import normalise
    from mailer.audience.people.people import example, find_supporter
    from mailer.delivery.sending.proofs import ProofRecipient, send_proof
    from mailer.delivery.thanks.proofs import prove_thanks
    from mailer.staff.audit import newsletter_subject
    from mailer.transports.provider import make_transport

    with workspace_and_database() as (workspace, database):
        plan = (thanks_to_prove if thanks else fit_to_prove)(database, workspace.newsletter(slug))
        address = normalise(to)
        person_id, supporter = None, example({"email": address, "first_name": "", "name": ""})
        if as_address:
            with database.read() as connection:
                person_id, supporter = find_supporter(connection, as_address)
        transport = make_transport(workspace.settings, workspace.secrets, root=workspace.root)
        plan = plan.of_version(arm) if arm else plan
        plan = plan.in_language(language) if language else plan
        if thanks:
            known = supporter if as_address else None
            prove_thanks(database, plan, known, to=address, transport=transport, now=now())
        else:
            proof = ProofRecipient(to=address, supporter=supporter, person_id=person_id)
            send_proof(database, plan, proof, transport=transport, now=now())
        note(database, "proof sent", newsletter_subject(slug))
    click.echo(
        f"A proof of {slug} went to {address} by {transport.name}. Its links work; nothing done with them counts."
    )


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--yes", "agreed", type=int, metavar="N", help="Send without asking, if the audience is N people.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--later", is_flag=True, help="Only launch it; `mailer run` does the sending.")
def send(slug: str, agreed: int | None, dry_run: bool, later: bool) -> None:
    """Send a newsletter, after showing you who gets it and asking."""
    from mailer.cli.campaign.run import send_now
    from mailer.delivery.campaigns import orders
    from mailer.delivery.campaigns.lifecycle import find_campaign, refuse_launched

    with workspace_and_database() as (workspace, database):
        workspace.secrets.require_signing()
        with database.read() as connection:
            refuse_launched(find_campaign(connection, slug))
        plan, selection, reached = fit_to_mail(database, workspace.newsletter(slug))
        show_plan(workspace, database, plan=plan, selection=selection, reached=reached, at=now())
        if not selection.chosen:
            raise MailerError(
                "nobody would get this mail", remedy=f"See who is left out and why: mailer audience {slug}"
            )
        order = order_of(plan)
        if dry_run:
            click.echo(_approval(database, order))
            click.echo("Nothing was sent (--dry-run).")
            return
        _require_approvals(database, order)  # before anybody types a number
        _agree(selection.chosen, agreed)
        orders.send(database, order, expected=selection.chosen, now=now())
        if later:
            click.echo(f"Launched. `mailer run` sends it to {counted(selection.chosen)}.")
            return
        sys.exit(send_now(workspace, database, slug))


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--why", default="paused by staff", show_default=True, help="Shown by `mailer status`.")
def pause(slug: str, why: str) -> None:
    """Pause sending a newsletter. People who haven't been mailed yet stay queued."""
    from mailer.delivery.campaigns import lifecycle, orders

    with workspace_and_database() as (_, database):
        campaign_id, state = campaign_of(database, slug)
        if not orders.pause(database, slug, terminal(), why=why, now=now()):
            raise MailerError(f"{slug} is {state}, so there is nothing to pause")
        finished = lifecycle.finish_if_done(database, campaign_id, now=now())
    click.echo(
        f"{slug} is finished: nobody was left to mail."
        if finished
        else f"{slug} is paused. Go on with: mailer resume {slug}"
    )


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
def resume(slug: str) -> None:
    """Resume a paused newsletter; `mailer run` does the sending."""
    from mailer.delivery.campaigns import lifecycle, orders

    with workspace_and_database() as (_, database):
        campaign_id, state = campaign_of(database, slug)
        finished = state == "paused" and lifecycle.finish_if_done(database, campaign_id, now=now())
        if not (finished or orders.resume(database, slug, terminal(), now=now())):
            raise MailerError(f"{slug} is {state}, not paused")
    click.echo(
        f"{slug} is finished: nobody was left to mail." if finished else f"{slug} carries on at the next: mailer run"
    )


@click.command()
@click.argument("slug", metavar="NEWSLETTER")
@click.option("--yes", is_flag=True, help="Don't ask.")
def cancel(slug: str, yes: bool) -> None:
    """Stop a newsletter for good. People who haven't been mailed yet never get it."""
    from mailer.delivery.campaigns import orders

    with workspace_and_database() as (_, database):
        _, state = campaign_of(database, slug)
        if not yes:
            click.confirm(f"Cancel {slug} for good?", abort=True)
        count = orders.cancel(database, slug, terminal(), now=now())
        if count is None:
            raise MailerError(f"{slug} is {state}, so there is nothing to cancel")
    click.echo(
        f"{slug} is cancelled; {counted(count)} who {'was' if count == 1 else 'were'} queued will not be mailed."
    )


def order_of(plan: Plan, leaves: PlannedTime | None = None) -> Order:
    """What the person at the terminal orders."""
    from mailer.delivery.campaigns.approved import content_of
    from mailer.delivery.campaigns.orders import Order

    settings = plan.newsletter.workspace.settings
    return Order(plan, content_of(plan, leaves=leaves), terminal(), settings.studio)


def _require_approvals(database: Database, order: Order) -> None:
    from mailer.review.approvals import require_approvals

    with database.read() as connection:
        require_approvals(connection, order.content.slug, order.content.digest, order.settings)


def _approval(database: Database, order: Order) -> str:
    from mailer.review.approvals import review_state

    with database.read() as connection:
        return f"Approval: {review_state(connection, order.content, order.settings).in_words}."


def campaign_of(database: Database, slug: str) -> tuple[int, str]:
    """The number and state of a newsletter's campaign; raises when there is none."""
    from mailer.delivery.campaigns.lifecycle import require_campaign

    with database.read() as connection:
        row = require_campaign(connection, slug)
    return row.id, row.state


def show_plan(
    workspace: Workspace, database: Database, *, plan: Plan, selection: Selection, reached: Sequence[VersionReach],
    at: datetime,
) -> None:  # fmt: skip
    """Show subject, sender, audience with reasons and languages, transport, and how long it takes when it leaves `at`
    this time."""
    from mailer.audience.selection.languages import in_words
    from mailer.compose.message import as_written
    from mailer.delivery.ledger.time_to_send import duration_of

    message, settings = plan.message, workspace.settings
    with database.read(of_everyone=True) as connection:
        takes = duration_of(
            connection, plan.audience, selection.chosen, settings.pace, transport=settings.transport, at=at
        )
        tested = None
        if message.test:
            from mailer.delivery.experiments.announced import announced  # few newsletters test anything

            tested = announced(connection, message, selection.chosen)
    left_out = [f"{count:,} {reason.value}" for reason, count in selection.excluded.items()]
    rows = [
        ("Subject", as_written(message, message.subject)),
        ("From", message.from_),
        ("Transport", _transport(workspace)),
        ("Audience", f"{selection.total:,} on {', '.join(plan.audience.include)}"),
        ("Left out", ", ".join(left_out)),
        ("Gets it", click.style(counted(selection.chosen), bold=True)),
        *_tried(tested, at=at, zone=settings.zone),
    ]
    if plan.audience.down_the_list:
        rows.append(("Goes down", f"the list: {plan.audience.down_the_list.in_words}"))
    rows += [("Language", words) for words in in_words(reached)]
    rows.append(("Takes", takes.in_words))
    print_pairs((name, words) for name, words in rows if words)


def _tried(test: AnnouncedTest | None, *, at: datetime, zone: str) -> Iterator[tuple[str, str]]:
    """The versions of a test, and its plan."""
    if test is None:
        return
    from mailer.delivery.experiments.announced import in_words

    yield from ((f"Version {arm.upper()}", said) for arm, said in zip(test.arms, test.said, strict=True))
    yield from (("Test", words) for words in in_words(test, at=at, zone=zone))


def _transport(workspace: Workspace) -> str:
    settings = workspace.settings
    from mailer.transports.provider import provider_named

    return f"{settings.transport} ({provider_named(settings.transport).where(settings)})"


def _agree(count: int, agreed: int | None) -> None:
    """Ask for the number of people to be typed; anything else sends nothing."""
    if agreed is None:
        if not sys.stdin.isatty():
            raise MailerError("nobody is there to ask", remedy=f"In a script, name the number of people: --yes {count}")
        answer = click.prompt(f"To send, type the number of people ({count})", default="", show_default=False)
        agreed = int(answer) if str(answer).strip().isdigit() else None
    if agreed != count:
        raise MailerError(f"the audience is {counted(count)}, not {agreed or 'what was typed'}; nothing was sent")
