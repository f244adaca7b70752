"""Passwords and codes: judged, kept as nobody can read them, each code good once, tries limited for everybody alike."""

from __future__ import annotations

import re
import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyotp.totp import TOTP
from sqlalchemy import select

from mailer.errors import MailerError
from mailer.staff.accounts import Account, disable_account
from mailer.staff.audit import entries
from mailer.staff.credentials import passwords
from mailer.staff.credentials.one_time_codes import SeedBox, matching_step, new_seed
from mailer.staff.credentials.passwords import PasswordTooWeak, hash_password, is_password, judge_password
from mailer.staff.credentials.recovery_codes import HOW_MANY, count_codes
from mailer.staff.credentials.setting_up import SETUP_LIFE, AppSetup, offer_app, remove_password, set_password, ways_in
from mailer.staff.credentials.sign_in import SignInRefused, by_password
from mailer.staff.credentials.tries import ACCOUNT, NETWORK, TooManyTries, count_try
from mailer.staff.sessions import signed_in
from mailer.store.engine.database import Database
from mailer.store.tables.staff import staff
from tests.staff.world import ADDRESS_KEY, AMINA, BROWSER, KEYS, KIM, PASSWORD, an_account, gate

BOX = SeedBox(KEYS)
AS_SET = (passwords.MEMORY_KIB, passwords.PASSES)
LATER = timedelta(minutes=1)  # another code


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password takes as long as it must to whoever guesses, and these tests have hundreds."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "PASSES", 1)


def seed_of(setup: AppSetup) -> str:
    return setup.typed.replace(" ", "")


def enrol(database: Database, now: datetime, address: str = AMINA) -> tuple[Account, str, list[str]]:
    with database.write() as connection:
        account = an_account(connection, address, at=now)
        setup = offer_app(account, BOX, organisation="Example", now=now)
        seed = seed_of(setup)
        codes = set_password(
            connection, KIM, account, BOX, password=PASSWORD, code=TOTP(seed).at(now), carried=setup.carried, now=now
        )
    return account, seed, list(codes)


def try_it(database: Database, now: datetime, *, address: str = AMINA, password: str = PASSWORD, code: str) -> str:
    return by_password(gate(database), BROWSER, address=address, password=password, code=code, now=now)


def test_password_and_code_sign_in_once(database: Database, now: datetime) -> None:
    _, seed, _ = enrol(database, now)
    with pytest.raises(SignInRefused):
        try_it(database, now, code=TOTP(seed).at(now))  # was used to set the app up
    code, at = TOTP(seed).at(now + LATER), now + LATER
    token = try_it(database, at, address=f"  {AMINA.upper()} ", code=f"{code[:3]} {code[3:]}")
    with database.read() as connection:
        assert signed_in(connection, token, at)
        assert entries(connection)[0].detail == "by password and code"
        assert entries(connection)[0].via == "studio, 192.0.2.7"
    with pytest.raises(SignInRefused):
        try_it(database, at, code=code)


def test_two_who_use_one_code_at_once_are_one(database: Database, now: datetime) -> None:
    _, seed, _ = enrol(database, now)
    code, at, done = TOTP(seed).at(now + LATER), now + LATER, list[bool]()

    def go() -> None:
        try:
            try_it(database, at, code=code)
            done.append(True)
        except SignInRefused:
            done.append(False)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False, False, False, True]


def test_a_recovery_code_works_once_however_it_is_typed(database: Database, now: datetime) -> None:
    account, _, codes = enrol(database, now)
    assert len(set(codes)) == HOW_MANY
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    assert try_it(database, now, code=codes[3].upper().replace("-", " "))
    with pytest.raises(SignInRefused):
        try_it(database, now, code=codes[3])
    with database.read() as connection:
        assert count_codes(connection, account.id) == HOW_MANY - 1


def test_every_refusal_is_the_same_and_names_nobody_unknown(database: Database, now: datetime) -> None:
    account, seed, _ = enrol(database, now)
    with database.write() as connection:
        without = an_account(connection, "new@example.org", at=now)
        gone, its_seed = an_account(connection, "gone@example.org", at=now), seed
        disable_account(connection, KIM, gone, at=now)
    code, at, said = TOTP(its_seed).at(now + LATER), now + LATER, set[str]()
    for address, password, given_code in (
        (AMINA, "wrong", code),
        (AMINA, PASSWORD, "000000"),
        (AMINA, PASSWORD, ""),
        ("who@example.org", PASSWORD, code),
        (without.address, "", code),
        ("gone@example.org", PASSWORD, code),
        ("", "", ""),
        ("\0\udc80", "\0\udc80" * 9999, "\0\udc80"),
    ):
        with pytest.raises(SignInRefused) as refused:
            try_it(database, at, address=address, password=password, code=given_code)
        said.add(str(refused.value))
    assert len(said) == 1
    with database.read() as connection:
        log = [one for one in entries(connection) if one.action == "sign-in refused"]
    assert {one.subject for one in log} == {
        account.subject, without.subject, gone.subject, "no account",
    }  # fmt: skip
    assert "who@example.org" not in str(log)


