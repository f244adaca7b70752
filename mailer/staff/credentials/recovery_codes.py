"""Recovery codes: what somebody has on paper for the day the phone with the app is gone. Each works once.

80 random bits each, so that a plain hash can't be turned back (and nobody types more than four groups of four).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from mailer.staff.tokens import hashed
from mailer.store.tables.staff import staff_recovery_codes

HOW_MANY = 10
CODE_BYTES, GROUP = 10, 4


def renew_codes(connection: Connection, account_id: int) -> Sequence[str]:
    """New codes for an account, to be shown once; the earlier ones work no more."""
    codes = [_new() for _ in range(HOW_MANY)]
    connection.execute(delete(staff_recovery_codes).where(staff_recovery_codes.c.account_id == account_id))
    rows = [{"account_id": account_id, "hash": _hash(code)} for code in codes]
    connection.execute(insert(staff_recovery_codes), rows)
    return codes


def use_recovery_code(connection: Connection, account_id: int, code: str) -> bool:
    """Spend a code; False when it isn't one of the account's, or was used."""
    this = (staff_recovery_codes.c.account_id == account_id) & (staff_recovery_codes.c.hash == _hash(code))
    return connection.execute(delete(staff_recovery_codes).where(this)).rowcount > 0


def count_codes(connection: Connection, account_id: int) -> int:
    """How many an account has left."""
    query = select(func.count()).where(staff_recovery_codes.c.account_id == account_id)
    return connection.execute(query).scalar_one()


def _new() -> str:
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    return "-".join(text[i : i + GROUP] for i in range(0, len(text), GROUP))


def _hash(code: str) -> bytes:
    """However it was typed: capitals, spaces, without its lines."""
    return hashed("".join(c for c in code.lower() if c.isalnum()))
