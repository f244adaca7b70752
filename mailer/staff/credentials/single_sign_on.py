"""Single sign-on by OpenID Connect: code flow with PKCE (RFC 7636) and a nonce, and a claim that gives a role.

The provider says who somebody is; `[sso.roles]` says what that makes them here. Where no role is set for any of their
groups, only those come in who have an account of the same, verified address. Needs the extra `sso` (authlib).
"""

from __future__ import annotations

import hmac
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, select, update

from mailer.errors import MailerError
from mailer.settings.schema import SingleSignOn
from mailer.staff import audit
from mailer.staff.accounts import Account, account_of, add_account, change_rights, find_account
from mailer.staff.actor import Actor
from mailer.staff.credentials.challenges import keep_challenge, take_challenge
from mailer.staff.credentials.sign_in import Browser, Gate, enter
from mailer.staff.credentials.tries import count_try
from mailer.staff.rights import EVERY_RIGHT, RIGHTS, Role
from mailer.staff.tokens import new_token
from mailer.store.tables.staff import staff

# Signatures that only the provider can make; never "none" or a shared secret (RFC 8725 §3.1).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPE = "openid email profile"
LEEWAY_SECONDS = 120  # between the clocks
TIMEOUT_SECONDS = 10.0


class SsoRefused(MailerError):
    """The provider's answer lets nobody in; `message` says why."""

    def __init__(self, message: str, remedy: str = "Try again, or sign in another way.") -> None:
        super().__init__(message, remedy=remedy)


@dataclass(frozen=True, slots=True)
class Client:
    """We, as the provider knows us. `redirect` is our address that it sends people back to."""

    settings: SingleSignOn
    secret: str = field(repr=False)
    redirect: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as the provider signed it. `address` is "" unless verified; `role` None where no group fits."""

    subject: str
    address: str
    name: str
    role: Role | None


def begin(gate: Gate, client: Client, *, network: str, now: datetime) -> tuple[str, str]:
    """Where to send the browser, and the secret it has to keep until it comes back."""
    count_try(gate.database, address="", network=network, key=gate.address_key, now=now)
    cookie, state, nonce, verifier = (new_token() for _ in range(4))
    with _speaking(client) as session:
        provider = _provider(session, client)
        url, _ = session.create_authorization_url(
            provider["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    asked = {"state": state, "nonce": nonce, "verifier": verifier, "issuer": client.settings.issuer}
    with gate.database.write() as connection:
        keep_challenge(connection, cookie, asked, now=now)
    return url, cookie


def finish(gate: Gate, browser: Browser, client: Client, *, cookie: str, state: str, code: str, now: datetime) -> str:
    """The secret of a new session of the person that the provider vouches for. Raises `SsoRefused`."""
    count_try(gate.database, address="", network=browser.network, key=gate.address_key, now=now)
    with gate.database.write() as connection:
        asked = take_challenge(connection, cookie, now=now)
    # The state must be that of this very browser: else somebody could be signed in as somebody else unawares.
    if asked is None or not hmac.compare_digest(asked["state"].encode(), state.encode("utf-8", "replace")):
        raise SsoRefused("That sign-in was begun in another window, or too long ago.")
    if asked["issuer"] != client.settings.issuer or not code:
        raise SsoRefused("The sign-in was not completed.")
    identity = _identity(client, asked, code, now=now)
    with gate.database.write() as connection:
        account = _account(connection, client, identity, browser, now=now)
        return enter(connection, account, browser, how="single sign-on", now=now)


def _identity(client: Client, asked: Mapping[str, Any], code: str, *, now: datetime) -> Identity:
    with _speaking(client) as session:
        provider = _provider(session, client)
        token = session.fetch_token(provider["token_endpoint"], code=code, code_verifier=asked["verifier"])
        keys = _fetched(session, provider["jwks_uri"])
        claims = _claims(client, token, keys, nonce=asked["nonce"], now=now)
    verified = claims.get("email_verified") is True
    return Identity(
        subject=f"{claims['iss']} {claims['sub']}",
        address=str(claims.get("email", "")).strip().lower() if verified else "",
        name=str(claims.get("name", "")),
        role=role_of(client.settings, claims),
    )


def role_of(settings: SingleSignOn, claims: Mapping[str, Any]) -> Role | None:
    """The role that the claim gives; of several, the one with the most rights."""
    given = claims.get(settings.claim)
    values = cast(list[object], given) if isinstance(given, list) else [given]
    roles = [Role(settings.roles[value]) for value in values if isinstance(value, str) and value in settings.roles]
    return max(roles, key=lambda role: len(RIGHTS[role]), default=None)


def _account(connection: Connection, client: Client, who: Identity, browser: Browser, *, now: datetime) -> Account:
    """The account of an identity: known, of the same address, or new where a role was given."""
    provider = Actor("single sign-on", EVERY_RIGHT, via=browser.via)
    row = connection.execute(select(staff).where(staff.c.sso == who.subject)).mappings().one_or_none()
    account = account_of(row) if row else (find_account(connection, who.address) if who.address else None)
    if client.settings.roles and who.role is None:
        raise SsoRefused("Your account there belongs to no group that may use the studio.", remedy="Ask an admin.")
    if account is None:
        if who.role is None or not who.address:
            raise SsoRefused("You have no account here yet.", remedy="Ask an admin to add you.")
        account = add_account(connection, provider, who.address, who.role, name=who.name, at=now)
    if account.disabled_at is not None:
        raise SsoRefused("You have no account here any more.", remedy="Ask an admin.")
    if row is None:
        taken = connection.execute(select(staff.c.sso).where(staff.c.id == account.id)).scalar()
        if taken is not None:
            raise SsoRefused("This address belongs to somebody else's account there.", remedy="Ask an admin.")
        connection.execute(update(staff).where(staff.c.id == account.id).values(sso=who.subject))
        audit.record(connection, provider, "single sign-on joined to account", at=now, subject=account.subject)
    if who.role is not None and who.role is not account.role:
        account = change_rights(connection, provider, account, role=who.role, lists=account.lists, at=now)
    return account


def _provider(session: Any, client: Client) -> Mapping[str, Any]:
    """The provider's own description (OpenID Connect Discovery 1.0 §4), which must be of the issuer that was set."""
    issuer = client.settings.issuer
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    found = _fetched(session, address)
    if found["issuer"].rstrip("/") != issuer.rstrip("/"):
        raise SsoRefused("The sign-in service describes itself as another one.", remedy="An admin sets sso.issuer.")
    return found