@pytest.mark.parametrize("address", [AMINA, "nobody@example.org"])
def test_tries_run_out_alike_for_those_with_and_without_an_account(
    database: Database, now: datetime, address: str
) -> None:
    """Counted before the password is looked at, so that the right one is refused too."""
    _, seed, _ = enrol(database, now)
    at = now + LATER
    for _ in range(ACCOUNT.burst):
        with pytest.raises(SignInRefused):
            try_it(database, at, address=address, password="wrong", code="000000")
    with pytest.raises(TooManyTries):
        try_it(database, at, address=address, code=TOTP(seed).at(at))
    later = at + ACCOUNT.every
    if address == AMINA:
        assert try_it(database, later, code=TOTP(seed).at(later))


def test_a_network_runs_out_whatever_account_it_tries(database: Database, now: datetime) -> None:
    def one(address: str, network: str) -> None:
        count_try(database, address=address, network=network, key=ADDRESS_KEY, now=now)

    for n in range(NETWORK.burst):
        one(f"p{n}@example.org", f"192.0.2.{n}")
    with pytest.raises(TooManyTries):
        one("more@example.org", "192.0.2.200")
    with pytest.raises(TooManyTries):
        one("", "192.0.2.200")
    one("more@example.org", "198.51.100.1")


@pytest.mark.parametrize(
    "password",
    ["", "short", "aaaaaaaaaaaaaaaa", "ababababababab", "amina@example.org", "Amina-example-1", "x" * 300 + "yzabc"],
)
def test_passwords_that_are_guessed_are_refused(password: str) -> None:
    with pytest.raises(PasswordTooWeak):
        judge_password(password, address=AMINA)


def test_a_password_is_the_same_however_it_is_composed() -> None:
    kept = hash_password("Se\u0301same, ouvre-toi")
    assert is_password("S\u00e9same, ouvre-toi", kept)
    assert not is_password("Sesame, ouvre-toi", kept)
    assert not is_password("", "")


def test_guessing_takes_as_much_as_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    memory_kib, passes = AS_SET
    assert (memory_kib >= 19 * 1024, passes >= 2) == (True, True)
    monkeypatch.setattr(passwords, "MEMORY_KIB", memory_kib)
    monkeypatch.setattr(passwords, "PASSES", passes)
    kept = hash_password(PASSWORD)
    assert kept.startswith(f"$argon2id$v=19$m={memory_kib},t={passes},p=1$")
    assert is_password(PASSWORD, kept)


@settings(max_examples=60)
@given(st.integers(120, 2**33), st.integers(-3, 3))
def test_a_code_fits_its_half_minute_and_those_beside_it(moment: int, steps: int) -> None:
    seed, now = new_seed(), datetime.fromtimestamp(moment).astimezone()
    step = moment // 30 + steps
    found = matching_step(seed, TOTP(seed).at(step * 30), now=now)
    if abs(steps) <= 1:
        assert found is not None
    assert matching_step("", TOTP(seed).at(step * 30), now=now) is None


def test_the_app_must_show_its_code_before_the_password_counts(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina, tom = an_account(connection, at=now), an_account(connection, "tom@example.org", at=now)
        setup = offer_app(amina, BOX, organisation="Example Campaigns", now=now)
        assert setup.qr.startswith("<svg")
        code = TOTP(seed_of(setup)).at(now)
        for account, given_code, carried, at in (
            (amina, "000000", setup.carried, now),
            (tom, code, setup.carried, now),
            (amina, code, "forged", now),
            (amina, code, setup.carried, now + SETUP_LIFE + timedelta(seconds=2)),
        ):
            with pytest.raises(MailerError):
                set_password(connection, KIM, account, BOX, password=PASSWORD, code=given_code, carried=carried, now=at)
        assert not ways_in(connection, amina.id).has_password


def test_the_database_holds_no_secret(database: Database, now: datetime) -> None:
    account, seed, codes = enrol(database, now)
    with database.read() as connection:
        kept = str(connection.execute(select(staff).where(staff.c.id == account.id)).one())
        assert BOX.open(connection.execute(select(staff.c.totp)).scalar_one()) == seed
    assert not [secret for secret in (PASSWORD, seed, *codes) if secret in kept]


def test_a_key_may_follow_another_and_a_lost_one_lets_nobody_in(database: Database, now: datetime) -> None:
    kept = BOX.close("seed", now=now)
    assert SeedBox([b"a-newer-key-that-is-long-enough-as-well", *KEYS]).open(kept) == "seed"
    assert SeedBox([b"another-key-that-is-long-enough-as-well"]).open(kept) == ""


def test_the_only_way_in_is_not_taken_away(database: Database, now: datetime) -> None:
    account, _, _ = enrol(database, now)
    with database.write() as connection, pytest.raises(MailerError, match="only way in"):
        remove_password(connection, KIM, account, now=now)
