"""Single sign-on: against two providers on this machine, with everything a provider or a browser may get wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailer.settings.schema import SingleSignOn
from mailer.staff.accounts import account_at, accounts, disable_account
from mailer.staff.audit import entries
from mailer.staff.credentials.single_sign_on import Client, SsoRefused, begin, finish, role_of
from mailer.staff.rights import Role
from mailer.staff.sessions import signed_in
from mailer.store.engine.database import Database
from tests.servers.sign_in_service import CLIENT, SECRET, SignInService, independent_provider, log_in_there
from tests.staff.world import AMINA, BROWSER, KIM, an_account, gate

BACK = "https://studio.example.org/sign-in/back"
ROLES = {"press": "writer", "board": "approver"}


@pytest.fixture
def now() -> datetime:
    """The provider's tokens are of the real time."""
    return datetime.now(UTC)


@pytest.fixture
def service() -> Iterator[SignInService]:
    with SignInService() as running:
        yield running


def client_of(url: str, roles: dict[str, str] | None = None) -> Client:
    return Client(SingleSignOn(issuer=url, client_id=CLIENT, roles=roles or {}), SECRET, BACK)


def go(database: Database, service: SignInService, client: Client, now: datetime, **other: str) -> str:
    url, cookie = begin(gate(database), client, network="192.0.2.7", now=now)
    came = {"cookie": cookie, **service.login(url), **other}
    return finish(gate(database), BROWSER, client, now=now, **came)


def test_an_account_of_the_same_verified_address_signs_in(
    database: Database, service: SignInService, now: datetime
) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
    token = go(database, service, client_of(service.url), now)
    with database.read() as connection:
        actor = signed_in(connection, token, now)
        assert actor is not None
        assert actor.account_id == amina.id
        assert [one.action for one in entries(connection)][:2] == ["signed in", "single sign-on joined to account"]
    service.claims |= {"email": "amina.new@example.org"}  # the provider's name for her is what counts from now on
    assert go(database, service, client_of(service.url), now)
    assert SECRET not in str(service.posted)


def test_a_group_gives_a_role_and_an_account(database: Database, service: SignInService, now: datetime) -> None:
    client = client_of(service.url, ROLES)
    service.claims |= {"groups": ["everybody", "press"], "name": "Amina Diallo"}
    go(database, service, client, now)
    with database.read() as connection:
        made = account_at(connection, AMINA)
    assert (made.role, made.name) == (Role.WRITER, "Amina Diallo")
    service.claims |= {"groups": ["board", "press"]}
    go(database, service, client, now)
    service.claims |= {"groups": []}
    with pytest.raises(SsoRefused, match="no group"):
        go(database, service, client, now)
    with database.read() as connection:
        assert account_at(connection, AMINA).role is Role.APPROVER


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": "tom@example.org"},
    ],
)
def test_an_address_that_is_not_verified_is_nobodys(
    database: Database, service: SignInService, now: datetime, claims: dict[str, Any]
) -> None:
    with database.write() as connection:
        an_account(connection, at=now)
    service.claims |= claims
    with pytest.raises(SsoRefused):
        go(database, service, client_of(service.url), now)


def test_somebody_else_with_that_address_is_refused(database: Database, service: SignInService, now: datetime) -> None:
    with database.write() as connection:
        an_account(connection, at=now)
    go(database, service, client_of(service.url), now)
    service.claims |= {"sub": "amina-the-second"}
    with pytest.raises(SsoRefused, match="somebody else"):
        go(database, service, client_of(service.url), now)


def test_who_is_disabled_stays_out(database: Database, service: SignInService, now: datetime) -> None:
    service.claims |= {"groups": "press"}
    client = client_of(service.url, ROLES)
    go(database, service, client, now)
    with database.write() as connection:
        disable_account(connection, KIM, account_at(connection, AMINA), at=now)
    with pytest.raises(SsoRefused, match="any more"):
        go(database, service, client, now)


