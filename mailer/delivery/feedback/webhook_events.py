"""Applies the posts of a provider's webhook: what each event changes, and which of those without effect are kept.

Each post is applied once, in one transaction. One that can't be read is set aside with the reason and doesn't hold up
the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailer.audience.consent.changes import suppress
from mailer.counting import counted
from mailer.delivery.feedback.apply import apply
from mailer.delivery.feedback.event_owner import mailed_person, plausible
from mailer.delivery.feedback.webhook_inbox import any_waiting
from mailer.errors import MailerError
from mailer.settings import Bounces
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.inbound import WAITING, provider_events, provider_posts
from mailer.store.tables.states import SuppressionReason
from mailer.transports.events import FeedbackReport, ProviderEvent
from mailer.transports.provider import Provider, provider_named

log = logging.getLogger(__name__)

NO_TRY = "a fault of this program: "  # begins `trouble` of a post that could not be applied


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


def apply_waiting(
    database: Database, *, soft: Bounces, clock: Callable[[], datetime], due: Callable[[], bool] = lambda: False
) -> AppliedPosts:
    """Apply all waiting posts, until `due`. Any number of processes may do so at the same time. Raises
    `DatabaseTrouble`, with nothing half-done."""
    total = AppliedPosts()
    while not due():
        done = _apply_next(database, soft=soft, now=clock())
        if done is None:
            break
        total += done
    return total


def _apply_next(database: Database, *, soft: Bounces, now: datetime) -> AppliedPosts | None:
    """Apply the first waiting post that no other process is applying; None if there is none."""
    if not any_waiting(database):
        return None
    number = 0
    try:
        with database.write() as connection:
            post = connection.execute(
                select(provider_posts)
                .where(WAITING)
                .order_by(provider_posts.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if post is None:
                return None
            number = post.id
            tally, trouble = _apply_body(connection, post, soft=soft, now=now)
            _mark(connection, number, trouble=trouble, now=now)
            return tally
    except DatabaseTrouble:
        raise
    except Exception as error:  # noqa: BLE001 - one post that can't be applied must not hold the others up
        # Without the error's message: it may quote what was to be written.
        log.error("post %d of the webhook could not be applied: %s", number, type(error).__name__)
        with database.write() as connection:
            _mark(connection, number, trouble=f"{NO_TRY}{type(error).__name__}", now=now)
        return AppliedPosts(posts=1, troubled=1)


def _mark(connection: Connection, number: int, *, trouble: str, now: datetime) -> None:
    done = {"applied_at": now, "trouble": trouble}
    connection.execute(update(provider_posts).where(provider_posts.c.id == number).values(done))


def _apply_body(connection: Connection, post: Row[Any], *, soft: Bounces, now: datetime) -> tuple[AppliedPosts, str]:
    """Apply one post's events; returns the counts, and what was wrong with the post, or ""."""
    try:
        provider = provider_named(post.provider)
        found, strange = provider.event_source().read(post.body, received=post.at)
    except MailerError as error:
        return AppliedPosts(posts=1, troubled=1), error.message
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
    return AppliedPosts(1, len(found), applied.changed, len(kept), int(bool(strange))), trouble


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
