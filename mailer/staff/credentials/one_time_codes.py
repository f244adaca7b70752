"""Six-digit codes from an app (TOTP, RFC 6238): the seed, its picture for the app, and codes that work once.

Seeds are encrypted under the workspace's signing keys, so a stolen copy of the database makes no codes.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import Connection, update

from mailer.store.tables.staff import staff

STEP_SECONDS = 30
CLOCKS_APART = 1  # steps that a phone may be ahead or behind


class SeedBox:
    """Encrypts seeds under the first of the workspace's signing keys, and opens what any of them closed."""

    def __init__(self, signing_keys: Sequence[bytes]) -> None:
        self._box = MultiFernet([Fernet(_key(one)) for one in signing_keys])

    def close(self, text: str, *, now: datetime) -> bytes:
        """The seed as it may be kept, or go through a browser's form."""
        return self._box.encrypt_at_time(text.encode(), int(now.timestamp()))

    def open(self, closed: bytes) -> str:
        """What was closed; "" for anything else, and for what a key closed that is gone."""
        try:
            return self._box.decrypt(closed).decode()
        except InvalidToken:
            return ""

    def open_fresh(self, closed: bytes, *, now: datetime, within: timedelta) -> str:
        """The same; "" also for what was closed longer ago."""
        try:
            return self._box.decrypt_at_time(closed, int(within.total_seconds()), int(now.timestamp())).decode()
        except InvalidToken:
            return ""


def new_seed() -> str:
    """160 random bits, in base32 as apps take them."""
    return random_base32()


def app_address(seed: str, *, address: str, organisation: str) -> str:
    """The otpauth:// address with which an app takes the seed."""
    return TOTP(seed).provisioning_uri(name=address, issuer_name=organisation or "Mailer")


def picture(app_address: str) -> str:
    """The QR code of it as an inline SVG in the page's own colours."""
    import segno

    made = segno.make(app_address, error="m")
    return made.svg_inline(scale=4, border=2, dark="#000", light="#fff", title="Code for your app", omitsize=True)


def matching_step(seed: str, code: str, *, now: datetime) -> int | None:
    """The step of time whose code this is, or None. Each possible code is compared, whichever fits."""
    given = "".join(c for c in code if c.isdigit()).encode()
    totp = TOTP(seed or random_base32(), interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    steps = range(current - CLOCKS_APART, current + CLOCKS_APART + 1)
    fitting = [step for step in steps if hmac.compare_digest(totp.at(step * STEP_SECONDS).encode(), given)]
    return fitting[-1] if seed and fitting else None


def use_code(connection: Connection, account_id: int, step: int) -> bool:
    """Spend a step; False when it or a later one was used: of two who see the same code, one gets in."""
    unused = (staff.c.id == account_id) & (staff.c.totp_step < step)
    return connection.execute(update(staff).where(unused).values(totp_step=step)).rowcount > 0


def _key(signing_key: bytes) -> bytes:
    made = HKDF(SHA256(), length=32, salt=None, info=b"mailer staff: seeds of codes").derive(signing_key)
    return base64.urlsafe_b64encode(made)
