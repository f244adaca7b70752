"""What we ask a browser to bring back, once and within minutes: challenges of passkeys, the state of a single sign-on.

Kept in the database, so that it doesn't matter which of several servers the answer comes to.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert

from mailer.staff.tokens import hashed
from mailer.store.tables.staff import staff_challenges

CHALLENGE_LIFE = timedelta(minutes=10)


def keep_challenge(connection: Connection, token: str, data: Mapping[str, Any], *, now: datetime) -> None:
    """Remember what was asked under a token; drops what nobody answered in time."""
    connection.execute(delete(staff_challenges).where(staff_challenges.c.expires_at <= now))
    connection.execute(
        insert(staff_challenges).values(token_hash=hashed(token), data=dict(data), expires_at=now + CHALLENGE_LIFE)
    )


def take_challenge(connection: Connection, token: str, *, now: datetime) -> Mapping[str, Any] | None:
    """What was asked under this token, which is used up; None when nothing was, or it is too old."""
    this = (staff_challenges.c.token_hash == hashed(token)) & (staff_challenges.c.expires_at > now)
    return connection.execute(delete(staff_challenges).where(this).returning(staff_challenges.c.data)).scalar()
