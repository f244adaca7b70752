"""Every sign page with its signatures: all of them, those of the last day and week, and when the last one came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailer.store.engine.dialects import expect_many_rows
from mailer.store.tables.inbound import signatures


@dataclass(frozen=True, slots=True)
class SignPageFigures:
    """Signatures of one page. `day` and `week`: those that came in the last 24 hours and 7 days."""

    signed: int = 0
    day: int = 0
    week: int = 0
    last_at: datetime | None = None


def sign_page_figures(connection: Connection, *, now: datetime) -> Mapping[str, SignPageFigures]:
    """Each page that anybody signed, by the newsletter it belongs to."""
    expect_many_rows(connection)
    at = signatures.c.signed_at
    since = {span: func.count().filter(at > now - timedelta(days=span)) for span in (1, 7)}
    query = select(signatures.c.page, func.count(), since[1], since[7], func.max(at)).group_by(signatures.c.page)
    return {row[0]: SignPageFigures(row[1], row[2], row[3], row[4]) for row in connection.execute(query)}
