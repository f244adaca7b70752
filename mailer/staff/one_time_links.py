"""One-time links: how somebody without a passkey or password comes in for the first time, or after losing them all.

A link names an account, works once and for a day, and lets its holder set up how they sign in from then on. A new link
voids the earlier ones of the account. Mailing it, and the page it leads to, are for others.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from mailer.settings.schema import Settings
from mailer.staff import audit
from mailer.staff.accounts import Account, account_of
from mailer.staff.actor import Actor
from mailer.staff.tokens import hashed, new_token
from mailer.store.tables.staff import staff, staff_links

LINK_LIFE = timedelta(days=1)
# Where `mailer studio` listens while no address is set. Passkeys are bound to a name, which an IP address isn't.
HERE = "http://localhost:8766"


def make_link(connection: Connection, actor: Actor, account: Account, *, at: datetime) -> str:
    """The secret of a new link for the account, to be shown once: nothing kept leads back to it."""
    token = new_token()
    connection.execute(delete(staff_links).where(staff_links.c.account_id == account.id))
    connection.execute(
        insert(staff_links).values(token_hash=hashed(token), account_id=account.id, expires_at=at + LINK_LIFE)
    )
    audit.record(connection, actor, "one-time link made", at=at, subject=account.subject)
    return token


def link_address(settings: Settings, token: str) -> str:
    """What to open in a browser."""
    return f"{settings.studio.url or HERE}/join/{token}"


def holder(connection: Connection, token: str, *, now: datetime) -> Account | None:
    """Whose link it is, which stays usable; None when it was used, is too old, or its account is disabled."""
    query = (
        select(staff)
        .join(staff_links, staff_links.c.account_id == staff.c.id)
        .where(staff_links.c.token_hash == hashed(token), staff_links.c.expires_at > now, staff.c.disabled_at.is_(None))
    )
    row = connection.execute(query).mappings().one_or_none()
    return account_of(row) if row else None


def use_link(connection: Connection, token: str, *, now: datetime) -> Account | None:
    """The same, and the link is spent: of two who use it at once, one gets the account."""
    account = holder(connection, token, now=now)
    spent = connection.execute(delete(staff_links).where(staff_links.c.token_hash == hashed(token))).rowcount
    return account if spent else None
