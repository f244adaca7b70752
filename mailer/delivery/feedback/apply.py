"""Applies reports about mails: to the ledger, to its events, and to the people they were sent to.

Thousands of reports take a handful of statements. What each report does is decided in `feedback.report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, bindparam, insert, select, update

from mailer.audience.consent.changes import keep_suppressions
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.consent.recheck import change_consent
from mailer.delivery.feedback.report import GRAVITY, NOTED, SUPPRESSING, Ledger, NotedEvent, decide, note
from mailer.delivery.ledger.soft_bounces import suppress_worn
from mailer.delivery.subscriptions.reported import leave_by_report
from mailer.settings import Bounces
from mailer.store.engine.arrays import among
from mailer.store.engine.by_campaign import campaign_of, given, in_part, numbered, those
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import deliveries, events, people, suppressions
from mailer.store.tables.states import DeliveryState, Feedback
from mailer.transports.base import ReplyClass
from mailer.transports.events import FeedbackReport, Remedy, What

AT_ONCE = 1_000  # deliveries in one statement


@dataclass(slots=True)
class Applied:
    """What a batch of reports did."""

    changed: int = 0  # deliveries whose row changed
    noted: int = 0  # events that are new, or now more serious
    unknown: list[FeedbackReport] = field(default_factory=list[FeedbackReport])  # about deliveries we don't have


def apply(connection: Connection, reports: Iterable[FeedbackReport], *, soft: Bounces, now: datetime) -> Applied:
    """Apply these reports, all or nothing in the caller's transaction."""
    by_delivery: dict[int, list[FeedbackReport]] = {}
    for report in reports:
        by_delivery.setdefault(report.delivery_id, []).append(report)
    if any(report.remedy in (Remedy.LEAVE, Remedy.COMPLAINED) for of in by_delivery.values() for report in of):
        change_consent(connection)  # before any row of the ledger is locked
    applied = Applied()
    numbers = sorted(by_delivery)
    for start in range(0, len(numbers), AT_ONCE):
        some = {number: by_delivery[number] for number in numbers[start : start + AT_ONCE]}
        _apply_some(connection, some, applied, soft=soft, now=now)
    return applied


def _apply_some(
    connection: Connection,
    reports: Mapping[int, Sequence[FeedbackReport]],
    applied: Applied,
    *,
    soft: Bounces,
    now: datetime,
) -> None:
    rows = _rows(connection, list(reports))
    noted = _noted(connection, list(rows))
    writing = _Writing({}, {}, [])
    for number, of in reports.items():
        if number in rows:
            _judge(number, rows[number].ledger, of, noted, writing)
        else:
            applied.unknown.extend(of)
    _write_ledger(connection, writing.ledgers, {number: row.ledger for number, row in rows.items()}, now)
    _write_events(connection, writing.events)
    applied.changed += len(writing.ledgers)
    applied.noted += len(writing.events)
    _follow(connection, writing.follow, {number: row.person_id for number, row in rows.items()}, soft=soft, now=now)


@dataclass(frozen=True, slots=True)
class _Row:
    person_id: int | None
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class _Writing:
    """What is to be written."""

    ledgers: dict[int, tuple[Ledger, str, str]]  # with the detail and the reply class of a dropped mail
    events: dict[tuple[int, str], NotedEvent]
    follow: list[FeedbackReport]


def _judge(
    number: int,
    before: Ledger,
    reports: Sequence[FeedbackReport],
    noted: Mapping[tuple[int, str], NotedEvent],
    writing: _Writing,
) -> None:
    """Decide on the reports of one delivery."""
    after, detail, reply_class = before, "", ""
    for report in reports:
        after = decide(after, report)
        if report.what is What.DROPPED:
            detail, reply_class = report.detail, report.reply_class or ""
        if report.what not in NOTED:
            if report.remedy is not Remedy.NONE:
                writing.follow.append(report)
            continue
        key = (number, report.what.value)
        known = writing.events.get(key) or noted.get(key)
        event = note(known, report)
        if event is not None:
            writing.events[key] = event
            if known is None or GRAVITY[event.reply_class] > GRAVITY[known.reply_class]:
                writing.follow.append(report)
    if after != before:
        writing.ledgers[number] = (after, detail, reply_class)


def _rows(connection: Connection, numbers: Sequence[int]) -> dict[int, _Row]:
    """These deliveries, locked until the transaction ends, always in the same order."""
    query = (
        select(
            deliveries.c.id,
            deliveries.c.person_id,
            deliveries.c.state,
            deliveries.c.attempt,
            deliveries.c.feedback,
            deliveries.c.code,
        )
        .where(those("numbers"))
        .order_by(deliveries.c.id)
        .with_for_update()
    )
    return {
        row.id: _Row(row.person_id, Ledger(DeliveryState(row.state), row.attempt, Feedback(row.feedback), row.code))
        for row in connection.execute(query, given("numbers", numbers))
    }


