"""`mailer status`: the state of every campaign."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mailer.cli.context import now, print_json, workspace_and_database
from mailer.cli.tables import print_columns
from mailer.counting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mailer.delivery.campaigns.edited import Edited
    from mailer.delivery.campaigns.status import CampaignStatus
    from mailer.delivery.experiments.kept import KeptTest
    from mailer.delivery.series.due import NextIssue
    from mailer.store.engine.database import Database
    from mailer.store.tables.states import DeliveryState, JobState
    from mailer.workspace import Workspace


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(as_json: bool) -> None:
    """Show the status of every newsletter: sent, scheduled or still a draft.

    Of the mails of automations only those that wait for you are here; `mailer automations` has them all.
    """
    from mailer.automations.control.stuck import stuck_mails
    from mailer.delivery.campaigns.status import WAITING, campaign_statuses, draft_statuses
    from mailer.delivery.ledger.warm_up import WarmUp
    from mailer.delivery.series.due import next_moments
    from mailer.store.jobs import KINDS, count_jobs
    from mailer.store.tables.states import CampaignKind

    moment = now()
    with workspace_and_database() as (workspace, database):
        transport = workspace.settings.transport
        with database.read() as connection:
            statuses = campaign_statuses(connection)
            for mail in stuck_mails(connection):
                statuses += campaign_statuses(connection, slug=mail.campaign)
            jobs = {kind.name: count_jobs(connection, kind) for kind in KINDS}
            today = WarmUp(workspace.settings.pace, transport=transport).today(connection, moment)
            tests, judged = _undecided(connection), _next_judged(connection)
            series = next_moments(connection)
        waiting = [one.slug for one in statuses if one.state in WAITING and one.kind is not CampaignKind.STEP]
        edited = _edited(workspace, database, waiting)
        drafts = draft_statuses(workspace.slugs(), statuses, transport=transport)
    warm_up = {transport: today.in_words(moment)} if today else {}
    asks = bool(workspace.settings.studio.approvals)
    remarks = [
        _remark(
            one,
            warm_up=warm_up.get(one.transport, ""),
            edited=edited.get(one.slug),
            asks=asks,
            tried=_tried(one, tests, judged, zone=workspace.settings.zone),
        )
        for one in statuses
    ]
    repeats = [_repeats(series.get(one.slug), zone=workspace.settings.zone, moment=moment) for one in drafts]
    languages = {slug: 1 + len(workspace.newsletter(slug).translations("message.md")) for slug in workspace.slugs()}
    if as_json:
        told = [*zip(statuses, remarks, strict=True), *zip(drafts, repeats, strict=True)]
        print_json([
            asdict(one) | {"remark": remark, "languages": languages.get(one.slug)} for one, remark in told
        ])  # fmt: skip
    elif not statuses:
        known = f"Drafts: {', '.join(one.slug for one in drafts)}" if drafts else "Begin with: mailer new NEWSLETTER"
        click.echo(f"Nothing was sent or scheduled yet. {known}")
    else:
        _print_statuses([*statuses, *drafts], [*remarks, *repeats], languages)
    if not as_json:
        _print_jobs(jobs)


def _repeats(series: NextIssue | None, *, zone: str, moment: datetime) -> str:
    """What there is to say of a newsletter that repeats, which is never sent itself."""
    from mailer.delivery.schedule.schedule import in_words

    if series is None:
        return ""
    if series.at is None:
        return f"its series is {series.state.value}: mailer series"
    return f"repeats: the next issue is due {in_words(series.at, zone=zone, now=moment)}"


def _print_jobs(jobs: Mapping[str, Mapping[JobState, int]]) -> None:
    """What waits beside the newsletters, and what staff may have to look into. A notice is refused for good where
    somebody mistyped their address, so those aren't counted."""
    from mailer.store.jobs import NOTICE, PROVIDER_POST, THANKS, WEBHOOK_CALL
    from mailer.store.tables.states import JobState

    given_up = {WEBHOOK_CALL: ("webhook", "given up"), PROVIDER_POST: ("provider reports", "not applied")}
    mails = {NOTICE: ("mails of forms", ""), THANKS: ("thanks to those who sign", "")}
    for kind, (title, failed) in {**given_up, **mails}.items():
        states = jobs[kind.name]
        counts = {
            "waiting": states.get(JobState.QUEUED, 0) + states.get(JobState.RUNNING, 0),
            failed: states.get(JobState.FAILED, 0),
            "uncertain": states.get(JobState.UNCERTAIN, 0),
        }
        if said := ", ".join(f"{number:,} {word}" for word, number in counts.items() if word and number):
            click.echo(f"{title}: {said}")


def _edited(workspace: Workspace, database: Database, slugs: list[str]) -> dict[str, Edited | None]:
    """How the files of waiting newsletters differ from what goes out."""
    if not slugs:
        return {}
    from mailer.delivery.campaigns.edited import edited_since

    return {slug: edited_since(workspace, database, slug) for slug in slugs}


def _print_statuses(statuses: list[CampaignStatus], remarks: list[str], languages: Mapping[str, int]) -> None:
    """The table, with a column of how many languages there are where a newsletter has several."""
    several = any(count > 1 for count in languages.values())
    numbers = ("Sent", "Queued", "Failed", "Uncertain", "Held", "Skipped", *(("Languages",) if several else ()))
    rows: list[tuple[str, ...]] = [("Newsletter", "State", *numbers)]
    for one in statuses:
        counts = [one.people.get(state, 0) for state in _shown_states()]
        counts += [languages.get(one.slug, 0)] if several else []
        rows.append((one.slug, one.state, *(f"{count:,}" if count else "–" for count in counts)))
    print_columns(rows, numbers=range(2, len(rows[0])))
    for one, remark in zip(statuses, remarks, strict=True):
        if remark:
            click.echo(f"{one.slug}: {remark}")


