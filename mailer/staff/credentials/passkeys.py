"""Passkeys (WebAuthn Level 3): made for an account, and used to sign in without a name or a password.

Discoverable, and with user verification: the device asks for a finger, a face or its screen lock: two factors in one.
The browser proves that it speaks with our address, so a copied page learns nothing.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert, select, update

from mailer.errors import MailerError
from mailer.staff.accounts import Account, account_of
from mailer.staff.credentials.challenges import keep_challenge, take_challenge
from mailer.store.tables.staff import staff, staff_passkeys

LONGEST_LABEL = 60  # characters
MOST = 20  # passkeys of one account


class PasskeyRefused(MailerError):
    """The device's answer doesn't fit: another address, an old page, or a passkey that was removed."""

    def __init__(self, message: str = "That passkey is not known here.") -> None:
        super().__init__(message, remedy="Load the page again, or sign in another way.")


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks, to the browser: our address, as https://studio.example.org, and the organisation's name."""

    origin: str
    name: str

    @property
    def id(self) -> str:
        """The host name, to which passkeys are bound."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it in the list."""

    credential_id: bytes
    label: str
    created_at: datetime
    used_at: datetime | None


def ask_to_make(connection: Connection, party: RelyingParty, account: Account, *, now: datetime) -> Mapping[str, Any]:
    """What the browser is given to make a passkey: publicKey options as JSON."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url, structs

    handle = connection.execute(select(staff.c.handle).where(staff.c.id == account.id)).scalar_one()
    known = connection.execute(_of(account.id, staff_passkeys.c.credential_id)).scalars().all()
    if len(known) >= MOST:
        raise PasskeyRefused(f"An account has at most {MOST} passkeys.")
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=handle,
        user_name=account.address,
        user_display_name=account.name or account.address,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    asked = {"for": "making", "account": account.id}
    keep_challenge(connection, bytes_to_base64url(options.challenge), asked, now=now)
    return json.loads(webauthn.options_to_json(options))


def make_passkey(
    connection: Connection, party: RelyingParty, account: Account, answer: str, *, label: str, now: datetime
) -> Passkey:
    """Keep the passkey that the browser made. Raises `PasskeyRefused`."""
    import webauthn

    challenge = _challenge(answer)
    if take_challenge(connection, challenge, now=now) != {"for": "making", "account": account.id}:
        raise PasskeyRefused("That took too long.")
    with _refusing():
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    known = select(staff_passkeys.c.account_id).where(staff_passkeys.c.credential_id == made.credential_id)
    if connection.execute(known).first():
        raise PasskeyRefused("This device has a passkey for the studio already.")
    words = " ".join(label.split())[:LONGEST_LABEL] or "Passkey"
    connection.execute(
        insert(staff_passkeys).values(
            credential_id=made.credential_id, account_id=account.id, public_key=made.credential_public_key,
            sign_count=made.sign_count, label=words, created_at=now,
        )
    )  # fmt: skip
    return Passkey(made.credential_id, words, now, None)


def ask_to_sign_in(connection: Connection, party: RelyingParty, *, now: datetime) -> Mapping[str, Any]:
    """What the browser is given to sign in: it offers whatever passkeys it has for us."""
    import webauthn
    from webauthn.helpers import bytes_to_base64url, structs

    required = structs.UserVerificationRequirement.REQUIRED
    options = webauthn.generate_authentication_options(rp_id=party.id, user_verification=required)
    keep_challenge(connection, bytes_to_base64url(options.challenge), {"for": "signing in"}, now=now)
    return json.loads(webauthn.options_to_json(options))


def owner_of_answer(connection: Connection, party: RelyingParty, answer: str, *, now: datetime) -> Account:
    """Whose passkey signed. Raises `PasskeyRefused`, also for a disabled account."""
    import webauthn

    challenge = _challenge(answer)
    if take_challenge(connection, challenge, now=now) != {"for": "signing in"}:
        raise PasskeyRefused("That took too long.")
    with _refusing():
        credential_id = webauthn.base64url_to_bytes(json.loads(answer)["id"])
    query = (
        select(staff, staff_passkeys.c.public_key, staff_passkeys.c.sign_count)
        .join(staff_passkeys, staff_passkeys.c.account_id == staff.c.id)
        .where(staff_passkeys.c.credential_id == credential_id, staff.c.disabled_at.is_(None))
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise PasskeyRefused
    with _refusing():
        signed = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=row["public_key"],
            credential_current_sign_count=row["sign_count"],
            require_user_verification=True,
        )
    this = staff_passkeys.c.credential_id == credential_id
    connection.execute(update(staff_passkeys).where(this).values(sign_count=signed.new_sign_count, used_at=now))
    return account_of(row)


def passkeys_of(connection: Connection, account_id: int) -> Sequence[Passkey]:
    """The passkeys of an account, the oldest first."""
    columns = (staff_passkeys.c[name] for name in ("credential_id", "label", "created_at", "used_at"))
    rows = connection.execute(_of(account_id, *columns).order_by(staff_passkeys.c.created_at))
    return [Passkey(*row) for row in rows]


def remove_passkey(connection: Connection, account_id: int, credential_id: bytes) -> bool:
    """Forget a passkey of an account; False when it has no such one."""
    this = (staff_passkeys.c.account_id == account_id) & (staff_passkeys.c.credential_id == credential_id)
    return connection.execute(delete(staff_passkeys).where(this)).rowcount > 0


def _of(account_id: int, *columns: Any) -> Any:
    return select(*columns).where(staff_passkeys.c.account_id == account_id)


def _challenge(answer: str) -> str:
    """The challenge that an answer says it answers; "" when it is no answer."""
    from webauthn import base64url_to_bytes

    with _refusing():
        client = base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])
        challenge: str = json.loads(client)["challenge"]
        challenge.encode("ascii")
        return challenge


@contextmanager
def _refusing() -> Generator[None, None, None]:
    """Whatever is wrong with what a browser sent is one refusal, which tells nothing."""
    from cbor2 import CBORError
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        yield
    except (WebAuthnException, CBORError, ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise PasskeyRefused("The device's answer was not understood.") from error
