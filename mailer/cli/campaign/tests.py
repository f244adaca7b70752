"""`mailer tests`: the tests of versions, how far each is, what it came to, and staff's own decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import add_row, new_table, print_table
from mailer.errors import MailerError
from mailer.staff.actor import terminal

if TYPE_CHECKING:
    from mailer.delivery.experiments.kept import KeptTest
    from mailer.experiments.deciding import ArmCounts


@click.command()
@click.argument("slug", metavar="[NEWSLETTER]", required=False)
@click.option("--decide", "arm", metavar="a|b|c|d", help="Let everybody else have this version.")
@click.option("--recompute", is_flag=True, help="Compute kept decisions again from what they were made of.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def tests(slug: str | None, arm: str | None, recompute: bool, as_json: bool) -> None:
    """Show the tests of versions, or that of one newsletter, and decide one that is left to you.

    A test is decided by itself at its time. Before that you can decide it only for a version that is so far ahead that
    looking early does no harm. Exits with 1 when --recompute finds a decision that comes out otherwise.
    """
    from mailer.delivery.campaigns import orders
    from mailer.delivery.campaigns.lifecycle import require_campaign
    from mailer.delivery.experiments.counts import arm_counts
    from mailer.delivery.experiments.kept import all_tests, find_test
    from mailer.reports.tested.past import past_tests

    if arm and not slug:
        raise click.UsageError("name the newsletter whose test you decide")
    with workspace_and_database() as (workspace, database):
        if slug and arm:
            limits = workspace.settings.guard
            orders.decide_test(database, slug, terminal(), arm=arm.lower(), limits=limits, now=now())
            click.echo(f"Version {arm.upper()} of {slug} goes to everybody else at the next: mailer run")
            return
        with database.read() as connection:
            found = all_tests(connection)
            if slug:
                number = require_campaign(connection, slug).id
                one = find_test(connection, number)
                found = [one] if one else []
            counts = {test.campaign_id: arm_counts(connection, test.campaign_id) for test in found}
            memory = past_tests(connection)
    if slug and not found:
        raise MailerError(f"{slug} tried no versions, or hasn't left yet", remedy="How to: docs/tests.md.")
    if recompute:
        _recompute(found)
    elif as_json:
        print_json([_as_data(test, counts[test.campaign_id]) for test in found])
    elif slug:
        _show(found[0], counts[found[0].campaign_id], zone=workspace.settings.zone)
    else:
        _list(found, zone=workspace.settings.zone)
        for sentence in memory.told:
            click.echo(sentence)


def _list(found: list[KeptTest], *, zone: str) -> None:
    from mailer.experiments.words import chance

    if not found:
        click.echo("No newsletter tried several versions yet. How to: docs/tests.md")
        return
    table = new_table("Newsletter", "Versions", "State", "Winner", "Decided by", "Best with probability", numbers=(1,))
    for test in found:
        made = test.decision.decision if test.decision else None
        cells = (test.winner.upper(), made.by.value, chance(made.chance)) if made else ("", "", "")
        add_row(table, test.slug, str(len(test.plan.arms)), _state(test, zone), *cells)
    print_table(table)


def _show(test: KeptTest, counts: list[ArmCounts], *, zone: str) -> None:
    from mailer.delivery.experiments.tried import in_short
    from mailer.experiments.words import named, so_far, told

    says = in_short(test.plan.says, test.plan.differs)

    table = new_table(
        "", "Says", "Sent", "Signed", "Followed the link", "Left", "Complained", title=test.slug,
        numbers=(2, 3, 4, 5, 6),
    )  # fmt: skip
    for one in counts:
        figures = (one.sent, one.signed, one.clicked, one.unsubscribed, one.complained)
        style = "bold" if one.arm == test.winner else ""
        add_row(table, named(one.arm), says[one.arm], *(f"{number:,}" for number in figures), style=style)
    print_table(table)
    others = test.plan.people - test.plan.tested
    click.echo(f"{_state(test, zone)}. {others:,} others of {test.plan.people:,} get the winner.")
    kept = test.decision
    if kept is None:
        click.echo(test.why or so_far(counts))
        return
    for sentence in told(kept.counts, kept.decision):
        click.echo(sentence)
    if kept.decision.winner != test.winner:
        click.echo(f"{kept.who} chose {named(test.winner)} all the same.")


def _state(test: KeptTest, zone: str) -> str:
    from mailer.delivery.schedule.schedule import in_words
    from mailer.store.tables.states import DecisionState

    if test.decided_at is not None and test.decision is not None:
        return f"decided {test.decision.how}, {in_words(test.decided_at, zone=zone, now=now())}, by {test.decision.who}"
    if test.state is DecisionState.WAITING:
        return f"is decided {in_words(test.decide_at, zone=zone, now=now())}"
    return f"{test.state}: decide it yourself"


def _recompute(found: list[KeptTest]) -> None:
    from mailer.delivery.experiments.deciding import recomputed

    same = True
    for test in found:
        if test.decision is None:
            continue
        made, kept = recomputed(test), test.decision.decision
        same = same and made == kept
        words = "comes out the same" if made == kept else f"comes out as {made}, and was kept as {kept}"
        click.echo(f"{test.slug}: {kept.winner.upper() or 'none'} by formula {kept.formula}, {words}")
    if not same:
        raise MailerError("a decision comes out otherwise now", remedy="The formula's version says whether it changed.")


def _as_data(test: KeptTest, counts: list[ArmCounts]) -> dict[str, Any]:
    return asdict(test) | {"counts": [asdict(one) for one in counts]}
