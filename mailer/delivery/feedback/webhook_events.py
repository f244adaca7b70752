"""Takes the posts of a provider's webhook as jobs and applies them: what each event changes, and which are kept.

A post is applied once, in the transaction that finishes its job. One that can't be read is set aside with the reason,
one that can't be applied is tried again for days; neither holds up the others.
Bodies contain addresses, so they are deleted a week after they were applied, and a forgotten person's address is taken
out of them before that.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailer.audience.consent.changes import suppress
from mailer.counting import counted
from mailer.delivery.feedback.apply import apply
from mailer.delivery.feedback.event_owner import mailed_person, plausible
from mailer.errors import MailerError
from mailer.settings import Bounces
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.engine.dialects import insert_for
from mailer.store.jobs import PROVIDER_POST, Job, add, claimed, finish, release, retry
from mailer.store.tables.inbound import provider_events
from mailer.store.tables.states import JobState, SuppressionReason
from mailer.transports.events import FeedbackReport, ProviderEvent
from mailer.transports.provider import Provider, provider_named

log = logging.getLogger(__name__)

NO_TRY = "a fault of this program: "  # begins the detail of a post that could not be applied


@dataclass(frozen=True, slots=True)
class AppliedPosts:
    """Counts of what was applied."""

    posts: int = 0
    events: int = 0
    changed: int = 0  # deliveries
    kept: int = 0  # events that changed nothing, and were kept
    troubled: int = 0  # posts that could not be read or applied

    def __add__(self, other: AppliedPosts) -> AppliedPosts:
        return AppliedPosts(
            self.posts + other.posts,
            self.events + other.events,
            self.changed + other.changed,
            self.kept + other.kept,
            self.troubled + other.troubled,
        )


class _LateError(Exception):
    """The lease of the post ended while it was applied, so somebody else applies it."""


def keep_post(connection: Connection, body: bytes, *, provider: str, at: datetime) -> None:
    """Store a post of this provider, to be applied later."""
    add(connection, PROVIDER_POST, body, at=at, topic=provider)


def apply_waiting(
    database: Database, *, soft: Bounces, clock: Callable[[], datetime], due: Callable[[], bool] = lambda: False
) -> AppliedPosts:
    """Apply all waiting posts, until `due`. Any number of processes may do so at the same time. Raises
    `DatabaseTrouble`, with nothing half-done."""
    total = AppliedPosts()
    for job in claimed(database, PROVIDER_POST, clock=clock, until=due):
        total += _apply_job(database, job, soft=soft, clock=clock)
    return total


def _apply_job(database: Database, job: Job, *, soft: Bounces, clock: Callable[[], datetime]) -> AppliedPosts:
    try:
        with database.write() as connection:
            now = clock()
            tally, state, trouble = _apply_body(connection, job, soft=soft, now=now)
            if not finish(connection, job, state, now=now, detail=trouble):
                raise _LateError
            return tally
    except _LateError:
        return AppliedPosts()
    except Exception as error:
        if isinstance(error, DatabaseTrouble) and error.passing:
            with contextlib.suppress(DatabaseTrouble), database.write() as connection:
                release(connection, job)
            raise
        # Without the error's message: it may quote what was to be written.
        log.error("post %d of the webhook could not be applied: %s", job.id, type(error).__name__)
        with database.write() as connection:
            retry(connection, job, now=clock(), detail=f"{NO_TRY}{type(error).__name__}")
        return AppliedPosts(posts=1, troubled=1)


def _apply_body(
    connection: Connection, job: Job, *, soft: Bounces, now: datetime
) -> tuple[AppliedPosts, JobState, str]:
    """Apply one post's events; returns the counts, whether it could be read, and what was wrong with it, or ""."""
    try:
        provider = provider_named(job.topic)
        found, strange = provider.event_source().read(job.payload, received=job.created_at)
    except MailerError as error:
        return AppliedPosts(posts=1, troubled=1), JobState.FAILED, error.message
    reports: list[FeedbackReport] = []
    kept: list[tuple[ProviderEvent, str]] = []
    by_report: dict[int, list[ProviderEvent]] = {}
    for event in found:
        named, why = _named(connection, event, provider)
        report = named.report(provider.title) if not why else None
        if report is not None:
            reports.append(report)
            by_report.setdefault(report.delivery_id, []).append(event)
        elif event.worth_keeping:
            kept.append((event, why))
    applied = apply(connection, reports, soft=soft, now=now)
    for number in {report.delivery_id for report in applied.unknown}:
        kept += [(event, "it names a mail that is not in this database") for event in by_report[number]]
    _keep_events(connection, kept, provider.name)
    trouble = f"{counted(strange, 'entry', 'entries')} in it not an event" if strange else ""
    return AppliedPosts(1, len(found), applied.changed, len(kept), int(bool(strange))), JobState.DONE, trouble


def _named(connection: Connection, event: ProviderEvent, provider: Provider) -> tuple[ProviderEvent, str]:
    """The event with its delivery, or why it changes nothing."""
    if event.what is None:
        return event, "of a kind that changes nothing here"
    if event.delivery_id is not None:
        return event, ""
    number = plausible(connection, event)
    if number is None:
        suppressed = event.names_nobody and _suppress_address(connection, event, provider)
        what = "; the address, which we mailed through this provider, is suppressed" if suppressed else ""
        return event, f"it names no mail of ours, and there isn't exactly one to its address that fits{what}"
    return replace(event, delivery_id=number), ""


def _suppress_address(connection: Connection, event: ProviderEvent, provider: Provider) -> bool:
    """Suppress an address that the provider knows to be nobody's, whichever mail of ours it was about; returns whether
    it did. A repeat does nothing, so that a suppression lifted by staff stays lifted."""
    before = select(provider_events.c.id).where(
        provider_events.c.provider == provider.name, provider_events.c.key == event.key
    )
    hashed = mailed_person(connection, event, provider.name)
    if hashed is None or connection.execute(before).first() is not None:
        return False
    source = f"{provider.title}: {event.detail}"[:200]
    suppress(connection, address_hash=hashed, reason=SuppressionReason.BOUNCED, at=event.at, source=source)
    return True


def _keep_events(connection: Connection, kept: Sequence[tuple[ProviderEvent, str]], provider: str) -> None:
    rows: dict[str, dict[str, Any]] = {
        event.key: {
            "provider": provider,
            "key": event.key,
            "kind": event.kind[:100],
            "at": event.at,
            "delivery_id": None,
            "payload": dict(event.payload),
            "why": why,
        }
        for event, why in kept
    }
    if rows:
        in_order = [rows[key] for key in sorted(rows)]
        connection.execute(insert_for(connection, provider_events).on_conflict_do_nothing(), in_order)
