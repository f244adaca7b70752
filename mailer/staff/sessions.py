"""Sessions of the studio: opened at a sign-in, looked up at each request, listed and ended.

A session ends 12 hours after it was last used, 14 days after it was opened, when its account is disabled or given other
rights, and when somebody ends it. The browser holds 256 random bits; the table, their hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from mailer.counting import counted
from mailer.staff.accounts import Account, account_of
from mailer.staff.actor import Actor
from mailer.staff.audit import record
from mailer.staff.tokens import hashed, new_token
from mailer.store.engine.database import Database
from mailer.store.tables.staff import staff, staff_sessions

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
NOTED_EVERY = timedelta(minutes=5)  # how exactly the last use is known: a request rarely has to write
LONGEST_BROWSER = 200  # characters


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its owner sees it in the list."""

    id: int
    opened_at: datetime
    seen_at: datetime
    network: str
    browser: str
    is_this: bool


def open_session(
    connection: Connection, account: Account, *, now: datetime, network: str = "", browser: str = "", before: str = ""
) -> str:
    """The secret of a new session, for the cookie. `before` is the cookie the browser came with, whose session ends:
    no sign-in goes on with a token that was there before it."""
    if before:
        end_session(connection, before)
    token = new_token()
    connection.execute(
        insert(staff_sessions).values(
            token_hash=hashed(token), account_id=account.id, opened_at=now, seen_at=now, network=network,
            browser=" ".join(browser.split())[:LONGEST_BROWSER],
        )
    )  # fmt: skip
    return token


def signed_in(connection: Connection, token: str, now: datetime, *, via: str = "studio") -> Actor | None:
    """Who the cookie's holder is; None when its session is over. Reads alone: `actor_of` also notes the use."""
    found = _find(connection, token, now)
    return found[0].actor(via) if found else None


def actor_of(database: Database, token: str, *, now: datetime, via: str = "studio") -> Actor | None:
    """Who sends a request with this cookie: what the studio asks at each of them. Notes that the session is in use."""
    with database.read() as connection:
        found = _find(connection, token, now)
    if found is None:
        return None
    account, seen_at = found
    if now - seen_at >= NOTED_EVERY:
        with database.write() as connection:
            this = staff_sessions.c.token_hash == hashed(token)
            connection.execute(update(staff_sessions).where(this, staff_sessions.c.seen_at < now).values(seen_at=now))
    return account.actor(via)


def sessions_of(connection: Connection, account_id: int, *, now: datetime, token: str = "") -> Sequence[OpenSession]:
    """The open sessions of an account, the one used last first; `token` tells which is the asker's own."""
    this = hashed(token)
    query = (
        select(staff_sessions)
        .where(staff_sessions.c.account_id == account_id, *_is_open(now))
        .order_by(staff_sessions.c.seen_at.desc(), staff_sessions.c.id.desc())
    )
    return [
        OpenSession(row.id, row.opened_at, row.seen_at, row.network, row.browser, row.token_hash == this)
        for row in connection.execute(query)
    ]


def end_session(connection: Connection, token: str) -> None:
    """Sign out: the session of this cookie is over."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.token_hash == hashed(token)))


def revoke(connection: Connection, account_id: int, session_id: int) -> bool:
    """End one session of an account, by its number in the list; False when it has no such session."""
    mine = and_(staff_sessions.c.account_id == account_id, staff_sessions.c.id == session_id)
    return connection.execute(delete(staff_sessions).where(mine)).rowcount > 0


def revoke_others(connection: Connection, account_id: int, token: str) -> int:
    """End all sessions of an account but the one of this cookie, as after a new password. Returns how many."""
    others = and_(staff_sessions.c.account_id == account_id, staff_sessions.c.token_hash != hashed(token))
    return connection.execute(delete(staff_sessions).where(others)).rowcount


def revoke_everybody(connection: Connection, actor: Actor, *, token: str, at: datetime) -> int:
    """Sign everybody out, as after a stolen machine, but the one of this cookie; returns how many sessions ended."""
    ended = connection.execute(delete(staff_sessions).where(staff_sessions.c.token_hash != hashed(token))).rowcount
    record(connection, actor, "everybody signed out", at=at, subject="staff", detail=counted(ended, "session"))
    return ended


def prune_sessions(connection: Connection, *, now: datetime) -> int:
    """Delete what is over. Returns how many."""
    return connection.execute(delete(staff_sessions).where(over(now))).rowcount


def over(now: datetime) -> ColumnElement[bool]:
    """Which sessions have ended by themselves."""
    return or_(staff_sessions.c.seen_at <= now - IDLE, staff_sessions.c.opened_at <= now - LONGEST)


def _find(connection: Connection, token: str, now: datetime) -> tuple[Account, datetime] | None:
    query = (
        select(staff, staff_sessions.c.seen_at)
        .join(staff_sessions, staff_sessions.c.account_id == staff.c.id)
        .where(staff_sessions.c.token_hash == hashed(token), staff.c.disabled_at.is_(None), *_is_open(now))
    )
    row = connection.execute(query).mappings().one_or_none()
    return (account_of(row), row["seen_at"]) if row else None


def _is_open(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return staff_sessions.c.seen_at > now - IDLE, staff_sessions.c.opened_at > now - LONGEST
