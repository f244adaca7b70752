"""All newsletters beside each other: who got them, signed, left, complained; each alone, by list, and by month.

Counted over every mail there was, which takes seconds with millions: pages show what was counted beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, func, select

from mailer.audience.consent.left import who_left
from mailer.store.engine.dialects import expect_many_rows
from mailer.store.tables.core import FEEDBACK, campaigns, events, links
from mailer.store.tables.inbound import signatures

PER_THOUSAND = ("signed", "unsubscribed", "complained", "bounced")  # what is told for each 1,000 people


@dataclass(frozen=True, slots=True)
class ComparedCounts:
    """People. `asked`: of those whose mail was `sent`, those it asked to sign; `signed`: by way of it; `bounced`
    and `complained`: afterwards."""

    newsletters: int = 0
    sent: int = 0
    asked: int = 0
    signed: int = 0
    unsubscribed: int = 0
    complained: int = 0
    bounced: int = 0

    def per_thousand(self, measure: str) -> float | None:
        """One of `PER_THOUSAND` for each 1,000 people it could come from, None where there were none."""
        base = self.asked if measure == "signed" else self.sent
        return 1000 * int(getattr(self, measure)) / base if base else None

    def __add__(self, other: ComparedCounts) -> ComparedCounts:
        return ComparedCounts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


NamedCounts = tuple[tuple[str, ...], ComparedCounts]


@dataclass(frozen=True, slots=True)
class ComparedNewsletter:
    """One newsletter that left. `lists`: the names of those it was for."""

    slug: str
    launched_at: datetime
    lists: tuple[str, ...]
    counts: ComparedCounts


def compared(connection: Connection, sent: Mapping[int, int]) -> list[ComparedNewsletter]:
    """Every newsletter that left, the newest first. `sent`: people whose mail was taken, by the campaign's number."""
    expect_many_rows(connection)
    asking = set(connection.execute(select(links.c.campaign_id).where(links.c.is_action).distinct()).scalars())
    signed = _by_campaign(
        connection,
        select(signatures.c.campaign_id, func.count())
        .where(signatures.c.campaign_id.is_not(None))
        .group_by(signatures.c.campaign_id),
    )
    gone = who_left()
    left = _by_campaign(connection, select(gone.c.campaign_id, func.count()).group_by(gone.c.campaign_id))
    back = {kind: _came_back(connection, kind) for kind in ("complained", "bounced")}
    table = campaigns.c
    rows = connection.execute(
        select(table.id, table.slug, table.launched_at, table.audience)
        .where(table.launched_at.is_not(None))
        .order_by(table.launched_at.desc())
    )
    found: list[ComparedNewsletter] = []
    for row in rows:
        people = sent.get(row.id, 0)
        counts = ComparedCounts(
            1, people, people if row.id in asking else 0, signed.get(row.id, 0), left.get(row.id, 0),
            back["complained"].get(row.id, 0), back["bounced"].get(row.id, 0),
        )  # fmt: skip
        found.append(ComparedNewsletter(row.slug, row.launched_at, tuple(row.audience.get("include", ())), counts))
    return found


def together(found: Iterable[ComparedNewsletter]) -> ComparedCounts:
    """What they came to. Somebody who got three of them counts three times."""
    return sum((one.counts for one in found), ComparedCounts())


def by_list(found: Iterable[ComparedNewsletter]) -> dict[str, ComparedCounts]:
    """By list; a newsletter for two lists is in both."""
    return _grouped((name, one) for one in found for name in one.lists)


def by_month(found: Iterable[ComparedNewsletter], zone: ZoneInfo) -> dict[str, ComparedCounts]:
    """By the month in which they left, as 2026-11, the newest first."""
    return _grouped((f"{one.launched_at.astimezone(zone):%Y-%m}", one) for one in found)


def named_rows(
    found: Iterable[ComparedNewsletter], by: str, zone: ZoneInfo
) -> tuple[tuple[str, ...], list[NamedCounts]]:
    """What the columns before the figures are called, and each row. `by`: list, month, or "" for each newsletter."""
    if by:
        groups = by_month(found, zone) if by == "month" else by_list(found)
        return (by,), [((name,), counts) for name, counts in groups.items()]
    return ("newsletter", "left", "lists"), [
        ((one.slug, f"{one.launched_at.astimezone(zone):%Y-%m-%d}", " ".join(one.lists)), one.counts) for one in found
    ]


def _grouped(found: Iterable[tuple[str, ComparedNewsletter]]) -> dict[str, ComparedCounts]:
    groups: dict[str, list[ComparedNewsletter]] = {}
    for name, one in found:
        groups.setdefault(name, []).append(one)
    return {name: together(group) for name, group in groups.items()}


def _came_back(connection: Connection, kind: str) -> Mapping[int, int]:
    people = func.count(events.c.delivery_id.distinct())
    return _by_campaign(
        connection,
        select(events.c.campaign_id, people).where(FEEDBACK, events.c.kind == kind).group_by(events.c.campaign_id),
    )


def _by_campaign(connection: Connection, query: Select[Any, Any]) -> Mapping[int, int]:
    return {int(row[0]): int(row[1]) for row in connection.execute(query) if row[0] is not None}