def _shown_states() -> tuple[DeliveryState, ...]:
    from mailer.store.tables.states import DeliveryState

    return (
        DeliveryState.SENT, DeliveryState.QUEUED, DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.HELD,
        DeliveryState.SKIPPED,
    )  # fmt: skip


def _remark(one: CampaignStatus, *, warm_up: str, edited: Edited | None, asks: bool, tried: str) -> str:
    """What staff should know or do next. `warm_up`: the progress of its transport's plan, if there is one; `asks`:
    whether newsletters need approval; `tried`: how far its test is."""
    words = "; ".join(filter(None, [_held(one), _next(one, warm_up=warm_up), tried]))
    if edited is None:
        return words
    if asks and edited.word == "scheduled":
        return (
            f"{words}; edited since it was scheduled, so it will NOT leave: {edited.summary}. Have it approved again"
            f" (mailer approve {one.slug}), then schedule it again"
        )
    older = (
        f"edited since it was {edited.word}, so an older version goes out: {edited.summary} (mailer check {one.slug})"
    )
    return f"{words}; {older}" if words else older


def _undecided(connection: Connection) -> dict[int, KeptTest]:
    """Tests without a winner, by the campaign's number. Most of the time there are none, and nothing is loaded for
    them."""
    from sqlalchemy import select

    from mailer.store.tables.experiments import campaign_tests

    waits = select(campaign_tests.c.campaign_id).where(campaign_tests.c.decided_at.is_(None)).limit(1)
    if connection.execute(waits).first() is None:
        return {}
    from mailer.delivery.experiments.kept import undecided_tests

    return undecided_tests(connection)


def _next_judged(connection: Connection) -> dict[int, datetime]:
    """When the next sample is judged of each campaign that goes down its list, by the campaign's number."""
    from sqlalchemy import select

    from mailer.store.tables.experiments import cohorts

    waiting = (cohorts.c.decided_at.is_(None), cohorts.c.decide_at.is_not(None))
    rows = connection.execute(select(cohorts.c.campaign_id, cohorts.c.decide_at).where(*waiting))
    return {int(row[0]): row[1] for row in rows}


def _tried(
    one: CampaignStatus, tests: Mapping[int, KeptTest], judged: Mapping[int, datetime], *, zone: str
) -> str:  # fmt: skip
    """How far its test is, or how it goes down the list; "" once that is decided. Both by the campaign's number."""
    from mailer.delivery.schedule.schedule import in_words
    from mailer.store.tables.states import CampaignState

    number = one.campaign_id or 0
    if one.state is not CampaignState.SENDING or number not in {*tests, *judged}:
        return ""
    if number in judged:
        return f"goes down the list: the next sample is judged {in_words(judged[number], zone=zone, now=now())}"
    test = tests[number]
    if test.why:
        return test.why
    rest = counted(test.plan.people - test.plan.tested)
    return f"its test is decided {in_words(test.decide_at, zone=zone, now=now())}; until then {rest} wait"


def _held(one: CampaignStatus) -> str:
    from mailer.store.tables.states import DeliveryState

    number = one.people.get(DeliveryState.HELD, 0)
    return f"{counted(number)} held, since their hour was past: mailer resolve {one.slug}" if number else ""


def _next(one: CampaignStatus, *, warm_up: str) -> str:
    from mailer.delivery.schedule.schedule import in_words
    from mailer.store.tables.states import CampaignKind, CampaignState, DeliveryState

    moment = now()
    if one.state is CampaignState.SCHEDULED and one.due_at:
        launch = in_words(one.due_at, zone=one.zone, now=moment)
        local = one.local_at.replace("T", " ")
        return f"due {local} where each person is; launched {launch}" if local else f"due {launch}"
    unclear = f"see who, and decide: mailer resolve {one.slug}" if one.people.get(DeliveryState.UNCERTAIN) else ""
    why = _why(one)
    if why and unclear and (one.state is CampaignState.FINISHED or one.kind is CampaignKind.STEP):
        return f"{why} Some are uncertain: {unclear}"
    if why:
        return why
    if unclear:
        return unclear
    if one.troubles and one.state is CampaignState.SENDING:
        runs = "the last run" if one.troubles == 1 else f"the last {one.troubles:,} runs"
        return (
            f"the {one.transport} transport failed in {runs}, so everyone queued waits for it; each `mailer run`"
            " tries again, and `mailer doctor` says what is wrong"
        )
    if warm_up and one.state is CampaignState.SENDING and one.people.get(DeliveryState.QUEUED):
        return warm_up
    if one.next_try and one.next_try > moment:
        return f"next try {in_words(one.next_try, zone='UTC', now=moment)}"
    return ""


def _why(one: CampaignStatus) -> str:
    """Why it is in its state; of an automation's paused step also what that means, and how it goes on."""
    from mailer.store.tables.states import CampaignKind, CampaignState

    if one.kind is not CampaignKind.STEP or one.state is not CampaignState.PAUSED:
        return one.why
    again = "" if "mailer resume" in one.why else f" Go on: mailer resume {one.slug}."
    return f"{one.why.rstrip('.')}. People wait before this step of {one.parent}.{again}"
