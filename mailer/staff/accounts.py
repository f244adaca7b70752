"""Accounts of staff: added, found, given a role, limited to lists, disabled. Each change is in the audit log.

Nobody is deleted, since the audit log names them: who leaves is disabled. The last admin who can sign in stays one.
How somebody proves who they are is for `credentials`; what they may do, for `rights`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update

from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import RIGHTS, Right, Role
from mailer.store.tables.staff import staff, staff_links, staff_sessions

HANDLE_BYTES = 32  # what passkeys know an account by; WebAuthn allows 64
LONGEST_NAME = 80  # characters


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff. `lists`: the names of those they work with, None for all."""

    id: int
    address: str
    name: str
    role: Role
    lists: frozenset[str] | None
    created_at: datetime
    disabled_at: datetime | None

    @property
    def called(self) -> str:
        """Their name, or their address where none is known."""
        return self.name or self.address

    @property
    def subject(self) -> str:
        """What the audit log calls it."""
        return f"account {self.address}"

    def actor(self, via: str) -> Actor:
        """The account as the one who acts."""
        return Actor(self.address, RIGHTS[self.role], self.lists, self.id, via)


def any_account(connection: Connection) -> bool:
    """Whether somebody ever had an account: from then on the studio asks everybody to sign in."""
    return bool(connection.execute(select(exists().where(staff.c.id.is_not(None)))).scalar())


def add_account(
    connection: Connection, actor: Actor, address: str, role: Role, *, at: datetime,
    name: str = "", lists: Collection[str] | None = None,
) -> Account:  # fmt: skip
    """A new account, which can't sign in before a one-time link was used. `address` is normalised.

    Raises `MailerError` when the address has one already.
    """
    if (known := find_account(connection, address)) is not None:
        state = "is disabled" if known.disabled_at else f"is a {known.role}"
        raise MailerError(
            f"{address} has an account already, which {state}",
            remedy=f"For a new link: mailer staff link {address}. For another role: mailer staff role {address} ROLE",
        )
    values = {
        "address": address,
        "name": " ".join(name.split())[:LONGEST_NAME],
        "role": role.value,
        "lists": None if lists is None else sorted(lists),
        "handle": secrets.token_bytes(HANDLE_BYTES),
        "created_at": at,
    }
    number = connection.execute(insert(staff).values(values).returning(staff.c.id)).scalar_one()
    account = account_by_id(connection, number)
    audit.record(connection, actor, "account added", at=at, subject=account.subject, detail=_given(account))
    return account


def accounts(connection: Connection) -> Sequence[Account]:
    """Everybody, those who may sign in first, in the order of their addresses."""
    query = select(staff).order_by(staff.c.disabled_at.is_not(None), staff.c.address)
    return [account_of(row) for row in connection.execute(query).mappings()]


def holders(connection: Connection, right: Right, *list_names: str) -> Sequence[Account]:
    """Everybody who may sign in and has a right, for all of these lists."""
    return [
        one
        for one in accounts(connection)
        if one.disabled_at is None
        and right in RIGHTS[one.role]
        and (one.lists is None or one.lists.issuperset(list_names))
    ]


def find_account(connection: Connection, address: str) -> Account | None:
    """The account of a normalised address."""
    row = connection.execute(select(staff).where(staff.c.address == address)).mappings().one_or_none()
    return account_of(row) if row else None


def account_at(connection: Connection, address: str) -> Account:
    """The account of a normalised address. Raises `MailerError` when there is none."""
    if (found := find_account(connection, address)) is None:
        raise MailerError(f"nobody has an account as {address}", remedy="To see everybody: mailer staff list")
    return found


def account_by_id(connection: Connection, number: int) -> Account:
    """The account of a number. Raises `MailerError` when there is none."""
    row = connection.execute(select(staff).where(staff.c.id == number)).mappings().one_or_none()
    if row is None:
        raise MailerError("there is no such account", remedy="To see everybody: mailer staff list")
    return account_of(row)


def change_rights(
    connection: Connection, actor: Actor, account: Account, *, role: Role, lists: Collection[str] | None, at: datetime
) -> Account:
    """Give another role or other lists. Open sessions end: what they were opened for has changed."""
    if RIGHTS[account.role] >= {Right.STAFF} and not RIGHTS[role] >= {Right.STAFF}:
        _require_another_admin(connection, account)
    names = None if lists is None else sorted(lists)
    connection.execute(update(staff).where(staff.c.id == account.id).values(role=role.value, lists=names))
    changed = account_by_id(connection, account.id)
    if changed == account:
        return account
    _end_sessions(connection, account)
    detail = f"{_given(account)} → {_given(changed)}"
    audit.record(connection, actor, "account's rights changed", at=at, subject=account.subject, detail=detail)
    return changed


def disable_account(connection: Connection, actor: Actor, account: Account, *, at: datetime) -> Account:
    """Let somebody no longer sign in: sessions and links end at once; what they did stays in the log."""
    if account.disabled_at is not None:
        return account
    if RIGHTS[account.role] >= {Right.STAFF}:
        _require_another_admin(connection, account)
    connection.execute(update(staff).where(staff.c.id == account.id).values(disabled_at=at))
    _end_sessions(connection, account)
    connection.execute(delete(staff_links).where(staff_links.c.account_id == account.id))
    audit.record(connection, actor, "account disabled", at=at, subject=account.subject)
    return account_by_id(connection, account.id)


def enable_account(connection: Connection, actor: Actor, account: Account, *, at: datetime) -> Account:
    """Let somebody sign in again, as they did before."""
    if account.disabled_at is None:
        return account
    connection.execute(update(staff).where(staff.c.id == account.id).values(disabled_at=None))
    audit.record(connection, actor, "account enabled", at=at, subject=account.subject)
    return account_by_id(connection, account.id)


def account_of(values: RowMapping) -> Account:
    """The account of a row of `staff`."""
    lists = values["lists"]
    return Account(
        id=values["id"], address=values["address"], name=values["name"], role=Role(values["role"]),
        lists=None if lists is None else frozenset(lists), created_at=values["created_at"],
        disabled_at=values["disabled_at"],
    )  # fmt: skip


def _require_another_admin(connection: Connection, account: Account) -> None:
    """Locks the other admins' rows, so that two who disable each other don't leave nobody."""
    admins = [role.value for role, rights in RIGHTS.items() if Right.STAFF in rights]
    query = select(staff.c.id).where(staff.c.role.in_(admins), staff.c.disabled_at.is_(None))
    others = [number for (number,) in connection.execute(query.order_by(staff.c.id).with_for_update())]
    if set(others) <= {account.id}:
        raise MailerError(
            f"{account.address} is the only admin, and without one nobody could add or change accounts",
            remedy="Make somebody else an admin first: mailer staff role ADDRESS admin",
        )


def _end_sessions(connection: Connection, account: Account) -> None:
    connection.execute(delete(staff_sessions).where(staff_sessions.c.account_id == account.id))


def _given(account: Account) -> str:
    lists = "all lists" if account.lists is None else ", ".join(sorted(account.lists)) or "no list"
    return f"{account.role}, {lists}"
