"""What a run did, in words for those who read cron's mail or watch a send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from mailer.counting import counted

if TYPE_CHECKING:
    from mailer.delivery.sending.progress import SendCounts
    from mailer.delivery.sending.run import RunReport


def tell_report(report: RunReport, held: Mapping[str, str]) -> None:
    """What was done, in a line for each campaign; silent when there was nothing to do, as cron likes it."""
    if report.settled:
        click.echo(
            f"{counted(report.settled)} may have got their mail or not: the program that was sending it died. See"
            " `mailer status` for the newsletter."
        )
    for slug in report.overdue:
        if why := held.get(slug):
            click.echo(f"{slug}: due, and NOT SENT: {why}. Fix that, then send it or schedule it again.", err=True)
        else:
            click.echo(f"{slug}: overdue, so it was not sent. Send it now or schedule it again.", err=True)
    for slug, number in report.held.items():
        were = "was past when their turn came, so they are HELD"
        click.echo(f"{slug}: the hour of {counted(number)} {were}. Decide: mailer resolve {slug}", err=True)
    for test in report.tests:
        winner = f"version {test.winner.upper()} goes to everybody else. " if test.winner else ""
        click.echo(f"{test.slug}: {'TEST NOT DECIDED: ' * test.needs_staff}{winner}{test.why}", err=test.needs_staff)
    for slug, tally in report.tallies.items():
        if in_counts(tally) or tally.ended:
            finished = slug in report.finished
            waits = report.undecided.get(slug)
            later = (
                f"the others wait for its test, decided {waits:%Y-%m-%d %H:%M} UTC" if waits else "more is due later"
            )
            state = "finished" if finished else tally.ended or later
            if finished and tally.pause:
                from mailer.delivery.ledger.guard import once_finished

                state = f"finished. {once_finished(tally.pause).rstrip('.')}"
            paused = "PAUSED: " if tally.pause and not finished else ""
            ask = f" Uncertain: they may or may not have received it. Run `mailer resolve {slug}`."
            doubt = ask if tally.uncertain else ""
            click.echo(f"{slug}: {in_counts(tally) or 'nobody'}; {paused}{state}.{doubt}", err=tally.trouble)


def in_counts(tally: SendCounts) -> str:
    """Such as "20 sent, 1 uncertain"; "" for nobody."""
    words = (
        ("sent", tally.sent),
        ("put off", tally.deferred),
        ("failed", tally.failed),
        ("uncertain", tally.uncertain),
        ("skipped", tally.skipped),
    )
    return ", ".join(f"{count:,} {word}" for word, count in words if count)