def _noted(connection: Connection, numbers: Sequence[int]) -> dict[tuple[int, str], NotedEvent]:
    query = select(events).where(those("numbers", events), events.c.kind.in_(NOTED)).order_by(events.c.id)
    return {
        (row.delivery_id, row.kind): NotedEvent(row.reply_class, row.at, row.detail, row.id)
        for row in connection.execute(query, given("numbers", numbers))
    }


def _write_ledger(
    connection: Connection,
    ledgers: Mapping[int, tuple[Ledger, str, str]],
    before: Mapping[int, Ledger],
    now: datetime,
) -> None:
    """Write the changed rows. `changed_at` is when the state changed: guard rails count mails since a resume by it."""
    states: list[dict[str, Any]] = []
    feedback: list[dict[str, Any]] = []
    for number, (after, detail, reply_class) in ledgers.items():
        row: dict[str, Any] = {"number": number, "campaign": campaign_of(number), "new_feedback": after.feedback.value}
        if after.state is before[number].state:
            feedback.append(row)
            continue
        failed = after.state is DeliveryState.FAILED
        words = {"new_detail": detail if failed else "", "new_reply_class": reply_class if failed else ""}
        states.append(row | words | {"new_state": after.state.value, "new_code": after.code, "new_changed_at": now})
    if feedback:
        connection.execute(_update("feedback"), feedback)
    if states:
        columns = ("feedback", "state", "code", "detail", "reply_class", "changed_at")
        connection.execute(_update(*columns).values(worker_id=None), states)


def _update(*columns: str) -> Update:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    campaign = in_part(deliveries.c.campaign_id, bindparam("campaign"))
    return update(deliveries).where(deliveries.c.id == bindparam("number"), campaign).values(values)


def _write_events(connection: Connection, noted: Mapping[tuple[int, str], NotedEvent]) -> None:
    new: list[dict[str, Any]] = []
    for (number, kind), event in noted.items():
        values = {"at": event.at, "detail": event.detail, "reply_class": event.reply_class}
        if event.id is None:
            new.append({"campaign_id": campaign_of(number), "delivery_id": number, "kind": kind, **values})
        else:
            known = update(events).where(events.c.id == event.id, numbered(number, events))
            connection.execute(known.values(values))
    if new:
        connection.execute(insert(events), new)


def _follow(
    connection: Connection,
    reports: Sequence[FeedbackReport],
    person_of: Mapping[int, int | None],
    *,
    soft: Bounces,
    now: datetime,
) -> None:
    """Unsubscribe and suppress people as the reports ask. For people who were forgotten, nothing is done."""
    known = [report for report in reports if person_of[report.delivery_id] is not None]
    for report in known:
        person, complained = person_of[report.delivery_id], report.remedy is Remedy.COMPLAINED
        if person is not None and (complained or report.remedy is Remedy.LEAVE):
            leave_by_report(
                connection, person_id=person, delivery_id=report.delivery_id,
                every_list=complained, how=report.how, at=report.at,
            )  # fmt: skip
    _suppress(connection, [report for report in known if report.remedy in SUPPRESSING], person_of)
    worn = {
        person
        for report in known
        if report.what is What.BOUNCED and report.reply_class is ReplyClass.SOFT
        if (person := person_of[report.delivery_id]) is not None
    }
    suppress_worn(connection, sorted(worn), rule=soft, now=now)


def _suppress(connection: Connection, reports: Sequence[FeedbackReport], person_of: Mapping[int, int | None]) -> None:
    """Suppress these people on every list, so that they are never mailed again."""
    persons = sorted({person for report in reports if (person := person_of[report.delivery_id]) is not None})
    query = select(people.c.id, people.c.address_hash).where(among(people.c.id, "numbers"))
    hashes = {row.id: row.address_hash for row in connection.execute(query, {"numbers": persons})}
    rows = {
        (hashed, SUPPRESSING[report.remedy].value): {
            "address_hash": hashed,
            "list_id": EVERY_LIST,
            "reason": SUPPRESSING[report.remedy].value,
            "at": report.at,
            "source": f"{report.source}: {report.detail}".removesuffix(": ")[:200],
        }
        for report in reports
        if (hashed := hashes.get(person_of[report.delivery_id] or 0)) is not None
    }
    if rows:
        in_order = [rows[key] for key in sorted(rows)]  # so that two that write the same rows never wait for each other
        connection.execute(insert_for(connection, suppressions).on_conflict_do_nothing(), in_order)
        keep_suppressions(connection, in_order)
