"""The audit log: what was done is found again, and nothing is changed or taken out, whatever asks the database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, update

from mailer.staff.audit import AuditFilter, entries, record
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.staff import audit_log
from tests.staff.world import KIM


def some(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for n in range(5):
            record(
                connection, KIM, "newsletter saved", at=now + timedelta(hours=n), subject=f"newsletter n{n}",
                before=f"d{n}", after=f"d{n + 1}", detail="100 % new",
            )  # fmt: skip


def test_what_was_done_is_found_by_who_what_and_when(database: Database, now: datetime) -> None:
    some(database, now)
    with database.read() as connection:
        every = entries(connection)
        assert [one.subject for one in every] == [f"newsletter n{n}" for n in (4, 3, 2, 1, 0)]
        assert (every[0].before, every[0].after, every[0].by) == ("d4", "d5", "terminal: kim")
        assert entries(connection, limit=2, before_id=every[1].id) == every[2:4]
        assert entries(connection, AuditFilter(subject="newsletter n3")) == every[1:2]
        assert entries(connection, AuditFilter(text="KIM")) == every
        assert entries(connection, AuditFilter(text="100 % n")) == every
        assert entries(connection, AuditFilter(text="1%0")) == [], "what is typed is text"
        assert (
            entries(connection, AuditFilter(since=now + timedelta(hours=3), until=now + timedelta(hours=4)))
            == every[1:2]
        )
        assert entries(connection, AuditFilter(account_id=1)) == []


@pytest.mark.parametrize("statement", [update(audit_log).values(by="nobody"), delete(audit_log)])
def test_the_database_refuses_to_rewrite_it(database: Database, now: datetime, statement: object) -> None:
    some(database, now)
    with database.read() as connection:
        before = entries(connection)
    with pytest.raises(DatabaseTrouble), database.write() as connection:
        connection.execute(statement)  # pyright: ignore[reportCallIssue, reportArgumentType] - of two kinds
    with database.read() as connection:
        assert entries(connection) == before


def test_what_is_undone_is_not_logged(database: Database, now: datetime) -> None:
    def undone() -> None:
        with database.write() as connection:
            record(connection, KIM, "newsletter saved", at=now)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    with database.read() as connection:
        assert entries(connection) == []
