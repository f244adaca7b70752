"""Accounts for the tests of staff, and the keys of their workspace."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mailer.staff.accounts import Account, add_account
from mailer.staff.actor import Actor
from mailer.staff.credentials.sign_in import Browser, Gate
from mailer.staff.rights import EVERY_RIGHT, Role
from mailer.store.engine.database import Database

KIM = Actor("terminal: kim", EVERY_RIGHT, via="terminal on desk")
AMINA = "amina@example.org"
KEYS = (b"a-signing-key-for-tests-that-is-long-enough",)
ADDRESS_KEY = b"an-address-key-for-tests-that-is-long-enough"
PASSWORD = "correct horse battery staple"
BROWSER = Browser("192.0.2.7", "Firefox")


def gate(database: Database) -> Gate:
    return Gate(database, KEYS, ADDRESS_KEY)


def an_account(connection: Connection, address: str = AMINA, role: Role = Role.WRITER, *, at: datetime) -> Account:
    return add_account(connection, KIM, address, role, at=at)
