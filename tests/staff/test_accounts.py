"""Accounts: each change is logged, sessions end with rights, and somebody always stays admin."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mailer.errors import MailerError
from mailer.staff.accounts import (
    account_at,
    account_by_id,
    accounts,
    add_account,
    any_account,
    change_rights,
    disable_account,
    enable_account,
    find_account,
)
from mailer.staff.audit import entries
from mailer.staff.credentials.setting_up import remove_password
from mailer.staff.one_time_links import LINK_LIFE, holder, make_link, use_link
from mailer.staff.rights import RIGHTS, Role
from mailer.staff.sessions import open_session, signed_in
from mailer.store.engine.database import Database
from tests.staff.world import AMINA, KIM, an_account


def test_an_account_is_added_once_and_logged(database: Database, now: datetime) -> None:
    with database.write() as connection:
        assert not any_account(connection)
        made = add_account(connection, KIM, AMINA, Role.SENDER, name=" Amina  Diallo ", lists=["b", "a"], at=now)
        assert any_account(connection)
        assert (made.name, made.lists) == ("Amina Diallo", frozenset({"a", "b"}))
        with pytest.raises(MailerError, match="has an account already"):
            an_account(connection, at=now)
        assert accounts(connection) == [made] == [find_account(connection, AMINA)]
        (entry,) = entries(connection)
    assert (entry.by, entry.via, entry.action, entry.subject, entry.detail) == (
        "terminal: kim", "terminal on desk", "account added", f"account {AMINA}", "sender, a, b",
    )  # fmt: skip


def test_who_is_disabled_or_enabled_already_stays_so_and_nothing_is_logged(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        assert enable_account(connection, KIM, amina, at=now) == amina
        an_account(connection, "kim@example.org", Role.ADMIN, at=now)
        gone = disable_account(connection, KIM, amina, at=now)
        before = entries(connection)
        assert disable_account(connection, KIM, gone, at=now + timedelta(hours=1)) == gone
        assert entries(connection) == before


def test_the_last_way_in_is_not_removed(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        with pytest.raises(MailerError, match="your password is the only way in"):
            remove_password(connection, KIM, amina, now=now)


def test_nobody_is_found_by_a_wrong_number_or_address(database: Database) -> None:
    with database.read() as connection, pytest.raises(MailerError, match="there is no such account"):
        account_by_id(connection, 99)
    with database.read() as connection, pytest.raises(MailerError, match="nobody has an account"):
        account_at(connection, "tom@example.org")


def test_other_rights_end_open_sessions(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        token = open_session(connection, amina, now=now)
        assert change_rights(connection, KIM, amina, role=Role.WRITER, lists=None, at=now) == amina
        assert signed_in(connection, token, now), "nothing changed"
        changed = change_rights(connection, KIM, amina, role=Role.APPROVER, lists=["rivers"], at=now)
        assert signed_in(connection, token, now) is None
        assert changed.actor("studio").rights == RIGHTS[Role.APPROVER]
        assert changed.lists == frozenset({"rivers"})
        assert entries(connection)[0].detail == "writer, all lists → approver, rivers"


def test_who_is_disabled_is_out_at_once_and_may_come_back(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        token = open_session(connection, amina, now=now)
        link = make_link(connection, KIM, amina, at=now)
        gone = disable_account(connection, KIM, amina, at=now)
        assert gone.disabled_at == now
        assert signed_in(connection, token, now) is None
        assert holder(connection, link, now=now) is None
        assert use_link(connection, link, now=now) is None
        assert any_account(connection), "the studio asks for a sign-in for good"
        assert enable_account(connection, KIM, gone, at=now).disabled_at is None
        assert [one.action for one in entries(connection)][:2] == ["account enabled", "account disabled"]


def test_the_last_admin_stays(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, role=Role.ADMIN, at=now)
        for change in (
            lambda: disable_account(connection, KIM, amina, at=now),
            lambda: change_rights(connection, KIM, amina, role=Role.SENDER, lists=None, at=now),
        ):
            with pytest.raises(MailerError, match="only admin"):
                change()
        an_account(connection, "tom@example.org", Role.ADMIN, at=now)
        assert disable_account(connection, KIM, amina, at=now).disabled_at == now


def test_a_link_works_once_for_a_day_and_a_new_one_voids_it(database: Database, now: datetime) -> None:
    with database.write() as connection:
        amina = an_account(connection, at=now)
        first, second = (make_link(connection, KIM, amina, at=now) for _ in range(2))
        assert holder(connection, first, now=now) is None
        assert holder(connection, second, now=now) == amina, "looking spends nothing"
        assert holder(connection, second, now=now + LINK_LIFE) is None
        assert use_link(connection, second, now=now + LINK_LIFE - timedelta(seconds=1)) == amina
        assert use_link(connection, second, now=now) is None
        assert use_link(connection, "", now=now) is None
