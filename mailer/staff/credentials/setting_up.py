"""How somebody sets up a password with its app, and gets recovery codes. The app gives a code before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.accounts import Account
from mailer.staff.actor import Actor
from mailer.staff.credentials.one_time_codes import SeedBox, app_address, matching_step, new_seed, picture
from mailer.staff.credentials.passkeys import passkeys_of
from mailer.staff.credentials.passwords import hash_password, judge_password
from mailer.staff.credentials.recovery_codes import count_codes, renew_codes
from mailer.store.tables.staff import staff

SETUP_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AppSetup:
    """What the page shows while an app is set up. `carried` comes back with its form."""

    qr: str = field(repr=False)  # inline SVG
    typed: str = field(repr=False)  # the seed, for who can't scan
    carried: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WaysIn:
    """How an account can sign in."""

    passkeys: int
    has_password: bool  # with an app
    recovery_codes: int
    has_sso: bool


def offer_app(account: Account, seeds: SeedBox, *, organisation: str, now: datetime, carried: str = "") -> AppSetup:
    """A new seed for an account's app, which nothing keeps before `set_password`; that of `carried` again, where a form
    comes back with a fault: the app has it already."""
    seed = _seed_of(carried, account, seeds, now=now) or new_seed()
    carried = seeds.close(f"{account.id} {seed}", now=now).decode()
    address = app_address(seed, address=account.address, organisation=organisation)
    return AppSetup(picture(address), " ".join(seed[i : i + 4] for i in range(0, len(seed), 4)), carried)


def set_password(
    connection: Connection, actor: Actor, account: Account, seeds: SeedBox,
    *, password: str, code: str, carried: str, now: datetime,
) -> Sequence[str]:  # fmt: skip
    """Set a password and its app, in place of earlier ones; returns new recovery codes, to be shown once.

    Raises `MailerError` for a password that would be guessed, and a code that isn't the app's.
    """
    judge_password(password, address=account.address)
    if not (seed := _seed_of(carried, account, seeds, now=now)):
        raise MailerError("That took too long.", remedy="Scan the new picture with your app, and type its code.")
    if (step := matching_step(seed, code, now=now)) is None:
        raise MailerError(
            "That is not the code the app shows for this picture.",
            remedy="Scan the picture, and type the six digits before they change. Is your phone's clock right?",
        )
    values = {"password": hash_password(password), "totp": seeds.close(seed, now=now), "totp_step": step}
    connection.execute(update(staff).where(staff.c.id == account.id).values(**values))
    audit.record(connection, actor, "password and app set", at=now, subject=account.subject)
    return renew_codes(connection, account.id)


def remove_password(connection: Connection, actor: Actor, account: Account, *, now: datetime) -> None:
    """Sign in by passkey alone from now on. Raises `MailerError` when there is none."""
    if not passkeys_of(connection, account.id):
        raise MailerError("Without a passkey, your password is the only way in.", remedy="Add a passkey first.")
    connection.execute(update(staff).where(staff.c.id == account.id).values(password="", totp=None))
    audit.record(connection, actor, "password removed", at=now, subject=account.subject)


def _seed_of(carried: str, account: Account, seeds: SeedBox, *, now: datetime) -> str:
    opened = seeds.open_fresh(carried.encode("utf-8", "replace"), now=now, within=SETUP_LIFE)
    number, _, seed = opened.partition(" ")
    return seed if number == str(account.id) else ""


def ways_in(connection: Connection, account_id: int) -> WaysIn:
    """How an account can sign in."""
    columns = (staff.c.password != "", staff.c.sso.is_not(None))
    has_password, has_sso = connection.execute(select(*columns).where(staff.c.id == account_id)).one()
    passkeys = len(passkeys_of(connection, account_id))
    return WaysIn(passkeys, bool(has_password), count_codes(connection, account_id), bool(has_sso))
