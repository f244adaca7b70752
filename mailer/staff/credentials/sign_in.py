"""Signing in, however somebody proves who they are: tries are counted, the proof judged, a session opened, all logged.

A refusal says the same whether the address is known, the password right or the account disabled, and takes as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.accounts import Account, account_of
from mailer.staff.actor import Actor
from mailer.staff.credentials.one_time_codes import SeedBox, matching_step, use_code
from mailer.staff.credentials.passkeys import RelyingParty, ask_to_sign_in, owner_of_answer
from mailer.staff.credentials.passwords import is_password
from mailer.staff.credentials.recovery_codes import use_recovery_code
from mailer.staff.credentials.tries import count_try
from mailer.staff.sessions import open_session
from mailer.store.engine.database import Database
from mailer.store.tables.staff import staff


class SignInRefused(MailerError):
    """Not let in. Which part was wrong isn't said."""

    def __init__(self) -> None:
        super().__init__(
            "The address, the password or the code is wrong.",
            remedy="A code works once: wait for the next one. An admin can send you a link that works once.",
        )


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a sign-in comes from. `cookie` is the session it came with, if any, which then ends."""

    network: str = ""  # its IP address
    name: str = ""  # User-Agent
    cookie: str = field(default="", repr=False)

    @property
    def via(self) -> str:
        """For the audit log."""
        return f"studio, {self.network}" if self.network else "studio"


@dataclass(frozen=True, slots=True)
class Gate:
    """What signing in needs of the workspace: its database, and its keys."""

    database: Database
    signing_keys: tuple[bytes, ...] = field(repr=False)
    address_key: bytes = field(repr=False)

    @property
    def seeds(self) -> SeedBox:
        return SeedBox(self.signing_keys)


def by_password(gate: Gate, browser: Browser, *, address: str, password: str, code: str, now: datetime) -> str:
    """The secret of a new session. `address` is as typed; `code` is of the app, or a recovery code.

    Raises `SignInRefused` or `TooManyTries`.
    """
    typed = "".join(c for c in address.strip().lower() if c.isprintable())
    count_try(gate.database, address=typed or "?", network=browser.network, key=gate.address_key, now=now)
    with gate.database.read() as connection:
        row = connection.execute(select(staff).where(staff.c.address == typed)).mappings().one_or_none()
    right = is_password(password, row["password"] if row else "")
    seed = gate.seeds.open(row["totp"]) if row and row["totp"] else ""
    step = matching_step(seed, code, now=now)
    with gate.database.write() as connection:
        if row and right and (how := _second(connection, row["id"], step, code)):
            again = connection.execute(select(staff).where(staff.c.id == row["id"])).mappings().one()
            if again["disabled_at"] is None and again["password"] == row["password"]:
                return enter(connection, account_of(again), browser, how=how, now=now)
        somebody = Actor("somebody", frozenset(), via=browser.via)
        subject = account_of(row).subject if row else "no account"  # what was typed may be a supporter's, or a password
        audit.record(connection, somebody, "sign-in refused", at=now, subject=subject)
    raise SignInRefused


def ask_passkey(gate: Gate, browser: Browser, party: RelyingParty, *, now: datetime) -> Mapping[str, Any]:
    """What the browser is given to sign in by a passkey: this is the try that counts. Raises `TooManyTries`."""
    count_try(gate.database, address="", network=browser.network, key=gate.address_key, now=now)
    with gate.database.write() as connection:
        return ask_to_sign_in(connection, party, now=now)


def by_passkey(gate: Gate, browser: Browser, party: RelyingParty, answer: str, *, now: datetime) -> str:
    """The secret of a new session for the owner of the passkey that answered. Raises `PasskeyRefused`."""
    with gate.database.write() as connection:
        account = owner_of_answer(connection, party, answer, now=now)
        return enter(connection, account, browser, how="passkey", now=now)


def enter(connection: Connection, account: Account, browser: Browser, *, how: str, now: datetime) -> str:
    """Open a session for an account that proved itself, and log it."""
    detail = f"by {how}"
    audit.record(connection, account.actor(browser.via), "signed in", at=now, subject=account.subject, detail=detail)
    return open_session(
        connection, account, now=now, network=browser.network, browser=browser.name, before=browser.cookie
    )


def _second(connection: Connection, account_id: int, step: int | None, code: str) -> str:
    """How the second proof was given, which is spent by that; "" when it wasn't."""
    if step is not None and use_code(connection, account_id, step):
        return "password and code"
    if use_recovery_code(connection, account_id, code):
        return "password and recovery code"
    return ""
