"""Records what supporters did on other sites after following a link, as those sites report it: once, attributed.

The redirect adds a signed token to the destination if `may_be_followed` allows it; the other site sends the token back
with a name for what the person did. Receiving reports over the web or as a file is for `web` and `cli`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from mailer.errors import MailerError
from mailer.store.engine.by_campaign import campaign_of, given, those
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import deliveries, people
from mailer.store.tables.inbound import conversions
from mailer.tracking.tokens import BadToken, LinkVisit, Purpose, Signer

MOST_AT_ONCE = 1_000
LONGEST_NAME, LONGEST_REFERENCE = 60, 200  # characters
AHEAD = timedelta(days=1)  # the most that another site's clock may be ahead of ours


class ConversionFate(StrEnum):
    """What became of one report."""

    STORED = "stored"
    KNOWN = "known"  # reported before; nothing changed
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """The answer to one report; `why` it was rejected, or ""."""

    fate: ConversionFate
    why: str = ""


class BadReport(MailerError):
    """A report that can't be accepted; the message says why without quoting the report."""


@dataclass(frozen=True, slots=True)
class _Row:
    visit: LinkVisit
    name: str
    reference: str
    at: datetime


def record_conversions(
    connection: Connection, reports: Sequence[Mapping[str, object]], *, signer: Signer, source: str, now: datetime
) -> list[ConversionResult]:
    """Store reports with the keys token and name, and optionally reference and at; returns their answers in order.

    Repeats are harmless. Without a reference, a visit counts once for each name.
    """
    read = [_read(report, signer, now) for report in reports]
    rows = [row for row in read if isinstance(row, _Row)]
    tracked = _tracked(connection, {row.visit.named.id for row in rows})
    answers: list[ConversionResult] = []
    for row in read:
        if isinstance(row, ConversionResult):
            answers.append(row)
            continue
        delivery_id = row.visit.named.id
        values: dict[str, Any] = {
            "campaign_id": campaign_of(delivery_id),
            "delivery_id": delivery_id if delivery_id in tracked else None,
            "n": row.visit.n,
            "name": row.name,
            "reference": row.reference,
            "at": row.at,
            "source": source[:LONGEST_REFERENCE],
        }
        statement = insert_for(connection, conversions).values(values).on_conflict_do_nothing()
        stored = connection.execute(statement.returning(conversions.c.id)).first()
        answers.append(ConversionResult(ConversionFate.STORED if stored is not None else ConversionFate.KNOWN))
    return answers


def may_be_followed(connection: Connection, delivery_id: int) -> bool:
    """Whether the person of a delivery is known and agrees to be tracked."""
    return bool(_tracked(connection, {delivery_id}))


def _tracked(connection: Connection, delivery_ids: set[int]) -> set[int]:
    query = select(deliveries.c.id).join(people, people.c.id == deliveries.c.person_id)
    rows = connection.execute(query.where(those("numbers"), people.c.tracking), given("numbers", sorted(delivery_ids)))
    return set(rows.scalars())


def _read(report: Mapping[str, object], signer: Signer, now: datetime) -> _Row | ConversionResult:
    try:
        token = report.get("token")
        visit = signer.read_visit(Purpose.CONVERSION, token if isinstance(token, str) else "")
        if visit.named.proof:
            return ConversionResult(ConversionFate.REJECTED, "the token comes from a proof, and proofs aren't counted")
        name = _text(report, "name", LONGEST_NAME)
        if not name:
            return ConversionResult(ConversionFate.REJECTED, "name is missing: it says what the person did")
        reference = _text(report, "reference", LONGEST_REFERENCE)
        return _Row(visit, name, reference or _of_visit(visit), _moment(report.get("at"), now))
    except BadToken:
        return ConversionResult(ConversionFate.REJECTED, "the token is not one of ours")
    except BadReport as error:
        return ConversionResult(ConversionFate.REJECTED, error.message)


def _of_visit(visit: LinkVisit) -> str:
    """A reference for a report without one, different for every visit."""
    text = f"{visit.named.id}/{visit.n}/{int(visit.at.timestamp())}"
    return f"visit:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _text(report: Mapping[str, object], key: str, longest: int) -> str:
    value = report.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a number is the most natural reference
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise BadReport(f"{key} must be a single line of text, at most {longest} characters")
    return value.strip()


def _moment(value: object, now: datetime) -> datetime:
    if value is None or value == "":
        return now
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadReport("at must be a date and time with its time zone, such as 2026-11-24T09:00:00+00:00")
    if not datetime(2000, 1, 1, tzinfo=now.tzinfo) <= at <= now + AHEAD:
        raise BadReport("at is before the year 2000 or in the future")
    return at