@pytest.mark.parametrize(
    "spoil",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"at_hash": "wrong"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_promise_lets_nobody_in(
    database: Database, service: SignInService, now: datetime, spoil: dict[str, Any]
) -> None:
    with database.write() as connection:
        an_account(connection, at=now)
    service.spoil = spoil
    with pytest.raises(SsoRefused):
        go(database, service, client_of(service.url), now)


@pytest.mark.parametrize("how", ["another key", "the shared secret", "nothing"])
def test_a_token_that_others_could_sign_lets_nobody_in(
    database: Database, service: SignInService, now: datetime, how: str
) -> None:
    with database.write() as connection:
        an_account(connection, at=now)
    if how == "another key":
        service.sign_with = service.other_key
    else:
        service.sign_with = service.shared_secret()
        service.algorithm = "HS256" if how == "the shared secret" else "none"
    with pytest.raises(SsoRefused):
        go(database, service, client_of(service.url), now)


def test_the_browser_must_be_the_one_that_began(database: Database, service: SignInService, now: datetime) -> None:
    with database.write() as connection:
        an_account(connection, at=now)
    client = client_of(service.url)
    for wrong in (
        {"cookie": ""},
        {"cookie": "x" * 43},
        {"state": ""},
        {"state": "\udc80"},
        {"code": ""},
        {"code": "x"},
    ):
        with pytest.raises(SsoRefused):
            go(database, service, client, now, **wrong)
    url, cookie = begin(gate(database), client, network="", now=now)
    came = service.login(url)
    assert finish(gate(database), BROWSER, client, cookie=cookie, now=now, **came)
    with pytest.raises(SsoRefused):
        finish(gate(database), BROWSER, client, cookie=cookie, now=now, **came)
    url, cookie = begin(gate(database), client, network="", now=now)
    with pytest.raises(SsoRefused):
        finish(gate(database), BROWSER, client, cookie=cookie, now=now + timedelta(minutes=11), **service.login(url))


def test_a_wrong_secret_and_another_issuer_are_said(database: Database, service: SignInService, now: datetime) -> None:
    with pytest.raises(SsoRefused) as refused:
        go(database, service, replace(client_of(service.url), secret="wrong"), now)
    assert "wrong" not in str(refused.value)
    service.issuer = "https://evil.example"
    with pytest.raises(SsoRefused, match="another one"):
        go(database, service, client_of(service.url), now)


@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, b"[]"), (200, b"{}"), (500, b""), (302, b""), (200, b"\xff")]
)
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_whatever_the_provider_answers_is_refused_in_words(
    database: Database, service: SignInService, now: datetime, answer: tuple[int, bytes], before: int
) -> None:
    """The first answer is read before the browser leaves; the others once it is back."""
    with database.write() as connection:
        an_account(connection, at=now)
    client = client_of(service.url)
    if before == 0:
        service.answers = [answer]
        with pytest.raises(SsoRefused):
            begin(gate(database), client, network="", now=now)
        return
    url, cookie = begin(gate(database), client, network="", now=now)
    came = service.login(url)
    real = [(200, json.dumps(service.description()).encode())]
    if before == 3:
        real.append((200, b'{"id_token": "a.b.c", "access_token": "x"}'))
    service.answers = [*real[: before - 1], answer]
    with pytest.raises(SsoRefused):
        finish(gate(database), BROWSER, client, cookie=cookie, now=now, **came)


def test_a_provider_that_is_away_is_said(database: Database, now: datetime) -> None:
    with SignInService() as gone:
        url = gone.url
    with pytest.raises(SsoRefused, match="can't be reached"):
        begin(gate(database), client_of(url), network="", now=now)


def test_a_provider_that_others_wrote_signs_people_in(database: Database, now: datetime) -> None:
    ada = {"sub": "ada", "email": "ada@example.org", "email_verified": True, "groups": ["press"], "name": "Ada"}
    with independent_provider([ada]) as url:
        client = client_of(url, ROLES)
        address, cookie = begin(gate(database), client, network="", now=now)
        came = log_in_there(address, "ada")
        token = finish(gate(database), BROWSER, client, cookie=cookie, now=now, state=came["state"], code=came["code"])
    with database.read() as connection:
        actor = signed_in(connection, token, now)
        assert actor is not None
        assert actor.name == "ada@example.org"
        assert [one.role for one in accounts(connection)] == [Role.WRITER]


def test_of_several_groups_the_one_with_most_rights_counts() -> None:
    settings = SingleSignOn(roles=ROLES)
    assert role_of(settings, {"groups": ["press", "board"]}) is Role.APPROVER
    assert role_of(settings, {"groups": "press"}) is Role.WRITER
    for odd in (None, [], ["other"], [["press"]], {"press": 1}, 7, [None]):
        assert role_of(settings, {"groups": odd}) is None
