"""What cron calls: run."""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING

import click

from mailer.cli.campaign.run_told import in_counts, tell_report
from mailer.cli.context import console, now, print_json, workspace_and_database

if TYPE_CHECKING:
    from datetime import datetime

    from mailer.compose.source.written import Source
    from mailer.delivery.sending.progress import SendCounts
    from mailer.delivery.sending.run_control import Stop
    from mailer.delivery.series.making import CheckedIssue, SettledIssue
    from mailer.delivery.webhooks.deliver import CallRound
    from mailer.store.engine.database import Database
    from mailer.workspace import Workspace

    Progress = Callable[[str, SendCounts], None]

SIGNAL_DRAIN_SECONDS = 5.0  # after Ctrl-C or SIGTERM, for answers that are on their way
TROUBLE = 3  # exit code of a run that somebody should look at
TIDY_SECONDS = 600.0  # between looks of a loop for what is too old to be kept
LOOP_PAUSE_SECONDS = 0.5  # so that a resume takes effect within a second
NOTE_SECONDS = 55.0  # between the traces that a loop leaves of itself
JUDGE_SECONDS = 60.0  # between looks at the clicks that came, which read all of a campaign's


@click.command()
@click.option("--for", "duration", metavar="55s", help="Stop after this long; the rest stays queued.")
@click.option("--loop", is_flag=True, help="Keep looking for work until stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.option(
    "--beside", hidden=True, type=(str, int), help="Send this newsletter beside the run that started this one."
)
def run(duration: str | None, loop: bool, as_json: bool, beside: tuple[str, int] | None) -> None:
    """Do everything that is due: launch, send, retry, clean up, call the webhook. Overlapping runs are safe."""
    if beside:
        _assist(*beside)
        return
    from mailer.delivery.sending.cleanup import tidy
    from mailer.delivery.sending.run import note_run
    from mailer.delivery.sending.run_control import Stop
    from mailer.settings.durations import seconds_of

    gc.freeze()  # keeps the garbage collector from scanning what is loaded
    stop = Stop(time.monotonic() + seconds_of(duration) if duration else None)
    code, tidied_at, noted_at = 0, float("-inf"), float("-inf")
    judged_at: float | None = None
    with workspace_and_database() as (workspace, database), _signals(stop):
        if workspace.settings.webhook.url:
            workspace.secrets.require_webhook()  # said before anybody is mailed
        while True:
            if time.monotonic() - tidied_at > TIDY_SECONDS:
                tidy(database, now=now(), keep_replies=workspace.settings.replies.keep)
                tidied_at = time.monotonic()
            if time.monotonic() - noted_at > NOTE_SECONDS:
                note_run(database, now=now())
                noted_at = time.monotonic()
            code = max(code, _run_once(workspace, database, stop, as_json=as_json))
            if judged_at is None or time.monotonic() - judged_at > JUDGE_SECONDS:
                judged_at = time.monotonic()
                _judge_clicks(database)
            if not loop or stop.due():
                break
            time.sleep(LOOP_PAUSE_SECONDS)
    sys.exit(code)


def send_now(workspace: Workspace, database: Database, slug: str) -> int:
    """Send a campaign that was just launched, with progress on a terminal; returns the exit code."""
    from mailer.delivery.sending.run_control import Stop

    gc.freeze()  # keeps the garbage collector from scanning what is loaded
    stop = Stop()
    with _signals(stop):
        code = _run_once(workspace, database, stop, as_json=False, only=slug)
    if stop.reason:
        click.echo("Everyone left stays queued; `mailer run` carries on.")
    return code


def _assist(slug: str, processes: int) -> None:
    """What each of the processes does that a run starts beside itself."""
    from mailer.child_processes import when_starter_ends
    from mailer.delivery.sending.run import Runner
    from mailer.delivery.sending.run_control import Stop
    from mailer.delivery.sending.worker_processes import BETWEEN_LOOKS_SECONDS, tell

    gc.freeze()
    stop, told_at = Stop(), float("-inf")

    def progress(_slug: str, tally: SendCounts) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > BETWEEN_LOOKS_SECONDS:
            told_at = time.monotonic()
            tell(tally)

    gone = "the process that started this one has ended"
    when_starter_ends(lambda: stop.now(gone, drain_seconds=SIGNAL_DRAIN_SECONDS))
    with workspace_and_database() as (workspace, database), _signals(stop, again=False):
        runner = Runner(workspace, database, clock=now, stop=stop, progress=progress, say=_say)
        tell(runner.assist(slug, processes=processes))


