"""Passkeys: made and used at our address by somebody the device has recognised, once for each challenge."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from mailer.staff.accounts import Account, disable_account
from mailer.staff.credentials.passkeys import (
    PasskeyRefused,
    RelyingParty,
    ask_to_make,
    ask_to_sign_in,
    make_passkey,
    owner_of_answer,
    passkeys_of,
    remove_passkey,
)
from mailer.staff.credentials.sign_in import by_passkey
from mailer.staff.sessions import signed_in
from mailer.store.engine.database import Database
from tests.staff.authenticator import Device
from tests.staff.world import AMINA, BROWSER, KIM, an_account, gate

US = RelyingParty("https://studio.example.org", "Example Campaigns")


def enrol(connection: Connection, account: Account, now: datetime, device: Device | None = None) -> Device:
    device = device or Device(US.origin)
    made = device.make(ask_to_make(connection, US, account, now=now))
    make_passkey(connection, US, account, made, label=" Amina's  phone ", now=now)
    return device


def test_a_passkey_signs_its_owner_in(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        device = enrol(connection, amina, now)
        (kept,) = passkeys_of(connection, amina.id)
        assert (kept.label, kept.used_at) == ("Amina's phone", None)
        options = ask_to_sign_in(connection, US, now=now)
    assert options["userVerification"] == "required"
    assert options.get("allowCredentials", []) == [], "the browser offers what it has; we name nobody's"
    token = by_passkey(gate(database), BROWSER, US, device.sign(options), now=now)
    with database.read() as connection:
        actor = signed_in(connection, token, now)
        assert actor is not None
        assert actor.name == AMINA
        assert passkeys_of(connection, amina.id)[0].used_at == now


def test_an_answer_works_once_and_for_minutes(database: Database, now: datetime) -> None:
    with database.write() as connection:
        device = enrol(connection, an_account(connection, at=now), now)
        answer = device.sign(ask_to_sign_in(connection, US, now=now))
        assert owner_of_answer(connection, US, answer, now=now).address == AMINA
        with pytest.raises(PasskeyRefused):
            owner_of_answer(connection, US, answer, now=now)
        late = device.sign(ask_to_sign_in(connection, US, now=now))
        with pytest.raises(PasskeyRefused):
            owner_of_answer(connection, US, late, now=now + timedelta(minutes=11))


@pytest.mark.parametrize(
    "spoiled",
    [
        Device("https://studio.example.org.evil.example"),
        Device("http://studio.example.org"),
        Device(US.origin, verifies=False),
    ],
    ids=["a copied page", "without TLS", "nobody recognised"],
)
def test_a_device_that_lacks_a_promise_is_refused(database: Database, now: datetime, spoiled: Device) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        with pytest.raises(PasskeyRefused):
            enrol(connection, amina, now, spoiled)
        good = enrol(connection, amina, now)
        bad = replace(good, origin=spoiled.origin, verifies=spoiled.verifies)
        with pytest.raises(PasskeyRefused):
            owner_of_answer(connection, US, bad.sign(ask_to_sign_in(connection, US, now=now)), now=now)


def test_challenges_are_for_one_purpose_and_one_account(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina, tom = an_account(connection, at=now), an_account(connection, "tom@example.org", at=now)
        device = enrol(connection, amina, now)
        for_amina = ask_to_make(connection, US, amina, now=now)
        with pytest.raises(PasskeyRefused):
            make_passkey(connection, US, tom, Device(US.origin).make(for_amina), label="", now=now)
        with pytest.raises(PasskeyRefused):
            owner_of_answer(connection, US, device.sign(dict(for_amina) | {"rpId": US.id}), now=now)


def test_a_copied_passkey_is_noticed(database: Database, now: datetime) -> None:
    with database.write() as connection:
        device = enrol(connection, an_account(connection, at=now), now)
        copied = replace(device)
        for _ in range(2):
            owner_of_answer(connection, US, device.sign(ask_to_sign_in(connection, US, now=now)), now=now)
        with pytest.raises(PasskeyRefused):
            owner_of_answer(connection, US, copied.sign(ask_to_sign_in(connection, US, now=now)), now=now)


def test_a_removed_passkey_and_a_disabled_owner_get_in_no_more(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina, tom = an_account(connection, at=now), an_account(connection, "tom@example.org", at=now)
        hers, his = enrol(connection, amina, now), enrol(connection, tom, now)
        assert not remove_passkey(connection, tom.id, hers.credential_id)
        assert remove_passkey(connection, amina.id, hers.credential_id)
        disable_account(connection, KIM, tom, at=now)
        for device in (hers, his):
            with pytest.raises(PasskeyRefused):
                owner_of_answer(connection, US, device.sign(ask_to_sign_in(connection, US, now=now)), now=now)


def test_one_device_is_not_two_accounts(database: Database, now: datetime) -> None:
    with database.write() as connection:
        device = enrol(connection, an_account(connection, at=now), now)
        tom = an_account(connection, "tom@example.org", at=now)
        with pytest.raises(PasskeyRefused, match="already"):
            enrol(connection, tom, now, device)


LEAVES = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(LEAVES, lambda more: st.lists(more) | st.dictionaries(st.text(), more))
PARTS = ("id", "rawId", "type", "response", "clientDataJSON", "authenticatorData", "signature", "userHandle")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.sampled_from(PARTS), JSON | st.binary().map(lambda raw: raw.decode("latin-1")), st.booleans())
def test_whatever_a_browser_sends_is_refused_in_words(
    database: Database, now: datetime, part: str, instead: object, whole: bool
) -> None:
    with database.write() as connection:
        device = Device(US.origin)
        answer = json.loads(device.sign(ask_to_sign_in(connection, US, now=now)))
        (answer if part in answer else answer["response"])[part] = instead
        with pytest.raises(PasskeyRefused):
            owner_of_answer(connection, US, json.dumps(instead if whole else answer), now=now)
