"""How things stand: `status` of every campaign, and `doctor` for everything a send depends on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from mailer.cli.context import console, now, print_json, workspace_and_database
from mailer.errors import MailerError

if TYPE_CHECKING:
    from mailer.delivery.status import CampaignStatus
    from mailer.store.database import Database
    from mailer.store.states import DeliveryState
    from mailer.workspace import Workspace

LOW_ON_SPACE_BYTES = 200 * 1024 * 1024


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(as_json: bool) -> None:
    """How every newsletter that was sent or scheduled stands."""
    from mailer.delivery.status import campaign_statuses
    from mailer.delivery.warming import WarmUp

    moment = now()
    with workspace_and_database() as (workspace, database), database.read() as connection:
        statuses = campaign_statuses(connection)
        transport = workspace.settings.transport
        today = WarmUp(workspace.settings.pace, transport=transport).today(connection, moment)
    warm_up = {transport: today.in_words(moment)} if today else {}
    remarks = [_remark(one, warm_up=warm_up.get(one.transport, "")) for one in statuses]
    if as_json:
        print_json([asdict(one) | {"remark": remark} for one, remark in zip(statuses, remarks, strict=True)])
    elif not statuses:
        click.echo("Nothing was sent or scheduled yet. Begin with: mailer new SLUG")
    else:
        _print_statuses(statuses, remarks)


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
    if one.why:
        return one.why
    if one.people.get(DeliveryState.UNCERTAIN):
        return f"see who, and decide: mailer resolve {one.slug}"
    if warm_up and one.state is CampaignState.SENDING and one.people.get(DeliveryState.QUEUED):
        return warm_up
    if one.next_try and one.next_try > moment:
        return f"next try {in_words(one.next_try, zone='UTC', now=moment)}"
    return ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is well, and what was found."""

    name: str
    well: bool
    found: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def doctor(as_json: bool) -> None:
    """Look at everything a send depends on: settings, database, keys, transport, public address."""
    with workspace_and_database() as (workspace, database):
        checks = [
            _check("database", lambda: _database(workspace, database)),
            _check("disk space", lambda: _space(workspace)),
            _check("signing key", lambda: _keys(workspace)),
            _check("public address", lambda: _public(workspace)),
            _check("transport", lambda: _transport(workspace)),
        ]
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        for check in checks:
            mark = "[green]ok[/green]  " if check.well else "[red]bad[/red] "
            console().print(f"{mark}{check.name}: {check.found}", soft_wrap=True)
    sys.exit(0 if all(check.well for check in checks) else 1)


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except MailerError as error:
        return Check(name, False, f"{error.message}. {error.hint or ''}".strip())


def _database(workspace: Workspace, database: Database) -> str:
    from sqlalchemy import text

    from mailer.store.database import SCHEMA

    with database.write() as connection:
        # Taking the write lock and giving it back proves that a send could write.
        connection.execute(text("CREATE TEMPORARY TABLE doctor_was_here (one INTEGER)"))
        connection.execute(text("DROP TABLE doctor_was_here"))
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    return f"{kind}, schema {SCHEMA}, can be written"


def _space(workspace: Workspace) -> str:
    free = shutil.disk_usage(workspace.root).free
    if free < LOW_ON_SPACE_BYTES:
        raise MailerError(f"only {free / 1e6:,.0f} MB are free", hint="Make space before sending.")
    return f"{free / 1e9:,.1f} GB free"


def _keys(workspace: Workspace) -> str:
    keys = workspace.secrets.require_signing()
    workspace.secrets.require_address_key()
    return f"{len(keys)} signing key{'s' if len(keys) > 1 else ''}, and a key for suppressed addresses"


def _public(workspace: Workspace) -> str:
    url = workspace.settings.public.url
    if url.startswith(("http://127.0.0.1", "http://localhost")):
        return f"{url}: good for trying out; before mailing people, set public.url to an https address"
    if not url.startswith("https://"):
        raise MailerError(f"{url} is not https", hint="One-click unsubscribe needs https (RFC 8058 §3.1).")
    return url


def _transport(workspace: Workspace) -> str:
    from mailer.transports.choosing import make_transport

    settings = workspace.settings
    return make_transport(settings, workspace.secrets, root=workspace.root).probe()
