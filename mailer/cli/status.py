"""How things stand: `status` of every campaign."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mailer.cli.context import console, now, print_json, workspace_and_database

if TYPE_CHECKING:
    from mailer.delivery.status import CampaignStatus
    from mailer.store.states import DeliveryState


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(as_json: bool) -> None:
    """How every newsletter that was sent or scheduled stands."""
    from mailer.delivery.status import campaign_statuses
    from mailer.delivery.warming import WarmUp
    from mailer.delivery.webhook import standing as webhook_standing

    moment = now()
    with workspace_and_database() as (workspace, database), database.read() as connection:
        statuses = campaign_statuses(connection)
        transport = workspace.settings.transport
        calls = webhook_standing(connection)
        today = WarmUp(workspace.settings.pace, transport=transport).today(connection, moment)
    warm_up = {transport: today.in_words(moment)} if today else {}
    remarks = [_remark(one, warm_up=warm_up.get(one.transport, "")) for one in statuses]
    if as_json:
        print_json([asdict(one) | {"remark": remark} for one, remark in zip(statuses, remarks, strict=True)])
    elif not statuses:
        click.echo("Nothing was sent or scheduled yet. Begin with: mailer new SLUG")
    else:
        _print_statuses(statuses, remarks)
    if not as_json and any(calls.values()):
        words = {"queued": "waiting", "failed": "given up"}
        click.echo("webhook: " + ", ".join(f"{number:,} {words.get(state, state)}" for state, number in calls.items()))


def _print_statuses(statuses: list[CampaignStatus], remarks: list[str]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("Newsletter", "State", "Sent", "Queued", "Failed", "Uncertain", "Skipped", ""):
        table.add_column(
            name, justify="right" if name in ("Sent", "Queued", "Failed", "Uncertain", "Skipped") else "left"
        )
    for one in statuses:
        counts = [one.people.get(state, 0) for state in _shown_states()]
        table.add_row(one.slug, one.state, *(f"{count:,}" if count else "–" for count in counts))
    console().print(table)
    for one, remark in zip(statuses, remarks, strict=True):
        if remark:
            click.echo(f"{one.slug}: {remark}")


def _shown_states() -> tuple[DeliveryState, ...]:
    from mailer.store.states import DeliveryState

    return (
        DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.SKIPPED
    )  # fmt: skip


def _remark(one: CampaignStatus, *, warm_up: str) -> str:
    """What staff should know or do next. `warm_up`: where the plan of its transport stands, if there is one."""
    from mailer.delivery.schedule import in_words
    from mailer.store.states import CampaignState, DeliveryState

    moment = now()
    if one.state is CampaignState.SCHEDULED and one.due_at:
        return f"due {in_words(one.due_at, zone=one.zone, now=moment)}"
    unclear = f"see who, and decide: mailer resolve {one.slug}" if one.people.get(DeliveryState.UNCERTAIN) else ""
    if one.why and unclear and one.state is CampaignState.FINISHED:
        return f"{one.why} Some are uncertain: {unclear}"
    if one.why:
        return one.why
    if unclear:
        return unclear
    if one.troubles and one.state is CampaignState.SENDING:
        runs = "the last run" if one.troubles == 1 else f"the last {one.troubles:,} runs"
        return (
            f"the {one.transport} transport failed in {runs}, so whoever is queued waits for it; each `mailer run`"
            " tries again, and `mailer doctor` says what is wrong"
        )
    if warm_up and one.state is CampaignState.SENDING and one.people.get(DeliveryState.QUEUED):
        return warm_up
    if one.next_try and one.next_try > moment:
        return f"next try {in_words(one.next_try, zone='UTC', now=moment)}"
    return ""