def _run_once(workspace: Workspace, database: Database, stop: Stop, *, as_json: bool, only: str | None = None) -> int:
    from mailer.automations.engine.due import run_due
    from mailer.cli.campaign.held import HeldNewsletters
    from mailer.delivery.sending.run import Runner

    _apply_posts(workspace, database, stop)
    made: Sequence[SettledIssue] = ()
    with _progress() as progress:
        if only is None:
            made = _make_issues(workspace, database)
            _notify(workspace, database, stop)
            _thank(workspace, database, stop)
            run_due(database, zone=workspace.settings.zone, clock=now, due=stop.due)
        held = HeldNewsletters(workspace, database)
        report = Runner(
            workspace,
            database,
            clock=now,
            stop=stop,
            progress=progress,
            say=_say,
            why_hold=held.why_hold,
            why_not=held.why_not,
        ).run(only)
    told = _tell_others(workspace, database, stop) if only is None else None
    if only is None:
        _work(workspace, database, stop)
    if as_json:
        more = {"told": asdict(told) if told else None, "edited": held.edited, "issues": [asdict(one) for one in made]}
        print_json(asdict(report) | {name: value for name, value in more.items() if value})
    else:
        for one in made:
            click.echo(f"{one.slug}: {one.in_words}", err=one.is_trouble)
        tell_report(report, held.reasons)
        for slug, differences in held.edited.items():
            click.echo(f"{slug}: edited since it was scheduled; the older version went out: {differences}", err=True)
    if told and told.given_up:
        click.echo(f"webhook: {told.given_up:,} given up after three days ({told.why})", err=True)
    elif told and told.wants_setting:
        click.echo(f"webhook: {told.put_off:,} put off ({told.why})", err=True)
    unmade = any(one.is_trouble for one in made)
    return TROUBLE if report.trouble or unmade or (told and (told.given_up or told.wants_setting)) else 0


def _make_issues(workspace: Workspace, database: Database) -> Sequence[SettledIssue]:
    """Make the issues of recurring newsletters whose time has come; they leave below, as any newsletter does."""
    from mailer.delivery.series.due import anything_due

    if not anything_due(database, workspace, now=now()):
        return ()
    from mailer.checking.preflight import check_issue
    from mailer.delivery.series.making import IssueMaker

    def check(source: Source, at: datetime) -> CheckedIssue:
        return check_issue(database, source, now=at)

    return IssueMaker(workspace, database, check).make_due(now=now())


def _notify(workspace: Workspace, database: Database, stop: Stop) -> None:
    """Hand over the notices that no server has handed over yet."""
    from mailer.store.jobs import NOTICE, any_due

    if not any_due(database, NOTICE, now=now()):
        return
    from mailer.delivery.notices.sender import Courier

    Courier(workspace, database, clock=now).deliver_due(lambda: bool(stop.due()))


def _thank(workspace: Workspace, database: Database, stop: Stop) -> None:
    """Hand over the thanks for signatures that no server has handed over yet."""
    from mailer.store.jobs import THANKS, any_due

    if not any_due(database, THANKS, now=now()):
        return
    from mailer.checking.preflight import fit_to_thank
    from mailer.delivery.thanks.mails import ThanksMails
    from mailer.delivery.thanks.sender import ThanksCourier

    mails = ThanksMails(workspace, database, sound=lambda source: fit_to_thank(database, source, now=now()))
    ThanksCourier(workspace, database, mails=mails, clock=now).deliver_due(lambda: bool(stop.due()))


def _work(workspace: Workspace, database: Database, stop: Stop) -> None:
    """Do what staff asked for in the studio, and no studio has done yet."""
    from mailer.store.jobs import STAFF_WORK, any_due

    if not any_due(database, STAFF_WORK, now=now()):
        return
    from mailer.long_work.desk import WorkDesk
    from mailer.long_work.topics import WORK

    WorkDesk(lambda: workspace, database, now, WORK).do_due(lambda: bool(stop.due()))


def _tell_others(workspace: Workspace, database: Database, stop: Stop) -> CallRound | None:
    """Make the webhook calls that are due, if mailer.toml names a webhook."""
    webhook = workspace.settings.webhook
    if not webhook.url:
        return None
    from mailer.delivery.webhooks.deliver import tell_due

    return tell_due(database, webhook=webhook, key=workspace.secrets.require_webhook(), clock=now, stop=stop)


def _judge_clicks(database: Database) -> None:
    """Classify new clicks as human or bot. It can wait for the next run."""
    from mailer.store.engine.database import DatabaseTrouble
    from mailer.tracking.classify import judge_new

    try:
        judge_new(database)
    except DatabaseTrouble as error:
        if not error.passing:
            raise


def _apply_posts(workspace: Workspace, database: Database, stop: Stop) -> None:
    """What providers reported and no server has applied yet. The mails go out whatever becomes of it."""
    from mailer.store.engine.database import DatabaseTrouble
    from mailer.store.jobs import PROVIDER_POST, any_due

    try:
        if not any_due(database, PROVIDER_POST, now=now()):
            return
        from mailer.delivery.feedback.webhook_events import apply_waiting

        apply_waiting(database, soft=workspace.settings.bounces, clock=now, due=lambda: bool(stop.due()))
    except DatabaseTrouble as error:
        if not error.passing:
            raise


@contextmanager
def _signals(stop: Stop, *, again: bool = True) -> Generator[None, None, None]:
    """Ctrl-C and SIGTERM end the run in good order; a second one at once, where a person sends it: not in a process
    that hears of the end both from systemd and from the run that started it."""

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.reason and again:
            raise KeyboardInterrupt
        stop.now(f"stopped by {signal.Signals(number).name}", drain_seconds=SIGNAL_DRAIN_SECONDS)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress() -> Generator[Progress, None, None]:
    """A line that counts while a person watches; nothing under cron."""
    if not sys.stdout.isatty():

        def silent(slug: str, tally: SendCounts) -> None:
            """The observer when nobody watches."""

        yield silent
        return
    with console().status("") as status:
        shown = 0.0

        def show(slug: str, tally: SendCounts) -> None:
            nonlocal shown
            if time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                status.update(f"{slug}: {in_counts(tally)}")

        yield show


def _say(words: str) -> None:
    click.echo(words, err=True)