def _fetched(session: Any, address: str) -> Mapping[str, Any]:
    found = session.request("GET", address, withhold_token=True).raise_for_status().json()
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return cast(Mapping[str, Any], found)


def _claims(client: Client, token: Mapping[str, Any], keys: Any, *, nonce: str, now: datetime) -> Mapping[str, Any]:
    """The claims of the ID token, each of its promises checked (OpenID Connect Core 1.0 §3.1.3.7)."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.jwk import KeySet
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    read = jwt.decode(token["id_token"], key=KeySet.import_key_set(keys), registry=registry)
    options = {
        "iss": {"essential": True, "values": [client.settings.issuer, client.settings.issuer.rstrip("/")]},
        "aud": {"essential": True, "value": client.settings.client_id},
    }
    expected = {"nonce": nonce, "client_id": client.settings.client_id, "access_token": token.get("access_token", "")}
    claims = CodeIDToken(read.claims, read.header, options, expected)
    claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    return claims


@contextmanager
def _speaking(client: Client) -> Generator[Any, None, None]:
    """A connection to the provider. What goes wrong on the way is one refusal, without what was sent."""
    try:
        from authlib.common.errors import AuthlibBaseError
        from authlib.integrations.httpx_client import OAuth2Client
        from httpx2 import HTTPError, InvalidURL
        from joserfc.errors import JoseError
    except ImportError:
        raise MailerError(
            "single sign-on needs the extra `sso`", remedy='Install it: pip install "advocacy-mailer[sso]"'
        ) from None
    own = {"scope": SCOPE, "redirect_uri": client.redirect, "code_challenge_method": "S256"}
    try:
        session: Any = OAuth2Client(client.settings.client_id, client.secret, timeout=TIMEOUT_SECONDS, **own)
        with session:
            yield session
    except (HTTPError, InvalidURL) as error:
        raise SsoRefused("The sign-in service can't be reached now.") from error
    except (AuthlibBaseError, JoseError, ValueError, LookupError) as error:
        raise SsoRefused("The sign-in service's answer was not understood.") from error
