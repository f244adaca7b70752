"""What the events in a post of a provider's webhook change: deliveries, and what is kept of those that change none.

When a post's turn comes, and what becomes of one that can't be read, is for `posts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailer.audience.consent.changes import insert_for, suppress
from mailer.counting import counted
from mailer.delivery.feedback.apply import apply
from mailer.delivery.feedback.report import Report
from mailer.delivery.feedback.sendgrid import KINDS, SOURCE, UNUSED, mailed_person, names_nobody, plausible, report_of
from mailer.delivery.feedback.webhook_inbox import PROVIDER, Tally
from mailer.settings import Bounces
from mailer.store.tables.inbound import provider_events
from mailer.store.tables.states import SuppressionReason
from mailer.transports.sendgrid.events import SendgridEvent, UnreadablePost, read_post


def apply_body(
    connection: Connection, body: bytes, *, received: datetime, soft: Bounces, now: datetime
) -> tuple[Tally, str]:
    """Apply one post's events: how many did what, and what was wrong with the post, if anything."""
    try:
        found, strange = read_post(body, received=received)
    except UnreadablePost as error:
        return Tally(posts=1, troubled=1), error.message
    reports: list[Report] = []
    kept: list[tuple[SendgridEvent, str]] = []
    by_report: dict[int, list[SendgridEvent]] = {}
    for event in found:
        named, why = _named(connection, event)
        report = report_of(named) if not why else None
        if report is not None:
            reports.append(report)
            by_report.setdefault(report.delivery_id, []).append(event)
        elif event.kind not in UNUSED:
            kept.append((event, why))
    applied = apply(connection, reports, soft=soft, now=now)
    for number in {report.delivery_id for report in applied.unknown}:
        kept += [(event, "it names a mail that is not in this database") for event in by_report[number]]
    _keep_events(connection, kept)
    trouble = f"{counted(strange, 'entry', 'entries')} of it no event" if strange else ""
    return Tally(1, len(found), applied.changed, len(kept), int(bool(strange))), trouble


def _named(connection: Connection, event: SendgridEvent) -> tuple[SendgridEvent, str]:
    """The event with its delivery, or why it changes nothing."""
    if event.kind not in KINDS:
        return event, "of a kind that changes nothing here"
    if event.delivery_id is not None:
        return event, ""
    number = plausible(connection, event)
    if number is None:
        suppressed = names_nobody(event) and _suppress_address(connection, event)
        what = "; the address, which we mailed by this provider, is suppressed" if suppressed else ""
        return event, f"it names no mail of ours, and no single one to its address fits{what}"
    return replace(event, delivery_id=number), ""


def _suppress_address(connection: Connection, event: SendgridEvent) -> bool:
    """Never mail an address again that the provider knows as nobody's, whichever mail of ours it was about. A repeat
    does nothing, so that it doesn't undo what staff lifted."""
    before = select(provider_events.c.id).where(
        provider_events.c.provider == PROVIDER, provider_events.c.key == event.key
    )
    hashed = mailed_person(connection, event)
    if hashed is None or connection.execute(before).first() is not None:
        return False
    source = f"{SOURCE}: {event.status} {event.reason}"[:200]
    suppress(connection, address_hash=hashed, reason=SuppressionReason.BOUNCED, at=event.at, source=source)
    return True


def _keep_events(connection: Connection, kept: Sequence[tuple[SendgridEvent, str]]) -> None:
    rows: dict[str, dict[str, Any]] = {
        event.key: {
            "provider": PROVIDER,
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
