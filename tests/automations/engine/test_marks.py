"""How far an automation has looked: nothing slips behind the mark, and nobody comes in twice for one event."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from mailer.audience.consent.changes import consent_source, list_id
from mailer.automations.engine import feeds
from mailer.store.tables.automations import automation_entries, automations
from mailer.store.tables.core import consents
from tests.automations.conftest import WELCOME
from tests.automations.engine.conftest import Group


def mark(group: Group) -> int:
    with group.database.read() as connection:
        number = connection.execute(select(automations.c.id)).scalar_one()
        return feeds.mark_of(connection, number, "consents")


def entries(group: Group) -> int:
    with group.database.read() as connection:
        return len(connection.execute(select(automation_entries.c.id)).all())


def test_a_consent_that_is_committed_late_does_not_slip_behind_the_mark(group: Group) -> None:
    if group.database.is_sqlite:
        return  # where one writes at a time, and numbers come in the order of commits
    slow = group.join("slow")
    group.start(WELCOME)
    before = mark(group)
    with group.database.write() as connection:
        group_list = list_id(connection, "supporters")
        source = consent_source(connection, how="form", source="x", wording="Yes")
    with group.database.connect() as connection, connection.begin():  # it has its number, and takes long to commit
        connection.execute(
            insert(consents).values(
                person_id=slow, list_id=group_list, status="subscribed", at=group.now, source_id=source
            )
        )
        group.join("quick")  # a higher number, committed at once
        group.later(minutes=1)
        group.run()
        assert group.mails("quick") == ["hello"]
        assert mark(group) == before, "the mark waits while somebody is writing"
        group.later(minutes=1)
        group.run()
        assert entries(group) == 1, "who was seen before is not let in again"
    group.later(minutes=1)
    group.run()
    assert (group.mails("slow"), group.mails("quick")) == (["hello"], ["hello"])
    assert mark(group) > before


def test_a_number_is_not_given_again_when_its_row_is_deleted(group: Group) -> None:
    group.start(WELCOME)
    group.join("gone")
    group.later(minutes=1)
    group.run()
    group.forget("gone")  # with the newest consent
    group.join("ada")
    group.later(minutes=1)
    group.run()
    assert group.mails("ada") == ["hello"]


def test_more_rows_than_one_look_takes(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "ROWS_AT_ONCE", 3)
    group.start(WELCOME)
    for n in range(10):
        group.join(f"p{n}")
    group.later(minutes=1)
    group.run()
    assert entries(group) == 10
